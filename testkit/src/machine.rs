//! The machine of a benchmark.

use std::fs;

/// The number and the model of the processors, from Linux.
#[must_use]
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let number = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("{number} x {}", model.trim_start_matches([' ', '\t', ':']))
}
