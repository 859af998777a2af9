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
    places: Arc<Semaphore>,
    open: GracefulShutdown,
}

impl Connections {
    /// A client has `client_limit` for the head of each request, the pause before it included, and to take more of an answer.
    pub(crate) fn new(routes: Router, client_limit: Duration) -> Self {
        Self::with_places(routes, client_limit, MOST_CONNECTIONS)
    }

    fn with_places(routes: Router, client_limit: Duration, places: usize) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(client_limit);
        let places = Arc::new(Semaphore::new(places));
        Self { http, routes, client_limit, places, open: GracefulShutdown::new() }
    }

    /// Lets clients in, one after the other, as long as there is a place.
    pub(crate) async fn take(&self, listener: &TcpListener) -> Infallible {
        loop {
            // Never closed, so always given.
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            match listener.accept().await {
                Ok((connection, _)) => self.serve(connection, place),
                Err(error) => {
                    tracing::warn!(cause = %error, "a connection could not be taken");
                    sleep(AFTER_A_REFUSAL).await;
                }
            }
        }
    }

    fn serve(&self, connection: TcpStream, place: Option<OwnedSemaphorePermit>) {
        // Without it the kernel may hold the end of an answer back for 40 ms. It fails only on a dead connection.
        let _ = connection.set_nodelay(true);
        let mut connection = TimeoutStream::new(connection);
        connection.set_write_timeout(Some(self.client_limit));
        let routes = TowerToHyperService::new(self.routes.clone());
        let serving = self.open.watch(self.http.serve_connection(TokioIo::new(Box::pin(connection)), routes));
        tokio::spawn(async move {
            let _place = place;
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
    async fn when_every_place_is_taken_the_next_client_waits_until_one_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/", get(async || "hello"));
        let connections = Connections::with_places(routes, Duration::from_mins(1), 2);
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
