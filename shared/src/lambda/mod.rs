//! What the three functions have in common: their start (logs, TLS, secrets, configuration, Redis), and their way of serving.

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
    /// A secret is not to be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// REDIS_URL cannot be used after all.
    #[error("the Redis client could not be set up")]
    Redis(#[from] StoreError),
}

/// Starts a function: logs, TLS, secrets, configuration, and a connection to Redis.
///
/// # Errors
/// A secret is not to be had, or the configuration cannot be used.
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

/// Connects to Redis while the start's processor time is free. A Redis that is down stops nothing: the first request tries
/// again.
async fn connect(store: &RedisStore) {
    if let Err(error) = store.connect().await {
        tracing::error!(cause = error_chain(&error), "no Redis at the start");
    }
}

/// Prints what was measured at this event, for CloudWatch.
pub fn report(deps: &Dependencies) {
    let function = environment("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    if let Some(line) = deps.metrics.line(&function, deps.clock.now()) {
        // Where nobody listens, nothing is lost.
        let _ = io::stdout().write_all(&line);
    }
}

/// What a function's `main` returns. Why it did not start, or did not go on, is logged in a sentence.
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

/// A function's routes, as API Gateway has them called.
#[derive(Clone)]
pub struct Gateway {
    routes: Router,
    deps: Arc<Dependencies>,
}

impl Gateway {
    /// The routes, made whole. Browsers' origins are API Gateway's affair unless ALLOWED_ORIGINS is set.
    #[must_use]
    pub fn new(routes: Router, deps: &Arc<Dependencies>) -> Self {
        Self { routes: web::finish(routes, &deps.config.allowed_origins), deps: Arc::clone(deps) }
    }

    /// What API Gateway is to answer the client.
    ///
    /// # Errors
    /// A body breaks off. No route's does.
    pub async fn answer(&self, request: GatewayRequest) -> Result<GatewayResponse, lambda_http::Error> {
        let Ok(response) = self.routes.clone().oneshot(Request::from(request)).await;
        Ok(GatewayResponse::read(response).await?)
    }

    /// Answers one request after the other, until Lambda ends the process.
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
