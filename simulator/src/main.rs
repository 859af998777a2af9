//! A standalone simulated 25Live: `cargo run -p simulator`, with a port as its argument, or else on a free one.

use std::{env, future::pending, io, process::ExitCode};

use simulator::Simulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start(env::args().nth(1)).await {
        Ok(simulator) => {
            println!("API_URL={}", simulator.url());
            // Ctrl-C ends the process; nothing needs a cleanup.
            pending().await
        }
        Err(sentence) => {
            eprintln!("simulator: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn start(port: Option<String>) -> Result<Simulator, String> {
    let port = port.unwrap_or_else(|| "0".to_owned());
    let port = port.parse().map_err(|_| format!("the port is `{port}`; expected a number from 0 to 65535"))?;
    Simulator::start_with_every_room(port).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} of 127.0.0.1 is in use; stop the program that listens on it, or choose another port")
        }
        _ => format!("cannot listen on port {port} of 127.0.0.1: {error}"),
    })
}
