//! A fake AWS API in the style of EventBridge and Secrets Manager, with responses from the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request: its target, such as `AWSEvents.PutEvents`, and its body.
pub type AwsRequest = (String, Value);

/// The ARN of a secret.
pub const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emptyclassroom-AbCdEf";

/// An AWS API on a free port of 127.0.0.1, closed when dropped. Programs find it through `AWS_ENDPOINT_URL`.
#[derive(Debug)]
pub struct AwsApi {
    addr: SocketAddr,
    taken: Arc<Mutex<Vec<AwsRequest>>>,
    server: JoinHandle<()>,
}

impl AwsApi {
    /// Starts an API. `answer` gets the body of a request and returns the status and the body of the response.
    pub async fn start(answer: impl Fn(&Value) -> (u16, Value) + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let taken: Arc<Mutex<Vec<AwsRequest>>> = Arc::default();
        let record = Arc::clone(&taken);
        let take = async move |headers: HeaderMap, body: Bytes| {
            let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
            let body: Value = serde_json::from_slice(&body).expect("requests to AWS are JSON");
            let (status, answer) = answer(&body);
            record.lock().unwrap_or_else(PoisonError::into_inner).push((target.to_owned(), body));
            let status = StatusCode::from_u16(status).expect("the test returns a valid HTTP status");
            (status, [("content-type", "application/x-amz-json-1.1")], answer.to_string())
        };
        let router = Router::new().route("/", post(take));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("axum serves forever") });
        Self { addr, taken, server }
    }

    /// Starts a Secrets Manager that returns this text for every secret.
    pub async fn secrets_manager(text: &str) -> Self {
        let text = text.to_owned();
        Self::start(move |request| (200, json!({"ARN": request["SecretId"], "SecretString": text}))).await
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The value for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The requests so far.
    #[must_use]
    pub fn taken(&self) -> Vec<AwsRequest> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for AwsApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}
