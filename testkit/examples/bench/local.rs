//! The local server: the first response, cache hits, and many clients on one room's calendar.

use std::{
    fs,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use emptyclassroom::domain::campus::Campus;
use reqwest::{Client, StatusCode};
use simulator::Simulator;
use tempfile::{NamedTempFile, TempDir};
use testkit::{Process, RedisServer, eventually, large_campus, simulate};
use tokio::task::JoinSet;

use super::{median, megabytes, milliseconds};

const STARTS: usize = 11;
const COLD_READERS: usize = 200;
const HITS: u32 = 1000;
const CONCURRENT: u32 = 32;
const CLIENTS: usize = 100;
const ROOMS: u32 = 1500;
const LATENCY: Duration = Duration::from_millis(600);
const PATIENCE: Duration = Duration::from_mins(3);

/// A campus, its 25Live and an empty Redis.
struct Site {
    redis: RedisServer,
    simulator: Simulator,
    campus: NamedTempFile,
}

impl Site {
    async fn new(rooms: u32) -> Self {
        let (campus, text) = (NamedTempFile::new().unwrap(), large_campus(rooms));
        fs::write(campus.path(), &text).unwrap();
        let simulator = simulate(&Campus::parse("large", &text).unwrap()).await;
        Self { redis: RedisServer::start().await, simulator, campus }
    }

    /// Starts the server and waits until it listens.
    async fn start(&self, local: &str) -> Server {
        let folder = TempDir::new().unwrap();
        let (redis_url, api_url) = (self.redis.url(), self.simulator.url());
        let campus_file = self.campus.path().to_str().unwrap();
        let variables =
            [("REDIS_URL", redis_url.as_str()), ("API_URL", &api_url), ("CAMPUS_FILE", campus_file), ("PORT", "0")];
        let process = Process::spawn(Command::new(local).current_dir(folder.path()).env_clear().envs(variables));
        let address = || {
            let banner = process.output();
            banner.lines().find_map(|line| line.strip_prefix("EmptyClassroom listens on ").map(str::to_owned))
        };
        eventually("the server listens", PATIENCE, async || address().is_some()).await;
        Server { url: address().unwrap(), process, _folder: folder }
    }
}

struct Server {
    url: String,
    process: Process,
    _folder: TempDir,
}

impl Server {
    /// Returns the status and the X-Cache header of a response, and the time until its body was complete.
    async fn get(&self, http: &Client, path: &str) -> (StatusCode, String, Duration) {
        let start = Instant::now();
        let answer = http.get(format!("{}{path}", self.url)).send().await.unwrap();
        let (status, cache) = (answer.status(), answer.headers().get("x-cache").cloned());
        answer.bytes().await.unwrap();
        let cache = cache.map(|cache| cache.to_str().unwrap().to_owned());
        (status, cache.unwrap_or_default(), start.elapsed())
    }
}

pub(super) async fn measure(local: &str) {
    emptyclassroom::install_tls();
    let program = fs::canonicalize(local).unwrap();
    let local = program.to_str().unwrap();
    println!("\nlocal server");
    let site = Site::new(77).await;
    site.simulator.set_latency(LATENCY);
    let sweeping = first_response(local, &site).await;
    println!(
        "  first response, 77 rooms, empty Redis, 25Live latency {} ms: {:.2} s",
        LATENCY.as_millis(),
        sweeping.as_secs_f64()
    );
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(first_response(local, &site).await);
    }
    println!(
        "  first response, 77 rooms, all in Redis: {:.1} ms (median of {STARTS} starts)",
        milliseconds(median(&mut times))
    );
    hits(local, &site).await;
    many_clients(local).await;
}

/// Measures sequential and concurrent hits, after readers that each opened a new connection.
async fn hits(local: &str, site: &Site) {
    const PATH: &str = "/api/open-classrooms";
    let server = Arc::new(site.start(local).await);
    for _ in 0..COLD_READERS {
        server.get(&Client::new(), PATH).await;
    }
    let memory = megabytes(server.process.peak_memory());
    let (http, mut times) = (Client::new(), Vec::new());
    for _ in 0..HITS {
        times.push(server.get(&http, PATH).await.2);
    }
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CONCURRENT {
        let (server, http) = (Arc::clone(&server), http.clone());
        clients.spawn(async move {
            for _ in 0..HITS {
                let (status, cache, _) = server.get(&http, PATH).await;
                assert_eq!((status, cache.as_str()), (StatusCode::OK, "HIT"));
            }
        });
    }
    clients.join_all().await;
    let per_second = f64::from(CONCURRENT * HITS) / start.elapsed().as_secs_f64();
    println!(
        "  HIT: {:.3} ms; {CONCURRENT} concurrent clients on the same processors: {per_second:.0} responses per second; peak memory \
         {memory:.1} MB after {COLD_READERS} readers",
        milliseconds(median(&mut times)),
    );
}

/// The time from the start of the program to the end of its first response.
async fn first_response(local: &str, site: &Site) -> Duration {
    let (http, start) = (Client::new(), Instant::now());
    let server = site.start(local).await;
    let (status, ..) = server.get(&http, "/api/open-classrooms").await;
    assert_eq!(status, StatusCode::OK);
    let time = start.elapsed();
    // The sweep continues after the first response.
    let swept = async || site.redis.command(&["EXISTS", "classrooms:last_refresh"]).await == "1";
    eventually("the sweep is published", PATIENCE, swept).await;
    time
}

/// Measures many clients of a large campus, each reading one room's calendar and today's rooms in turn.
async fn many_clients(local: &str) {
    let site = Site::new(ROOMS).await;
    first_response(local, &site).await;
    let server = Arc::new(site.start(local).await);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (server, http) = (Arc::clone(&server), Client::new());
        clients.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..20 {
                answers.push(server.get(&http, "/api/classrooms/1000/calendar.ics").await);
                answers.push(server.get(&http, "/api/open-classrooms").await);
            }
            answers
        });
    }
    let answers: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    let hits = answers.iter().filter(|(status, cache, _)| (*status, cache.as_str()) == (StatusCode::OK, "HIT")).count();
    let mut times: Vec<_> = answers.iter().map(|(.., time)| *time).collect();
    println!(
        "  {CLIENTS} clients on a calendar and today's {ROOMS} rooms: {hits} of {} responses are 200 and HIT; median {:.1} ms; peak \
         memory {:.1} MB",
        answers.len(),
        milliseconds(median(&mut times)),
        megabytes(server.process.peak_memory()),
    );
}
