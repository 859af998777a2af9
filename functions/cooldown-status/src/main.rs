//! The `cooldown-status` function: whether a refresh is allowed.

use std::process::ExitCode;

use emptyclassroom::{
    lambda::{self, Gateway},
    web::cooldown_routes,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::exit_code(serve().await)
}

async fn serve() -> Result<(), lambda_http::Error> {
    let deps = lambda::start().await?;
    Gateway::new(cooldown_routes(&deps), &deps).serve().await
}
