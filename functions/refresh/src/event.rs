//! The two kinds of event that invoke the function.

use emptyclassroom::lambda::GatewayRequest;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// Who requests a refresh.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// The daily schedule.
    Schedule,
    /// A client, through API Gateway.
    Client(Box<GatewayRequest>),
}

/// What identifies a scheduled event: EventBridge's own field, which the schedule in template.yaml sends too.
#[derive(Deserialize)]
struct Scheduled {
    #[serde(rename = "detail-type")]
    detail_type: String,
}

impl<'de> Deserialize<'de> for Invocation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        if Scheduled::deserialize(&event).is_ok_and(|scheduled| scheduled.detail_type == "Scheduled Event") {
            return Ok(Self::Schedule);
        }
        let request = serde_json::from_value(event).map(|request| Self::Client(Box::new(request)));
        request.map_err(|_| de::Error::custom("neither an API Gateway v2 request nor a \"Scheduled Event\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str) -> Result<Invocation, String> {
        serde_json::from_str(event).map_err(|error| error.to_string())
    }

    #[test]
    fn scheduled_events_and_http_requests_are_distinguished() {
        assert!(matches!(read(include_str!("../../../events/schedule.json")), Ok(Invocation::Schedule)));
        assert!(matches!(read(include_str!("../../../events/refresh.json")), Ok(Invocation::Client(_))));
    }

    #[test]
    fn other_events_are_refused_with_a_reason() {
        for event in ["{}", "null", "[]", r#"{"detail-type":"Object Created"}"#] {
            assert!(read(event).unwrap_err().starts_with("neither an API Gateway v2 request"), "{event}");
        }
    }
}
