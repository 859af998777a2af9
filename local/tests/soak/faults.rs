//! Injects faults into Redis, the network and 25Live.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use simulator::{Fault, Simulator};
use testkit::{Proxy, RedisServer};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    campus::{ASKED, LEFT_OUT, ROOMS},
    traffic::{Context, LoadClient},
};

/// How long the service may take to recover after Redis and 25Live have recovered: an open sweep has 25 s, and an unreleased
/// lock expires after 60 s. It usually takes less than a second.
const RECOVERY: Duration = Duration::from_secs(90);
const AVAILABILITY: &str = "classrooms:availability";
/// Longer than any answer of 25Live that the library accepts.
const TOO_LONG: usize = 2 * 1024 * 1024 + 1;

/// Injects faults into Redis, the network and 25Live, and ends them.
pub(crate) struct FaultInjector {
    pub(crate) redis: RedisServer,
    pub(crate) network: Proxy,
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) random: Rng,
    pub(crate) context: Arc<Context>,
    /// Checks whether the service has recovered.
    pub(crate) client: LoadClient,
}

impl FaultInjector {
    /// Injects one fault after another until `over` or the deadline. Everything is healthy at the end.
    pub(crate) async fn inject_until(&mut self, over: &AtomicBool, deadline: Instant) {
        self.settle().await;
        while !over.load(Ordering::SeqCst) && Instant::now() < deadline {
            self.context.health.set(false);
            // Sometimes the next fault comes before the service has recovered from the last one.
            for _ in 0..=self.random.u8(..3) {
                self.inject().await;
            }
            self.settle().await;
            self.rest(100..600).await;
        }
    }

    /// Injects a fault into Redis, 25Live or both, and ends it.
    async fn inject(&mut self) {
        let (redis, upstream) = [(true, false), (false, true), (true, true)][self.random.usize(..3)];
        if upstream {
            self.spoil_upstream();
        }
        if redis {
            self.spoil_redis().await;
        } else {
            self.rest(50..500).await;
        }
        if upstream {
            self.simulator.behave();
            self.context.oracle.upstream_recovered();
            self.context.statistics.event("25Live is healthy");
        }
    }

    async fn rest(&mut self, milliseconds: std::ops::Range<u64>) {
        sleep(Duration::from_millis(self.random.u64(milliseconds))).await;
    }

    /// Waits until the service has recovered. Panics if that takes longer than [`RECOVERY`].
    pub(crate) async fn settle(&mut self) {
        let since = Instant::now();
        let recovering = async {
            while !self.is_healthy().await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let recovered = timeout(RECOVERY, recovering).await;
        assert!(recovered.is_ok(), "the service has not recovered {RECOVERY:?} after Redis and 25Live");
        self.context.statistics.recovered(since.elapsed());
        self.context.health.set(true);
    }

    async fn is_healthy(&mut self) -> bool {
        // Ends the backoff early to save time.
        self.redis(&["DEL", "classrooms:refresh_failed"]).await;
        // The first refresh may have shared a sweep that began before the recovery. The second one has not.
        if !(self.client.refresh().await && self.client.refresh().await) {
            return false;
        }
        for ahead in ASKED {
            let path = format!("/api/open-classrooms?date={}", self.context.oracle.campus.day(ahead));
            match self.client.read_day(ahead, path).await {
                Some((day, true)) if !day.stale => {}
                _ => return false,
            }
        }
        true
    }

    pub(crate) async fn redis(&self, command: &[&str]) -> String {
        self.redis.command(command).await
    }

    async fn spoil_redis(&mut self) {
        match self.random.u8(..15) {
            0 => self.cut().await,
            1 => self.refuse().await,
            2 => self.delay().await,
            3 => self.pause().await,
            4 => self.restart().await,
            5 => self.flush().await,
            6 => self.drop_connections().await,
            7 => self.delete().await,
            8 | 9 => self.damage().await,
            10 => self.misplace().await,
            11 => self.fill_up().await,
            12 => self.fail_over().await,
            13 => self.mark("lock held by another process", "classrooms:refresh_lock").await,
            _ => self.mark("failure of another process", "classrooms:refresh_failed").await,
        }
    }

    async fn cut(&mut self) {
        self.context.statistics.fault("network cut");
        self.network.cut();
        self.rest(50..500).await;
        self.network.restore();
    }

    async fn refuse(&mut self) {
        self.context.statistics.fault("connection refused");
        self.network.refuse();
        self.rest(50..500).await;
        self.network.restore();
    }

    async fn delay(&mut self) {
        self.context.statistics.fault("network slow");
        self.network.delay(Duration::from_millis(self.random.u64(5..700)));
        self.rest(50..500).await;
        self.network.delay(Duration::ZERO);
    }

    async fn pause(&mut self) {
        self.context.statistics.fault("Redis paused");
        self.redis.pause();
        self.rest(50..700).await;
        self.redis.resume();
    }

    async fn restart(&mut self) {
        self.context.statistics.fault("Redis restarted");
        let context = Arc::clone(&self.context);
        context
            .oracle
            .losing(async {
                self.redis.stop().await;
                self.rest(0..300).await;
                self.redis.restart().await;
            })
            .await;
    }

    async fn flush(&mut self) {
        self.context.statistics.fault("FLUSHALL");
        self.context.oracle.losing(async { drop(self.redis(&["FLUSHALL"]).await) }).await;
        self.rest(0..200).await;
    }

    async fn drop_connections(&mut self) {
        self.context.statistics.fault("CLIENT KILL");
        self.redis(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        self.rest(0..100).await;
    }

    async fn delete(&mut self) {
        self.context.statistics.fault("DEL");
        let key = self.some_key();
        self.context.oracle.losing(async { drop(self.redis(&["DEL", &key]).await) }).await;
        self.rest(0..200).await;
    }

    /// Replaces a value with a damaged one.
    async fn damage(&mut self) {
        self.context.statistics.fault("value damaged");
        let key = self.some_key();
        let whole = self.redis(&["GET", &key]).await;
        let damaged = self.damaged(&whole);
        let lose = async {
            self.redis(&["DEL", &key]).await;
            let command = if damaged.is_some() { "SET" } else { "RPUSH" };
            self.redis(&[command, &key, &damaged.unwrap_or_default()]).await;
        };
        self.context.oracle.losing(lose).await;
        self.rest(0..200).await;
    }

    /// Copies one day's value to another day's key, like an operator who mistypes a date.
    async fn misplace(&mut self) {
        self.context.statistics.fault("day misplaced");
        let (from, to) = (self.some_reserve_key(), self.some_reserve_key());
        self.context.oracle.losing(async { drop(self.redis(&["COPY", &from, &to, "REPLACE"]).await) }).await;
        self.rest(0..200).await;
    }

    /// A damaged value; `None` for a value of another type.
    fn damaged(&mut self, whole: &str) -> Option<String> {
        match self.random.u8(..8) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("{}".to_owned()),
            3 => Some(whole.replacen("\"version\":1,", "\"version\":2,", 1)).filter(|other| other != whole),
            4 => Some(whole[..self.random.usize(..=whole.len() / 2)].to_owned()),
            _ => self.with_another_letter(whole),
        }
    }

    /// Changes one character of the body.
    fn with_another_letter(&mut self, whole: &str) -> Option<String> {
        let body = whole.find("\"body\"")?;
        let place = self.random.usize(body..whole.len());
        let letter = if &whole[place..=place] == "7" { "8" } else { "7" };
        Some(format!("{}{letter}{}", &whole[..place], &whole[place + 1..]))
    }

    /// A key with data of a sweep.
    fn some_key(&mut self) -> String {
        match self.random.u8(..5) {
            0 | 1 => AVAILABILITY.to_owned(),
            2 => "classrooms:last_refresh".to_owned(),
            _ => self.some_reserve_key(),
        }
    }

    fn some_reserve_key(&mut self) -> String {
        let ahead = ASKED[self.random.usize(..ASKED.len())];
        format!("{AVAILABILITY}:{}", self.context.oracle.campus.day(ahead))
    }

    /// Redis accepts no writes, because it is full.
    async fn fill_up(&mut self) {
        self.context.statistics.fault("Redis full");
        self.redis(&["CONFIG", "SET", "maxmemory", "1"]).await;
        self.rest(50..500).await;
        self.redis(&["CONFIG", "SET", "maxmemory", "0"]).await;
    }

    /// Redis accepts no writes, because it is a replica.
    async fn fail_over(&mut self) {
        self.context.statistics.fault("Redis read-only");
        // No server listens on port 1, so Redis keeps its data.
        self.redis(&["REPLICAOF", "127.0.0.1", "1"]).await;
        self.rest(50..500).await;
        self.redis(&["REPLICAOF", "NO", "ONE"]).await;
    }

    /// Sets a key like another process.
    async fn mark(&mut self, fault: &'static str, key: &str) {
        self.context.statistics.fault(fault);
        let milliseconds = self.random.u64(50..1000).to_string();
        self.redis(&["SET", key, "another process", "NX", "PX", &milliseconds]).await;
        self.rest(50..500).await;
    }

    /// Makes 25Live fail for some or all rooms.
    fn spoil_upstream(&mut self) {
        let mut rooms: Vec<_> = (0..ROOMS.len()).collect();
        self.random.shuffle(&mut rooms);
        rooms.truncate(self.random.usize(1..=2 * ROOMS.len()));
        let (name, fault) = self.some_fault();
        self.context.statistics.fault(name);
        match fault {
            // Not a failure: the answer is still usable.
            Fault::Prefixed => {}
            Fault::MalformedItem => self.context.oracle.adds_doubt_to(&rooms),
            Fault::NullItems | Fault::MissingItems => self.context.oracle.leaves_out_bookings_of(&rooms),
            _ => self.context.oracle.fails_for(&rooms),
        }
        // Fewer failures than tries only cost time.
        let times = Some(self.random.usize(1..6)).filter(|_| self.random.u8(..4) == 0);
        for id in rooms.iter().map(|room| ROOMS[*room]) {
            match times {
                Some(times) => self.simulator.misbehave_times(id, fault.clone(), times),
                None => self.simulator.misbehave_for(id, fault.clone()),
            }
        }
    }

    fn some_fault(&mut self) -> (&'static str, Fault) {
        match self.random.u8(..18) {
            0 => ("25Live: 500", Fault::Status(500)),
            1 => ("25Live: 503", Fault::Status(503)),
            2 => ("25Live: 404", Fault::Status(404)),
            3 => ("25Live: 429", Fault::retry_after(429, "1")),
            4 => ("25Live: hangs", Fault::Hang),
            5 => ("25Live: drips", Fault::Drip),
            6 => ("25Live: sign-in page", Fault::Html),
            7 => ("25Live: redirect", Fault::Redirect),
            8 => ("25Live: prefix", Fault::Prefixed),
            9 => ("25Live: cut off", Fault::CutOff),
            10 => ("25Live: connection cut", Fault::ConnectionCut),
            11 => ("25Live: no subjects", Fault::NullSubjects),
            12 => ("25Live: items null", Fault::NullItems),
            13 => ("25Live: items missing", Fault::MissingItems),
            14 => ("25Live: malformed item", Fault::MalformedItem),
            15 => ("25Live: other room", Fault::OtherRoom),
            16 => ("25Live: too long", Fault::Huge(TOO_LONG)),
            _ => {
                let ahead = if self.random.bool() { 0 } else { LEFT_OUT };
                ("25Live: day missing", Fault::MissingDay(self.context.oracle.campus.day(ahead)))
            }
        }
    }
}
