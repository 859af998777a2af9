//! The `read` function: what is free now, from the cache.

use emptyclassroom::{core::Service, http::read_routes, lambda};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let service = Service::build(lambda::start().await?, None)?;
    lambda_http::run(lambda::finish(read_routes(&service), &service.core)).await
}
