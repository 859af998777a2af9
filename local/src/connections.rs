//! Client connections with time limits. `axum::serve` has none: clients that open connections without sending or reading
//! anything would eventually use all file descriptors of the process.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use axum::Router;
use hyper::{
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use crate::request_log::RequestLine;

/// The pause after the system fails to accept a connection, perhaps because it has no free file descriptor.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(1);

/// The maximum number of connections. A process may typically open 1024 files; Redis, 25Live and the logs need some of them.
const MOST_CONNECTIONS: u32 = 512;

/// How long a new client waits for the permit of a closing connection before another connection is closed.
const FOR_A_PERMIT: Duration = Duration::from_millis(10);

/// Serves routes on client connections.
pub(crate) struct Connections {
    http: http1::Builder,
    routes: Router,
    client_limit: Duration,
    /// One permit per connection, `most` in total.
    permits: Arc<Semaphore>,
    most: u32,
    open: Mutex<Vec<Weak<Client>>>,
    stop: watch::Sender<()>,
}

/// A client with an open connection.
struct Client {
    state: Mutex<State>,
    makes_room: Notify,
}

/// The state of a client.
#[derive(Clone, Copy)]
struct State {
    /// When it connected or got its last response; `None` during a request.
    idle_since: Option<Instant>,
    /// Whether it has ever sent a complete request head.
    has_asked: bool,
}

impl Connections {
    /// `client_limit` limits each request head, including the idle time before it, and each write of a response.
    pub(crate) fn new(routes: Router, client_limit: Duration) -> Self {
        Self::with_permits(routes, client_limit, MOST_CONNECTIONS)
    }

    fn with_permits(routes: Router, client_limit: Duration, most: u32) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(client_limit);
        let permits = Arc::new(Semaphore::new(most as usize));
        Self { http, routes, client_limit, permits, most, open: Mutex::default(), stop: watch::Sender::new(()) }
    }

    /// Accepts clients one after the other. If no permit is free, closes idle connections.
    pub(crate) async fn take(&self, listener: &TcpListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => self.serve(connection, self.permit().await),
                Err(error) => {
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    sleep(AFTER_A_REFUSAL).await;
                }
            }
        }
    }

    /// Returns a permit immediately if one is free. Otherwise closes the connection that has been idle longest. If the end
    /// of a response is still being sent on it, the next one is closed soon after.
    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn permit(&self) -> OwnedSemaphorePermit {
        let mut wait = Duration::ZERO;
        loop {
            if let Ok(permit) = timeout(wait, Arc::clone(&self.permits).acquire_owned()).await {
                return permit.expect("the semaphore is open");
            }
            self.close_longest_idle();
            wait = FOR_A_PERMIT;
        }
    }

    fn close_longest_idle(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let idle =
            open.iter().filter_map(Weak::upgrade).filter_map(|client| Some((client.state().idle_since?, client)));
        if let Some((_, client)) = idle.min_by_key(|(since, _)| *since) {
            client.change(|state| state.idle_since = None);
            client.makes_room.notify_one();
        }
    }

    fn serve(&self, connection: TcpStream, permit: OwnedSemaphorePermit) {
        // Without it, the kernel may delay the end of a response by 40 ms. It fails only on a dead connection.
        let _ = connection.set_nodelay(true);
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(self.client_limit));
        let client = self.new_client();
        let routes = TowerToHyperService::new(self.routes.clone());
        let asking = Arc::clone(&client);
        let service = service_fn(move |request| {
            asking.change(|state| *state = State { idle_since: None, has_asked: true });
            let (line, client) = (RequestLine::begin(&request), Arc::clone(&asking));
            let answer = routes.call(request);
            async move {
                let Ok(response) = answer.await;
                line.log(response.status());
                client.change(|state| state.idle_since = Some(Instant::now()));
                Ok::<_, Infallible>(response)
            }
        });
        let serving = self.http.serve_connection(TokioIo::new(Box::pin(connection)), service);
        let mut stop = self.stop.subscribe();
        tokio::spawn(async move {
            let _permit = permit;
            let mut serving = pin!(serving);
            let outcome = tokio::select! {
                outcome = serving.as_mut() => outcome,
                () = client.makes_room.notified() => {
                    serving.as_mut().graceful_shutdown();
                    // Do not wait for a client that never completed a request head.
                    if client.state().has_asked { serving.await } else { Ok(()) }
                }
                _ = stop.changed() => {
                    serving.as_mut().graceful_shutdown();
                    serving.await
                }
            };
            // Slow, misbehaving and disconnected clients are not worth more than `debug`.
            if let Err(error) = outcome {
                tracing::debug!(cause = emptyclassroom::error_chain(&error), "a connection ended with an error");
            }
        });
    }

    fn new_client(&self) -> Arc<Client> {
        let state = State { idle_since: Some(Instant::now()), has_asked: false };
        let client = Arc::new(Client { state: Mutex::new(state), makes_room: Notify::new() });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|client| client.strong_count() > 0);
        open.push(Arc::downgrade(&client));
        client
    }

    /// Closes all connections: idle ones immediately, those with an open or incomplete request within `limit`.
    pub(crate) async fn finish(self, limit: Duration) {
        self.stop.send_replace(());
        if timeout(limit, self.permits.acquire_many(self.most)).await.is_err() {
            tracing::warn!(limit_s = limit.as_secs(), "some connections were cut off");
        }
    }
}

impl Client {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Longer than any step takes, so only a failing test waits this long.
    const SOON: Duration = Duration::from_secs(10);
    const PERMITS: u32 = 3;
    /// More bytes than the system buffers for a client that does not read.
    const LONG: usize = 20_000_000;

    struct TestServer {
        listener: TcpListener,
        connections: Connections,
    }

    impl TestServer {
        async fn start() -> Self {
            let routes = Router::new()
                .route("/", get(async || "hello"))
                .route("/slow", get(pending::<&str>))
                .route("/long", get(async || "x".repeat(LONG)));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            Self { listener, connections: Connections::with_permits(routes, Duration::from_mins(1), PERMITS) }
        }

        /// Serves until these clients are done.
        async fn serves<T>(&self, clients: impl Future<Output = T>) -> T {
            tokio::select! {
                outcome = clients => outcome,
                never = self.connections.take(&self.listener) => match never {},
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.listener.local_addr().unwrap()).await.unwrap()
        }

        /// A client that got a response and keeps its connection open.
        async fn idle(&self) -> TcpStream {
            let mut client = self.connect().await;
            is_answered(&mut client).await;
            client
        }

        /// A client that has sent these bytes and waits.
        async fn sends(&self, bytes: &str) -> TcpStream {
            let mut client = self.connect().await;
            client.write_all(bytes.as_bytes()).await.unwrap();
            // The test cannot observe when the server has read them.
            sleep(Duration::from_millis(50)).await;
            client
        }
    }

    fn request(path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
    }

    async fn is_answered(client: &mut TcpStream) {
        client.write_all(request("/").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            let read = timeout(SOON, client.read_buf(&mut answer)).await.expect("an answer").unwrap();
            assert!(read > 0, "the connection should be open");
        }
    }

    /// Whether the server has closed this connection and all its data are read.
    async fn is_closed(client: &mut TcpStream) -> bool {
        let read = timeout(Duration::from_millis(200), client.read(&mut [0; 1])).await;
        read.is_ok_and(|read| read.is_ok_and(|read| read == 0))
    }

    #[tokio::test]
    async fn the_longest_idle_connection_is_closed_for_a_new_client() {
        let server = TestServer::start().await;
        let clients = async {
            let (mut first, mut second, mut third) = (server.idle().await, server.idle().await, server.idle().await);
            is_answered(&mut first).await;
            is_answered(&mut server.connect().await).await;
            assert!(is_closed(&mut second).await);
            assert!(!is_closed(&mut first).await && !is_closed(&mut third).await);
        };
        server.serves(clients).await;
    }

    #[tokio::test]
    async fn many_new_clients_in_a_row_are_answered_whatever_idle_clients_have_sent() {
        for idle in ["", "GET", "GET / HTTP/1.1\r\nhost: x\r\n"] {
            let server = TestServer::start().await;
            let clients = async {
                let mut idle_clients = Vec::new();
                for _ in 0..PERMITS {
                    idle_clients.push(server.sends(idle).await);
                }
                // Its second request head is incomplete.
                idle_clients.push(server.idle().await);
                idle_clients.last_mut().unwrap().write_all(idle.as_bytes()).await.unwrap();
                let mut kept = Vec::new();
                for _ in 0..10 * PERMITS {
                    kept.push(server.idle().await);
                }
            };
            timeout(SOON, server.serves(clients)).await.unwrap_or_else(|_| panic!("after {idle:?}"));
        }
    }

    #[tokio::test]
    async fn a_connection_with_an_open_request_is_never_closed_and_a_new_client_waits_for_a_permit() {
        let server = TestServer::start().await;
        let clients = async {
            let slow = request("/slow");
            let mut asking = (server.sends(&slow).await, server.sends(&slow).await, server.sends(&slow).await);
            let mut next = server.sends(&request("/")).await;
            let mut answer = [0; 15];
            assert!(timeout(Duration::from_millis(100), next.read(&mut answer)).await.is_err());
            assert!(
                !is_closed(&mut asking.0).await && !is_closed(&mut asking.1).await && !is_closed(&mut asking.2).await
            );
            drop(asking.0);
            timeout(SOON, next.read_exact(&mut answer)).await.unwrap().unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
        };
        server.serves(clients).await;
    }

    #[tokio::test]
    async fn a_slowly_read_response_completes_without_blocking_other_clients() {
        let server = TestServer::start().await;
        let clients = async {
            let mut reading = server.sends(&request("/long")).await;
            for _ in 0..3 * PERMITS {
                is_answered(&mut server.connect().await).await;
            }
            let mut kept = (server.idle().await, server.idle().await);
            is_answered(&mut server.connect().await).await;
            is_answered(&mut kept.1).await;
            let mut answer = Vec::new();
            timeout(SOON, reading.read_to_end(&mut answer)).await.unwrap().unwrap();
            assert!(answer.len() > LONG, "{} bytes", answer.len());
            assert!(is_closed(&mut kept.0).await, "it was idle longest");
        };
        server.serves(clients).await;
    }

    #[tokio::test]
    async fn a_shutdown_closes_idle_connections_immediately_and_the_others_within_its_limit() {
        for (sent, is_cut_off) in [("", false), ("GET", true), (&*request("/slow"), true)] {
            let server = TestServer::start().await;
            let mut clients = server.serves(async { (server.idle().await, server.sends(sent).await) }).await;
            let (stopped, limit) = (Instant::now(), Duration::from_millis(500));
            server.connections.finish(limit).await;
            assert_eq!(stopped.elapsed() >= limit, is_cut_off, "after {sent:?}");
            assert!(is_closed(&mut clients.0).await);
        }
    }
}
