//! Whom TLS trusts.
//!
//! A Lambda function trusts Mozilla's list of authorities, which is linked in: reading and parsing the system's would be half
//! of a cold start over TLS. What it talks to (AWS, hosted Redis, 25Live) has certificates of public authorities. The SDK's
//! client of EventBridge alone reads the system's, at its first event.
//! `SSL_CERT_FILE` names a file with other ones, and then those alone are trusted. The local server trusts what the
//! system trusts, or `SSL_CERT_FILE`.

use std::{env, fs, io, path::PathBuf};

use reqwest::{Client, ClientBuilder};

/// The file of authorities that is trusted instead of any other.
const FILE: &str = "SSL_CERT_FILE";

/// What `SSL_CERT_FILE` holds, in PEM; `None` if it is not set.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn authorities() -> io::Result<Option<Vec<u8>>> {
    let Some(path) = file() else { return Ok(None) };
    let read = fs::read(&path);
    read.map(Some).map_err(|error| io::Error::new(error.kind(), format!("{FILE} `{}`: {error}", path.display())))
}

/// A builder of HTTP clients that trust these authorities.
pub(crate) fn http_client() -> ClientBuilder {
    let client = Client::builder();
    #[cfg(feature = "lambda")]
    if file().is_none() {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        return client.tls_backend_preconfigured(tls);
    }
    // It reads `SSL_CERT_FILE`, or what the system has.
    client
}

fn file() -> Option<PathBuf> {
    env::var_os(FILE).filter(|file| !file.is_empty()).map(PathBuf::from)
}
