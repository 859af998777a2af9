//! `campus check`: validates a campus file, and compares it with 25Live.

use std::{fs, io, process::ExitCode, time::Duration};

use chrono::{NaiveDate, Utc};
use emptyclassroom::{
    domain::campus::{Campus, CampusError},
    error_chain,
    outside::twenty_five_live::TwentyFiveLive,
};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;
use url::Url;

use super::{
    closures::is_sign_in,
    institution::{Addresses, Institution},
    report::{self, Findings},
    terminal::{self, Progress},
};
use crate::cli;

/// The default of the service's `UPSTREAM_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file cannot be read.
    #[error("{file} cannot be read")]
    File {
        /// Its name.
        file: String,
        /// The system error.
        source: io::Error,
    },
    /// The file is not a valid campus file.
    #[error(transparent)]
    Campus(#[from] CampusError),
    /// Standard output cannot be written to.
    #[error("the report cannot be written")]
    Output(#[from] io::Error),
}

/// Checks a file. The exit code is 1 if 25Live has no answer for a room.
///
/// # Errors
/// The file cannot be read or is invalid.
pub async fn run(arguments: cli::Check) -> Result<ExitCode, CheckError> {
    let file = arguments.file.display().to_string();
    let text = fs::read_to_string(&arguments.file).map_err(|source| CheckError::File { file: file.clone(), source })?;
    let campus = Campus::parse(&file, &text)?;
    terminal::result(&report::campus(&file, &text, &campus))?;
    let Some(url) = arguments.against else { return Ok(ExitCode::SUCCESS) };
    let today = Utc::now().with_timezone(&campus.timezone).date_naive();
    let findings = ask(availability(url), &campus, usize::from(arguments.concurrency), today).await;
    terminal::result(&report::against(&campus, &findings))?;
    Ok(if findings.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The availability URL, even if the URL of the institution's page or of one of its lists was given.
fn availability(url: Url) -> Url {
    let is_page = || url.path().starts_with("/pro/");
    let of_page = || {
        let institution = url.as_str().parse::<Institution>().ok()?;
        Addresses::of(&institution, institution.server.as_ref()?)?.availability()
    };
    let beside = || Addresses::beside(&url)?.availability();
    let found = if is_page() { of_page() } else { beside() };
    found.unwrap_or(url)
}

/// Requests every room from 25Live once. Stops early if the first rooms all fail.
async fn ask(url: Url, campus: &Campus, concurrency: usize, today: NaiveDate) -> Findings {
    let upstream = TwentyFiveLive::new(url, TIMEOUT, concurrency);
    let rooms: Vec<_> = campus.classrooms().collect();
    let mut findings = Findings { rooms: rooms.len(), concurrency, ..Findings::default() };
    let mut progress = Progress::begin("asking 25Live for each room", rooms.len());
    let asked = rooms.iter().map(async |(building, room)| {
        let begun = Instant::now();
        let answer = upstream.availability(&room.id, today, |_| {}).await;
        (building, room, answer, begun.elapsed())
    });
    let mut asked = stream::iter(asked).buffer_unordered(concurrency);
    while let Some((building, room, answer, took)) = asked.next().await {
        progress.step();
        findings.asked += 1;
        findings.took += took;
        match answer {
            Ok(availability) => findings.add(building, room, availability.bookings, today),
            Err(error) => {
                findings.sign_in |= is_sign_in(&error);
                findings.fail(building, room, &error_chain(&error));
            }
        }
        if findings.is_hopeless() {
            break;
        }
    }
    alphanumeric_sort::sort_str_slice(&mut findings.failures);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_availability_url_is_derived_from_other_25live_urls() {
        let base = "https://25live.example/25live/data/school/run";
        let address = format!("{base}/availability/availabilitydata.json");
        for given in [
            &address,
            &format!("{address}?space_id=1"),
            &format!("{base}/spaces.json"),
            "https://25live.example/pro/school",
        ] {
            assert_eq!(availability(Url::parse(given).unwrap()).as_str(), address, "{given}");
        }
        let other = Url::parse("http://127.0.0.1:9/other").unwrap();
        assert_eq!(availability(other.clone()), other);
    }
}
