//! The service under test: the real routes with an empty or a filled cache, a stopped clock, and a 25Live that refuses every
//! connection.

use std::{cell::OnceCell, sync::Arc, time::Duration};

use chrono::{DateTime, Days, NaiveDate, Utc};
use emptyclassroom::{
    config::{Config, Deployment},
    domain::{
        bookings::{Booking, BookingsByRoom},
        campus::Campus,
        snapshot::Snapshot,
    },
    lambda::Gateway,
    outside::{
        cache::{MemoryStore, Store},
        clock::Clock,
    },
    service::{Dependencies, Service},
    web::{cooldown_routes, read_routes, refresh_routes},
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// Tuesday, 3 March 2026, 10:00 in New York.
const NOW: &str = "2026-03-03T15:00:00.123456Z";
/// The date at the campus at that time.
pub(crate) const TODAY: &str = "2026-03-03";
/// An address without a listener: the "discard" port.
const REFUSED: &str = "http://127.0.0.1:9/";
/// The admin token: that of `events/refresh-invalidate-cache.json`.
const TOKEN: &str = "test-admin-token";

const CAMPUS: &str = r#"
name = "Small College"
timezone = "America/New_York"
[[buildings]]
code = "CAS"
name = "College of Arts & Sciences"
opens = "07:00"
closes = "23:00"
classrooms = [{ id = "342", name = "116" }, { id = "a/b é", name = "201" }]
"#;

/// A service with its own cache.
struct App {
    runtime: Runtime,
    store: Arc<MemoryStore>,
    service: Service,
    gateway: Gateway,
}

/// The content of the cache when a request arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// Nothing: a request causes a sweep, which fails.
    Nothing,
    /// A sweep of the current minute.
    Sweep,
    /// The mark of a failed sweep.
    Failure,
}

/// Returns the service's response to an event, in API Gateway's format; an error if the event is refused.
pub(crate) fn answer(cached: Cached, event: &[u8]) -> Result<Value, serde_json::Error> {
    thread_local! {
        // Created once, because each start loads the system's certificates. One per state, because a service keeps its last good
        // copy.
        static APPS: OnceCell<[App; 3]> = const { OnceCell::new() };
    }
    APPS.with(|apps| {
        apps.get_or_init(|| [App::start(), App::start(), App::start()])[cached as usize].answer(cached, event)
    })
}

impl App {
    fn start() -> Self {
        emptyclassroom::install_tls();
        let var = |name: &str| match name {
            "API_URL" => Some(REFUSED.to_owned()),
            "ADMIN_TOKEN" => Some(TOKEN.to_owned()),
            _ => None,
        };
        let mut config = Config::from_vars(Deployment::Lambda, var).unwrap();
        config.campus = Campus::parse("campus.toml", CAMPUS).unwrap();
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let clock = Clock::new(config.campus.timezone, move || now);
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let service = Service::build(Dependencies::new(config, clock, store.clone()), None).unwrap();
        let routes = read_routes(&service).merge(refresh_routes(&service)).merge(cooldown_routes(&service.deps));
        let gateway = Gateway::new(routes, &service.deps);
        // The time is paused, so the backoff within a sweep takes no time.
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        Self { runtime, store, service, gateway }
    }

    fn answer(&self, cached: Cached, event: &[u8]) -> Result<Value, serde_json::Error> {
        let request = serde_json::from_slice(event)?;
        self.runtime.block_on(async {
            self.fill(cached).await;
            serde_json::to_value(self.gateway.answer(request).await.unwrap())
        })
    }

    /// Restores the content of the cache. No sweep succeeds, so a snapshot is present only if this function stored it.
    async fn fill(&self, cached: Cached) {
        let failure = "classrooms:refresh_failed";
        match cached {
            Cached::Nothing => self.store.delete(failure).await.unwrap(),
            Cached::Failure => self.store.put(failure, "x".into(), Duration::from_mins(1)).await.unwrap(),
            Cached::Sweep => {
                self.store.delete(failure).await.unwrap();
                // An earlier request may have dropped the cache.
                if self.service.deps.cache.availability().await.unwrap().into_snapshot().is_none() {
                    self.publish().await;
                }
            }
        }
    }

    async fn publish(&self) {
        let today: NaiveDate = TODAY.parse().unwrap();
        let Dependencies { config, clock, cache, .. } = &*self.service.deps;
        let mut bookings = BookingsByRoom::new();
        bookings.entry("342".to_owned()).or_default().add(today, [Booking { start: 545, end: 595 }]);
        let lease = cache.lease().await.unwrap().unwrap();
        let snapshots: Vec<_> = (0..=31)
            .map(|ahead| today + Days::new(ahead))
            .map(|day| Snapshot::new(&config.campus, config.min_gap, day, clock.timestamp(), &bookings, None))
            .map(|snapshot| cache.render(&snapshot, &config.campus, 0, &lease))
            .collect();
        cache.publish(&lease, today, &snapshots).await.unwrap();
        cache.release(lease).await.unwrap();
    }
}
