//! A real proxy in front of a server.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use testkit::{PATIENCE, Process, eventually, free_port};
use tokio::net::TcpStream;

/// Another program may take the free port before the proxy listens on it, but not this often in a row.
const TRIES: usize = 5;

/// A running proxy; killed when dropped.
pub(crate) struct Front {
    /// Where it listens.
    pub(crate) url: String,
    _process: Process,
    _folder: TempDir,
}

impl Front {
    /// Starts the proxy with the command for an empty folder and a port.
    pub(crate) async fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        for _ in 0..TRIES {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let process = Process::spawn(&mut command(folder.path(), port));
            let listens = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            eventually("the proxy listens", PATIENCE, async || listens().await || !process.is_running()).await;
            if process.is_running() {
                return Self { url: format!("http://127.0.0.1:{port}"), _process: process, _folder: folder };
            }
            println!("the proxy did not start: {}", process.output());
        }
        panic!("the proxy did not start in {TRIES} tries");
    }
}

/// nginx with this configuration, in this folder.
pub(crate) fn nginx(folder: &Path, configuration: &str) -> Command {
    fs::write(folder.join("nginx.conf"), configuration).unwrap();
    // On Debian it is only in root's PATH.
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"].map(Path::new);
    let nginx = places.into_iter().find(|place| place.exists()).unwrap_or(Path::new("nginx"));
    let mut command = Command::new(nginx);
    command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg("nginx.conf");
    command
}
