//! AWS Secrets Manager: GetSecretValue, the only call that startup needs.
//!
//! The AWS SDK could make it too, but its shared runtime with HTTP/2 is a third of a bootstrap. So the request goes through the
//! HTTP client that is linked anyway, and only its signature comes from the SDK's own crate. See
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use std::{
    env,
    error::Error,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign},
    sign::v4::SigningParams,
};
use backon::{ConstantBuilder, Retryable};
use http::{Request, StatusCode, header::CONTENT_TYPE};
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::secrets::Arn;
use crate::outside::tls;

/// The service's name in endpoints and signatures.
const SERVICE: &str = "secretsmanager";
const TARGET: &str = "secretsmanager.GetSecretValue";
const CONTENT: &str = "application/x-amz-json-1.1";
/// Startup waits for the call, so there is one quick retry.
const RETRIES: usize = 1;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A client of Secrets Manager, with the credentials from the function's environment.
#[derive(Clone, Debug)]
pub(super) struct SecretsManager {
    http: Client,
    credentials: Credentials,
    /// `AWS_ENDPOINT_URL`, for tests and for networks with their own endpoint.
    endpoint: Option<String>,
}

/// Why a secret was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: Lambda sets them for every function")]
    NoCredentials,
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
    #[error("the request could not be built or signed")]
    Request(#[source] Box<dyn Error + Send + Sync>),
    #[error("Secrets Manager could not be reached")]
    Connection(#[source] reqwest::Error),
    #[error("Secrets Manager answered {status}: {kind} {message}")]
    Refused { status: StatusCode, kind: String, message: String },
    #[error("Secrets Manager's answer could not be read")]
    Answer(#[source] serde_json::Error),
}

impl CallError {
    /// Whether the same call may succeed a moment later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            // Throttling is a 400 that only its kind identifies.
            Self::Refused { status, kind, .. } => {
                let is_throttled = kind.contains("Throttling") || kind.contains("TooManyRequests");
                is_throttled || *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
            }
            _ => false,
        }
    }
}

/// The response of GetSecretValue: a text, unless the secret is binary.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<SecretString>,
}

/// The response of a refused call.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default, rename = "__type")]
    kind: String,
    #[serde(default, alias = "Message")]
    message: String,
}

impl SecretsManager {
    /// # Errors
    /// There are no credentials, or the HTTP client could not be built.
    pub(super) fn new() -> Result<Self, CallError> {
        let var = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(key), Some(secret)) = (var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY")) else {
            return Err(CallError::NoCredentials);
        };
        let credentials = Credentials::new(key, secret, var("AWS_SESSION_TOKEN"), None, "the environment");
        let http = tls::http_client().build().map_err(CallError::Client)?;
        Ok(Self { http, credentials, endpoint: var("AWS_ENDPOINT_URL") })
    }

    /// Returns the text of a secret; `None` if the secret is binary. The caller sets a time limit.
    pub(super) async fn secret(&self, arn: &Arn) -> Result<Option<SecretString>, CallError> {
        let soon = ConstantBuilder::new().with_delay(RETRY_AFTER).with_max_times(RETRIES).with_jitter();
        (|| self.ask(arn)).retry(soon).when(CallError::is_transient).await
    }

    async fn ask(&self, arn: &Arn) -> Result<Option<SecretString>, CallError> {
        let request = self.signed(arn).map_err(CallError::Request)?;
        let request = request.try_into().map_err(CallError::Client)?;
        let response = self.http.execute(request).await.map_err(CallError::Connection)?;
        let status = response.status();
        let body = response.bytes().await.map_err(CallError::Connection)?;
        if status != StatusCode::OK {
            let Refusal { kind, message } = serde_json::from_slice(&body).unwrap_or_default();
            return Err(CallError::Refused { status, kind, message });
        }
        let answer: SecretValue = serde_json::from_slice(&body).map_err(CallError::Answer)?;
        Ok(answer.secret_string)
    }

    /// Returns the request, signed for the secret's region, which may differ from the function's.
    fn signed(&self, arn: &Arn) -> Result<Request<String>, Box<dyn Error + Send + Sync>> {
        let url =
            self.endpoint.clone().unwrap_or_else(|| format!("https://{SERVICE}.{}.{}/", arn.region(), arn.domain()));
        let body = json!({ "SecretId": arn.as_str() }).to_string();
        let mut request = Request::post(url).header(CONTENT_TYPE, CONTENT).header("x-amz-target", TARGET).body(body)?;
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(arn.region())
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            "POST",
            request.uri().to_string(),
            headers,
            SignableBody::Bytes(request.body().as_bytes()),
        )?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error: SigningError| error)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}
