//! Amazon EventBridge as the event bus.

use std::{env, sync::OnceLock};

use async_trait::async_trait;
use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_eventbridge::{Client, config::SharedCredentialsProvider, types::PutEventsRequestEntry};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use emptyclassroom::outside::events::{EventBus, EventError, RefreshEvent, SweepReport, TIME_LIMIT};

/// The `source` by which EventBridge rules find this service's events.
const SOURCE: &str = "emptyclassroom";

/// An event bus of Amazon EventBridge.
#[derive(Debug)]
pub(crate) struct EventBridge {
    /// Created for the first event, because creating it reads all root certificates.
    client: OnceLock<Client>,
    bus: String,
}

impl EventBridge {
    /// Creates the bus with this name or ARN, with the region and credentials from the environment.
    #[must_use]
    pub(crate) const fn new(bus: String) -> Self {
        Self { client: OnceLock::new(), bus }
    }
}

/// Creates a client with the credentials from the function's environment. A call ends within [`TIME_LIMIT`], including its one
/// retry.
///
/// The SDK's default would also look for credentials that only computers and containers have, which adds a megabyte to the
/// bootstrap.
fn client() -> Client {
    // ring, as everywhere else: see the workspace's Cargo.toml.
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(http)
        .region(env::var("AWS_REGION").ok().map(Region::new))
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIME_LIMIT).build());
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
    Client::new(&config.build())
}

#[expect(clippy::expect_used, reason = "a report has no map with keys that JSON cannot express")]
fn detail(report: &SweepReport) -> String {
    serde_json::to_string(report).expect("a report can be written as JSON")
}

#[async_trait]
impl EventBus for EventBridge {
    async fn publish(&self, event: &RefreshEvent) -> Result<(), EventError> {
        let failed = |source| EventError { detail_type: event.detail_type(), source };
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(event.detail_type())
            .detail(detail(event.report()))
            .event_bus_name(&self.bus)
            .build();
        let sent = self.client.get_or_init(client).put_events().entries(entry).send().await;
        let output = sent.map_err(|error| failed(error.into()))?;
        // PutEvents answers 200 even if it rejected the entry.
        match output.entries().iter().find_map(|entry| entry.error_message()) {
            None => Ok(()),
            Some(message) => Err(failed(message.into())),
        }
    }
}
