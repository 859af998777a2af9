//! The soak test: many clients send requests to the real program over a real Redis, while Redis, the network and 25Live fail at
//! random. Every response is compared with what the simulated 25Live has returned.
//!
//! `cargo test` runs a short version, `make soak` one with 100,000 requests. `SOAK_REQUESTS` sets the number of requests, and
//! `SOAK_SEED` repeats the random choices of an earlier run, but not the timing of threads and sockets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod body;
mod campus;
mod faults;
mod oracle;
#[path = "../program/mod.rs"]
mod program;
mod statistics;
mod traffic;

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use simulator::Simulator;
use tempfile::NamedTempFile;
use testkit::{PATIENCE, Proxy, RedisServer, eventually};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};

use campus::{ASKED, Campus, ROOMS};
use faults::FaultInjector;
use oracle::Oracle;
use program::Program;
use statistics::{ResourceUsage, Statistics};
use traffic::{ADMIN_TOKEN, Context, Health, LONGEST_ANSWER, LoadClient};

/// The number of requests in CI.
const FEW: usize = 5_000;
/// With this many requests, every possible outcome must occur.
const MANY: usize = 20_000;
const OUTCOMES: [&str; 7] = ["HIT", "MISS", "STALE", "304", "read 503", "refresh 502", "refresh 503"];
const CLIENTS: usize = 32;

/// A number that has not changed for this long is stable.
const STILL: Duration = Duration::from_millis(500);
/// How many more files may be open at the end than after a quarter of the requests: one connection to 25Live per room, which an
/// earlier fault may have closed.
const FILES_MORE: usize = ROOMS.len();
/// How much more memory may be in use at the end than after a quarter of the requests. It varies by up to 4 MB with the
/// fragmentation of the heap. In a long run, this limit is about a hundred bytes per request.
const BYTES_MORE: u64 = 8 * 1024 * 1024;

/// The results of a run.
struct Run {
    requests: usize,
    seed: u64,
    took: Duration,
    warm: ResourceUsage,
    end: ResourceUsage,
}

/// The server, its surroundings, and the tasks that change them.
struct Soak {
    program: Program,
    context: Arc<Context>,
    injector: FaultInjector,
    booking_changes: JoinHandle<()>,
    random: Rng,
    _campus_file: NamedTempFile,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_random_faults_every_response_is_right_and_nothing_leaks() {
    emptyclassroom::install_tls();
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let requests = number("SOAK_REQUESTS").map_or(FEW, |requests| usize::try_from(requests).unwrap());
    let seed = number("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("soak: SOAK_REQUESTS={requests} SOAK_SEED={seed}");
    let mut soak = Soak::start(Rng::with_seed(seed)).await;

    let start = Instant::now();
    soak.run(requests / 4).await;
    let warm = soak.resource_usage().await;
    soak.run(requests - requests / 4).await;
    let took = start.elapsed();
    let end = soak.resource_usage().await;
    let run = Run { requests, seed, took, warm, end };

    soak.report(&run);
    soak.ends_up_to_date().await;
    run.leaked_nothing();
    soak.has_seen_everything(requests);
}

impl Soak {
    async fn start(mut random: Rng) -> Self {
        let redis = RedisServer::start().await;
        let network = Proxy::start(redis.addr()).await;
        let simulator = Arc::new(Simulator::start(Campus::upstream_rooms()).await.unwrap());
        let oracle = Oracle::new(Campus::at_noon());
        (0..ROOMS.len()).for_each(|room| oracle.book(&simulator, room));
        let campus_file = NamedTempFile::new().unwrap();
        fs::write(campus_file.path(), oracle.campus.file()).unwrap();
        let program = serve(campus_file.path().to_str().unwrap(), &simulator.url(), &network).await;
        let url = program.url.clone();
        let context = Arc::new(Context { url, oracle, health: Health::unhealthy(), statistics: Statistics::new() });
        let booking_changes =
            tokio::spawn(change_bookings(Arc::clone(&context), Arc::clone(&simulator), random.fork()));
        let client = LoadClient::new(Arc::clone(&context), http_client(), random.fork());
        let injector_random = random.fork();
        let injector =
            FaultInjector { redis, network, simulator, random: injector_random, context: Arc::clone(&context), client };
        Self { program, context, injector, booking_changes, random, _campus_file: campus_file }
    }

    /// Lets the clients make this many requests while faults are injected. Panics on failure.
    async fn run(&mut self, requests: usize) {
        // Many times the usual duration. There are no faults in the second half of it, so that the run ends.
        let limit = Duration::from_mins(3) + Duration::from_millis(10) * u32::try_from(requests).unwrap();
        let over = AtomicBool::new(false);
        let left = Arc::new(AtomicUsize::new(requests));
        let mut clients = JoinSet::new();
        let http = http_client();
        for _ in 0..CLIENTS {
            let client = LoadClient::new(Arc::clone(&self.context), http.clone(), self.random.fork());
            clients.spawn(client.run(Arc::clone(&left)));
        }
        drop(http);
        let running = async {
            while let Some(end) = clients.join_next().await {
                end.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            }
            over.store(true, Ordering::SeqCst);
        };
        let injecting = self.injector.inject_until(&over, Instant::now() + limit / 2);
        let both = async { tokio::join!(running, injecting) };
        timeout(limit, both).await.unwrap_or_else(|_| panic!("{left:?} requests are left after {limit:?}"));
    }

    /// The resources in use when everything is healthy and all clients have disconnected.
    async fn resource_usage(&self) -> ResourceUsage {
        let process = &self.program.process;
        let (mut open_files, mut since) = (process.open_files(), Instant::now());
        // The server notices a little later that its clients have disconnected.
        eventually("the number of open files is stable", PATIENCE, async || {
            let now = process.open_files();
            if now != open_files {
                (open_files, since) = (now, Instant::now());
            }
            since.elapsed() > STILL
        })
        .await;
        ResourceUsage { memory: process.memory(), open_files }
    }

    fn report(&self, run: &Run) {
        let log = self.program.process.output();
        let count = |part: &str| log.matches(part).count();
        let Run { requests, seed, took, warm, end } = run;
        println!(
            "soak: {requests} requests by {CLIENTS} clients, seed {seed}\n  \
             {:.1} s, {} requests/s\n  \
             sweeps: {} published, {} failed, {} seen in responses; {} bookings changed\n{}  \
             memory               {} kB after a quarter, {} kB at the end\n  \
             open files           {} after a quarter, {} at the end",
            took.as_secs_f64(),
            u128::try_from(*requests).unwrap() * 1000 / took.as_millis(),
            count("sweep published"),
            count("sweep failed"),
            self.context.oracle.sweeps(),
            self.context.oracle.changes(),
            self.context.statistics.table(),
            warm.memory / 1024,
            end.memory / 1024,
            warm.open_files,
            end.open_files,
        );
    }

    fn has_seen_everything(&self, requests: usize) {
        let must: &[&str] = if requests < MANY { &["HIT"] } else { &OUTCOMES };
        for outcome in must {
            assert!(self.context.statistics.count(outcome) > 0, "no response was {outcome}");
        }
    }

    /// Checks that a refresh shows the current bookings once they no longer change.
    async fn ends_up_to_date(&mut self) {
        self.booking_changes.abort();
        self.injector.settle().await;
        for ahead in ASKED {
            let path = format!("/api/open-classrooms?date={}", self.context.oracle.campus.day(ahead));
            let (day, all_ok) = self.injector.client.read_day(ahead, path).await.unwrap();
            assert!(all_ok && !day.stale && self.context.oracle.is_up_to_date(&day, ahead), "{ahead} days ahead");
        }
        let process = &self.program.process;
        assert!(process.is_running() && !process.output().contains("panic"), "{}", process.output());
    }
}

impl Run {
    fn leaked_nothing(&self) {
        let Self { warm, end, .. } = self;
        assert!(end.open_files <= warm.open_files + FILES_MORE, "{warm:?}, and at the end {end:?}");
        assert!(end.memory <= warm.memory + BYTES_MORE, "{warm:?}, and at the end {end:?}");
    }
}

impl Drop for Soak {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last events:\n{}", self.context.statistics.events());
        }
    }
}

/// Starts the server.
async fn serve(campus_file: &str, upstream: &str, network: &Proxy) -> Program {
    let program = Program::start(&[
        ("CAMPUS_FILE", campus_file),
        ("API_URL", upstream),
        ("REDIS_URL", &format!("redis://{}", network.addr())),
        ("REDIS_TIMEOUT", "1"),
        ("UPSTREAM_TIMEOUT", "1"),
        // As long as the oracle assumes.
        ("SWEEP_TIMEOUT", "25"),
        ("REFRESH_COOLDOWN_MINUTES", "0"),
        ("ADMIN_TOKEN", ADMIN_TOKEN),
        ("RUST_LOG", "warn,emptyclassroom::service::refresh=info"),
        // Makes glibc return freed memory to the system, so that the measured memory is in use. Otherwise it grows with the
        // largest answer of 25Live.
        ("MALLOC_MMAP_THRESHOLD_", "65536"),
        ("MALLOC_TRIM_THRESHOLD_", "65536"),
    ])
    .await;
    let hello = program.http.get(&program.url).send().await.unwrap();
    assert_eq!(hello.text().await.unwrap(), r#""Hello World""#);
    program
}

/// A client with its own connection pool.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(2 * LONGEST_ANSWER).build().unwrap()
}

/// Changes the bookings of random rooms forever.
async fn change_bookings(context: Arc<Context>, simulator: Arc<Simulator>, mut random: Rng) {
    loop {
        sleep(Duration::from_millis(random.u64(20..150))).await;
        context.oracle.book(&simulator, random.usize(..ROOMS.len()));
    }
}
