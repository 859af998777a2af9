//! What the programs cost: `make bench`, or `cargo run --example bench -- FLOOR READ COOLDOWN-STATUS REFRESH LOCAL`, the bootstraps
//! of the functions and the local server.
//!
//! The functions stand beside a bare one, the floor. Each bootstrap runs as Lambda runs it, against a Runtime API, a redis-server
//! and a simulated 25Live on this machine. The network is loopback, so what a network adds is not measured. Floor and function
//! are measured in turn, in many short rounds, so that a noisy machine disturbs both alike. Times are medians, and each stands
//! beside its ratio to the floor's.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made should stop"
)]

mod local;
mod requests;
mod starts;
mod sweeps;

use std::{env, fs, path::Path, time::Duration};

use testkit::machine;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let programs: Vec<_> = env::args().skip(1).collect();
    let [floor, read, cooldown_status, refresh, local] = programs.as_slice() else {
        panic!("usage: bench FLOOR READ COOLDOWN-STATUS REFRESH LOCAL")
    };
    println!("{}\n", machine());
    println!("program, MB");
    for program in &programs {
        println!("  {:<36} {:>8.2}", name(program), megabytes(fs::metadata(program).unwrap().len()));
    }
    starts::measure(floor, &[read, cooldown_status, refresh]).await;
    requests::measure(floor, read).await;
    local::measure(local).await;
    sweeps::measure(refresh).await;
}

/// A line of the table: what it is, the time, and its ratio to the floor's.
fn row(name: &str, time: f64, floor: f64, note: &str) {
    println!("  {name:<36} {time:>8.3} {:>7.2} x  {note}", time / floor);
}

fn name(program: &str) -> &str {
    Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "programs and memory are no exabytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
