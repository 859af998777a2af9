//! What a person sees: standard output for the result alone, standard error for the rest, colors and progress on a terminal
//! only.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// Writes the result. A reader that has enough, such as `head`, is no error.
///
/// # Errors
/// Standard output cannot be written to: the disk is full, say.
pub fn result(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line about the work. Nobody may be listening.
pub fn say(line: &str) {
    drop(writeln!(anstream::stderr(), "{line}"));
}

/// Writes a line about something to look at.
pub fn warn(line: &str) {
    let style = AnsiColor::Yellow.on_default().bold();
    say(&format!("{style}warning:{style:#} {line}"));
}

/// A text in bold.
#[must_use]
pub fn bold(text: &str) -> String {
    let style = Style::new().bold();
    format!("{style}{text}{style:#}")
}

/// A line on a terminal that shows how far long work is.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    of: usize,
    done: usize,
    is_shown: bool,
}

impl Progress {
    /// Begins work of so many parts.
    #[must_use]
    pub fn begin(what: &'static str, of: usize) -> Self {
        let progress = Self { what, of, done: 0, is_shown: io::stderr().is_terminal() };
        progress.show();
        progress
    }

    /// A part is done.
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
            // To the beginning of the line, and nothing behind it.
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

/// `1 room`, `2 rooms`.
#[must_use]
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
