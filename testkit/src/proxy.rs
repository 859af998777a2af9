//! A network that fails on demand.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// A TCP proxy on a free port of 127.0.0.1, which passes bytes to and from an upstream until a test makes it fail.
///
/// Each method takes effect immediately, for everything that a client sends after the call. Dropping the proxy closes
/// its port and all its connections.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    switch: watch::Sender<Switch>,
}

impl Proxy {
    /// Starts a proxy to `upstream`, which need not listen yet: the proxy connects to it for each client connection.
    pub async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let (switch, seen) = watch::channel(Switch::default());
        tokio::spawn(accept(listener, upstream, seen));
        Self { addr, switch }
    }

    /// The address for clients.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Drops all bytes in both directions, like a network that loses all packets. Connections are neither closed nor reset,
    /// and new ones are accepted but get no response.
    pub fn cut(&self) {
        self.switch.send_modify(|switch| {
            switch.mode = Mode::Cut;
            switch.cuts += 1;
        });
    }

    /// Closes all connections, including cut ones, and closes new ones immediately.
    pub fn refuse(&self) {
        self.switch.send_modify(|switch| {
            switch.mode = Mode::Refuse;
            switch.refusals += 1;
        });
    }

    /// Breaks each response off midway and resets its connection, until restored.
    pub fn reset(&self) {
        self.switch.send_modify(|switch| switch.mode = Mode::Reset);
    }

    /// Works again for new connections. Cut connections stay dead, as after a network failure.
    pub fn restore(&self) {
        self.switch.send_modify(|switch| switch.mode = Mode::Carry);
    }

    /// Delays each chunk from upstream to the client by `delay`, until called with zero. Cutting,
    /// refusing and restoring do not change it.
    pub fn delay(&self, delay: Duration) {
        self.switch.send_modify(|switch| switch.delay = delay);
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Carry,
    Cut,
    Refuse,
    Reset,
}

/// The state set by the test. The counts let a connection notice that it was cut or closed, even if the proxy is restored
/// before the connection's task runs.
#[derive(Clone, Copy, Debug, Default)]
struct Switch {
    mode: Mode,
    cuts: u64,
    refusals: u64,
    delay: Duration,
}

/// How the proxy treats a chunk.
#[derive(Clone, Copy, Default)]
struct Treatment {
    delay: Duration,
    breaks_off: bool,
}

async fn accept(listener: TcpListener, upstream: SocketAddr, mut switch: watch::Receiver<Switch>) {
    loop {
        let client = tokio::select! {
            biased;
            () = proxy_dropped(&mut switch) => return,
            client = listener.accept() => client,
        };
        let Ok((client, _)) = client else { continue };
        let birth = *switch.borrow();
        if birth.mode != Mode::Refuse {
            tokio::spawn(Connection { birth, switch: switch.clone() }.serve(client, upstream));
        }
    }
}

async fn proxy_dropped(switch: &mut watch::Receiver<Switch>) {
    while switch.changed().await.is_ok() {}
}

/// A client's connection, with the proxy's state when it was accepted.
#[derive(Clone)]
struct Connection {
    birth: Switch,
    switch: watch::Receiver<Switch>,
}

impl Connection {
    /// Serves the client until both sides have ended or the proxy closes the connection.
    async fn serve(self, client: TcpStream, upstream: SocketAddr) {
        tokio::select! {
            biased;
            () = self.closed() => {}
            () = self.link(client, upstream) => {}
        }
    }

    async fn link(&self, mut client: TcpStream, upstream: SocketAddr) {
        if self.birth.mode == Mode::Cut {
            return swallow(&mut client).await;
        }
        let Ok(mut upstream) = TcpStream::connect(upstream).await else { return };
        // Without this, Nagle's algorithm would add to the delay. It fails only on a dead socket.
        let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
        tokio::select! {
            biased;
            () = self.cut() => {}
            _ = self.carry(&mut client, &mut upstream) => {
                if self.mode() == Mode::Reset {
                    // Makes the close a reset. This fails only on a dead socket.
                    let _ = client.set_zero_linger();
                }
                return;
            }
        }
        tokio::join!(swallow(&mut client), swallow(&mut upstream));
    }

    /// Passes bytes both ways until both sides have ended or one has failed.
    async fn carry(&self, client: &mut TcpStream, upstream: &mut TcpStream) -> io::Result<()> {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_upstream, mut to_upstream) = upstream.split();
        let request = self.pump(&mut from_client, &mut to_upstream, Treatment::default);
        let response = self.pump(&mut from_upstream, &mut to_client, || Treatment {
            delay: self.switch.borrow().delay,
            breaks_off: self.mode() == Mode::Reset,
        });
        tokio::try_join!(request, response).map(|_| ())
    }

    async fn pump(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        treatment: impl Fn() -> Treatment,
    ) -> io::Result<()> {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            let length = from.read(&mut chunk).await?;
            if !self.is_alive() {
                // The chunk was sent after the connection was cut or closed, but before this task noticed.
                return pending().await;
            }
            let Treatment { delay, breaks_off } = treatment();
            if !delay.is_zero() {
                sleep(delay).await;
            }
            if breaks_off {
                to.write_all(chunk.get(..length / 2).expect("read returns how much it read")).await?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if length == 0 {
                return to.shutdown().await;
            }
            to.write_all(chunk.get(..length).expect("read returns how much it read")).await?;
        }
    }

    fn mode(&self) -> Mode {
        self.switch.borrow().mode
    }

    fn is_alive(&self) -> bool {
        let now = self.switch.borrow();
        (now.cuts, now.refusals) == (self.birth.cuts, self.birth.refusals)
    }

    /// Waits until the connection is cut.
    async fn cut(&self) {
        let mut switch = self.switch.clone();
        if switch.wait_for(|now| now.cuts != self.birth.cuts).await.is_err() {
            // The proxy was dropped, which closes the connection instead of cutting it.
            pending::<()>().await;
        }
    }

    /// Waits until the proxy refuses connections or is dropped.
    async fn closed(&self) {
        let mut switch = self.switch.clone();
        let _ = switch.wait_for(|now| now.refusals != self.birth.refusals).await;
    }
}

/// Reads and drops everything, and never closes the connection.
async fn swallow(stream: &mut TcpStream) {
    let _ = copy(stream, &mut sink()).await;
    pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    /// Long enough for bytes to arrive on loopback.
    const A_WHILE: Duration = Duration::from_millis(150);
    const SOON: Duration = Duration::from_secs(10);

    /// Starts a server that sends back what it receives.
    async fn echo_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = copy(&mut from, &mut to).await;
                });
            }
        });
        addr
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.addr()).await.unwrap()
    }

    /// Sends `word` and checks that it comes back.
    async fn echoes(stream: &mut TcpStream, word: &[u8]) -> bool {
        let mut answer = vec![0; word.len()];
        stream.write_all(word).await.is_ok() && stream.read_exact(&mut answer).await.is_ok() && answer == word
    }

    /// Whether the connection accepts bytes but neither responds nor ends.
    async fn is_swallowed(stream: &mut TcpStream) -> bool {
        stream.write_all(b"hello").await.unwrap();
        timeout(A_WHILE, stream.read(&mut [0; 1])).await.is_err()
    }

    /// Whether the connection ends, with or without a reset, before any byte.
    async fn is_closed(stream: &mut TcpStream) -> bool {
        matches!(timeout(SOON, stream.read(&mut [0; 1])).await.unwrap(), Ok(0) | Err(_))
    }

    #[tokio::test]
    async fn bytes_pass_both_ways() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        assert!(echoes(&mut client, b"hello").await);
        assert!(echoes(&mut client, b"again").await);
    }

    #[tokio::test]
    async fn the_end_of_one_direction_is_passed_on() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        client.write_all(b"goodbye").await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, client.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, b"goodbye");
    }

    #[tokio::test]
    async fn a_cut_silences_all_connections_and_restoring_revives_only_new_ones() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut old = connect(&proxy).await;
        assert!(echoes(&mut old, b"hello").await);
        proxy.cut();
        let mut during = connect(&proxy).await;
        assert!(is_swallowed(&mut old).await);
        assert!(is_swallowed(&mut during).await);
        proxy.restore();
        assert!(echoes(&mut connect(&proxy).await, b"hello").await);
        assert!(is_swallowed(&mut old).await);
        assert!(is_swallowed(&mut during).await);
    }

    #[tokio::test]
    async fn a_cut_restored_at_once_still_cuts_old_connections() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        assert!(echoes(&mut client, b"hello").await);
        proxy.cut();
        proxy.restore();
        assert!(is_swallowed(&mut client).await);
    }

    #[tokio::test]
    async fn a_cut_hides_that_upstream_closed() {
        let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(upstream.local_addr().unwrap()).await;
        let mut client = connect(&proxy).await;
        let (server, _) = upstream.accept().await.unwrap();
        proxy.cut();
        drop(server);
        assert!(is_swallowed(&mut client).await);
    }

    #[tokio::test]
    async fn refusing_closes_old_and_new_connections_until_restored() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut old = connect(&proxy).await;
        assert!(echoes(&mut old, b"hello").await);
        proxy.refuse();
        assert!(is_closed(&mut old).await);
        assert!(is_closed(&mut connect(&proxy).await).await);
        proxy.restore();
        assert!(echoes(&mut connect(&proxy).await, b"hello").await);
    }

    #[tokio::test]
    async fn refusing_closes_cut_connections_too() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        assert!(echoes(&mut client, b"hello").await);
        proxy.cut();
        assert!(is_swallowed(&mut client).await);
        proxy.refuse();
        assert!(is_closed(&mut client).await);
    }

    #[tokio::test]
    async fn resetting_breaks_off_responses_midway_until_restored() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        assert!(echoes(&mut client, b"hello").await);
        proxy.reset();
        client.write_all(b"four").await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(SOON, client.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert!(b"fo".starts_with(&answer), "{answer:?}");
        proxy.restore();
        assert!(echoes(&mut connect(&proxy).await, b"hello").await);
    }

    #[tokio::test]
    async fn a_delay_applies_to_responses_until_removed() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        proxy.delay(A_WHILE);
        let asked = Instant::now();
        assert!(echoes(&mut client, b"slow").await);
        assert!(asked.elapsed() >= A_WHILE);
        proxy.delay(Duration::from_hours(1));
        proxy.delay(Duration::ZERO);
        assert!(timeout(SOON, echoes(&mut client, b"fast")).await.unwrap());
    }

    #[tokio::test]
    async fn a_cut_drops_delayed_bytes() {
        let proxy = Proxy::start(echo_server().await).await;
        let mut client = connect(&proxy).await;
        proxy.delay(A_WHILE);
        client.write_all(b"hello").await.unwrap();
        assert!(timeout(A_WHILE / 2, client.read(&mut [0; 1])).await.is_err());
        proxy.cut();
        assert!(timeout(A_WHILE * 2, client.read(&mut [0; 1])).await.is_err());
    }

    #[tokio::test]
    async fn without_an_upstream_connections_are_closed() {
        let proxy = Proxy::start((Ipv4Addr::LOCALHOST, crate::free_port()).into()).await;
        assert!(is_closed(&mut connect(&proxy).await).await);
    }

    #[tokio::test]
    async fn a_dropped_proxy_closes_its_connections_and_its_port() {
        let proxy = Proxy::start(echo_server().await).await;
        let addr = proxy.addr();
        let mut client = connect(&proxy).await;
        assert!(echoes(&mut client, b"hello").await);
        drop(proxy);
        assert!(is_closed(&mut client).await);
        crate::eventually("the port is closed", SOON, async || TcpStream::connect(addr).await.is_err()).await;
    }
}
