//! TLS in front of a plain server, with certificates that clients must accept or refuse, and a server with outdated TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::waiting::PATIENCE;

/// The certificate that a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// For localhost and 127.0.0.1, from the authority in [`TlsProxy::ca_file`].
    Good,
    /// From an authority with the same name as the one in [`TlsProxy::ca_file`] but another key.
    Impostor,
    /// From the authority, but expired.
    Expired,
    /// From the authority, but for other hosts.
    OtherHost,
}

/// A proxy that speaks TLS to clients and plain TCP to the server behind it. Dropping it closes its port.
#[derive(Debug)]
pub struct TlsProxy {
    addr: SocketAddr,
    ca_file: PathBuf,
    server: JoinHandle<()>,
    _directory: TempDir,
}

impl TlsProxy {
    /// Starts a proxy to the server at `upstream`, with new keys.
    pub async fn start(upstream: SocketAddr, certificate: Certificate) -> Self {
        let directory = TempDir::with_prefix("tls-").expect("a temporary directory can be made");
        let certificates = match certificate {
            Certificate::Good | Certificate::Impostor => Certificates::write_into(directory.path()),
            Certificate::Expired => Certificates::write_expired_into(directory.path()),
            Certificate::OtherHost => Certificates::write_for_others_into(directory.path()),
        };
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&certificates)));
        let mut ca_file = certificates.authority;
        if certificate == Certificate::Impostor {
            let others = directory.path().join("others");
            std::fs::create_dir(&others).expect("a temporary directory can be written to");
            ca_file = Certificates::write_into(&others).authority;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(acceptor.clone(), client, upstream));
            }
        });
        Self { addr, ca_file, server, _directory: directory }
    }

    /// The address for clients.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The PEM file of the authority that clients must trust.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn server_config(certificates: &Certificates) -> ServerConfig {
    let chain = CertificateDer::from_pem_file(&certificates.server).expect("the certificate is PEM");
    let key = PrivateKeyDer::from_pem_file(&certificates.server_key).expect("the key is PEM");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("ring supports TLS 1.2 and 1.3");
    config.with_no_client_auth().with_single_cert(vec![chain], key).expect("the key belongs to the certificate")
}

/// Passes on one client's bytes. A client that refuses the certificate ends the handshake, which is not an error here.
async fn carry(acceptor: TlsAcceptor, client: TcpStream, upstream: SocketAddr) {
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let Ok(mut upstream) = TcpStream::connect(upstream).await else { return };
    // Without this, Nagle's algorithm and delayed ACKs would add 40 ms. It fails only on a dead socket.
    let _ = (client.get_ref().0.set_nodelay(true), upstream.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut upstream).await;
}

/// A TLS 1.1 ServerHello: the record header, the handshake header, the version, 32 random bytes, no session, a cipher of
/// TLS 1.1, no compression.
fn server_hello_of_tls_1_1() -> Vec<u8> {
    let hello = [&[3, 2][..], &[7; 32], &[0], &[0xC0, 0x14], &[0]].concat();
    let length = u8::try_from(hello.len()).expect("it is 38 bytes long");
    [&[22, 3, 2, 0, length + 4, 2, 0, 0, length][..], &hello].concat()
}

/// A server with at most TLS 1.1, such as a very old server or a downgrade attacker.
#[derive(Debug)]
pub struct OldTls {
    addr: SocketAddr,
    alert: watch::Receiver<Option<(u8, u8)>>,
    server: JoinHandle<()>,
}

impl OldTls {
    /// Starts the server.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let (sender, alert) = watch::channel(None);
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Some(alert) = refusal_of(client).await {
                    sender.send_replace(Some(alert));
                }
            }
        });
        Self { addr, alert, server }
    }

    /// The address for clients.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until a client has refused the handshake and returns its alert: level and description, numbered as in RFC 8446.
    /// Panics after 60 s.
    pub async fn alert(&self) -> (u8, u8) {
        let mut alert = self.alert.clone();
        let refused = timeout(PATIENCE, alert.wait_for(Option::is_some)).await;
        let refused = refused.unwrap_or_else(|_| panic!("no client refused TLS 1.1 within {PATIENCE:?}"));
        refused.expect("the server runs as long as this value").expect("`wait_for` returns a value that is `Some`")
    }
}

impl Drop for OldTls {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The alert with which a client answers the ServerHello, or `None` if it does not send one.
async fn refusal_of(mut client: TcpStream) -> Option<(u8, u8)> {
    let mut head = [0; 5];
    client.read_exact(&mut head).await.ok()?;
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    client.read_exact(&mut hello).await.ok()?;
    client.write_all(&server_hello_of_tls_1_1()).await.ok()?;
    let mut record = [0; 7];
    client.read_exact(&mut record).await.ok()?;
    let [21, _, _, 0, 2, level, description] = record else { return None };
    Some((level, description))
}
