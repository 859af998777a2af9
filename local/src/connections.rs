//! The connections of clients. `axum::serve` would do, but gives a client all the time it likes: whoever opens connections
//! and says nothing, or reads nothing, would have, in the end, all that the process may open.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

/// How long nobody is let in after the system has refused a connection, for want of files perhaps.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(1);

/// Clients at once. Systems let a process open 1024 files by habit; Redis, 25Live and the logs need some of them.
const MOST_CONNECTIONS: usize = 512;

/// Serves routes on connections.
pub(crate) struct Connections {
    http: http1::Builder,
    routes: Router,
    client_limit: Duration,
    /// One for each connection.
    permits: Arc<Semaphore>,
    open: GracefulShutdown,
}

impl Connections {
    /// A client has `client_limit` for the head of each request, the pause before it included, and to take more of an answer.
    pub(crate) fn new(routes: Router, client_limit: Duration) -> Self {
        Self::with_permits(routes, client_limit, MOST_CONNECTIONS)
    }

    fn with_permits(routes: Router, client_limit: Duration, permits: usize) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(client_limit);
        let permits = Arc::new(Semaphore::new(permits));
        Self { http, routes, client_limit, permits, open: GracefulShutdown::new() }
    }

    /// Accepts clients, one after the other, as long as there is a permit.
    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    pub(crate) async fn take(&self, listener: &TcpListener) -> Infallible {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is open");
            match listener.accept().await {
                Ok((connection, _)) => self.serve(connection, permit),
                Err(error) => {
                    tracing::warn!(cause = %error, "a connection could not be taken");
                    sleep(AFTER_A_REFUSAL).await;
                }
            }
        }
    }

    fn serve(&self, connection: TcpStream, permit: OwnedSemaphorePermit) {
        // Without it the kernel may hold the end of an answer back for 40 ms. It fails only on a dead connection.
        let _ = connection.set_nodelay(true);
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(self.client_limit));
        let routes = TowerToHyperService::new(self.routes.clone());
        let serving = self.open.watch(self.http.serve_connection(TokioIo::new(Box::pin(connection)), routes));
        tokio::spawn(async move {
            let _permit = permit;
            // That a client is slow, rude or gone is no news to anybody else.
            if let Err(error) = serving.await {
                tracing::debug!(cause = emptyclassroom::error_chain(&error), "a connection ended badly");
            }
        });
    }

    /// Ends all connections: at once where nothing is under way, and where an answer is, or half a request, within `limit`.
    pub(crate) async fn finish(self, limit: Duration) {
        if timeout(limit, self.open.shutdown()).await.is_err() {
            tracing::warn!(limit_s = limit.as_secs(), "some connections were cut off");
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn when_all_permits_are_taken_the_next_client_waits_for_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "hello"));
        let connections = Connections::with_permits(routes, Duration::from_mins(1), 2);
        let clients = async {
            let first = TcpStream::connect(address).await.unwrap();
            let _second = TcpStream::connect(address).await.unwrap();
            let mut third = TcpStream::connect(address).await.unwrap();
            third.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = [0; 15];
            assert!(timeout(Duration::from_millis(100), third.read(&mut answer)).await.is_err());
            drop(first);
            timeout(Duration::from_secs(10), third.read_exact(&mut answer)).await.unwrap().unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
        };
        tokio::select! {
            () = clients => {}
            never = connections.take(&listener) => match never {},
        }
    }
}
