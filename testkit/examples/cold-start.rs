//! How long bootstraps take to start, over each way to Redis: `cargo run --example cold-start -- BOOTSTRAP…`.
//!
//! Measured is the INIT phase as Lambda counts it, from the process's start to its first question for an event, through a
//! Runtime API on loopback. What a network would add is not in it. Clients trust the authorities of this machine's
//! system too, as they do on Lambda: reading those is a part of each start over TLS.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should stop")]

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::NamedTempFile;
use testkit::{AwsApi, Certificate, Function, RedisServer, TlsProxy};

const STARTS: usize = 15;
const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:emptyclassroom-AbCdEf";
/// Where systems keep the authorities they trust: Debian's place, then Amazon Linux's.
const SYSTEMS_AUTHORITIES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

type Variables = Vec<(&'static str, String)>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (plain, tls) = (RedisServer::start().await, RedisServer::start_tls().await);
    let secret = tls.url();
    let secrets = AwsApi::start(move |_| (200, json!({ "SecretString": secret }))).await;
    let way_to_secrets = TlsProxy::start(secrets.addr(), Certificate::Good).await;
    let trusted = trust(&[tls.ca_file(), way_to_secrets.ca_file()]);
    let trust = ("SSL_CERT_FILE", trusted.path().to_str().unwrap().to_owned());
    let ways: [(&str, Variables); 3] = [
        ("redis://", vec![("REDIS_URL", plain.url())]),
        ("rediss://", vec![("REDIS_URL", tls.url()), trust.clone()]),
        (
            "rediss://, a secret",
            vec![
                ("REDIS_URL_SECRET_ARN", ARN.to_owned()),
                ("AWS_ENDPOINT_URL", format!("https://localhost:{}", way_to_secrets.addr().port())),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
                trust,
            ],
        ),
    ];
    println!("INIT in ms: median (least to most) of {STARTS} starts; resident memory after it\n");
    for bootstrap in env::args().skip(1) {
        for (way, variables) in &ways {
            let (mut times, memory) = starts(&bootstrap, variables).await;
            times.sort();
            let [least, median, most] = [0, STARTS / 2, STARTS - 1].map(|nth| milliseconds(times.get(nth)));
            let mib = memory / 1024 / 1024;
            println!("{bootstrap:<36} {way:<20} {median:>5.1} ({least:.1} to {most:.1})  {mib} MiB");
        }
    }
}

/// A file with the authorities that the system trusts, and these.
fn trust(more: &[&Path]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let systems = SYSTEMS_AUTHORITIES.iter().map(Path::new).filter(|path| path.exists()).take(1);
    let all: String = systems.chain(more.iter().copied()).map(|path| fs::read_to_string(path).unwrap()).collect();
    fs::write(file.path(), all).unwrap();
    file
}

/// Each start's INIT, and the last one's resident memory, in bytes.
async fn starts(bootstrap: &str, variables: &Variables) -> (Vec<Duration>, u64) {
    let mut env: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.push(("API_URL", "http://127.0.0.1:9/availabilitydata.json"));
    let (mut times, mut memory) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let function = Function::start(bootstrap, &env).await;
        times.push(function.init_time().await);
        memory = function.process().memory();
    }
    (times, memory)
}

fn milliseconds(time: Option<&Duration>) -> f64 {
    time.copied().unwrap_or_default().as_secs_f64() * 1000.0
}
