//! The service as clients meet it: all its routes over a small campus, asked with API Gateway's events.

use std::{fs, path::PathBuf};

use axum::{Router, body::to_bytes, response::Response};
use chrono::{NaiveDate, TimeDelta};
use emptyclassroom::{
    config::{Config, Deployment},
    domain::campus::Campus,
    service::{Dependencies, Service},
    web::{cooldown_routes, finish, read_routes, refresh_routes},
};
use http::{HeaderMap, StatusCode, header::HeaderName};
use serde_json::{Value, json};
use simulator::{Booking, Kind, Room, Simulator};
use tower::ServiceExt;

use super::support::{Backend, TestClock, TestStore};

/// Tuesday, 3 March 2026, 10:00 in New York: the time of the events.
const TUESDAY_TEN: &str = "2026-03-03T15:00:00.123456Z";

/// Of Boston University's campus as much as a test can show: a room with a class, a free one, and one booked all day.
const THREE_ROOMS: &str = r#"
name = "Boston University"
timezone = "America/New_York"
[[buildings]]
code = "CAS"
name = "College of Arts & Sciences"
opens = "07:00"
closes = "23:00"
classrooms = [{ id = "342", name = "116" }, { id = "344", name = "201" }]
[[buildings]]
code = "CGS"
name = "College of General Studies"
opens = "07:00"
closes = "21:30"
classrooms = [{ id = "719", name = "129" }]
"#;

/// The service, and all that it stands on.
pub(crate) struct TestApp {
    pub(crate) clock: TestClock,
    pub(crate) simulator: Simulator,
    pub(crate) store: TestStore,
    pub(crate) routes: Router,
}

impl TestApp {
    /// Over an empty cache, configured as a Lambda function is with nothing optional set.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// The same, with these variables set.
    pub(crate) async fn start_with(backend: Backend, vars: &[(&str, &str)]) -> Self {
        emptyclassroom::install_tls();
        let clock = TestClock::at(TUESDAY_TEN);
        let rooms = ["342", "344", "719"].map(|id| Room::new(id, format!("room {id}")));
        let simulator = Simulator::start(rooms.to_vec()).await.unwrap();
        simulator.set_bookings("342", today(), vec![Booking::new("9.083333", 23.5, Kind::Event)]);
        simulator.set_bookings("344", today(), vec![]);
        simulator.set_bookings("719", today(), vec![Booking::new(0.0, "24.000000", Kind::Closed)]);
        let var = |name: &str| match vars.iter().find(|(set, _)| *set == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => (name == "API_URL").then(|| simulator.url()),
        };
        let mut config = Config::from_vars(Deployment::Lambda, var).unwrap();
        config.campus = Campus::parse("three rooms", THREE_ROOMS).unwrap();
        let store = backend.start(clock.clock()).await;
        let deps = Dependencies::new(config, clock.clock(), store.store.clone());
        let service = Service::build(deps.clone(), None).unwrap();
        let routes = read_routes(&service).merge(refresh_routes(&service)).merge(cooldown_routes(&deps));
        Self { routes: finish(routes, &deps.config.allowed_origins), clock, simulator, store }
    }

    /// What the service answers to an event.
    pub(crate) async fn answer(&self, event: Event) -> Answer {
        let request = lambda_http::request::from_str(&event.0.to_string()).unwrap();
        Answer::read(self.routes.clone().oneshot(request).await.unwrap()).await
    }

    /// What it answers to the event of that name in `events/`.
    pub(crate) async fn answer_to(&self, name: &str) -> Answer {
        self.answer(Event::named(name)).await
    }

    pub(crate) fn advance(&self, milliseconds: i64) {
        self.clock.advance(TimeDelta::milliseconds(milliseconds));
    }
}

/// An event of API Gateway, payload format 2.0.
#[derive(Clone)]
pub(crate) struct Event(Value);

impl Event {
    /// As it lies in `events/`.
    pub(crate) fn named(name: &str) -> Self {
        let text = fs::read_to_string(events().join(name).with_extension("json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    /// A method, and a path with or without a query.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Self(mut event) = Self::named("hello");
        event["rawPath"] = path.into();
        event["rawQueryString"] = query.into();
        event["requestContext"]["http"]["method"] = method.into();
        event["requestContext"]["http"]["path"] = path.into();
        Self(event)
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self
    }
}

/// Where the events lie.
pub(crate) fn events() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"))
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Self { status: head.status, headers: head.headers, text: String::from_utf8(body.into()).unwrap() }
    }

    /// A header, empty if there is none. One that stands there twice fails the test.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name.parse::<HeaderName>().unwrap()).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands there twice: {:?}", self.headers);
        value
    }

    /// Status and X-Cache.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.header("x-cache"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and the sentence of an error, which must be a whole and sound one.
    pub(crate) fn problem(&self) -> (u16, String) {
        let (status, body) = (self.status.as_u16(), self.json());
        let detail = body["detail"].as_str().unwrap().to_owned();
        assert_eq!(body, json!({"title": self.status.canonical_reason(), "status": status, "detail": detail}));
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        (status, detail)
    }
}

/// The campus's day at the start.
pub(crate) fn today() -> NaiveDate {
    "2026-03-03".parse().unwrap()
}
