//! Output: only the result goes to standard output, everything else to standard error. Colors and progress appear only on a
//! terminal.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// Writes the result. A closed pipe, such as to `head`, is not an error.
///
/// # Errors
/// Standard output cannot be written to, such as when the disk is full.
pub fn result(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a status line. Errors are ignored, because standard error may be closed.
pub fn say(line: &str) {
    drop(writeln!(anstream::stderr(), "{line}"));
}

/// Writes a warning.
pub fn warn(line: &str) {
    let style = AnsiColor::Yellow.on_default().bold();
    say(&format!("{style}warning:{style:#} {line}"));
}

/// Formats a text in bold.
#[must_use]
pub fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// A progress line on a terminal.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    of: usize,
    done: usize,
    is_shown: bool,
}

impl Progress {
    /// Begins work of `of` steps.
    #[must_use]
    pub fn begin(what: &'static str, of: usize) -> Self {
        let progress = Self { what, of, done: 0, is_shown: io::stderr().is_terminal() };
        progress.show();
        progress
    }

    /// Sets the number of steps, once it is known.
    pub const fn set_steps(&mut self, steps: usize) {
        self.of = steps;
    }

    /// Counts a finished step.
    pub fn step(&mut self) {
        self.done += 1;
        self.show();
    }

    fn show(&self) {
        if self.is_shown {
            drop(write!(io::stderr(), "\r{}: {} of {}", self.what, self.done, self.of));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            // Clears the line.
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

/// `1 room`, `2 rooms`.
#[must_use]
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
