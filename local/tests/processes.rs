//! Several processes on one Redis: which one sweeps, and what the others see when it is killed or frozen.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod program;

use std::{io::Write, time::Duration};

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::future::{join, join_all};
use program::Program;
use rstest::rstest;
use simulator::{Booking, Kind, Simulator};
use tempfile::NamedTempFile;
use testkit::{
    Gate, PATIENCE, ROOMS, RedisServer, SMALL_CAMPUS, TestResponse, eventually, simulate, small_campus,
    small_campus_path, zone_at_midday,
};

/// The rooms, and when their buildings close.
const CLOSING_TIMES: [(&str, &str); 4] = [("342", "23:00"), ("344", "23:00"), ("719", "21:30"), ("723", "21:30")];
/// The minimum number of days in a sweep, including today.
const DAYS: u64 = 29;
/// Hours at which all rooms are booked for an hour: one for each sweep, to recognize its data.
const NINE: u16 = 9;
const TWELVE: u16 = 12;
const FIFTEEN: u16 = 15;

/// A Redis, a 25Live and a campus that the processes of a test share.
struct Cluster {
    redis: RedisServer,
    simulator: Simulator,
    campus_file: NamedTempFile,
}

impl Cluster {
    async fn new() -> Self {
        emptyclassroom::install_tls();
        let mut campus_file = NamedTempFile::new().unwrap();
        // In a time zone where it is midday, so that a test does not run across midnight.
        let campus = SMALL_CAMPUS.replace("America/New_York", &zone_at_midday());
        campus_file.write_all(campus.as_bytes()).unwrap();
        Self { redis: RedisServer::start().await, simulator: simulate(&small_campus()).await, campus_file }
    }

    /// Starts a process of this cluster that reaches Redis at that URL.
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

    /// How many sweeps 25Live has seen, all of them complete.
    fn sweeps(&self) -> usize {
        assert!(self.simulator.requests().is_multiple_of(ROOMS.len()), "{} requests", self.simulator.requests());
        self.simulator.requests() / ROOMS.len()
    }

    async fn redis(&self, command: &[&str]) -> String {
        self.redis.command(command).await
    }

    /// Waits until no sweep is under way and the last one is published.
    async fn settled(&self) {
        eventually("a sweep is published", PATIENCE, async || {
            self.redis(&["EXISTS", "classrooms:last_refresh"]).await == "1"
                && self.redis(&["EXISTS", "classrooms:refresh_lock"]).await == "0"
        })
        .await;
    }

    /// Expires the lock early. Redis does this itself 60 s after a sweeper died.
    async fn let_the_lock_expire(&self) {
        let left: u64 = self.redis(&["PTTL", "classrooms:refresh_lock"]).await.parse().unwrap();
        assert!((1..=60_000).contains(&left), "{left}");
        assert_eq!(self.redis(&["PEXPIRE", "classrooms:refresh_lock", "1"]).await, "1");
    }
}

fn today() -> NaiveDate {
    let zone: Tz = zone_at_midday().parse().unwrap();
    Utc::now().with_timezone(&zone).date_naive()
}

fn days() -> impl Iterator<Item = NaiveDate> {
    (0..DAYS).map(|day| today() + Days::new(day))
}

async fn send(request: reqwest::RequestBuilder) -> TestResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    TestResponse { status, headers, text: response.text().await.unwrap() }
}

async fn open_classrooms(program: &Program, query: &str) -> TestResponse {
    send(program.http.get(format!("{}/api/open-classrooms{query}", program.url))).await
}

async fn refresh(program: &Program) -> TestResponse {
    send(program.http.post(format!("{}/api/refresh", program.url))).await
}

async fn last_updated(program: &Program) -> DateTime<Utc> {
    let answer = send(program.http.get(format!("{}/api/last-updated", program.url))).await;
    answer.json()["last_updated"].as_str().unwrap().parse().unwrap()
}

/// The hour at which all rooms are booked. Panics if rooms differ or have no data, which would be a partial state.
fn taken_hour(answer: &TestResponse) -> u16 {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text.matches(r#""availability":"#).count(), ROOMS.len(), "{answer:?}");
    let hour = [NINE, TWELVE, FIFTEEN].into_iter().find(|&hour| {
        CLOSING_TIMES.iter().all(|(room, closes)| {
            let slots = vec![format!("07:00-{:02}:59", hour - 1), format!("{:02}:01-{closes}", hour + 1)];
            answer.room(room) == ("ok".to_owned(), slots)
        })
    });
    hour.unwrap_or_else(|| panic!("partial state: {}", answer.text))
}

/// The booked hour of each day, from the reserve.
async fn taken_hours(program: &Program) -> Vec<u16> {
    let answers = days().map(async |day| open_classrooms(program, &format!("?date={day}")).await);
    join_all(answers).await.iter().map(taken_hour).collect()
}

#[tokio::test]
async fn a_server_with_the_real_25live_replaces_simulated_bookings_at_its_start_despite_the_cooldown() {
    let cluster = Cluster::new().await;
    cluster.book(NINE);
    let campus_file = cluster.campus_file.path().display().to_string();
    let url = cluster.redis.url();
    let simulating = Program::start(&[("REDIS_URL", &url), ("CAMPUS_FILE", &campus_file)]).await;
    eventually("simulated bookings", PATIENCE, async || {
        open_classrooms(&simulating, "").await.text.contains(r#""simulated":true"#)
    })
    .await;
    cluster.settled().await;
    drop(simulating);

    let program = cluster.program(&url, &[]).await;
    eventually("real bookings", PATIENCE, async || {
        !open_classrooms(&program, "").await.text.contains(r#""simulated":true"#)
    })
    .await;
    assert_eq!(taken_hour(&open_classrooms(&program, "").await), NINE);
}

#[tokio::test]
async fn processes_that_start_together_share_one_sweep() {
    let cluster = Cluster::new().await;
    cluster.book(NINE);
    cluster.simulator.set_latency(Duration::from_secs(2));
    let url = cluster.redis.url();
    let programs = join_all((0..4).map(|_| cluster.program(&url, &[]))).await;
    cluster.settled().await;
    for answer in join_all(programs.iter().map(|program| open_classrooms(program, ""))).await {
        assert_eq!(taken_hour(&answer), NINE);
    }
    assert_eq!(cluster.sweeps(), 1);
}

#[tokio::test]
async fn five_hundred_cold_reads_and_a_hundred_refreshes_of_three_processes_share_one_sweep() {
    let cluster = Cluster::new().await;
    cluster.book(NINE);
    let url = cluster.redis.url();
    let programs = join_all((0..3).map(|_| cluster.program(&url, &[]))).await;
    cluster.settled().await;
    assert_eq!(cluster.sweeps(), 1);

    cluster.redis(&["FLUSHALL"]).await;
    cluster.book(TWELVE);
    // Long enough that the last request arrives during the sweep.
    cluster.simulator.set_latency(Duration::from_secs(5));
    let readers = (0..500).map(|reader| open_classrooms(&programs[reader % 3], ""));
    let refreshers = (0..100).map(|refresher| refresh(&programs[refresher % 3]));
    let (read, refreshed) = join(join_all(readers), join_all(refreshers)).await;
    for answer in &read {
        assert_eq!((taken_hour(answer), answer.json()), (TWELVE, read[0].json()));
        // A reader with a slow connection may arrive after the sweep.
        assert!(["MISS", "HIT"].contains(&answer.header("x-cache")), "{answer:?}");
    }
    for answer in &refreshed {
        assert_eq!((answer.status.as_u16(), &answer.json()["timestamp"]), (200, &read[0].json()["last_updated"]));
    }
    assert_eq!(cluster.sweeps(), 2);
}

/// The step at which a sweeper is killed or frozen.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The requests to 25Live are open.
    Asking,
    /// This many days of the reserve are written.
    Reserve(usize),
    /// All of the reserve is written.
    Today,
    /// Today's snapshot is written too.
    LastRefresh,
    /// Everything is written, but the lock is not released.
    Unlock,
}

impl Step {
    /// A gate in front of Redis that holds the first command after this step.
    async fn gate(self, cluster: &Cluster) -> Gate {
        let (nth, key) = match self {
            Self::Asking => (usize::MAX, "none"),
            Self::Reserve(written) => (written + 1, "classrooms:availability:"),
            Self::Today => (1, "classrooms:availability"),
            Self::LastRefresh => (1, "classrooms:last_refresh"),
            Self::Unlock => (1, "classrooms:refresh_lock"),
        };
        Gate::start(cluster.redis.addr(), nth, move |command| {
            let written_key = command.get(3).filter(|_| command[0] == "EVAL");
            written_key.is_some_and(|written| written == key || (key.ends_with(':') && written.starts_with(key)))
        })
        .await
    }
}

/// A sweeper behind a gate, and a witness, after a sweep with bookings at NINE. From then on, rooms are booked at TWELVE.
struct Scenario {
    cluster: Cluster,
    gate: Gate,
    sweeper: Program,
    witness: Program,
    swept_before: DateTime<Utc>,
}

impl Scenario {
    async fn new(step: Step) -> Self {
        let cluster = Cluster::new().await;
        cluster.book(NINE);
        let gate = step.gate(&cluster).await;
        let vars = [("REFRESH_COOLDOWN_MINUTES", "0")];
        let witness = cluster.program(&cluster.redis.url(), &vars).await;
        cluster.settled().await;
        let sweeper = cluster.program(&format!("redis://{}", gate.addr()), &vars).await;
        assert_eq!(taken_hour(&open_classrooms(&sweeper, "").await), NINE);
        cluster.book(TWELVE);
        let swept_before = last_updated(&witness).await;
        Self { cluster, gate, sweeper, witness, swept_before }
    }

    /// Waits until the sweeper has reached the step.
    async fn arrives_at(&self, step: Step) {
        match step {
            Step::Asking => {
                let asked = async || self.cluster.simulator.in_flight() == ROOMS.len();
                eventually("25Live is requested", PATIENCE, asked).await;
            }
            _ => self.gate.holds().await,
        }
    }

    /// Checks what other processes see after `step`: the old or the new state of each key, never a partial one.
    async fn others_see_the_old_state_or_the_new(&self, step: Step) {
        let today = taken_hour(&open_classrooms(&self.witness, "").await);
        let new_days = taken_hours(&self.witness).await.iter().filter(|&&hour| hour == TWELVE).count();
        let swept = last_updated(&self.witness).await;
        let all = usize::try_from(DAYS).unwrap();
        let (expected_today, expected_days, newly_swept) = match step {
            Step::Asking => (NINE, 0..=0, false),
            Step::Reserve(written) => (NINE, 0..=written, false),
            // Today is read from the snapshot, which is not written yet.
            Step::Today => (NINE, all - 1..=all - 1, false),
            Step::LastRefresh => (TWELVE, all..=all, false),
            Step::Unlock => (TWELVE, all..=all, true),
        };
        assert_eq!((today, swept > self.swept_before), (expected_today, newly_swept), "{step:?}");
        assert!(expected_days.contains(&new_days), "{step:?}: {new_days} new days");
    }
}

#[rstest]
#[case::while_it_requests_25live(Step::Asking)]
#[case::before_the_reserve(Step::Reserve(0))]
#[case::after_a_day_of_the_reserve(Step::Reserve(1))]
#[case::between_the_days_of_the_reserve(Step::Reserve(15))]
#[case::before_todays_snapshot(Step::Today)]
#[case::before_the_last_refresh(Step::LastRefresh)]
#[case::before_it_releases_the_lock(Step::Unlock)]
#[tokio::test]
async fn a_sweeper_killed_at(#[case] step: Step) {
    let scenario = Scenario::new(step).await;
    let Scenario { cluster, sweeper, witness, .. } = &scenario;
    if matches!(step, Step::Asking) {
        cluster.simulator.set_latency(Duration::from_secs(20));
    }
    let killed = async {
        scenario.arrives_at(step).await;
        sweeper.process.kill();
    };
    let asked = sweeper.http.post(format!("{}/api/refresh", sweeper.url)).send();
    let (answer, ()) = join(asked, killed).await;
    assert!(answer.is_err(), "a killed process answered: {answer:?}");
    scenario.others_see_the_old_state_or_the_new(step).await;

    // A refresh waits for the lock and sweeps when it has expired.
    cluster.simulator.set_latency(Duration::ZERO);
    cluster.book(FIFTEEN);
    let expiry = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let requests = cluster.simulator.requests();
        scenario.others_see_the_old_state_or_the_new(step).await;
        assert_eq!(cluster.simulator.requests(), requests, "a process swept while the lock was held");
        cluster.let_the_lock_expire().await;
    };
    let (refreshed, ()) = join(refresh(witness), expiry).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(taken_hour(&open_classrooms(witness, "").await), FIFTEEN);
    assert!(taken_hours(witness).await.iter().all(|&hour| hour == FIFTEEN));
    assert!(last_updated(witness).await > scenario.swept_before);
}

#[rstest]
#[case::before_the_reserve(Step::Reserve(0))]
#[case::between_the_days_of_the_reserve(Step::Reserve(15))]
#[case::before_todays_snapshot(Step::Today)]
#[case::before_the_last_refresh(Step::LastRefresh)]
#[tokio::test]
async fn a_sweeper_frozen_at(#[case] step: Step) {
    let scenario = Scenario::new(step).await;
    let Scenario { cluster, sweeper, witness, .. } = &scenario;
    let frozen = async {
        scenario.arrives_at(step).await;
        sweeper.process.pause();
        cluster.let_the_lock_expire().await;
        cluster.book(FIFTEEN);
        let refreshed = refresh(witness).await;
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        let newest = last_updated(witness).await;
        sweeper.process.resume();
        newest
    };
    let (late, newest) = join(refresh(sweeper), frozen).await;
    assert_eq!(late.problem(), (502, "Failed to refresh data".to_owned()));
    for program in [witness, sweeper] {
        assert_eq!(taken_hour(&open_classrooms(program, "").await), FIFTEEN);
        assert!(taken_hours(program).await.iter().all(|&hour| hour == FIFTEEN));
        assert_eq!(last_updated(program).await, newest);
    }
    assert_eq!(
        cluster.redis(&["EXISTS", "classrooms:refresh_failed"]).await,
        "0",
        "the late sweeper should not start the backoff"
    );
}

#[tokio::test]
async fn a_sweep_that_runs_out_of_time_logs_what_to_change() {
    emptyclassroom::install_tls();
    let simulator = simulate(&small_campus()).await;
    // Two rooms fit into the time, with some slack for a busy machine.
    simulator.set_latency(Duration::from_millis(1100));
    let campus = small_campus_path().display().to_string();
    let program = Program::start(&[
        ("API_URL", simulator.url().as_str()),
        ("CAMPUS_FILE", &campus),
        ("SWEEP_TIMEOUT", "3"),
        ("UPSTREAM_CONCURRENCY", "1"),
    ])
    .await;
    let line = async || {
        let log = program.process.output();
        log.lines().find(|line| line.contains("the sweep ran out of time")).map(str::to_owned)
    };
    eventually("the line is logged", PATIENCE, async || line().await.is_some()).await;
    let line = line().await.unwrap();
    for part in
        ["WARN", "rooms_unreached=2", "rooms=4", "took_s=3", "needed_s=6", "SWEEP_TIMEOUT", "UPSTREAM_CONCURRENCY"]
    {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
}
