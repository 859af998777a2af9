//! Runs the program as a separate process on a free port, in an empty folder.

use std::process::Command;

use tempfile::TempDir;
use testkit::{PATIENCE, Process, eventually};

/// The running program; killed when dropped.
pub(crate) struct Program {
    pub(crate) process: Process,
    /// Its base URL.
    pub(crate) url: String,
    /// A client for requests to it.
    pub(crate) http: reqwest::Client,
    _folder: TempDir,
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The program in this folder, with only these variables.
pub(crate) fn command(folder: &TempDir, vars: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emptyclassroom"));
    command.current_dir(folder.path()).env_clear().envs(vars.iter().copied());
    command
}

impl Program {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(vars: &[(&str, &str)]) -> Self {
        Self::start_in(folder(), vars).await
    }

    /// Starts it in a folder that may contain a `.env` file.
    pub(crate) async fn start_in(folder: TempDir, vars: &[(&str, &str)]) -> Self {
        let process = Process::spawn(command(&folder, vars).env("PORT", "0"));
        let ready = || process.output().contains("Ctrl-C");
        eventually("the program is ready", PATIENCE, async || ready() || !process.is_running()).await;
        let banner = process.output();
        let address = banner.lines().find_map(|line| line.strip_prefix("EmptyClassroom listens on "));
        let url = address.unwrap_or_else(|| panic!("the program stopped during its start: {banner}")).to_owned();
        Self { process, url, http: reqwest::Client::new(), _folder: folder }
    }
}
