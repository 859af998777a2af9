//! Several programs on one Redis: who sweeps when all ask at once, and what the others see when one is killed or frozen.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod program;

use std::{io::Write, time::Duration};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Timelike, Utc};
use futures_util::future::{join, join_all};
use program::Program;
use serde_json::Value;
use simulator::{Booking, Kind, Room, Simulator};
use tempfile::NamedTempFile;
use testkit::{Gate, RedisServer, eventually};

const ROOMS: [&str; 4] = ["1", "2", "3", "4"];
/// Longer than anything here takes: waited out only by a test that fails.
const SOON: Duration = Duration::from_mins(1);
/// A sweep brings at least so many days, today's included.
const DAYS: u64 = 29;
/// What a sweep found when each room was taken for an hour from then on: bookings that can be told from others.
const NINE: u16 = 9;
const TWELVE: u16 = 12;
const FIFTEEN: u16 = 15;

/// A Redis, a 25Live and a campus file of four rooms, for as many programs as a test needs.
struct Ground {
    redis: RedisServer,
    simulator: Simulator,
    campus_file: NamedTempFile,
}

impl Ground {
    async fn new() -> Self {
        emptyclassroom::install_tls();
        let rooms = ROOMS.map(|id| Room::new(id, format!("room {id}")));
        let mut campus_file = NamedTempFile::new().unwrap();
        // Where the day is far from its ends, so that none begins while a test runs.
        let classrooms = ROOMS.map(|id| format!("{{ id = \"{id}\", name = \"10{id}\" }}")).join(", ");
        write!(
            campus_file,
            "name = \"Small College\"\ntimezone = \"{}\"\n[[buildings]]\ncode = \"A\"\nname = \"Hall A\"\n\
             opens = \"07:00\"\ncloses = \"23:00\"\nclassrooms = [{classrooms}]\n",
            zone_at_midday()
        )
        .unwrap();
        Self {
            redis: RedisServer::start().await,
            simulator: Simulator::start(rooms.to_vec()).await.unwrap(),
            campus_file,
        }
    }

    /// A program on this ground, whose Redis is reached at that URL.
    async fn program(&self, redis_url: &str, vars: &[(&str, &str)]) -> Program {
        let (api_url, campus_file) = (self.simulator.url(), self.campus_file.path().display().to_string());
        let common = [("REDIS_URL", redis_url), ("API_URL", &api_url), ("CAMPUS_FILE", &campus_file)];
        Program::start(&[&common, vars].concat()).await
    }

    /// Books every room on every day for an hour.
    fn book(&self, hour: u16) {
        let start = f64::from(hour);
        for (room, day) in ROOMS.iter().flat_map(|room| days().map(move |day| (room, day))) {
            self.simulator.set_bookings(room, day, vec![Booking::new(start, start + 1.0, Kind::Event)]);
        }
    }

    /// How many sweeps 25Live has seen, all of them whole.
    fn sweeps(&self) -> usize {
        assert!(self.simulator.requests().is_multiple_of(ROOMS.len()), "{} requests", self.simulator.requests());
        self.simulator.requests() / ROOMS.len()
    }

    async fn redis(&self, command: &[&str]) -> String {
        self.redis.command(command).await
    }

    /// Waits until nobody sweeps and the last sweep is published.
    async fn settled(&self) {
        eventually("a sweep is published", SOON, async || {
            self.redis(&["EXISTS", "classrooms:last_refresh"]).await == "1"
                && self.redis(&["EXISTS", "classrooms:refresh_lock"]).await == "0"
        })
        .await;
    }

    /// What Redis does by itself 60 s after a sweeper died: the lock is there until then, and no longer.
    async fn let_the_lock_expire(&self) {
        let left: u64 = self.redis(&["PTTL", "classrooms:refresh_lock"]).await.parse().unwrap();
        assert!((1..=60_000).contains(&left), "{left}");
        assert_eq!(self.redis(&["PEXPIRE", "classrooms:refresh_lock", "1"]).await, "1");
    }
}

/// How far the clocks of the zone are ahead in which it is midday, in hours.
fn hours_ahead() -> i64 {
    12 - i64::from(Utc::now().hour())
}

fn zone_at_midday() -> String {
    // The sign of these zones is that of the hours behind.
    format!("Etc/GMT{:+}", -hours_ahead())
}

fn today() -> NaiveDate {
    (Utc::now() + TimeDelta::hours(hours_ahead())).date_naive()
}

fn days() -> impl Iterator<Item = NaiveDate> {
    (0..DAYS).map(|day| today() + Days::new(day))
}

/// A program's answer.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    x_cache: String,
    body: Value,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let x_cache = response.headers().get("x-cache").map_or("", |value| value.to_str().unwrap()).to_owned();
    Answer { status: response.status().as_u16(), x_cache, body: response.json().await.unwrap() }
}

async fn open_classrooms(program: &Program, query: &str) -> Answer {
    send(program.http.get(format!("{}/api/open-classrooms{query}", program.url))).await
}

async fn refresh(program: &Program) -> Answer {
    send(program.http.post(format!("{}/api/refresh", program.url))).await
}

async fn last_updated(program: &Program) -> DateTime<Utc> {
    let answer = send(program.http.get(format!("{}/api/last-updated", program.url))).await;
    answer.body["last_updated"].as_str().unwrap().parse().unwrap()
}

/// The hour at which all rooms are taken. A body in which they differ, or one has no answer, is half a state.
fn taken_hour(answer: &Answer) -> u16 {
    assert_eq!(answer.status, 200, "{answer:?}");
    let rooms = answer.body["buildings"]["A"]["classrooms"].as_array().unwrap();
    assert_eq!(rooms.len(), ROOMS.len());
    let slots = |hour: u16| {
        [("07:00".to_owned(), format!("{:02}:59", hour - 1)), (format!("{:02}:01", hour + 1), "23:00".to_owned())]
    };
    let hour = [NINE, TWELVE, FIFTEEN].into_iter().find(|&hour| {
        rooms.iter().all(|room| {
            let shown = room["availability"].as_array().unwrap().iter();
            let shown = shown.map(|slot| (slot["start_time"].as_str().unwrap(), slot["end_time"].as_str().unwrap()));
            room["status"] == "ok" && shown.eq(slots(hour).iter().map(|(start, end)| (start.as_str(), end.as_str())))
        })
    });
    hour.unwrap_or_else(|| panic!("half a state: {}", answer.body))
}

/// The hours of the days, each from its reserve.
async fn taken_hours(program: &Program) -> Vec<u16> {
    let answers = days().map(async |day| open_classrooms(program, &format!("?date={day}")).await);
    join_all(answers).await.iter().map(taken_hour).collect()
}

#[tokio::test]
async fn programs_that_start_at_once_sweep_once() {
    let ground = Ground::new().await;
    ground.book(NINE);
    ground.simulator.set_latency(Duration::from_secs(2));
    let url = ground.redis.url();
    let programs = join_all((0..4).map(|_| ground.program(&url, &[]))).await;
    ground.settled().await;
    for answer in join_all(programs.iter().map(|program| open_classrooms(program, ""))).await {
        assert_eq!(taken_hour(&answer), NINE);
    }
    assert_eq!(ground.sweeps(), 1);
}

#[tokio::test]
async fn five_hundred_readers_and_a_hundred_refreshers_of_three_programs_on_an_empty_redis_are_one_sweep() {
    let ground = Ground::new().await;
    ground.book(NINE);
    let url = ground.redis.url();
    let programs = join_all((0..3).map(|_| ground.program(&url, &[]))).await;
    ground.settled().await;
    assert_eq!(ground.sweeps(), 1);

    ground.redis(&["FLUSHALL"]).await;
    ground.book(TWELVE);
    // Long enough for the last of them to ask while the sweep runs.
    ground.simulator.set_latency(Duration::from_secs(5));
    let readers = (0..500).map(|reader| open_classrooms(&programs[reader % 3], ""));
    let refreshers = (0..100).map(|refresher| refresh(&programs[refresher % 3]));
    let (read, refreshed) = join(join_all(readers), join_all(refreshers)).await;
    for answer in &read {
        assert_eq!((taken_hour(answer), &answer.body), (TWELVE, &read[0].body));
        // Whoever's connection was slow asks when all is there.
        assert!(["MISS", "HIT"].contains(&answer.x_cache.as_str()), "{}", answer.x_cache);
    }
    for answer in &refreshed {
        assert_eq!((answer.status, &answer.body["timestamp"]), (200, &read[0].body["last_updated"]));
    }
    assert_eq!(ground.sweeps(), 2);
}

/// Where a sweeper is when it dies.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// 25Live has not answered yet.
    Asking,
    /// So many days of the reserve are written.
    Reserve(usize),
    /// All of the reserve is written.
    Today,
    /// Today's snapshot is written, too.
    LastRefresh,
    /// All is written, and the lock not given back.
    Unlock,
}

impl Step {
    /// A gate before the Redis that holds the first command which this step has not done.
    async fn gate(self, ground: &Ground) -> Gate {
        let (nth, key) = match self {
            Self::Asking => (usize::MAX, "none"),
            Self::Reserve(written) => (written + 1, "classrooms:availability:"),
            Self::Today => (1, "classrooms:availability"),
            Self::LastRefresh => (1, "classrooms:last_refresh"),
            Self::Unlock => (1, "classrooms:refresh_lock"),
        };
        Gate::start(ground.redis.addr(), nth, move |command| {
            let written_key = command.get(3).filter(|_| command[0] == "EVAL");
            written_key.is_some_and(|written| written == key || (key.ends_with(':') && written.starts_with(key)))
        })
        .await
    }
}

/// A sweeper and a witness after a sweep at NINE, the sweeper behind a gate; from now on rooms are taken at TWELVE.
struct Scene {
    ground: Ground,
    gate: Gate,
    sweeper: Program,
    witness: Program,
    swept_before: DateTime<Utc>,
}

impl Scene {
    async fn new(step: Step) -> Self {
        let ground = Ground::new().await;
        ground.book(NINE);
        let gate = step.gate(&ground).await;
        let vars = [("REFRESH_COOLDOWN_MINUTES", "0")];
        let witness = ground.program(&ground.redis.url(), &vars).await;
        ground.settled().await;
        let sweeper = ground.program(&format!("redis://{}", gate.addr()), &vars).await;
        assert_eq!(taken_hour(&open_classrooms(&sweeper, "").await), NINE);
        ground.book(TWELVE);
        let swept_before = last_updated(&witness).await;
        Self { ground, gate, sweeper, witness, swept_before }
    }

    /// Waits until the sweeper has come to the step.
    async fn arrives_at(&self, step: Step) {
        match step {
            Step::Asking => {
                let asked = async || self.ground.simulator.in_flight() == ROOMS.len();
                eventually("25Live is asked", SOON, asked).await;
            }
            _ => self.gate.holds().await,
        }
    }

    /// What everybody else sees after `step`: of each key the old state or the new, and never half of it.
    async fn others_see_the_old_state_or_the_new(&self, step: Step) {
        let today = taken_hour(&open_classrooms(&self.witness, "").await);
        let new_days = taken_hours(&self.witness).await.iter().filter(|&&hour| hour == TWELVE).count();
        let swept = last_updated(&self.witness).await;
        let all = usize::try_from(DAYS).unwrap();
        let (expected_today, expected_days, newly_swept) = match step {
            Step::Asking => (NINE, 0..=0, false),
            Step::Reserve(written) => (NINE, 0..=written, false),
            // Of today, that key is read which is not written yet.
            Step::Today => (NINE, all - 1..=all - 1, false),
            Step::LastRefresh => (TWELVE, all..=all, false),
            Step::Unlock => (TWELVE, all..=all, true),
        };
        assert_eq!((today, swept > self.swept_before), (expected_today, newly_swept), "{step:?}");
        assert!(expected_days.contains(&new_days), "{step:?}: {new_days} new days");
    }
}

async fn a_sweeper_killed_at(step: Step) {
    let scene = Scene::new(step).await;
    let Scene { ground, sweeper, witness, .. } = &scene;
    if matches!(step, Step::Asking) {
        ground.simulator.set_latency(Duration::from_secs(20));
    }
    let killed = async {
        scene.arrives_at(step).await;
        sweeper.process.kill();
    };
    let asked = sweeper.http.post(format!("{}/api/refresh", sweeper.url)).send();
    let (answer, ()) = join(asked, killed).await;
    assert!(answer.is_err(), "a dead program answered: {answer:?}");
    scene.others_see_the_old_state_or_the_new(step).await;

    // A refresh waits for the lock, and sweeps when it has expired.
    ground.simulator.set_latency(Duration::ZERO);
    ground.book(FIFTEEN);
    let expiry = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let requests = ground.simulator.requests();
        scene.others_see_the_old_state_or_the_new(step).await;
        assert_eq!(ground.simulator.requests(), requests, "nobody sweeps while the lock is there");
        ground.let_the_lock_expire().await;
    };
    let (refreshed, ()) = join(refresh(witness), expiry).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(taken_hour(&open_classrooms(witness, "").await), FIFTEEN);
    assert!(taken_hours(witness).await.iter().all(|&hour| hour == FIFTEEN));
    assert!(last_updated(witness).await > scene.swept_before);
}

async fn a_sweeper_frozen_at(step: Step) {
    let scene = Scene::new(step).await;
    let Scene { ground, sweeper, witness, .. } = &scene;
    let frozen = async {
        scene.arrives_at(step).await;
        sweeper.process.pause();
        ground.let_the_lock_expire().await;
        ground.book(FIFTEEN);
        let refreshed = refresh(witness).await;
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        let newest = last_updated(witness).await;
        sweeper.process.resume();
        newest
    };
    let (late, newest) = join(refresh(sweeper), frozen).await;
    assert_eq!((late.status, &late.body["detail"]), (502, &"Failed to refresh data".into()), "{late:?}");
    for program in [witness, sweeper] {
        assert_eq!(taken_hour(&open_classrooms(program, "").await), FIFTEEN);
        assert!(taken_hours(program).await.iter().all(|&hour| hour == FIFTEEN));
        assert_eq!(last_updated(program).await, newest);
    }
    assert_eq!(ground.redis(&["EXISTS", "classrooms:refresh_failed"]).await, "0", "who came late marks nothing");
}

/// A test for each step at which a sweeper is struck down.
macro_rules! at_each_step {
    ($strike:ident: $($name:ident = $step:expr,)*) => {
        mod $strike {
            use super::Step;
            $(#[tokio::test] async fn $name() { super::$strike($step).await })*
        }
    };
}

at_each_step! {
    a_sweeper_killed_at:
    while_it_asks_25live = Step::Asking,
    before_the_reserve = Step::Reserve(0),
    after_a_day_of_the_reserve = Step::Reserve(1),
    between_the_days_of_the_reserve = Step::Reserve(15),
    before_todays_snapshot = Step::Today,
    before_the_last_refresh = Step::LastRefresh,
    before_it_gives_the_lock_back = Step::Unlock,
}

at_each_step! {
    a_sweeper_frozen_at:
    before_the_reserve = Step::Reserve(0),
    between_the_days_of_the_reserve = Step::Reserve(15),
    before_todays_snapshot = Step::Today,
    before_the_last_refresh = Step::LastRefresh,
}
