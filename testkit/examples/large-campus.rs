//! What a campus of 1,500 rooms costs beside Boston's 77: `cargo run --example large-campus -- REFRESH READ`, the bootstraps of
//! the two functions.
//!
//! The scheduled refresh sweeps a simulated 25Live that takes 0.6 s or 1 s for each request, 16 at once, into a redis-server
//! of its own. Then `read` answers hits from there. All of it runs on this machine, over loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made should stop"
)]

use std::{
    env, fs,
    time::{Duration, Instant},
};

use emptyclassroom::domain::campus::Campus;
use serde_json::Value;
use tempfile::NamedTempFile;
use testkit::{Function, GatewayEvent, RedisServer, event, large_campus, machine, simulate};

const AT_ONCE: u32 = 16;
const HITS: usize = 500;
/// As long as a Lambda function may take.
const LONGEST_INVOCATION: Duration = Duration::from_mins(15);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let bootstraps: Vec<_> = env::args().skip(1).collect();
    let [refresh, read] = bootstraps.as_slice() else { panic!("usage: large-campus REFRESH READ") };
    println!("{}\n", machine());
    println!(
        "{:>5} {:>8}  {:>7} {:>7} {:>6}  {:>9}  {:>9}  {:>8}  {:>9} {:>10}  {:>9}",
        "rooms", "latency", "sweep", "ideal", "ratio", "refresh", "Redis", "read", "HIT p50", "HIT bytes", "with gzip"
    );
    for (rooms, latency) in [(77, 600), (1500, 600), (1500, 1000)] {
        println!("{}", measured(refresh, read, rooms, Duration::from_millis(latency)).await);
    }
}

/// One row of the table.
async fn measured(refresh: &str, read: &str, rooms: u32, latency: Duration) -> String {
    let file = NamedTempFile::new().unwrap();
    let text = large_campus(rooms);
    fs::write(file.path(), &text).unwrap();
    let (redis, simulator) = (RedisServer::start().await, simulate(&Campus::parse("large", &text).unwrap()).await);
    simulator.set_latency(latency);
    let (redis_url, api_url) = (redis.url(), simulator.url());
    let variables =
        [("REDIS_URL", redis_url.as_str()), ("API_URL", &api_url), ("CAMPUS_FILE", file.path().to_str().unwrap())];
    let empty = used_memory(&redis).await;

    let function = Function::start(refresh, &variables).await;
    function.init_time().await;
    let start = Instant::now();
    let outcome = function.invoke_within(LONGEST_INVOCATION, event("schedule")).await.unwrap();
    let (sweep, peak) = (start.elapsed(), function.process().peak_memory());
    assert_eq!((&outcome["outcome"], simulator.requests()), (&Value::from("refreshed"), rooms as usize));
    assert!(function.logs().contains(&format!("\"rooms_ok\":{rooms}")), "{}", function.logs());
    drop(function);

    let ideal = latency * rooms.div_ceil(AT_ONCE);
    let held = used_memory(&redis).await - empty;
    let (hit, bytes, memory) = hits(read, &variables, "identity").await;
    let (packed, ..) = hits(read, &variables, "gzip").await;
    format!(
        "{rooms:>5} {:>6} ms  {:>5.1} s {:>5.1} s {:>6.3}  {:>6} MB  {:>6.1} MB  {:>5} MB  {:>6.2} ms {bytes:>10}  {:>6.2} ms",
        latency.as_millis(),
        sweep.as_secs_f64(),
        ideal.as_secs_f64(),
        sweep.as_secs_f64() / ideal.as_secs_f64(),
        peak / 1_000_000,
        held / 1e6,
        memory / 1_000_000,
        hit.as_secs_f64() * 1000.0,
        packed.as_secs_f64() * 1000.0,
    )
}

/// The median time of a hit, the length of its body, and the memory of `read` at its peak.
async fn hits(read: &str, variables: &[(&str, &str)], encoding: &str) -> (Duration, usize, u64) {
    let function = Function::start(read, variables).await;
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..HITS {
        let start = Instant::now();
        let event = GatewayEvent::get("/api/open-classrooms").header("accept-encoding", encoding);
        let answer = function.invoke(event.into()).await.unwrap();
        times.push(start.elapsed());
        assert_eq!(answer["headers"]["x-cache"], "HIT");
        bytes = answer["body"].as_str().unwrap().len();
    }
    times.sort();
    (times.get(HITS / 2).copied().unwrap(), bytes, function.process().peak_memory())
}

/// What Redis holds, in bytes.
async fn used_memory(redis: &RedisServer) -> f64 {
    let info = redis.command(&["INFO", "memory"]).await;
    let used = info.lines().find_map(|line| line.trim().strip_prefix("used_memory:"));
    used.unwrap().parse().unwrap()
}
