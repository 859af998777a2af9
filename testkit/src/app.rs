//! The service as clients see it: all its routes over the small campus, called with API Gateway's events.

use axum::Router;
use chrono::{NaiveDate, TimeDelta};
use emptyclassroom::{
    config::{Config, Deployment},
    domain::campus::Campus,
    service::{Dependencies, Service},
    web::{cooldown_routes, finish, read_routes, refresh_routes},
};
use simulator::{Booking, Kind, Simulator};
use tower::ServiceExt;

use crate::{
    backend::{Backend, TestStore},
    campus::{simulate, small_campus},
    clock::TestClock,
    event::GatewayEvent,
    response::TestResponse,
};

/// Tuesday, 3 March 2026, 10:00 in New York: the time of the events.
const TUESDAY_TEN: &str = "2026-03-03T15:00:00.123456Z";

/// The service in this process with its dependencies. Room 342 has a class, 344 is free, 719 and 723 are closed all day.
#[derive(Debug)]
pub struct TestApp {
    /// The service's clock.
    pub clock: TestClock,
    /// The simulated 25Live.
    pub simulator: Simulator,
    /// The cache.
    pub store: TestStore,
    /// The routes of all three functions.
    pub routes: Router,
    config: Config,
}

impl TestApp {
    /// Starts the service with an empty cache and the configuration of a Lambda function without optional variables.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts it with these environment variables.
    pub async fn start_with(backend: Backend, vars: &[(&str, &str)]) -> Self {
        emptyclassroom::install_tls();
        let (campus, clock) = (small_campus(), TestClock::at(TUESDAY_TEN));
        let simulator = simulate(&campus).await;
        simulator.set_bookings("342", today(), vec![Booking::new("9.083333", 23.5, Kind::Event)]);
        simulator.set_bookings("344", today(), vec![]);
        simulator.set_bookings("719", today(), vec![Booking::new(0.0, "24.000000", Kind::Closed)]);
        simulator.set_bookings("723", today(), vec![Booking::new(0.0, "24.000000", Kind::Closed)]);
        let var = |name: &str| match vars.iter().find(|(set, _)| *set == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => (name == "API_URL").then(|| simulator.url()),
        };
        let mut config = Config::from_vars(Deployment::Lambda, var).unwrap();
        config.campus = campus;
        let store = backend.start(clock.clock()).await;
        let routes = routes(config.clone(), &clock, &store);
        Self { clock, simulator, store, routes, config }
    }

    /// Restarts the service on the same cache, with simulated bookings (no `API_URL`) or real ones.
    pub fn restart(&mut self, simulated: bool) {
        self.config.simulated = simulated;
        self.routes = routes(self.config.clone(), &self.clock, &self.store);
    }

    /// Restarts the service on the same cache with another campus.
    pub fn restart_with_campus(&mut self, campus: Campus) {
        self.config.campus = campus;
        self.routes = routes(self.config.clone(), &self.clock, &self.store);
    }

    /// Returns the response to an event.
    pub async fn answer(&self, event: GatewayEvent) -> TestResponse {
        let request = lambda_http::request::from_str(&serde_json::Value::from(event).to_string()).unwrap();
        TestResponse::read(self.routes.clone().oneshot(request).await.unwrap()).await
    }

    /// Returns the response to the event with this name in `events/`.
    pub async fn answer_to(&self, name: &str) -> TestResponse {
        self.answer(GatewayEvent::named(name)).await
    }

    /// Advances the clock.
    pub fn advance(&self, milliseconds: i64) {
        self.clock.advance(TimeDelta::milliseconds(milliseconds));
    }
}

fn routes(config: Config, clock: &TestClock, store: &TestStore) -> Router {
    let deps = Dependencies::new(config, clock.clock(), store.store.clone());
    let service = Service::build(deps.clone(), None).unwrap();
    let routes = read_routes(&service).merge(refresh_routes(&service)).merge(cooldown_routes(&service.deps));
    finish(routes, &deps.config.allowed_origins)
}

/// The campus's date when a [`TestApp`] starts.
#[must_use]
pub fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()
}
