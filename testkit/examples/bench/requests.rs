//! The time from an event to its response, the traffic from Redis, and the peak memory.

use std::time::Duration;

use emptyclassroom::domain::campus::Campus;
use simulator::Simulator;
use tempfile::NamedTempFile;
use testkit::{Function, GatewayEvent, RedisServer, large_campus, simulate};

use super::{median, megabytes, milliseconds, row};

/// The number of rounds. Each sends `REQUESTS` requests of every kind.
const ROUNDS: usize = 40;
const REQUESTS: usize = 50;
const ROOM: &str = "1000";

/// A campus whose data are in Redis, and the two functions.
struct Bench {
    redis: RedisServer,
    _simulator: Simulator,
    _campus: NamedTempFile,
    floor: Function,
    read: Function,
}

impl Bench {
    async fn start(floor: &str, read: &str, rooms: u32) -> Self {
        let (campus, text) = (NamedTempFile::new().unwrap(), large_campus(rooms));
        std::fs::write(campus.path(), &text).unwrap();
        let (redis, simulator) = (RedisServer::start().await, simulate(&Campus::parse("large", &text).unwrap()).await);
        let (redis_url, api_url) = (redis.url(), simulator.url());
        let variables = [
            ("REDIS_URL", redis_url.as_str()),
            ("API_URL", &api_url),
            ("CAMPUS_FILE", campus.path().to_str().unwrap()),
        ];
        // Another process sweeps, so that the measured one has the memory of a reader.
        let sweeper = Function::start(read, &variables).await;
        let answer = sweeper.invoke(GatewayEvent::get("/api/open-classrooms").into()).await.unwrap();
        assert_eq!(answer["statusCode"], 200);
        redis.command(&["SET", "floor", answer["body"].as_str().unwrap()]).await;
        drop(sweeper);
        let (floor, read) = (Function::start(floor, &variables).await, Function::start(read, &variables).await);
        Self { redis, _simulator: simulator, _campus: campus, floor, read }
    }

    /// The bytes that Redis has sent, and the number of commands that it has processed.
    async fn traffic(&self) -> (u64, u64) {
        let info = self.redis.command(&["INFO", "stats"]).await;
        let number = |name: &str| info.lines().find_map(|line| line.trim().strip_prefix(name)?.parse().ok()).unwrap();
        (number("total_net_output_bytes:"), number("total_commands_processed:"))
    }

    /// The bytes and commands of one request.
    async fn traffic_of(&self, event: &GatewayEvent) -> (u64, u64) {
        let idle = self.traffic().await;
        let before = self.traffic().await;
        duration(&self.read, event).await;
        let after = self.traffic().await;
        let own = (before.0 - idle.0, before.1 - idle.1);
        ((after.0 - before.0).saturating_sub(own.0), (after.1 - before.1).saturating_sub(own.1))
    }
}

pub(super) async fn measure(floor: &str, read: &str) {
    for rooms in [77, 371, 1500] {
        let bench = Bench::start(floor, read, rooms).await;
        println!("\n{rooms} rooms, event to response, ms: median of {} alternating requests", ROUNDS * REQUESTS);
        let kinds = [
            ("HIT, gzip", GatewayEvent::get("/api/open-classrooms").header("accept-encoding", "gzip")),
            ("HIT, not compressed", GatewayEvent::get("/api/open-classrooms")),
            ("HIT, filtered", GatewayEvent::get("/api/open-classrooms?at=now&min_minutes=30&sort=free_until")),
            ("one room", GatewayEvent::get(&format!("/api/classrooms/{ROOM}"))),
            ("one room's days", GatewayEvent::get(&format!("/api/classrooms/{ROOM}/days"))),
            ("one room's calendar", GatewayEvent::get(&format!("/api/classrooms/{ROOM}/calendar.ics"))),
        ];
        let mut floors = Vec::new();
        let mut times = vec![Vec::new(); kinds.len()];
        for _ in 0..ROUNDS {
            for (kind, (_, event)) in kinds.iter().enumerate() {
                for _ in 0..REQUESTS {
                    floors.push(duration(&bench.floor, event).await);
                    times[kind].push(duration(&bench.read, event).await);
                }
            }
        }
        let floor = median(&mut floors);
        row("floor", milliseconds(floor), milliseconds(floor), "");
        for ((name, event), times) in kinds.iter().zip(&mut times) {
            let (bytes, commands) = bench.traffic_of(event).await;
            let note = format!("Redis: {commands} command(s), {bytes} bytes");
            row(name, milliseconds(median(times)), milliseconds(floor), &note);
        }
        let [floors, reads] = [&bench.floor, &bench.read].map(|function| megabytes(function.process().peak_memory()));
        println!("  peak memory, MB: floor {floors:.1}, read {reads:.1}");
    }
}

async fn duration(function: &Function, event: &GatewayEvent) -> Duration {
    let answer = function.invoke(event.clone().into()).await.unwrap();
    assert_eq!(answer["statusCode"], 200);
    function.last_duration().unwrap()
}
