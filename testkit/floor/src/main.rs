//! The floor of `make bench`: a bare `lambda_http` function that answers each request with the text that it GETs from Redis,
//! through one connection that it makes at its start. No routes, no configuration, no logs, no compression. It has the profile of
//! the functions, and is linked as cargo links a program.

use std::env;

use lambda_http::{Error, Request, Response, http::header::CONTENT_TYPE, run, service_fn};
use redis::{AsyncTypedCommands, Client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // For rediss://; an error says that there is a provider already.
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
