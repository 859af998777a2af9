//! `emptyclassroom`, the local server.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use emptyclassroom::{
    config::{Config, Deployment},
    error_chain, logs,
    outside::clock::Clock,
};
use emptyclassroom_local::{env::Env, server::Server};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("emptyclassroom: {}", error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let env = Env::with_file(Path::new(".env"))?;
    logs::start(logs::Format::Human, env.var("RUST_LOG"));
    emptyclassroom::install_tls();
    let config = Config::from_vars(Deployment::Local, |name| env.var(name))?;
    let clock = Clock::system(config.campus.timezone);
    let server = Server::bind(config, clock).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Nobody may be listening.
    drop(io::stdout().write_all(server.banner().as_bytes()));
    server
        .run(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
        })
        .await?;
    Ok(())
}
