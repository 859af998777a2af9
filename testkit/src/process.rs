//! A child process: its output, its memory and files, and signals to it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::time::{sleep, timeout};

use crate::waiting::{PATIENCE, POLL_INTERVAL, eventually};

/// A running program, killed and reaped when dropped.
///
/// When a test panics, its output includes the program's output.
#[derive(Debug)]
pub struct Process {
    child: Mutex<Child>,
    pid: u32,
    output: Output,
}

impl Process {
    /// Starts the program without input and collects its output.
    pub fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut output = Output::default();
        output.follow(child.stdout.take().expect("stdout is piped"));
        output.follow(child.stderr.take().expect("stderr is piped"));
        Self { pid: child.id(), child: Mutex::new(child), output }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Everything that it has written to stdout and stderr, by line, in order of arrival.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// Freezes it (SIGSTOP), as Lambda does between events.
    pub fn pause(&self) {
        signal(self.pid, "STOP");
    }

    /// Resumes it (SIGCONT).
    pub fn resume(&self) {
        signal(self.pid, "CONT");
    }

    /// Asks it to end (SIGINT), as Ctrl-C does.
    pub fn interrupt(&self) {
        signal(self.pid, "INT");
    }

    /// Kills it (SIGKILL) and waits until it is gone. Its sockets are closed by then.
    pub fn kill(&self) {
        end(&mut self.child.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether it is still running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.try_wait().is_none()
    }

    /// Waits until it exits.
    pub async fn exited(&self) -> ExitStatus {
        loop {
            if let Some(status) = self.try_wait() {
                return status;
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until it exits and its output is complete. Panics after 60 s.
    pub async fn exit(&self) -> ExitStatus {
        let Ok(status) = timeout(PATIENCE, self.exited()).await else {
            panic!("the process is still running after {PATIENCE:?}; it printed:\n{}", self.output());
        };
        eventually("the output is complete", PATIENCE, async || self.output.is_complete()).await;
        status
    }

    /// Its resident memory, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// Its peak resident memory, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    /// The number of its open files and sockets.
    #[must_use]
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("/proc of a child process is readable").count()
    }

    fn status_bytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("the process is running");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a running process has memory");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("the kernel counts in kB");
        kilobytes * 1024
    }

    fn try_wait(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().expect("a child can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(self.child.get_mut().unwrap_or_else(PoisonError::into_inner));
        if thread::panicking() {
            eprintln!("process {} printed:\n{}", self.pid, self.output());
        }
    }
}

/// Kills and reaps a child. SIGKILL also ends a stopped process, so this never waits long.
pub(crate) fn end(child: &mut Child) {
    // Both fail only for a child that has exited already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Sends a signal with the `kill` program, because the system call needs unsafe code.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot send SIG{name} to process {pid}");
}

/// The output of a process. A thread reads each pipe, so that the process never blocks on a full one.
#[derive(Debug, Default)]
struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    followers: Vec<thread::JoinHandle<()>>,
}

impl Output {
    fn follow(&mut self, output: impl Read + Send + 'static) {
        let text = Arc::clone(&self.text);
        self.followers.push(thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            // Whole lines, so that stdout and stderr do not mix within a line.
            while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                text.lock().unwrap_or_else(PoisonError::into_inner).append(&mut line);
            }
        }));
    }

    fn is_complete(&self) -> bool {
        self.followers.iter().all(thread::JoinHandle::is_finished)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn bash(script: &str) -> Process {
        Process::spawn(Command::new("/bin/bash").args(["-c", script]))
    }

    #[tokio::test]
    async fn output_and_exit_status_are_collected() {
        let process = bash("echo out; echo err >&2; exit 7");
        assert_eq!(process.exit().await.code(), Some(7));
        let mut lines: Vec<_> = process.output().lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert!(!process.is_running());
    }

    #[tokio::test]
    async fn a_paused_process_prints_nothing_until_resumed() {
        let process = bash("while sleep 0.01; do echo tick; done");
        let ticks = || process.output().lines().count();
        eventually("the process ticks", PATIENCE, async || ticks() > 0).await;
        process.pause();
        // Earlier output may still arrive.
        sleep(Duration::from_millis(100)).await;
        let before = ticks();
        sleep(Duration::from_millis(100)).await;
        assert_eq!(ticks(), before);
        process.resume();
        eventually("the process ticks again", PATIENCE, async || ticks() > before).await;
    }

    #[tokio::test]
    async fn memory_and_open_files_are_reported() {
        let process = bash("exec 9</dev/null; echo ready; read -t 60 <> <(:)");
        eventually("the process has opened its file", PATIENCE, async || process.output().contains("ready")).await;
        assert!(process.open_files() >= 4, "{}", process.open_files());
        assert!(process.memory() > 100_000 && process.peak_memory() >= process.memory());
    }

    #[tokio::test]
    async fn a_paused_process_can_be_killed() {
        let process = bash("sleep 60");
        process.pause();
        process.kill();
        assert!(!process.is_running());
    }
}
