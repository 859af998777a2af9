//! Lambda's Runtime API: the HTTP server from which a bootstrap gets events and to which it posts responses.
//!
//! See <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::collections::HashMap;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::waiting::PATIENCE;

/// The timeout of the function.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Lambda's limit for a buffered response, a little over 6 MB.
const MAX_RESPONSE_BYTES: usize = 6_291_556;
/// The function's name, as in its ARN and its environment.
pub(crate) const FUNCTION_NAME: &str = "under-test";

/// Why an invocation got no response.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The function posted this error (`errorType`, `errorMessage`) for the event.
    #[error("the function failed: {0}")]
    Function(Value),
    /// The function posted this error at its start.
    #[error("the function could not start: {0}")]
    Init(Value),
    /// The function's response was not JSON.
    #[error("the function's response is not JSON: {0}")]
    NotJson(String),
    /// The function's process ended before it responded.
    #[error("the function's process ended ({status}) before it responded; it logged:\n{logs}")]
    Exited {
        /// How the process ended.
        status: std::process::ExitStatus,
        /// Its logs.
        logs: String,
    },
    /// No response came within the limit.
    #[error("the function did not respond in time")]
    TimedOut,
}

/// The Runtime API on a free port of 127.0.0.1, closed when dropped.
///
/// Events wait here until a function asks for them, as in Lambda. Each [`Function`](crate::Function) has its own API.
#[derive(Debug)]
pub struct RuntimeApi {
    addr: SocketAddr,
    started: Instant,
    last_id: AtomicU64,
    /// Held here and not by the server, so that dropping this value ends a function's wait for an event.
    queue: mpsc::UnboundedSender<Event>,
    invocations: Arc<Invocations>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    /// Starts the server.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let (queue, events) = mpsc::unbounded_channel();
        let invocations = Arc::new(Invocations {
            events: AsyncMutex::new(events),
            waiting: Mutex::default(),
            phase: watch::Sender::new(Phase::Starting),
            handed_out: Mutex::default(),
            last_duration: Mutex::default(),
        });
        let router = router(Arc::clone(&invocations));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("axum serves forever") });
        Self { addr, started: Instant::now(), last_id: AtomicU64::new(0), queue, invocations, server }
    }

    /// Its address, for `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Queues an event and waits for the function's response, for at most 60 s.
    ///
    /// # Errors
    ///
    /// The function posted an error, or no response came in time.
    pub async fn invoke(&self, event: Value) -> Result<Value, InvocationError> {
        self.invoke_within(PATIENCE, event).await
    }

    /// Like [`invoke`](Self::invoke), with a limit other than 60 s.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke).
    pub async fn invoke_within(&self, limit: Duration, event: Value) -> Result<Value, InvocationError> {
        let id = format!("00000000-0000-4000-8000-{:012x}", self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let (answer, answered) = oneshot::channel();
        self.invocations.waiting().insert(id.clone(), answer);
        self.queue.send(Event { id, body: event }).expect("the receiver lives as long as this API");
        let outcome = async {
            tokio::select! {
                biased;
                outcome = answered => outcome.expect("each removed sender sends an outcome"),
                error = self.invocations.failed_start() => Err(InvocationError::Init(error)),
            }
        };
        timeout(limit, outcome).await.unwrap_or(Err(InvocationError::TimedOut))
    }

    /// Waits until a function has asked for its first event, which ends its INIT phase, and returns the time since
    /// [`start`](Self::start). Panics if the function reports a failed start, or after 60 s.
    pub async fn ready(&self) -> Duration {
        self.ready_at().await.duration_since(self.started)
    }

    /// The duration of the last invocation, from sending the event until the whole response has arrived, unparsed.
    ///
    /// With several concurrent functions or events, it may belong to any of them.
    #[must_use]
    pub fn last_duration(&self) -> Option<Duration> {
        *self.invocations.last_duration.lock().expect("no code panics while holding this lock")
    }

    /// Waits until a function asks for its first event and returns that moment.
    pub(crate) async fn ready_at(&self) -> Instant {
        let mut phase = self.invocations.phase.subscribe();
        let left = timeout(PATIENCE, phase.wait_for(|phase| !matches!(phase, Phase::Starting))).await;
        let phase = left.unwrap_or_else(|_| panic!("no function asked for an event within {PATIENCE:?}"));
        match &*phase.expect("the phase lives as long as this API") {
            Phase::Ready(at) => *at,
            Phase::Failed(error) => panic!("the function could not start: {error}"),
            Phase::Starting => unreachable!("`wait_for` has excluded this phase"),
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct Event {
    id: String,
    body: Value,
}

/// The phase of the function's start.
#[derive(Debug)]
enum Phase {
    Starting,
    Ready(Instant),
    Failed(Value),
}

type Outcome = Result<Value, InvocationError>;

/// The queued events and the callers that wait for their responses.
#[derive(Debug)]
struct Invocations {
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    phase: watch::Sender<Phase>,
    handed_out: Mutex<Option<Instant>>,
    last_duration: Mutex<Option<Duration>>,
}

impl Invocations {
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.waiting.lock().expect("no code panics while holding this lock")
    }

    /// The next event whose caller still waits; `None` when the API is dropped.
    async fn next(&self) -> Option<Event> {
        let mut events = self.events.lock().await;
        loop {
            let event = events.recv().await?;
            let mut waiting = self.waiting();
            if waiting.get(&event.id).is_some_and(|answer| !answer.is_closed()) {
                return Some(event);
            }
            waiting.remove(&event.id);
        }
    }

    fn starts_counting(&self) {
        *self.handed_out.lock().expect("no code panics while holding this lock") = Some(Instant::now());
    }

    fn stops_counting(&self) {
        let start = self.handed_out.lock().expect("no code panics while holding this lock").take();
        *self.last_duration.lock().expect("no code panics while holding this lock") =
            start.map(|start| start.elapsed());
    }

    /// Passes the outcome to the caller of `invoke`, and answers the function as Lambda does.
    fn finish(&self, id: &str, outcome: Outcome) -> Response {
        let Some(answer) = self.waiting().remove(id) else {
            let error = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        };
        // The test may have stopped waiting, which the function need not know.
        let _ = answer.send(outcome);
        accepted()
    }

    /// Waits for the error of a failed start, forever if there is none.
    async fn failed_start(&self) -> Value {
        let mut phase = self.phase.subscribe();
        match phase.wait_for(|phase| matches!(phase, Phase::Failed(_))).await.as_deref() {
            Ok(Phase::Failed(error)) => error.clone(),
            _ => pending().await,
        }
    }
}

fn router(invocations: Arc<Invocations>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        // `response` checks Lambda's limit instead.
        .layer(DefaultBodyLimit::disable())
        .with_state(invocations)
}

async fn next(State(invocations): State<Arc<Invocations>>) -> Response {
    invocations.phase.send_if_modified(|phase| {
        let first = matches!(phase, Phase::Starting);
        if first {
            *phase = Phase::Ready(Instant::now());
        }
        first
    });
    let Some(event) = invocations.next().await else { return StatusCode::GONE.into_response() };
    let deadline = SystemTime::now() + FUNCTION_TIMEOUT;
    let deadline = deadline.duration_since(UNIX_EPOCH).expect("the clock shows a time after 1970").as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", event.id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION_NAME}"),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".into(),
        ),
    ];
    let response = (headers, Json(event.body)).into_response();
    invocations.starts_counting();
    response
}

async fn response(State(invocations): State<Arc<Invocations>>, Path(id): Path<String>, body: Bytes) -> Response {
    invocations.stops_counting();
    if body.len() > MAX_RESPONSE_BYTES {
        let message = format!("the response has {} bytes; the limit is {MAX_RESPONSE_BYTES}", body.len());
        let error = json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message });
        invocations.finish(&id, Err(InvocationError::Function(error.clone())));
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(error)).into_response();
    }
    let outcome =
        serde_json::from_slice(&body).map_err(|_| InvocationError::NotJson(String::from_utf8_lossy(&body).into()));
    invocations.finish(&id, outcome)
}

async fn error(State(invocations): State<Arc<Invocations>>, Path(id): Path<String>, body: Bytes) -> Response {
    invocations.finish(&id, Err(InvocationError::Function(error_of(&body))))
}

async fn init_error(State(invocations): State<Arc<Invocations>>, body: Bytes) -> Response {
    invocations.phase.send_replace(Phase::Failed(error_of(&body)));
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

/// The posted error object, or its text if it is not JSON.
fn error_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    /// Sends a request on a new connection and returns the head of the response, in lower case, and its body.
    async fn send(api: &RuntimeApi, method: &str, path: &str, body: &str) -> (String, String) {
        let mut connection = TcpStream::connect(api.addr()).await.unwrap();
        let request = format!(
            "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    fn header<'a>(head: &'a str, name: &str) -> &'a str {
        let line = head.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1
    }

    /// Plays the function in one invocation: gets an event and posts `body` to `endpoint` ("response" or "error").
    async fn serve_one(api: &RuntimeApi, endpoint: &str, body: &str) -> (String, String) {
        let (head, event) = send(api, "GET", "invocation/next", "").await;
        let id = header(&head, "lambda-runtime-aws-request-id");
        let (status, _) = send(api, "POST", &format!("invocation/{id}/{endpoint}"), body).await;
        assert!(status.starts_with("http/1.1 202"), "{status}");
        (head, event)
    }

    #[tokio::test]
    async fn an_event_gets_its_response() {
        let api = RuntimeApi::start().await;
        let (answer, (head, event)) =
            tokio::join!(api.invoke(json!({ "question": 6 })), serve_one(&api, "response", r#"{"answer":42}"#));
        assert_eq!(answer.unwrap(), json!({ "answer": 42 }));
        assert_eq!(event, r#"{"question":6}"#);
        assert!(header(&head, "lambda-runtime-invoked-function-arn").starts_with("arn:aws:lambda:us-east-1:"));
        assert!(header(&head, "lambda-runtime-trace-id").starts_with("root="));
        let deadline: u128 = header(&head, "lambda-runtime-deadline-ms").parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert!((now + 20_000..=now + 30_000).contains(&deadline));
    }

    #[tokio::test]
    async fn concurrent_events_each_get_their_own_response() {
        let api = RuntimeApi::start().await;
        let function = async {
            serve_one(&api, "response", "1").await;
            serve_one(&api, "response", "2").await;
        };
        let (first, second, ()) = tokio::join!(api.invoke(json!("a")), api.invoke(json!("b")), function);
        assert_eq!((first.unwrap(), second.unwrap()), (json!(1), json!(2)));
    }

    #[tokio::test]
    async fn a_posted_error_is_returned() {
        let api = RuntimeApi::start().await;
        let posted = r#"{"errorType":"Oops","errorMessage":"broken"}"#;
        let (answer, _) = tokio::join!(api.invoke(json!({})), serve_one(&api, "error", posted));
        let Err(InvocationError::Function(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error, json!({ "errorType": "Oops", "errorMessage": "broken" }));
    }

    #[tokio::test]
    async fn a_response_that_is_not_json_is_reported() {
        let api = RuntimeApi::start().await;
        let (answer, _) = tokio::join!(api.invoke(json!({})), serve_one(&api, "response", "<html>"));
        assert!(matches!(answer, Err(InvocationError::NotJson(text)) if text == "<html>"));
    }

    #[tokio::test]
    async fn a_response_over_lambdas_limit_is_an_error() {
        let api = RuntimeApi::start().await;
        let too_long = format!("\"{}\"", "x".repeat(MAX_RESPONSE_BYTES));
        let function = async {
            let (head, _) = send(&api, "GET", "invocation/next", "").await;
            let id = header(&head, "lambda-runtime-aws-request-id");
            send(&api, "POST", &format!("invocation/{id}/response"), &too_long).await
        };
        let (answer, (status, _)) = tokio::join!(api.invoke(json!({})), function);
        assert!(status.starts_with("http/1.1 413"), "{status}");
        let Err(InvocationError::Function(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error["errorType"], "Function.ResponseSizeTooLarge");
    }

    #[tokio::test]
    async fn a_failed_start_fails_earlier_and_later_invocations() {
        let api = RuntimeApi::start().await;
        let (before, _) =
            tokio::join!(api.invoke(json!({})), send(&api, "POST", "init/error", r#"{"errorType":"Config"}"#));
        assert!(matches!(before, Err(InvocationError::Init(error)) if error["errorType"] == "Config"));
        assert!(matches!(api.invoke(json!({})).await, Err(InvocationError::Init(_))));
    }

    #[tokio::test]
    async fn ready_waits_for_the_first_poll() {
        let api = RuntimeApi::start().await;
        assert!(timeout(Duration::from_millis(50), api.ready()).await.is_err());
        tokio::join!(api.invoke(json!({})), serve_one(&api, "response", "null")).0.unwrap();
        assert!(api.ready().await >= Duration::from_millis(50));
    }

    #[tokio::test]
    async fn an_event_that_is_no_longer_awaited_is_skipped() {
        let api = RuntimeApi::start().await;
        assert!(timeout(Duration::from_millis(10), api.invoke(json!("stale"))).await.is_err());
        let (_, (_, event)) = tokio::join!(api.invoke(json!("fresh")), serve_one(&api, "response", "null"));
        assert_eq!(event, r#""fresh""#);
    }

    #[tokio::test]
    async fn an_unknown_request_id_is_refused() {
        let api = RuntimeApi::start().await;
        let (status, body) = send(&api, "POST", "invocation/nonsense/response", "{}").await;
        assert!(status.starts_with("http/1.1 400"), "{status}");
        assert!(body.contains("InvalidRequestID"));
    }
}
