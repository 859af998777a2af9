//! The events in `events/`, and other API Gateway events.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The folder `events/` of the repository.
#[must_use]
pub fn events_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Loads the event with this name from `events/`.
#[must_use]
pub fn event(name: &str) -> Value {
    let text = fs::read_to_string(events_folder().join(name).with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// An API Gateway event in payload format 2.0.
#[derive(Clone, Debug)]
pub struct GatewayEvent(Value);

impl GatewayEvent {
    /// Loads the event with this name from `events/`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(event(name))
    }

    /// Creates an event with this method and this path, with or without a query.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Self(mut event) = Self::named("hello");
        event["rawPath"] = path.into();
        event["rawQueryString"] = query.into();
        event["requestContext"]["http"]["method"] = method.into();
        event["requestContext"]["http"]["path"] = path.into();
        Self(event)
    }

    /// Creates a GET event for this path and query.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Creates a POST event for this path and query.
    #[must_use]
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self
    }
}

impl From<GatewayEvent> for Value {
    fn from(GatewayEvent(event): GatewayEvent) -> Self {
        event
    }
}
