//! The commands `campus draft` and `campus check`: they draft campus files from 25Live's room lists and check them.
//!
//! # Layout
//!
//! Data flows one way: list → rooms → selected rooms → buildings → hours → file.
//!
//! * [`lists`]: the formats of room lists.
//! * [`selection`]: the selected rooms. [`grouping`]: their buildings, with `room_name` and `building_name`.
//! * [`hours`]: opening hours, from closures. [`file`](mod@file): the text of the campus file.
//! * [`ask`], [`institution`]: 25Live over HTTP. [`terminal`]: output.
//! * [`source`], [`closures`]: requests of a draft. [`report`]: the findings of a check.
//! * [`draft`], [`check`]: the commands.

pub mod ask;
mod building_name;
pub mod check;
pub mod closures;
pub mod draft;
pub mod file;
pub mod grouping;
pub mod hours;
pub mod institution;
pub mod lists;
pub mod report;
mod room_name;
pub mod selection;
pub mod source;
pub mod terminal;

use std::{error::Error, process::ExitCode};

use crate::cli::Campus;

/// Runs a `campus` command.
///
/// # Errors
/// The command failed.
pub async fn run(command: Campus) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Campus::Draft(arguments) => Ok(draft::run(*arguments).await?),
        Campus::Check(arguments) => Ok(check::run(arguments).await?),
    }
}

#[cfg(test)]
mod tests;
