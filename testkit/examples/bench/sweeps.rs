//! A scheduled sweep of a small and of a large campus, and the memory of its data in Redis.

use std::{
    fs,
    time::{Duration, Instant},
};

use emptyclassroom::domain::campus::Campus;
use serde_json::Value;
use tempfile::NamedTempFile;
use testkit::{Function, RedisServer, event, large_campus, simulate};

use super::megabytes;

/// The number of concurrent requests to 25Live.
const CONCURRENCY: u32 = 16;
/// Lambda's limit for an invocation.
const LONGEST_INVOCATION: Duration = Duration::from_mins(15);

/// Prints how long sweeps take, and the time that 25Live alone would take.
pub(super) async fn measure(refresh: &str) {
    println!("\nscheduled sweep, {CONCURRENCY} concurrent requests to 25Live");
    for (rooms, latency) in [(77, 600), (1500, 600), (1500, 1000)] {
        println!("  {}", swept(refresh, rooms, Duration::from_millis(latency)).await);
    }
}

/// Sweeps once and returns a line of the table.
async fn swept(refresh: &str, rooms: u32, latency: Duration) -> String {
    let (file, text) = (NamedTempFile::new().unwrap(), large_campus(rooms));
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
    let (sweep, ideal) = (start.elapsed().as_secs_f64(), (latency * rooms.div_ceil(CONCURRENCY)).as_secs_f64());
    assert_eq!((&outcome["outcome"], simulator.requests()), (&Value::from("refreshed"), rooms as usize));
    assert!(function.logs().contains(&format!("\"rooms_ok\":{rooms}")), "{}", function.logs());
    format!(
        "{rooms:>4} rooms, {:>4} ms each: {sweep:>5.1} s, ideal {ideal:>5.1} s, {:.3} x; peak memory {:.1} MB; data in Redis {:.1} MB",
        latency.as_millis(),
        sweep / ideal,
        megabytes(function.process().peak_memory()),
        megabytes(used_memory(&redis).await - empty),
    )
}

/// The memory that Redis uses, in bytes.
async fn used_memory(redis: &RedisServer) -> u64 {
    let info = redis.command(&["INFO", "memory"]).await;
    let used = info.lines().find_map(|line| line.trim().strip_prefix("used_memory:"));
    used.unwrap().parse().unwrap()
}
