//! The floor of `make bench`: a minimal `lambda_http` function that answers each request with the value of one Redis GET, over
//! one connection opened at its start. It has no routes, configuration, logs or compression. It is built with the functions'
//! profile and linked by cargo's defaults.

use std::env;

use lambda_http::{Error, Request, Response, http::header::CONTENT_TYPE, run, service_fn};
use redis::{AsyncTypedCommands, Client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // For rediss://. An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let connection = Client::open(env::var("REDIS_URL")?)?.get_multiplexed_async_connection().await?;
    run(service_fn(|_: Request| {
        let mut connection = connection.clone();
        async move {
            let body = connection.get("floor").await?.unwrap_or_default();
            Ok::<_, Error>(Response::builder().header(CONTENT_TYPE, "application/json").body(body)?)
        }
    }))
    .await
}
