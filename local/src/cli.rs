//! The command line.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::campus::{grouping::BuildingFrom, institution::Institution};

/// Shows which classrooms are free, based on CollegeNET 25Live.
///
/// Without a command, it serves the HTTP API and the web page. Environment variables or a .env file configure it; README.md
/// lists the variables.
#[derive(Debug, Parser)]
#[command(name = "emptyclassroom", version)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// Refuse to start without API_URL, instead of simulating the bookings
    #[arg(long)]
    pub require_api_url: bool,

    /// The command to run instead of the server.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A command to run instead of the server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Draft or check a campus file
    #[command(subcommand)]
    Campus(Campus),
}

/// Commands for campus files.
#[derive(Debug, Subcommand)]
pub enum Campus {
    /// Draft a campus file from 25Live's room list and write it to standard output
    Draft(Box<Draft>),
    /// Check a campus file and, with --against, request each of its rooms from 25Live
    Check(Check),
}

/// Arguments of `campus draft`.
#[derive(Args, Debug)]
pub struct Draft {
    /// The institution in 25live.collegenet.com/pro/NAME, or the URL of that page
    #[arg(long, value_name = "NAME", required_unless_present = "from")]
    pub institution: Option<Institution>,

    /// A saved spaces.json, spaces.xml or listdata.json, or its URL; "-" is standard input. Repeat it for each page
    #[arg(long, value_name = "FILE|URL")]
    pub from: Vec<String>,

    /// The server to use instead of 25live.collegenet.com
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub server: Option<Url>,

    /// Include the rooms of this category, given by its name or a part of it; repeatable [default: categories with "class" in
    /// their names]
    #[arg(long, value_name = "NAME")]
    pub category: Vec<String>,

    /// Include every room, regardless of its category
    #[arg(long, conflicts_with = "category")]
    pub every_room: bool,

    /// Where a room's building comes from [default: the best source in the list]
    #[arg(long, value_name = "SOURCE")]
    pub building_from: Option<BuildingFrom>,

    /// The campus's name [default: the institution's]
    #[arg(long)]
    pub name: Option<String>,

    /// The campus's time zone, such as America/Chicago [default: America/New_York]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub timezone: Option<Tz>,
}

/// Arguments of `campus check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The campus file
    pub file: PathBuf,

    /// Request every room once from 25Live's availabilitydata.json at this URL, the value of API_URL
    #[arg(long, value_name = "API_URL", value_parser = http_url)]
    pub against: Option<Url>,

    /// The number of simultaneous requests
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub concurrency: u8,
}

fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "expected a URL that begins with https:// or http://".to_owned())
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "expected a name from the tz database, such as America/New_York".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        assert!(Cli::try_parse_from(["emptyclassroom"]).unwrap().command.is_none());
        for unknown in [&["--port"][..], &["serve-me"], &["campus"], &["campus", "draft"], &["campus", "check"]] {
            let arguments = ["emptyclassroom"].iter().chain(unknown);
            assert_eq!(Cli::try_parse_from(arguments).unwrap_err().exit_code(), 2, "{unknown:?}");
        }
    }
}
