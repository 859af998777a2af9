//! Benchmarks of the programs: `make bench`, or `cargo run --example bench -- FLOOR READ COOLDOWN-STATUS REFRESH LOCAL` with the
//! paths of the functions' bootstraps and of the local server.
//!
//! The functions are compared with a minimal one, the floor. Each bootstrap runs as on Lambda, against a Runtime API, a
//! redis-server and a simulated 25Live on this machine. The network is loopback, so network latency is not measured. Floor and
//! function alternate in many short rounds, so that a noisy machine affects both alike. Times are medians, printed with their
//! ratio to the floor's.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed measurement stops the benchmark"
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
    println!("program size, MB");
    for program in &programs {
        println!("  {:<36} {:>8.2}", name(program), megabytes(fs::metadata(program).unwrap().len()));
    }
    starts::measure(floor, &[read, cooldown_status, refresh]).await;
    requests::measure(floor, read).await;
    local::measure(local).await;
    sweeps::measure(refresh).await;
}

/// Prints a row of the table: a name, a time, its ratio to the floor's time, and a note.
fn row(name: &str, time: f64, floor: f64, note: &str) {
    println!("  {name:<36} {time:>8.3} {:>7.2} x  {note}", time / floor);
}

fn name(program: &str) -> &str {
    Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or(program)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "sizes of programs and memory are far below 2^53 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
