//! The machine that a benchmark ran on.

use std::fs;

/// How many processors of which model, as Linux names them.
#[must_use]
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let number = cpus.lines().filter(|line| line.starts_with("processor")).count();
    format!("{number} x {}", model.trim_start_matches([' ', '\t', ':']))
}
