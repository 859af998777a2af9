//! nginx as a caching proxy in front of a server.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use testkit::{PATIENCE, Process, eventually, free_port};
use tokio::net::TcpStream;

const CONFIGURATION: &str = include_str!("nginx.conf");
/// A free port may be taken by another program before nginx listens on it; not so many times in a row.
const TRIES: usize = 5;

/// A running nginx; killed when dropped.
pub(crate) struct Nginx {
    /// Where it listens.
    pub(crate) url: String,
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it in front of the server at `service`, a host and a port.
    pub(crate) async fn start(service: &str) -> Self {
        for _ in 0..TRIES {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let configuration = CONFIGURATION.replace("SERVICE", service).replace("PORT", &port.to_string());
            fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
            let process = Process::spawn(&mut command(folder.path()));
            let listens = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            eventually("nginx listens", PATIENCE, async || listens().await || !process.is_running()).await;
            if process.is_running() {
                return Self { url: format!("http://127.0.0.1:{port}"), _process: process, _folder: folder };
            }
            println!("nginx did not start: {}", process.output());
        }
        panic!("nginx did not start in {TRIES} tries");
    }
}

fn command(folder: &Path) -> Command {
    // Debian has it where only root's PATH leads.
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"].map(Path::new);
    let nginx = places.into_iter().find(|place| place.exists()).unwrap_or(Path::new("nginx"));
    let mut command = Command::new(nginx);
    command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg("nginx.conf");
    command
}
