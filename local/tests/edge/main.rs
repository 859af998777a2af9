//! A CDN in front of the service: readers use a real caching proxy, nginx, which knows nothing about the service but its
//! Cache-Control. Halfway through the reads, one reader refreshes; at the end, the server is killed.
//!
//! `cargo test` makes 5,000 reads, `make edge` 200,000; `EDGE_READS` sets the number.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../front/mod.rs"]
mod front;
#[path = "../program/mod.rs"]
mod program;
mod readers;

use std::{env, fs, sync::Arc, time::Duration};

use front::{Front, nginx};
use http::header::IF_NONE_MATCH;
use program::Program;
use readers::{Answer, Readers, Reading, TARGETS};
use tempfile::NamedTempFile;
use testkit::{PATIENCE, eventually, zone_at_midday};
use tokio::time::timeout;

/// How many reads CI makes.
const FEW: usize = 5_000;
/// `EDGE_SECONDS` of the test, short so that responses expire many times.
const EDGE_SECONDS: u64 = 2;
/// nginx counts whole seconds, so it may keep a response for one second more.
const KEPT_FOR: Duration = Duration::from_secs(EDGE_SECONDS + 1);
/// The time limit for all reads, including those of `make edge`.
const LONGEST: Duration = Duration::from_mins(10);

/// The built-in campus in a time zone where it is midday, so that the test does not run across midnight.
fn campus_file() -> NamedTempFile {
    let campus = include_str!("../../../campuses/bu.toml");
    assert!(campus.contains("America/New_York"));
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), campus.replace("America/New_York", &zone_at_midday())).unwrap();
    file
}

/// Starts nginx as a caching proxy in front of the server at `service`, a host and a port.
async fn start_edge(service: &str) -> Front {
    let configuration = include_str!("nginx.conf").replace("SERVICE", service);
    Front::start(|folder, port| nginx(folder, &configuration.replace("PORT", &port.to_string()))).await
}

/// How many reads have reached the server, according to its log.
fn reached(program: &Program) -> usize {
    program.process.output().lines().filter(|line| line.contains(" read date=")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_caching_proxy_few_reads_reach_the_server_and_old_data_expire_soon_after_a_refresh() {
    emptyclassroom::install_tls();
    let reads = env::var("EDGE_READS").map_or(FEW, |reads| reads.parse().unwrap());
    let campus_file = campus_file();
    let program = Program::start(&[
        ("EDGE_SECONDS", &EDGE_SECONDS.to_string()),
        ("REFRESH_COOLDOWN_MINUTES", "0"),
        ("CAMPUS_FILE", campus_file.path().to_str().unwrap()),
        ("RUST_LOG", "debug"),
    ])
    .await;
    let edge = start_edge(program.url.strip_prefix("http://").unwrap()).await;
    // The server sweeps when it starts.
    let swept = async || program.http.get(format!("{}/api/health", program.url)).send().await.unwrap().status() == 200;
    eventually("the first sweep is published", PATIENCE, swept).await;

    let before = reached(&program);
    let readers = Arc::new(Readers::new(&edge.url, reads));
    let reading = timeout(LONGEST, readers.read(KEPT_FOR)).await.expect("the readers finish in time");
    report(reads, &reading, reached(&program) - before);
    let oldest = reading.oldest_after_refresh;
    assert!(oldest <= KEPT_FOR, "old data were seen {oldest:?} after the refresh");
    few_reads_reach_the_server(&reading, reached(&program) - before);

    program.process.kill();
    the_proxy_serves_the_last_data_and_nothing_about_now(&edge, &reading).await;
}

fn report(reads: usize, reading: &Reading, reached: usize) {
    let Reading { took, not_modified, oldest_after_refresh, from_edge, .. } = reading;
    println!(
        "edge: EDGE_READS={reads} EDGE_SECONDS={EDGE_SECONDS}: {} reads in {:.1} s; {reached} reached the server, {not_modified} got \
         304; {from_edge:?}; old data were seen for up to {:.2} s after the refresh",
        reading.reads,
        took.as_secs_f64(),
        oldest_after_refresh.as_secs_f64(),
    );
}

/// After a response expires, each connection may request it once before the first of these requests has refilled the cache.
fn few_reads_reach_the_server(reading: &Reading, reached: usize) {
    let expiries = usize::try_from(reading.took.as_secs() / EDGE_SECONDS).unwrap() + 1;
    // Responses about now also expire at each full minute, and one reader requested each target with `seen`.
    let most = TARGETS.len() * ((expiries + 2) * readers::CONNECTIONS + 1);
    assert!((TARGETS.len()..=most).contains(&reached), "{reached} reads reached the server; expected at most {most}");
    let from_edge = |status: &str| reading.from_edge.get(status).copied().unwrap_or_default();
    assert!(from_edge("HIT") > 0 && from_edge("REVALIDATED") > 0, "{:?}", reading.from_edge);
    assert!(reading.not_modified > 0, "the proxy should answer some reads with 304");
}

async fn the_proxy_serves_the_last_data_and_nothing_about_now(edge: &Front, reading: &Reading) {
    let http = reqwest::Client::new();
    let get = async |target: &str| Answer::read(http.get(format!("{}{target}", edge.url)).send().await.unwrap()).await;
    for target in TARGETS {
        let has_expired = async || get(target).await.edge != "HIT";
        eventually("the proxy's copy has expired", PATIENCE, has_expired).await;
        let answer = get(target).await;
        if target.contains("at=now") || target.contains("/classrooms/") {
            assert_eq!(answer.status, 502, "{target} is about now and should not be served an hour later");
            continue;
        }
        assert_eq!((answer.status.as_u16(), answer.edge.as_str()), (200, "STALE"), "{target}");
        assert_eq!(answer.last_updated(), reading.refreshed, "{target}");
        let known = http.get(format!("{}{target}", edge.url)).header(IF_NONE_MATCH, &answer.etag).send().await.unwrap();
        assert_eq!(known.status(), 304, "{target}");
    }
}
