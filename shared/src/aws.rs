//! What AWS's clients have in common.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The region, credentials and endpoint that the environment gives; a call ends within `time_limit`, its one retry included.
pub(crate) fn config(time_limit: Duration) -> ConfigLoader {
    // ring, as everywhere else: see the workspace's Cargo.toml.
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(TimeoutConfig::builder().operation_timeout(time_limit).build())
}
