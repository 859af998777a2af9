//! Runs the program's commands to completion.

use std::{
    path::Path,
    process::{Command, Output},
};

/// The result of a command.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program in a folder, with these arguments and an empty environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emptyclassroom"));
    command.current_dir(folder).env_clear().args(arguments);
    command
}

/// Runs it in a folder.
pub(crate) async fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(folder, arguments);
    // The simulated 25Live needs the test's runtime meanwhile.
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs it in an empty folder.
pub(crate) async fn run(arguments: &[&str]) -> Ran {
    run_in(tempfile::tempdir().unwrap().path(), arguments).await
}
