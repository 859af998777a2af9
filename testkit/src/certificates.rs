//! A certificate authority for a test, and a server certificate that it has signed.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// PEM files of an authority and of a server.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// The authority's certificate, which clients must trust.
    pub(crate) authority: PathBuf,
    /// The server's certificate. A good one is valid for localhost and 127.0.0.1.
    pub(crate) server: PathBuf,
    /// The server's private key.
    pub(crate) server_key: PathBuf,
}

impl Certificates {
    /// Generates keys and good certificates and writes them into `directory`.
    pub(crate) fn write_into(directory: &Path) -> Self {
        Self::write(directory, &server_params(["localhost", "127.0.0.1"]))
    }

    /// The same with a server certificate that expired in 2021.
    pub(crate) fn write_expired_into(directory: &Path) -> Self {
        let mut params = server_params(["localhost", "127.0.0.1"]);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        Self::write(directory, &params)
    }

    /// The same with a server certificate for other hosts.
    pub(crate) fn write_for_others_into(directory: &Path) -> Self {
        Self::write(directory, &server_params(["redis.example.org", "192.0.2.1"]))
    }

    fn write(directory: &Path, server_params: &CertificateParams) -> Self {
        let authority_key = new_key();
        let authority_params = authority_params();
        let authority = authority_params.self_signed(&authority_key).expect("the authority signs itself");
        let issuer = Issuer::new(authority_params, authority_key);
        let server_key = new_key();
        let server = server_params.signed_by(&server_key, &issuer).expect("the authority signs the server");
        Self {
            authority: write(directory, "authority.pem", &authority.pem()),
            server: write(directory, "server.pem", &server.pem()),
            server_key: write(directory, "server-key.pem", &server_key.serialize_pem()),
        }
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "EmptyClassroom tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: [&str; 2]) -> CertificateParams {
    let mut params = CertificateParams::new(names.map(str::to_owned)).expect("both names are valid in a certificate");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("ring generates a P-256 key")
}

fn write(directory: &Path, name: &str, pem: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, pem).expect("the temporary directory can be written to");
    path
}
