//! A separate redis-server for a test.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

use crate::certificates::Certificates;
use crate::port::free_port;
use crate::process::{end, signal};
use crate::waiting::{PATIENCE, POLL_INTERVAL, eventually};

/// The number of ports to try at the start, or of attempts on the same port at a restart.
const LAUNCHES: usize = 10;
/// How long [`RedisServer::command`] waits for a reply.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// A real redis-server on a free port of 127.0.0.1, without persistence, killed when this value is dropped.
///
/// Tests inspect it with [`command`](Self::command), which uses a Unix socket, so that it works with and without TLS and
/// needs no other port.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Child>,
    port: u16,
    setup: Setup,
}

impl RedisServer {
    /// Starts a server without TLS and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server without TLS, with further arguments such as `["--maxmemory", "1mb"]`.
    pub async fn start_with(extra: &[&str]) -> Self {
        Self::launch(Setup::new(extra)).await
    }

    /// Starts a server that speaks TLS only, with a new certificate for localhost and 127.0.0.1.
    pub async fn start_tls() -> Self {
        Self::launch(Setup::with_tls()).await
    }

    /// `redis://127.0.0.1:PORT`, or `rediss://localhost:PORT` for a server with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        if self.setup.certificates.is_some() {
            format!("rediss://localhost:{}", self.port)
        } else {
            format!("redis://127.0.0.1:{}", self.port)
        }
    }

    /// The TCP port, which stays the same across restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The TCP address, for a [`Proxy`](crate::Proxy) in front of it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The PEM file of the authority of a server with TLS, for a child process's
    /// `SSL_CERT_FILE`. Panics for a server without TLS.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        let certificates = self.setup.certificates.as_ref();
        &certificates.expect("only a server started with start_tls has an authority").authority
    }

    /// The process id. Panics when the server is stopped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server is stopped").id()
    }

    /// Runs a command and returns its reply as text: `(nil)` for null, an error with its leading `-`, an array with one item
    /// per line. Panics if the server does not reply within 10 s.
    pub async fn command(&self, args: &[&str]) -> String {
        let socket = self.setup.socket();
        let Ok(answer) = timeout(COMMAND_TIMEOUT, ask(&socket, args)).await else {
            panic!("redis-server did not answer {args:?} within {COMMAND_TIMEOUT:?}");
        };
        answer.unwrap_or_else(|error| panic!("redis-server closed the connection at {args:?}: {error}"))
    }

    /// Kills the server (SIGKILL), so that its port refuses connections. Does nothing if it is stopped already.
    pub async fn stop(&mut self) {
        let Some(process) = &mut self.process else { return };
        process.kill().expect("a child can be killed");
        eventually("redis-server is dead", PATIENCE, async || exited(process)).await;
        self.process = None;
    }

    /// Stops the server if it is running and starts it again, empty, on the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        for _ in 0..LAUNCHES {
            if let Ok(process) = self.setup.launch_on(self.port).await {
                self.process = Some(process);
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
        panic!("another program took port {} while redis-server was stopped", self.port);
    }

    /// Freezes the server (SIGSTOP): connections stay open and the kernel accepts new ones, but no command gets a reply.
    pub fn pause(&self) {
        signal(self.pid(), "STOP");
    }

    /// Resumes a paused server (SIGCONT), which then replies to the commands received meanwhile.
    pub fn resume(&self) {
        signal(self.pid(), "CONT");
    }

    async fn launch(setup: Setup) -> Self {
        for _ in 0..LAUNCHES {
            let port = free_port();
            if let Ok(process) = setup.launch_on(port).await {
                return Self { process: Some(process), port, setup };
            }
        }
        panic!("other programs took {LAUNCHES} free ports before redis-server could listen on them");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            end(process);
        }
    }
}

fn exited(process: &mut Child) -> bool {
    process.try_wait().expect("a child can be waited for").is_some()
}

/// The port was not free after all.
struct PortTaken;

/// The settings that stay the same across restarts.
#[derive(Debug)]
struct Setup {
    directory: TempDir,
    certificates: Option<Certificates>,
    extra: Vec<String>,
}

impl Setup {
    fn new(extra: &[&str]) -> Self {
        let directory = TempDir::with_prefix("redis-").expect("a temporary directory can be made");
        let extra = extra.iter().map(|&argument| argument.to_owned()).collect();
        Self { directory, certificates: None, extra }
    }

    fn with_tls() -> Self {
        let mut setup = Self::new(&[]);
        setup.certificates = Some(Certificates::write_into(setup.directory.path()));
        setup
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("redis.log")
    }

    /// Starts redis-server and waits until it answers PING. It listens on its ports before it answers any client, and the
    /// socket is in a private directory, so the reply cannot come from another server on the same port.
    async fn launch_on(&self, port: u16) -> Result<Child, PortTaken> {
        let mut process = Launching(Some(self.spawn(port)));
        let deadline = Instant::now() + PATIENCE;
        loop {
            if process.exited() {
                return self.why_exited();
            }
            if let Ok(Ok(_)) = timeout(COMMAND_TIMEOUT, ask(&self.socket(), &["PING"])).await {
                return Ok(process.launched());
            }
            assert!(Instant::now() < deadline, "redis-server did not answer PING within {PATIENCE:?}");
            sleep(POLL_INTERVAL).await;
        }
    }

    fn spawn(&self, port: u16) -> Child {
        let log = File::create(self.log()).expect("the temporary directory can be written to");
        let errors = log.try_clone().expect("a file can be opened twice");
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.directory.path()).arg("--unixsocket").arg(self.socket());
        let port = port.to_string();
        match &self.certificates {
            None => command.args(["--port", &port]),
            Some(certificates) => command
                .args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"])
                .arg("--tls-cert-file")
                .arg(&certificates.server)
                .arg("--tls-key-file")
                .arg(&certificates.server_key)
                .arg("--tls-ca-cert-file")
                .arg(&certificates.authority),
        };
        command.args(&self.extra).stdin(Stdio::null()).stdout(log).stderr(errors);
        command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                panic!("redis-server is not on the PATH: install redis-server, or run `make test`, which does it")
            }
            _ => panic!("redis-server cannot be started: {error}"),
        })
    }

    fn why_exited(&self) -> Result<Child, PortTaken> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        if log.contains("Failed listening on port") {
            return Err(PortTaken);
        }
        panic!("redis-server stopped at its start; its log:\n{log}");
    }
}

/// A process that is starting, killed if the start is abandoned.
struct Launching(Option<Child>);

impl Launching {
    fn exited(&mut self) -> bool {
        self.0.as_mut().is_none_or(exited)
    }

    fn launched(mut self) -> Child {
        self.0.take().expect("a process is launched once")
    }
}

impl Drop for Launching {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            end(process);
        }
    }
}

/// Sends one command over a new connection and reads the reply.
async fn ask(socket: &Path, args: &[&str]) -> std::io::Result<String> {
    let mut connection = BufReader::new(UnixStream::connect(socket).await?);
    connection.write_all(format!("*{}\r\n", args.len()).as_bytes()).await?;
    for argument in args {
        connection.write_all(format!("${}\r\n{argument}\r\n", argument.len()).as_bytes()).await?;
    }
    read_answer(&mut connection).await
}

/// Reads one RESP2 value. Nested arrays are flattened.
async fn read_answer(connection: &mut BufReader<UnixStream>) -> std::io::Result<String> {
    let mut items = Vec::new();
    let mut missing = 1_usize;
    while missing > 0 {
        missing -= 1;
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or(ErrorKind::InvalidData)?;
        match (kind, rest) {
            ("*" | "$", "-1") => items.push("(nil)".to_owned()),
            ("*", count) => missing += length(count)?,
            ("$", count) => items.push(read_bulk(connection, length(count)?).await?),
            ("-", _) => items.push(line.to_owned()),
            ("+" | ":", text) => items.push(text.to_owned()),
            _ => return Err(ErrorKind::InvalidData.into()),
        }
    }
    Ok(items.join("\n"))
}

async fn read_bulk(connection: &mut BufReader<UnixStream>, length: usize) -> std::io::Result<String> {
    let mut bytes = vec![0; length];
    connection.read_exact(&mut bytes).await?;
    connection.read_exact(&mut [0; 2]).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn length(digits: &str) -> std::io::Result<usize> {
    digits.parse().map_err(|_| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    use super::*;

    /// Sends PING over plain TCP and returns the reply, or nothing after a second.
    fn plain_ping(port: u16) -> Vec<u8> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        connection.write_all(b"PING\r\n").unwrap();
        let mut answer = vec![0; 64];
        let length = connection.read(&mut answer).unwrap_or(0);
        answer.truncate(length);
        answer
    }

    /// Sends PING over TLS as a client that trusts `roots`.
    fn tls_ping(port: u16, roots: RootCertStore) -> std::io::Result<[u8; 7]> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let mut connection = StreamOwned::new(client, TcpStream::connect((Ipv4Addr::LOCALHOST, port))?);
        connection.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        connection.read_exact(&mut answer)?;
        Ok(answer)
    }

    /// Whether a process exists, including as a zombie.
    fn exists(pid: u32) -> bool {
        let found = Command::new("kill").args(["-s", "0", &pid.to_string()]).stderr(Stdio::null()).status();
        found.unwrap().success()
    }

    #[tokio::test]
    async fn a_server_answers_commands() {
        let server = RedisServer::start().await;
        assert_eq!(server.command(&["PING"]).await, "PONG");
        assert_eq!(server.command(&["GET", "a"]).await, "(nil)");
        assert_eq!(server.command(&["SET", "a", "two words, é\r\n"]).await, "OK");
        assert_eq!(server.command(&["GET", "a"]).await, "two words, é\r\n");
        assert_eq!(server.command(&["RPUSH", "list", "x", "y"]).await, "2");
        assert_eq!(server.command(&["LRANGE", "list", "0", "-1"]).await, "x\ny");
        assert_eq!(server.command(&["LRANGE", "none", "0", "-1"]).await, "");
        assert!(server.command(&["INCR", "list"]).await.starts_with("-WRONGTYPE"));
        assert_eq!(server.command(&["EVAL", "return {1, {2, false}}", "0"]).await, "1\n2\n(nil)");
    }

    #[tokio::test]
    async fn a_server_listens_on_its_reported_port() {
        let server = RedisServer::start().await;
        assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
        assert_eq!(plain_ping(server.port()), b"+PONG\r\n");
        assert!(server.command(&["INFO", "server"]).await.contains(&format!("process_id:{}\r\n", server.pid())));
    }

    #[tokio::test]
    async fn extra_arguments_are_passed_on() {
        let server = RedisServer::start_with(&["--maxmemory", "3mb"]).await;
        assert_eq!(server.command(&["CONFIG", "GET", "maxmemory"]).await, "maxmemory\n3145728");
    }

    #[tokio::test]
    #[should_panic(expected = "redis-server stopped at its start")]
    async fn unknown_arguments_are_reported() {
        RedisServer::start_with(&["--no-such-thing", "1"]).await;
    }

    #[tokio::test]
    async fn a_restart_keeps_the_port_and_loses_the_data() {
        let mut server = RedisServer::start().await;
        let (port, pid) = (server.port(), server.pid());
        server.command(&["SET", "a", "1"]).await;
        server.restart().await;
        assert_eq!(server.command(&["GET", "a"]).await, "(nil)");
        assert_eq!(server.port(), port);
        assert_ne!(server.pid(), pid);
    }

    #[tokio::test]
    async fn a_stopped_server_refuses_connections_until_restarted() {
        let mut server = RedisServer::start().await;
        server.stop().await;
        server.stop().await;
        assert!(TcpStream::connect(server.addr()).is_err());
        server.restart().await;
        assert_eq!(plain_ping(server.port()), b"+PONG\r\n");
    }

    #[tokio::test]
    async fn a_port_in_use_is_detected() {
        let first = RedisServer::start().await;
        assert!(Setup::new(&[]).launch_on(first.port()).await.is_err());
    }

    #[tokio::test]
    async fn a_paused_server_is_silent_until_resumed() {
        let server = RedisServer::start().await;
        server.pause();
        let answer = timeout(Duration::from_millis(100), server.command(&["PING"])).await;
        assert!(answer.is_err(), "a paused server does not answer");
        server.resume();
        assert_eq!(server.command(&["PING"]).await, "PONG");
    }

    #[tokio::test]
    async fn dropping_a_paused_server_kills_it() {
        let server = RedisServer::start().await;
        let (addr, pid, directory) = (server.addr(), server.pid(), server.setup.directory.path().to_owned());
        server.pause();
        drop(server);
        assert!(TcpStream::connect(addr).is_err());
        assert!(!exists(pid));
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn with_tls_a_client_that_trusts_the_authority_is_served() {
        let server = RedisServer::start_tls().await;
        assert_eq!(server.url(), format!("rediss://localhost:{}", server.port()));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(server.ca_file()).unwrap()).unwrap();
        assert_eq!(&tls_ping(server.port(), roots).unwrap(), b"+PONG\r\n");
        assert_eq!(server.command(&["PING"]).await, "PONG");
    }

    #[tokio::test]
    async fn with_tls_other_clients_are_not_served() {
        let server = RedisServer::start_tls().await;
        let mut other_roots = RootCertStore::empty();
        let other = TempDir::new().unwrap();
        let certificates = Certificates::write_into(other.path());
        other_roots.add(CertificateDer::from_pem_file(certificates.authority).unwrap()).unwrap();
        assert!(tls_ping(server.port(), other_roots).is_err());
        assert!(!plain_ping(server.port()).starts_with(b"+PONG"));
    }
}
