//! Amazon EventBridge as the event bus.

use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};

use super::{EventBus, EventError, RefreshEvent, SweepReport, TIME_LIMIT};
use crate::outside::aws;

/// The `source` by which EventBridge rules find this service's events.
const SOURCE: &str = "emptyclassroom";

/// An event bus of Amazon EventBridge.
#[derive(Debug)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus of this name or ARN, with the region and credentials that the environment gives.
    #[must_use]
    pub fn new(bus: String) -> Self {
        let config = aws::config(None, TIME_LIMIT);
        Self { client: Client::new(&config), bus }
    }
}

#[expect(clippy::expect_used, reason = "a report has no map with keys that JSON cannot express")]
fn detail(report: &SweepReport) -> String {
    serde_json::to_string(report).expect("a report should be JSON")
}

#[async_trait]
impl EventBus for EventBridge {
    async fn publish(&self, event: &RefreshEvent) -> Result<(), EventError> {
        let detail_type = event.detail_type();
        let failed = |source| EventError { detail_type, source };
        let detail = detail(event.report());
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .event_bus_name(&self.bus)
            .build();
        let sent = self.client.put_events().entries(entry).send().await;
        let output = sent.map_err(|error| failed(error.into()))?;
        // PutEvents answers 200 also when it refused the entry.
        match output.entries().iter().find_map(|entry| entry.error_message()) {
            None => Ok(()),
            Some(message) => Err(failed(message.into())),
        }
    }
}
