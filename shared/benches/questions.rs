//! Measures a question on a campus of 400 rooms, step by step, and a plain HIT for comparison: `cargo bench`.
//!
//! The requests go through the routes, as in a server, with the in-memory cache, so that no network is measured.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{fmt::Write, sync::Arc};

use axum::{Router, body::Body, body::to_bytes};
use chrono::{DateTime, Utc};
use divan::{Bencher, black_box};
use emptyclassroom::{
    config::{Config, Deployment},
    domain::{
        bookings::{Booking, BookingsByRoom},
        campus::Campus,
        snapshot::Snapshot,
        timestamp::Timestamp,
    },
    outside::{
        cache::{Cache, CachedSnapshot, FencingToken, Fingerprint, MemoryStore, Store},
        clock::Clock,
    },
    service::{Dependencies, Service},
    web::{finish, read_routes},
};
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const BUILDINGS: usize = 10;
const ROOMS: usize = 40;
/// All filters combined.
const QUESTION: &str = "at=now&min_minutes=30&building=B1,B2,B3,B4,B5,B6,B7,B8,B9,B10&q=b&sort=free_until";
const QUESTIONS: [&str; 5] = ["q=b1", "sort=name", "min_minutes=60&sort=duration", "at=now", QUESTION];

fn main() {
    divan::main();
}

fn now() -> DateTime<Utc> {
    "2026-03-03T17:00:00Z".parse().unwrap()
}

/// Ten buildings of forty rooms.
fn campus() -> Campus {
    let mut file = "name = 'Large'\ntimezone = 'America/New_York'\n".to_owned();
    for building in 1..=BUILDINGS {
        write!(file, "[[buildings]]\ncode = 'B{building}'\nname = 'Building {building}'\n").unwrap();
        write!(file, "opens = '07:00'\ncloses = '23:00'\n").unwrap();
        for room in 0..ROOMS {
            write!(file, "[[buildings.classrooms]]\nid = '{building}{room:02}'\nname = '{}'\n", 100 + room * 7 % 40)
                .unwrap();
        }
    }
    Campus::parse("large.toml", &file).unwrap()
}

/// A busy day: each room has four classes of 75 minutes, at times that differ from room to room.
fn snapshot(campus: &Campus) -> Snapshot {
    let date = now().with_timezone(&campus.timezone).date_naive();
    let mut bookings = BookingsByRoom::new();
    for (number, (_, room)) in (0..).zip(campus.classrooms()) {
        let starts = (0..4).map(|class| 480 + class * 195 + number * 5 % 90);
        let classes = starts.map(|start| Booking { start, end: start + 75 });
        bookings.entry(room.id.clone()).or_default().add(date, classes);
    }
    Snapshot::new(campus, 28, date, Timestamp::at_campus(now(), campus.timezone), &bookings, None)
}

/// The routes, over a cache with today's snapshot.
fn routes(runtime: &Runtime) -> Router {
    emptyclassroom::install_tls();
    let mut config =
        Config::from_vars(Deployment::Lambda, |name| (name == "API_URL").then(|| "http://127.0.0.1:9".to_owned()))
            .unwrap();
    config.campus = campus();
    let clock = Clock::new(config.campus.timezone, now);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
    let cache = Cache::new(
        Arc::clone(&store),
        "classrooms",
        Fingerprint::new(&config.campus, config.min_gap),
        config.cache_expiry,
    );
    runtime.block_on(async {
        let lease = cache.lease().await.unwrap().unwrap();
        let cached = cache.render(&snapshot(&config.campus), &config.campus, 0, &lease);
        cache.publish(&lease, cached.date, &[cached]).await.unwrap();
    });
    let service = Service::build(Dependencies::new(config, clock, store), None).unwrap();
    finish(read_routes(&service), &service.deps.config.allowed_origins)
}

fn answer(bencher: Bencher<'_, '_>, target: &str) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let routes = routes(&runtime);
    let ask = || {
        let request = Request::get(target).body(Body::empty()).unwrap();
        let response = runtime.block_on(routes.clone().oneshot(request)).unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["x-cache"]), (200, &"HIT".parse().unwrap()));
        runtime.block_on(to_bytes(response.into_body(), usize::MAX)).unwrap()
    };
    assert!(ask().len() > 1_000);
    bencher.bench_local(ask);
}

/// A whole request without a question.
#[divan::bench]
fn plain_hit(bencher: Bencher<'_, '_>) {
    answer(bencher, "/api/open-classrooms");
}

/// A whole request with a question.
#[divan::bench(args = QUESTIONS)]
fn hit_with_a_question(bencher: Bencher<'_, '_>, query: &str) {
    answer(bencher, &format!("/api/open-classrooms?{query}"));
}

/// The part of such a request that parses the cached body.
#[divan::bench]
fn parse_the_body(bencher: Bencher<'_, '_>) {
    let cached = CachedSnapshot::render(
        &snapshot(&campus()),
        &campus(),
        0,
        FencingToken::at(now()),
        &Fingerprint::new(&campus(), 28),
    );
    bencher.bench_local(|| black_box(&cached).snapshot().unwrap());
}
