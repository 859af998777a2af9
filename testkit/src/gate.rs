//! A proxy to Redis that stops at a given command.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::waiting::{PATIENCE, eventually};

/// A proxy to Redis that passes commands on one by one, up to the one that it holds.
///
/// If a client is killed while its command is held, Redis has received all earlier commands, but never that one or later ones.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    held: watch::Receiver<bool>,
    server: JoinHandle<()>,
}

type Matches = Box<dyn Fn(&[String]) -> bool + Send + Sync>;

/// The command to hold.
struct Rule {
    matches: Matches,
    nth: usize,
    seen: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Gate {
    /// Starts a gate in front of the Redis at `upstream`. It holds the `nth` matching command, counted from 1 over all
    /// connections. A command is a list of its name, as the client writes it, and its arguments.
    pub async fn start(
        upstream: SocketAddr,
        nth: usize,
        matches: impl Fn(&[String]) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let (sender, held) = watch::channel(false);
        let rule = Rule { matches: Box::new(matches), nth, seen: AtomicUsize::new(0), held: sender };
        let server = tokio::spawn(accept(listener, upstream, Arc::new(rule)));
        Self { addr, held, server }
    }

    /// The address for clients.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the command is held. Panics after 60 s.
    pub async fn holds(&self) {
        eventually("the gate holds its command", PATIENCE, async || *self.held.borrow()).await;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Rule {
    /// Whether to hold this command and all after it.
    fn holds(&self, command: &[String]) -> bool {
        let held = (self.matches)(command) && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.nth;
        if held {
            self.held.send_replace(true);
        }
        held
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, rule: Arc<Rule>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(redis) = tokio::net::TcpStream::connect(upstream).await else { continue };
        // Without this, Nagle's algorithm would delay commands. It fails only on a dead socket.
        let _ = (client.set_nodelay(true), redis.set_nodelay(true));
        let (from_client, mut to_client) = client.into_split();
        let (mut from_redis, to_redis) = redis.into_split();
        tokio::spawn(async move { copy(&mut from_redis, &mut to_client).await });
        tokio::spawn(let_through(from_client, to_redis, Arc::clone(&rule)));
    }
}

/// Passes commands on until one is held. After that it reads and drops bytes, to notice when the client disconnects.
async fn let_through(mut client: OwnedReadHalf, mut redis: OwnedWriteHalf, rule: Arc<Rule>) {
    let (mut waiting, mut chunk, mut holding) = (Vec::new(), vec![0; 64 * 1024], false);
    while let Ok(length @ 1..) = client.read(&mut chunk).await {
        waiting.extend_from_slice(chunk.get(..length).unwrap_or_default());
        while let Some((command, length)) = first_command(&waiting).filter(|_| !holding) {
            holding = rule.holds(&command);
            let bytes: Vec<u8> = waiting.drain(..length).collect();
            if !holding && redis.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
}

/// Parses the first command and its length in bytes; `None` if it is incomplete.
fn first_command(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let (count, mut at) = number_line(bytes, 0, b'*')?;
    let mut command = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, begin) = number_line(bytes, at, b'$')?;
        let argument = bytes.get(begin..begin + length)?;
        command.push(String::from_utf8_lossy(argument).into_owned());
        at = begin + length + 2;
    }
    (at <= bytes.len()).then_some((command, at))
}

/// Parses a line such as `*12\r\n` and returns its number and its end.
fn number_line(bytes: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let (first, digits) = rest.get(..end)?.split_first()?;
    assert_eq!(*first, kind, "Redis clients send arrays of bulk strings");
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    Some((number.expect("a length is a number"), at + end + 2))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;
    use crate::RedisServer;

    fn command(words: &[&str]) -> Vec<u8> {
        let arguments = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        [format!("*{}\r\n", words.len())].into_iter().chain(arguments).collect::<String>().into_bytes()
    }

    #[test]
    fn a_command_is_parsed_only_when_complete() {
        let bytes = command(&["SET", "key", "value\r\n"]);
        for length in 0..bytes.len() {
            assert_eq!(first_command(&bytes[..length]), None);
        }
        let expected = ["SET", "key", "value\r\n"].map(str::to_owned).to_vec();
        assert_eq!(first_command(&[bytes.as_slice(), b"*1"].concat()), Some((expected, bytes.len())));
    }

    #[tokio::test]
    async fn the_held_command_and_those_after_it_never_arrive() {
        let redis = RedisServer::start().await;
        let gate = Gate::start(redis.addr(), 2, |command| command.first().is_some_and(|name| name == "SET")).await;
        let mut client = TcpStream::connect(gate.addr()).await.unwrap();
        let all = [command(&["SET", "a", "1"]), command(&["SET", "b", "2"]), command(&["SET", "c", "3"])].concat();
        client.write_all(&all).await.unwrap();
        gate.holds().await;
        let mut answer = [0; 5];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
        assert!(timeout(Duration::from_millis(100), client.read(&mut answer)).await.is_err());
        drop(client);
        assert_eq!(redis.command(&["KEYS", "*"]).await, "a");
    }
}
