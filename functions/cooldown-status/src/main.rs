//! The `cooldown-status` function: whether one may ask for a refresh.

use std::process::ExitCode;

use emptyclassroom::{
    http::cooldown_routes,
    lambda::{self, Gateway},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::exit_code(serve().await)
}

async fn serve() -> Result<(), lambda_http::Error> {
    let core = lambda::start().await?;
    lambda::connect(&core).await;
    Gateway::new(cooldown_routes(&core), &core).serve().await
}
