//! The connections of clients. `axum::serve` would do, but gives a client all the time it likes: whoever opens connections
//! and says nothing would have, in the end, all that the process may open.

use std::{convert::Infallible, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// How long nobody is let in after the system has refused a connection, for want of files perhaps.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(1);

/// Serves routes on connections.
pub(crate) struct Connections {
    http: http1::Builder,
    routes: Router,
    open: GracefulShutdown,
}

impl Connections {
    /// A client has `head_limit` for the head of each request, the pause before it included.
    pub(crate) fn new(routes: Router, head_limit: Duration) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(head_limit);
        Self { http, routes, open: GracefulShutdown::new() }
    }

    /// Lets clients in, one after the other.
    pub(crate) async fn take(&self, listener: &TcpListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => self.serve(connection),
                Err(error) => {
                    tracing::warn!(cause = %error, "a connection could not be taken");
                    sleep(AFTER_A_REFUSAL).await;
                }
            }
        }
    }

    fn serve(&self, connection: TcpStream) {
        // Without it the kernel may hold the end of an answer back for 40 ms. It fails only on a dead connection.
        let _ = connection.set_nodelay(true);
        let routes = TowerToHyperService::new(self.routes.clone());
        let serving = self.open.watch(self.http.serve_connection(TokioIo::new(connection), routes));
        tokio::spawn(async move {
            // That a client is slow, rude or gone is no news to anybody else.
            if let Err(error) = serving.await {
                tracing::debug!(cause = emptyclassroom::error_chain(&error), "a connection ended badly");
            }
        });
    }

    /// Ends all connections: at once where nothing is under way, and where something is, within `limit`.
    pub(crate) async fn finish(self, limit: Duration) {
        if timeout(limit, self.open.shutdown()).await.is_err() {
            tracing::warn!(limit_s = limit.as_secs(), "some answers were cut off");
        }
    }
}
