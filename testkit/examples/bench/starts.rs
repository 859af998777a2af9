//! The INIT phase, from the start of the process to its first request for an event, and the memory after it.

use std::{fs, path::Path, time::Duration};

use serde_json::json;
use tempfile::NamedTempFile;
use testkit::{AwsApi, Certificate, Function, RedisServer, SECRET_ARN, TlsProxy};

use super::{megabytes, milliseconds, name, row};

const STARTS: usize = 31;
/// The CA bundles of Debian and of Amazon Linux.
const SYSTEMS_AUTHORITIES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

type Variables = Vec<(&'static str, String)>;

/// Prints the median INIT time of each bootstrap for each kind of connection to Redis. The floor cannot read secrets.
pub(super) async fn measure(floor: &str, functions: &[&str]) {
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
            "rediss://, URL from a secret",
            vec![
                ("REDIS_URL_SECRET_ARN", SECRET_ARN.to_owned()),
                ("AWS_ENDPOINT_URL", format!("https://localhost:{}", way_to_secrets.addr().port())),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
                trust,
            ],
        ),
    ];
    let mut floors = Duration::ZERO;
    for (way, variables) in &ways {
        println!("\nINIT, {way}, ms: median of {STARTS} alternating starts");
        let without_floor = way.contains("secret");
        let all: Vec<_> = (!without_floor).then_some(floor).into_iter().chain(functions.iter().copied()).collect();
        let mut times = vec![Vec::new(); all.len()];
        let mut memory = vec![0; all.len()];
        for _ in 0..STARTS {
            for (nth, bootstrap) in all.iter().enumerate() {
                let (time, resident) = start(bootstrap, variables).await;
                times[nth].push(time);
                memory[nth] = resident;
            }
        }
        for (nth, bootstrap) in all.iter().enumerate() {
            times[nth].sort();
            let median = times[nth][STARTS / 2];
            if *bootstrap == floor {
                floors = median;
            }
            let note = format!("{:.1} MB resident", megabytes(memory[nth]));
            row(name(bootstrap), milliseconds(median), milliseconds(floors), &note);
        }
    }
}

/// A CA bundle with the system's authorities and these.
fn trust(more: &[&Path]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let systems = SYSTEMS_AUTHORITIES.iter().map(Path::new).filter(|path| path.exists()).take(1);
    let all: String = systems.chain(more.iter().copied()).map(|path| fs::read_to_string(path).unwrap()).collect();
    fs::write(file.path(), all).unwrap();
    file
}

/// The INIT time of one start, and the resident memory after it, in bytes.
async fn start(bootstrap: &str, variables: &Variables) -> (Duration, u64) {
    let mut env: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.push(("API_URL", "http://127.0.0.1:9/availabilitydata.json"));
    let function = Function::start(bootstrap, &env).await;
    (function.init_time().await, function.process().memory())
}
