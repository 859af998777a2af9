//! As much of AWS as a test needs: an API of the kind that EventBridge and Secrets Manager have, whose answers the test gives.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request: what it asks for (`AWSEvents.PutEvents`), and its body.
pub type AwsRequest = (String, Value);

/// The ARN of a secret.
pub const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emptyclassroom-AbCdEf";

/// An API of AWS on a free port of 127.0.0.1, closed when dropped. A program is sent there by `AWS_ENDPOINT_URL`.
#[derive(Debug)]
pub struct AwsApi {
    addr: SocketAddr,
    taken: Arc<Mutex<Vec<AwsRequest>>>,
    server: JoinHandle<()>,
}

impl AwsApi {
    /// One that answers each request's body so: a status, and the body of the answer.
    pub async fn start(answer: impl Fn(&Value) -> (u16, Value) + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let taken: Arc<Mutex<Vec<AwsRequest>>> = Arc::default();
        let record = Arc::clone(&taken);
        let take = async move |headers: HeaderMap, body: Bytes| {
            let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
            let body: Value = serde_json::from_slice(&body).expect("a program asks AWS in JSON");
            let (status, answer) = answer(&body);
            record.lock().unwrap_or_else(PoisonError::into_inner).push((target.to_owned(), body));
            let status = StatusCode::from_u16(status).expect("a test answers with a status of HTTP");
            (status, [("content-type", "application/x-amz-json-1.1")], answer.to_string())
        };
        let router = Router::new().route("/", post(take));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("axum serves for ever") });
        Self { addr, taken, server }
    }

    /// A Secrets Manager with this text in each secret.
    pub async fn secrets_manager(text: &str) -> Self {
        let text = text.to_owned();
        Self::start(move |request| (200, json!({"ARN": request["SecretId"], "SecretString": text}))).await
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a program is given as `AWS_ENDPOINT_URL`.
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
