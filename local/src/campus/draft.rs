//! `campus draft`: drafts a campus file from a room list.

use std::{collections::BTreeSet, io, process::ExitCode};

use chrono::{NaiveDate, Utc};
use chrono_tz::{America::New_York, Tz};
use emptyclassroom::domain::campus::{Campus, CampusError};
use url::Url;

use super::{
    closures::Closures,
    file::{CHECK, Draft, is_marked},
    grouping::{self, BuildingFrom, DraftBuilding, Guess},
    hours::Plan,
    institution::Addresses,
    lists::{RoomList, tidy},
    selection::{NoSuchCategory, Selection, Wanted},
    source::{Source, SourceError},
    terminal::{self, bold, count, say, warn},
};
use crate::cli;

/// The maximum number of names in a message.
const MOST_NAMES: usize = 5;

/// Why drafting failed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The list could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No room was selected.
    #[error("{0} has no rooms")]
    NoRooms(String),
    /// The list has no such category.
    #[error(transparent)]
    Category(#[from] NoSuchCategory),
    /// The draft does not parse as a campus file.
    #[error("the draft is not a valid campus file. This is a bug in EmptyClassroom; please report it with the list")]
    Draft(#[from] CampusError),
    /// Standard output cannot be written to.
    #[error("the draft cannot be written")]
    Output(#[from] io::Error),
}

/// The drafted hours, and whether guests see availability.
struct Hours {
    plan: Plan,
    /// How 25Live asked to sign in, if it did: the service would not work.
    sign_in: Option<String>,
}

/// Writes a draft. The exit code is 1 if guests cannot see availability: the file is valid, but the service will not work.
///
/// # Errors
/// The list cannot be read, or has none of the requested rooms.
pub async fn run(arguments: cli::Draft) -> Result<ExitCode, DraftError> {
    let source = Source::read(&arguments).await?;
    let categories: Vec<_> = arguments.category.iter().filter_map(|name| tidy(name)).collect();
    let list = RoomList::of(source.pages, &categories);
    let wanted = Wanted { categories, every_room: arguments.every_room };
    let selection = Selection::of(&list, &wanted)?;
    if selection.rooms.is_empty() {
        return Err(DraftError::NoRooms(source.name));
    }
    let chosen: BTreeSet<_> = selection.chosen.keys().copied().collect();
    let (from, buildings) = grouping::group(&selection.rooms, &list.rooms, &chosen, arguments.building_from);
    let zone = arguments.timezone.unwrap_or(New_York);
    let today = Utc::now().with_timezone(&zone).date_naive();
    let url = source.addresses.as_ref().and_then(Addresses::availability);
    let Hours { plan, sign_in } = hours(url.as_ref(), &buildings, today).await;
    let draft = Draft {
        name: name(arguments.name.as_deref(), source.addresses.as_ref()),
        timezone: timezone(arguments.timezone),
        source: source.name.clone(),
        date: today,
        notes: notes(&list, &selection, from, source.missing),
        chosen: &selection.chosen,
        others: &selection.others,
        buildings: &buildings,
        plan: &plan,
    };
    let text = draft.to_toml();
    Campus::parse("the draft", &text)?;
    terminal::result(&text)?;
    summarize(&buildings, &text);
    left_out(&list, &selection, source.missing);
    next(url.as_ref());
    let Some(cause) = sign_in else { return Ok(ExitCode::SUCCESS) };
    warn(&format!(
        "25Live asks guests to sign in before it shows a room's availability ({cause}), so EmptyClassroom cannot work here"
    ));
    Ok(ExitCode::FAILURE)
}

async fn hours(url: Option<&Url>, buildings: &[DraftBuilding], first_day: NaiveDate) -> Hours {
    let unknown = |why| Hours { plan: Plan::unknown(buildings.len(), why), sign_in: None };
    let Some(url) = url else { return unknown("25Live was not asked") };
    match Closures::ask(url.clone(), buildings, first_day).await {
        Closures::Seen(answers) => Hours { plan: Plan::of(&answers), sign_in: None },
        Closures::SignIn(cause) => {
            let hours = unknown("25Live asks guests to sign in before it shows a room's availability");
            Hours { sign_in: Some(cause), ..hours }
        }
        Closures::Failed(cause) => {
            warn(&format!("25Live returned no availability, so the draft has default opening hours ({cause})"));
            unknown("25Live returned no availability")
        }
    }
}

fn name(given: Option<&str>, addresses: Option<&Addresses>) -> Guess {
    let doubtful = |name: &str, why: &str| Guess { value: name.to_owned(), check: Some(why.to_owned()) };
    match (given.and_then(tidy), addresses.and_then(Addresses::institution)) {
        (Some(name), _) => Guess { value: name, check: None },
        (None, Some(institution)) => doubtful(institution, "from 25Live's URL"),
        (None, None) => doubtful("Campus", "25Live's lists do not include the name"),
    }
}

fn timezone(given: Option<Tz>) -> Guess {
    let check = given.is_none().then(|| "25Live does not report the time zone".to_owned());
    Guess { value: given.unwrap_or(New_York).to_string(), check }
}

/// Notes about the whole file.
fn notes(list: &RoomList, selection: &Selection<'_>, from: BuildingFrom, missing: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let source = match from {
        BuildingFrom::Name => "names of the rooms",
        BuildingFrom::Formal => "formal names of the rooms",
        BuildingFrom::BldgName => "list's building column",
        BuildingFrom::Category => "categories of the rooms",
    };
    notes.push(format!("Buildings come from the {source}; --building-from chooses another source."));
    if let Some(reason) = selection.fallback {
        notes.push(format!("check: {reason}, so this file has every room."));
    }
    if !list.guessed_names.is_empty() {
        notes.push(format!(
            "check: each of these was read as one name, comma included: {}",
            list.guessed_names.join("; ")
        ));
    }
    if !selection.dead.is_empty() {
        notes.push(format!(
            "check: left out because their names say they are not in use: {}",
            selection.dead.join("; ")
        ));
    }
    if missing > 0 {
        notes.push(format!("check: the list reports {} more than it contains.", count(missing, "room")));
    }
    notes
}

fn summarize(buildings: &[DraftBuilding], text: &str) {
    let rooms: usize = buildings.iter().map(|building| building.rooms.len()).sum();
    say(&bold(&format!("Drafted {} with {}.", count(buildings.len(), "building"), count(rooms, "room"))));
    let marks = text.lines().filter(|line| is_marked(line)).count();
    if marks > 0 {
        say(&format!("  to check: {}, marked with `{CHECK}`", count(marks, "line")));
    }
}

fn left_out(list: &RoomList, selection: &Selection<'_>, missing: usize) {
    let reasons = [
        (selection.of_other_categories, "in other categories, which the file lists".to_owned()),
        (selection.without_category, "without a category; --every-room includes them".to_owned()),
        (selection.dead.len(), format!("not in use: {}", some(&selection.dead))),
        (list.unreadable, "without an id or a name".to_owned()),
        (list.repeated, "with the id of an earlier room".to_owned()),
        (missing, "that the list reports but does not contain".to_owned()),
    ];
    for (rooms, why) in reasons.iter().filter(|(rooms, _)| *rooms > 0) {
        say(&format!("  left out: {} {why}", count(*rooms, "room")));
    }
    if let Some(reason) = selection.fallback {
        warn(&format!("{reason}, so the draft has every room, classroom or not"));
    }
}

fn some(names: &[&str]) -> String {
    let shown = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{shown}, …") } else { shown }
}

fn next(url: Option<&Url>) {
    say("Next:");
    say("  1. Save the draft as a file, correct its marked lines, and delete the marks.");
    if let Some(url) = url {
        say(&format!("  2. emptyclassroom campus check FILE --against {url}"));
        say(&format!("  3. CAMPUS_FILE=FILE API_URL={url} emptyclassroom"));
    } else {
        say("  2. emptyclassroom campus check FILE --against URL");
        say("  3. CAMPUS_FILE=FILE API_URL=URL emptyclassroom");
        say("URL is the list's URL with availability/availabilitydata.json after /run/.");
    }
}
