//! `emptyclassroom`, the local server and its command line.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use emptyclassroom::{
    config::{Config, Deployment},
    error_chain, logs,
    outside::clock::Clock,
};
use emptyclassroom_local::{
    campus,
    cli::{Cli, Command},
    env::Env,
    server::Server,
};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    emptyclassroom::install_tls();
    let outcome = match Cli::parse().command {
        None => serve().await.map(|()| ExitCode::SUCCESS),
        Some(Command::Campus(command)) => campus::run(command).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("emptyclassroom: {}", error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let env = Env::with_file(Path::new(".env"))?;
    logs::start(logs::Format::Human, env.var("RUST_LOG"));
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
