//! The function's own binary, started as Lambda starts it, over a real Redis, a simulated 25Live, and a small EventBridge.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use simulator::{Fault, Room, Simulator};
use testkit::{Function, InvocationError, RedisServer, eventually, free_port};
use tokio::net::TcpListener;

const BINARY: &str = env!("CARGO_BIN_EXE_refresh");
/// How long a line may be on its way from the function's log.
const SOON: Duration = Duration::from_secs(10);

fn event(name: &str) -> Value {
    let file = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// What the function stands on.
struct Ground {
    redis: RedisServer,
    upstream: Simulator,
}

impl Ground {
    async fn new() -> Self {
        let file = format!("{}/../../campuses/bu.toml", env!("CARGO_MANIFEST_DIR"));
        let campus = fs::read_to_string(file).unwrap();
        let ids = campus.lines().filter_map(|line| line.strip_prefix("id = ")).map(|id| id.trim_matches('"'));
        let upstream = Simulator::start(ids.map(|id| Room::new(id, id)).collect()).await.unwrap();
        Self { redis: RedisServer::start().await, upstream }
    }

    async fn function(&self, vars: &[(&str, &str)]) -> Function {
        let (redis, upstream) = (self.redis.url(), self.upstream.url());
        let mut all = vec![("REDIS_URL", redis.as_str()), ("API_URL", &upstream)];
        all.extend(vars);
        Function::start(BINARY, &all).await
    }
}

async fn answer(function: &Function, name: &str) -> Value {
    function.invoke(event(name)).await.unwrap()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// An EventBridge that keeps what it is told.
#[derive(Clone, Default)]
struct EventBridge(Arc<Mutex<Vec<Value>>>);

impl EventBridge {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/", post(put_events)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn put_events(State(bus): State<EventBridge>, headers: HeaderMap, body: String) -> Json<Value> {
    assert_eq!(headers.get("x-amz-target").unwrap(), "AWSEvents.PutEvents");
    let request: Value = serde_json::from_str(&body).unwrap();
    bus.0.lock().unwrap().extend(request["Entries"].as_array().unwrap().iter().cloned());
    Json(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}))
}

/// What lets the SDK sign a request.
const CREDENTIALS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

#[tokio::test]
async fn a_person_refreshes_once_and_is_then_asked_to_wait() {
    let ground = Ground::new().await;
    let function = ground.function(&[]).await;
    let done = answer(&function, "refresh").await;
    assert_eq!((&done["statusCode"], &body(&done)["message"]), (&json!(200), &json!("Data refreshed successfully")));
    assert_eq!((&done["isBase64Encoded"], &done["cookies"]), (&json!(false), &json!([])));
    assert_eq!(body(&done)["timestamp"], ground.redis.command(&["GET", "classrooms:last_refresh"]).await);
    let refused = answer(&function, "refresh").await;
    assert_eq!(refused["statusCode"], 429);
    let detail = body(&refused)["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("Refresh cooldown active. Please wait ") && detail.ends_with(" more minutes."),
        "{detail}"
    );
    assert_eq!(answer(&function, "refresh-too-large").await["statusCode"], 413);
    assert_eq!(ground.upstream.requests(), 77);
}

#[tokio::test]
async fn the_schedule_sweeps_once_however_often_it_is_delivered() {
    let ground = Ground::new().await;
    let function = ground.function(&[]).await;
    assert_eq!(answer(&function, "schedule").await["outcome"], "refreshed");
    assert_eq!(answer(&function, "schedule").await, json!({"outcome": "skipped"}));
    assert_eq!(ground.upstream.requests(), 77);
}

#[tokio::test]
async fn a_sweep_that_fails_is_an_answer_and_no_invocation_error() {
    let ground = Ground::new().await;
    ground.upstream.misbehave(Fault::Status(404));
    let function = ground.function(&[]).await;
    let failed = answer(&function, "refresh").await;
    assert_eq!((&failed["statusCode"], &body(&failed)["detail"]), (&json!(502), &json!("Failed to refresh data")));
    assert_eq!(answer(&function, "refresh").await["statusCode"], 503);
    assert_eq!(answer(&function, "schedule").await, json!({"outcome": "failed"}));
    eventually("the cause is logged", SOON, async || function.logs().contains("25Live answered 404 Not Found")).await;
}

#[tokio::test]
async fn an_operator_drops_the_cache_with_the_token_alone() {
    let ground = Ground::new().await;
    let walled_up = ground.function(&[]).await;
    assert_eq!(answer(&walled_up, "refresh-invalidate-cache").await["statusCode"], 403);
    let other = ground.function(&[("ADMIN_TOKEN", "another-token")]).await;
    assert_eq!(answer(&other, "refresh-invalidate-cache").await["statusCode"], 401);
    let function = ground.function(&[("ADMIN_TOKEN", "test-admin-token"), ("RUST_LOG", "trace")]).await;
    for _ in 0..2 {
        assert_eq!(answer(&function, "refresh-invalidate-cache").await["statusCode"], 200);
    }
    assert_eq!(ground.upstream.requests(), 2 * 77);
    assert!(!function.logs().contains("test-admin-token"), "{}", function.logs());
}

#[tokio::test]
async fn what_is_neither_a_person_nor_the_schedule_is_refused() {
    let function = Ground::new().await.function(&[]).await;
    let refusal = function.invoke(json!({"detail-type": "Object Created"})).await.unwrap_err();
    let InvocationError::Function(refusal) = refusal else { unreachable!("{refusal:?}") };
    assert!(refusal.to_string().contains("neither an API Gateway v2 request nor"), "{refusal}");
}

#[tokio::test]
async fn each_sweep_is_told_to_the_event_bus() {
    let (ground, bus) = (Ground::new().await, EventBridge::default());
    let url = bus.start().await;
    let vars = [("EVENT_BUS_NAME", "campus"), ("AWS_ENDPOINT_URL", url.as_str()), CREDENTIALS[0], CREDENTIALS[1]];
    let function = ground.function(&vars).await;
    let done = body(&answer(&function, "refresh").await);
    let told = bus.take();
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0];
    assert_eq!(
        (&told["Source"], &told["DetailType"], &told["EventBusName"]),
        (&json!("emptyclassroom"), &json!("Availability Refreshed"), &json!("campus"))
    );
    let detail: Value = serde_json::from_str(told["Detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["rooms_ok"], &detail["rooms_failed"]), (&json!(77), &json!(0)));
    assert_eq!(detail["timestamp"], done["timestamp"]);

    // Nobody swept, so nobody is told.
    answer(&function, "refresh").await;
    assert_eq!(bus.take(), Vec::<Value>::new());

    ground.upstream.misbehave(Fault::Status(404));
    ground.redis.command(&["DEL", "classrooms:last_refresh"]).await;
    assert_eq!(answer(&function, "schedule").await, json!({"outcome": "failed"}));
    let told = bus.take();
    assert_eq!((told.len(), &told[0]["DetailType"]), (1, &json!("Availability Refresh Failed")));
}

#[tokio::test]
async fn an_event_bus_that_is_gone_changes_nothing_else() {
    let ground = Ground::new().await;
    let gone = format!("http://127.0.0.1:{}", free_port());
    let vars = [("EVENT_BUS_NAME", "campus"), ("AWS_ENDPOINT_URL", gone.as_str()), CREDENTIALS[0], CREDENTIALS[1]];
    let function = ground.function(&vars).await;
    assert!(function.init_time().await < Duration::from_secs(9), "Lambda allows 10 s for a start");
    assert_eq!(answer(&function, "refresh").await["statusCode"], 200);
    eventually("the loss is logged", SOON, async || function.logs().contains("an event was not published")).await;
}
