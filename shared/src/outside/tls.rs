//! The certificate authorities that TLS trusts.
//!
//! A Lambda function trusts Mozilla's list, which is linked in: parsing the system's list would take half of a cold start over
//! TLS. The servers that it talks to (AWS, hosted Redis, 25Live) have certificates of public authorities. Only the SDK's
//! EventBridge client reads the system's list, at the first event. The local server trusts the system's list.
//! If `SSL_CERT_FILE` is set, only the authorities in that file are trusted.

use std::{env, fs, io, path::PathBuf};

use reqwest::{Client, ClientBuilder};

/// The variable with the path of a file of authorities, which replaces the default ones.
const FILE: &str = "SSL_CERT_FILE";

/// Reads the PEM file in `SSL_CERT_FILE`; `None` if the variable is not set.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn authorities() -> io::Result<Option<Vec<u8>>> {
    let Some(path) = file() else { return Ok(None) };
    let read = fs::read(&path);
    read.map(Some).map_err(|error| io::Error::new(error.kind(), format!("{FILE} `{}`: {error}", path.display())))
}

/// Returns a builder of HTTP clients that trust these authorities.
pub(crate) fn http_client() -> ClientBuilder {
    let client = Client::builder();
    #[cfg(feature = "lambda")]
    if file().is_none() {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        return client.tls_backend_preconfigured(tls);
    }
    // The client reads `SSL_CERT_FILE`, or the system's list.
    client
}

fn file() -> Option<PathBuf> {
    env::var_os(FILE).filter(|file| !file.is_empty()).map(PathBuf::from)
}
