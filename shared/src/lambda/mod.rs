//! What the three functions have in common: startup (logs, TLS, secrets, configuration, Redis) and serving requests.

mod gateway_request;
mod gateway_response;
mod secrets;
mod secrets_manager;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use axum::{Router, extract::Request};
use lambda_http::{
    LambdaEvent,
    lambda_runtime::{self, service_fn},
};
use tower::ServiceExt;

use self::secrets::Environment;
pub use self::{gateway_request::GatewayRequest, gateway_response::GatewayResponse, secrets::SecretError};
use crate::{
    config::{Config, ConfigError, Deployment, environment},
    error_chain, logs,
    outside::{
        cache::{RedisStore, StoreError},
        clock::Clock,
        metrics::Metrics,
    },
    service::Dependencies,
    web,
};

/// Why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is bad or missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// `REDIS_URL` cannot be used.
    #[error("the Redis client could not be set up")]
    Redis(#[from] StoreError),
}

/// Starts a function: logs, TLS, secrets, configuration, and a connection to Redis.
///
/// # Errors
/// A secret could not be read, or the configuration is invalid.
pub async fn start() -> Result<Arc<Dependencies>, StartError> {
    logs::start(logs::Format::Json, environment("RUST_LOG"));
    crate::install_tls();
    let environment = Environment::read().await?;
    let config = Config::from_vars(Deployment::Lambda, |name| environment.var(name))?;
    let metrics = Metrics::default();
    metrics.cold_start();
    let store = RedisStore::new(config.required_redis_url()?, config.redis_timeout)?.measured_by(metrics.clone());
    connect(&store).await;
    let clock = Clock::system(config.campus.timezone);
    Ok(Arc::new(Dependencies { metrics, ..Dependencies::new(config, clock, Arc::new(store)) }))
}

/// Connects to Redis at startup, so that the first request does not have to. If Redis is down, the function starts anyway, and the
/// first request tries again.
async fn connect(store: &RedisStore) {
    if let Err(error) = store.connect().await {
        tracing::error!(cause = error_chain(&error), "Redis could not be reached at startup");
    }
}

/// Prints the metrics of this event, for CloudWatch.
pub fn report(deps: &Dependencies) {
    let function = environment("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    if let Some(line) = deps.metrics.line(&function, deps.clock.now()) {
        // If stdout is closed, only metrics are lost.
        let _ = io::stdout().write_all(&line);
    }
}

/// Returns the exit code for a function's `main`, and logs why the function did not start or stopped.
#[must_use]
pub fn exit_code(result: Result<(), lambda_http::Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(cause = error_chain(error.as_ref()), "the function stops");
            ExitCode::FAILURE
        }
    }
}

/// A function's routes, behind API Gateway.
#[derive(Clone)]
pub struct Gateway {
    routes: Router,
    deps: Arc<Dependencies>,
}

impl Gateway {
    /// Completes the routes. API Gateway handles CORS unless `ALLOWED_ORIGINS` is set.
    #[must_use]
    pub fn new(routes: Router, deps: &Arc<Dependencies>) -> Self {
        Self { routes: web::finish(routes, &deps.config.allowed_origins), deps: Arc::clone(deps) }
    }

    /// Returns the response that API Gateway sends to the client.
    ///
    /// # Errors
    /// The body breaks off. The bodies of the routes never do.
    pub async fn answer(&self, request: GatewayRequest) -> Result<GatewayResponse, lambda_http::Error> {
        let Ok(response) = self.routes.clone().oneshot(Request::from(request)).await;
        Ok(GatewayResponse::read(response).await?)
    }

    /// Answers requests, one at a time, until Lambda ends the process.
    ///
    /// # Errors
    /// The Runtime API cannot be reached.
    pub async fn serve(self) -> Result<(), lambda_http::Error> {
        lambda_runtime::run(service_fn(move |event: LambdaEvent<GatewayRequest>| {
            let gateway = self.clone();
            async move {
                let answer = gateway.answer(event.payload).await;
                report(&gateway.deps);
                answer
            }
        }))
        .await
    }
}
