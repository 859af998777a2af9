//! What AWS's clients have in common.

use std::{env, time::Duration};

use aws_config::{
    Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// How a service of AWS is asked: in this region or else in the environment's, with the credentials that Lambda gives a
/// function in its environment. A call ends within `time_limit`, its one retry included.
///
/// The SDK's own way would also look for credentials where only computers and containers have them; the code for that is a
/// megabyte of each bootstrap.
pub(crate) fn config(region: Option<&str>, time_limit: Duration) -> SdkConfig {
    // ring, as everywhere else: see the workspace's Cargo.toml.
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let region = region.map(str::to_owned).or_else(|| env::var("AWS_REGION").ok());
    let mut config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(http)
        .region(region.map(Region::new))
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(TimeoutConfig::builder().operation_timeout(time_limit).build());
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
    config.build()
}
