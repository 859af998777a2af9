//! `emptyclassroom`, the local server and its command line.

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::Parser;
use emptyclassroom::{
    config::{Config, ConfigError, Deployment},
    error_chain, logs,
    outside::clock::Clock,
};
use emptyclassroom_local::{
    campus,
    cli::{Cli, Command},
    env::{Env, EnvError},
    server::Server,
};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

/// `EX_CONFIG` of sysexits.h: the configuration is invalid, so the systemd unit does not restart the service.
const BAD_CONFIGURATION: u8 = 78;

#[tokio::main]
async fn main() -> ExitCode {
    emptyclassroom::install_tls();
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => serve(cli.require_api_url).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Campus(command)) => campus::run(command).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("emptyclassroom: {}", error_chain(error.as_ref()));
            let is_configuration = error.is::<ConfigError>() || error.is::<EnvError>();
            if is_configuration { BAD_CONFIGURATION.into() } else { ExitCode::FAILURE }
        }
    }
}

async fn serve(require_api_url: bool) -> Result<(), Box<dyn Error>> {
    let env = Env::with_file(Path::new(".env"))?;
    let config = Config::from_vars(Deployment::Local, |name| env.var(name))?;
    if require_api_url {
        config.required_api_url()?;
    }
    let log_format = config.log_format;
    logs::start(log_format, env.var("RUST_LOG"));
    let clock = Clock::system(config.campus.timezone);
    let server = Server::bind(config, clock).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    match log_format {
        logs::Format::Json => server.log_banner(),
        // Standard output may be closed.
        logs::Format::Text => drop(io::stdout().write_all(server.banner().as_bytes())),
    }
    tell_systemd(NotifyState::Ready);
    server
        .run(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::info!("stopping");
            tell_systemd(NotifyState::Stopping);
        })
        .await?;
    Ok(())
}

/// Does nothing unless a systemd unit with `Type=notify` started the process.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(cause = %error, "systemd could not be notified");
    }
}
