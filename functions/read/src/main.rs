//! The `read` function: what is free now, from the cache.

use std::process::ExitCode;

use emptyclassroom::{
    lambda::{self, Gateway},
    service::Service,
    web::read_routes,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::exit_code(serve().await)
}

async fn serve() -> Result<(), lambda_http::Error> {
    let service = Service::build(lambda::start().await?, None)?;
    Gateway::new(read_routes(&service), &service.deps).serve().await
}
