//! Counters and measurements.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many of the last events are printed when the test fails.
const EVENTS_PRINTED: usize = 40;

/// Shared by all tasks.
pub(crate) struct Statistics {
    started: Instant,
    // A std mutex, because nothing awaits while it is held.
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    outcomes: BTreeMap<String, usize>,
    faults: BTreeMap<&'static str, usize>,
    took: Vec<Duration>,
    hits_took: Vec<Duration>,
    recoveries: Vec<Duration>,
    events: Vec<String>,
}

/// The resources that the server uses while it has no clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceUsage {
    pub(crate) memory: u64,
    pub(crate) open_files: usize,
}

impl Statistics {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), counted: Mutex::default() }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a response, or a client that disconnected before it.
    pub(crate) fn outcome(&self, outcome: String) {
        *self.counted().outcomes.entry(outcome).or_default() += 1;
    }

    /// Records how long a response took.
    pub(crate) fn took(&self, took: Duration, is_healthy_hit: bool) {
        let mut counted = self.counted();
        counted.took.push(took);
        if is_healthy_hit {
            counted.hits_took.push(took);
        }
    }

    /// Records how long after Redis and 25Live the service recovered.
    pub(crate) fn recovered(&self, after: Duration) {
        self.counted().recoveries.push(after);
        self.event(&format!("healthy after {} ms", after.as_millis()));
    }

    pub(crate) fn fault(&self, name: &'static str) {
        *self.counted().faults.entry(name).or_default() += 1;
        self.event(name);
    }

    /// Records an event that helps to understand a failure.
    pub(crate) fn event(&self, what: &str) {
        let at = self.started.elapsed().as_secs_f64();
        self.counted().events.push(format!("{} ({at:8.3} s) {what}", chrono::Utc::now().format("%T%.6f")));
    }

    /// The last events.
    pub(crate) fn events(&self) -> String {
        let counted = self.counted();
        counted.events[counted.events.len().saturating_sub(EVENTS_PRINTED)..].join("\n")
    }

    /// The number of responses with an outcome whose name contains this.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.counted().outcomes.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum()
    }

    /// The counts and the latencies, one per line.
    pub(crate) fn table(&self) -> String {
        let mut counted = self.counted();
        let mut table = String::new();
        for (name, count) in &counted.outcomes {
            line(&mut table, name, &count.to_string());
        }
        table += "faults\n";
        for (name, count) in &counted.faults {
            line(&mut table, name, &count.to_string());
        }
        table += "latency                     p50        p99        max\n";
        let hits = percentiles(&mut counted.hits_took);
        line(&mut table, "HIT, healthy", &hits);
        let all = percentiles(&mut counted.took);
        line(&mut table, "all", &all);
        let recoveries = percentiles(&mut counted.recoveries);
        line(&mut table, "until healthy", &recoveries);
        table
    }
}

fn line(table: &mut String, name: &str, value: &str) {
    writeln!(table, "  {name:<20} {value}").unwrap();
}

fn percentiles(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() * part / 1000).min(took.len().saturating_sub(1)));
    let shown = |part| at(part).map_or("-".to_owned(), |took| format!("{:.2} ms", took.as_secs_f64() * 1000.0));
    format!("{:>10} {:>10} {:>10}", shown(500), shown(990), shown(1000))
}
