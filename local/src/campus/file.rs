//! Writes a draft as the text of a campus file. Pure.

use std::{collections::BTreeMap, fmt::Write, ops::RangeInclusive};

use chrono::{NaiveDate, Weekday};
use emptyclassroom::domain::opening_hours::OpeningHours;

use super::{
    grouping::{DraftBuilding, DraftRoom, Guess},
    hours::{BuildingHours, Hours, Plan},
};

/// Marks a guess in the file.
pub const CHECK: &str = "# check";

/// Whether a line of a draft is marked for review, and is not the line that explains the mark.
#[must_use]
pub fn is_marked(line: &str) -> bool {
    line.contains(CHECK) && !line.contains(&format!("`{CHECK}`"))
}

/// A campus file before it is written.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The campus's name.
    pub name: Guess,
    /// Its time zone.
    pub timezone: Guess,
    /// Where the list came from.
    pub source: String,
    /// When the draft was made.
    pub date: NaiveDate,
    /// Notes about the whole file, one line each.
    pub notes: Vec<String>,
    /// The categories whose rooms are in the file, with their numbers of rooms.
    pub chosen: &'a BTreeMap<&'a str, usize>,
    /// The other categories.
    pub others: &'a BTreeMap<&'a str, usize>,
    /// The buildings, each with its rooms.
    pub buildings: &'a [DraftBuilding],
    /// Their hours.
    pub plan: &'a Plan,
}

impl Draft<'_> {
    /// The text of the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut file = File::default();
        self.head(&mut file);
        file.blank();
        file.key("name", &quoted(&self.name.value), self.name.check.as_deref());
        file.key("timezone", &quoted(&self.timezone.value), self.timezone.check.as_deref());
        file.hours(&self.plan.campus, Some(&self.plan.check));
        if !self.plan.closed.is_empty() {
            let days = self.plan.closed.iter().map(days).collect::<Vec<_>>().join(", ");
            file.key("closed", &format!("[{days}]"), Some("25Live shows every building closed"));
        }
        for (building, hours) in self.buildings.iter().zip(&self.plan.buildings) {
            file.building(building, hours);
        }
        file.text
    }

    fn head(&self, file: &mut File) {
        file.comment(&format!("Drafted by `emptyclassroom campus draft` on {} from {}.", self.date, self.source));
        file.comment(&format!("Review each line marked `{CHECK}`, correct it, and delete the mark."));
        for note in &self.notes {
            file.comment(note);
        }
        for (title, categories) in [
            ("Categories whose rooms are in this file:", self.chosen),
            ("Other categories; --category adds the rooms of one:", self.others),
        ] {
            if !categories.is_empty() {
                file.comment("");
                file.comment(title);
            }
            for (name, rooms) in categories {
                file.comment(&format!("{rooms:>6}  {name}"));
            }
        }
    }
}

/// The text so far.
#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.line("");
    }

    fn comment(&mut self, text: &str) {
        self.line(&format!("# {}", plain(text)));
    }

    fn checked(&mut self, line: &str, check: Option<&str>) {
        match check {
            Some("") => self.line(&format!("{line} {CHECK}")),
            Some(why) => self.line(&format!("{line} {CHECK}: {}", plain(why))),
            None => self.line(line),
        }
    }

    fn key(&mut self, key: &str, value: &str, check: Option<&str>) {
        self.checked(&format!("{key} = {value}"), check);
    }

    fn hours(&mut self, hours: &Hours, check: Option<&str>) {
        if let Some(usual) = hours.usual {
            self.key("opens", &quoted(&usual.opens().to_string()), check);
            self.key("closes", &quoted(&usual.closes().to_string()), check.map(|_| ""));
        }
        if !hours.days.is_empty() {
            let days =
                hours.days.iter().map(|(weekday, day)| format!("{} = {}", key_of(*weekday), quoted(&day_text(*day))));
            self.key("days", &format!("{{ {} }}", days.collect::<Vec<_>>().join(", ")), None);
        }
    }

    fn building(&mut self, building: &DraftBuilding, hours: &BuildingHours) {
        self.blank();
        self.checked("[[buildings]]", hours.check.as_deref());
        self.key("code", &quoted(&building.code.value), building.code.check.as_deref());
        self.key("name", &quoted(&building.name.value), building.name.check.as_deref());
        if let Some(own) = &hours.own {
            self.hours(own, None);
        }
        self.line("classrooms = [");
        for room in &building.rooms {
            self.checked(&format!("    {{ {} }},", fields(room)), room.check.as_deref());
        }
        self.line("]");
    }
}

fn fields(room: &DraftRoom) -> String {
    let mut fields = format!("id = {}, name = {}", quoted(&room.id), quoted(&room.name));
    if let Some(capacity) = room.capacity {
        let _: Result<(), _> = write!(fields, ", capacity = {capacity}");
    }
    if !room.features.is_empty() {
        let features = room.features.iter().map(|feature| quoted(feature)).collect::<Vec<_>>().join(", ");
        let _: Result<(), _> = write!(fields, ", features = [{features}]");
    }
    fields
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Replaces control characters, because a comment ends at a line break.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn days(range: &RangeInclusive<NaiveDate>) -> String {
    let (first, last) = (range.start(), range.end());
    if first == last { format!("\"{first}\"") } else { format!("\"{first}..{last}\"") }
}

/// A weekday as the campus file names it.
#[must_use]
pub fn key_of(weekday: Weekday) -> String {
    weekday.to_string().to_lowercase()
}

/// The hours of a day as the campus file writes them.
#[must_use]
pub fn day_text(day: Option<OpeningHours>) -> String {
    day.map_or_else(|| "closed".to_owned(), |hours| format!("{}-{}", hours.opens(), hours.closes()))
}

#[cfg(test)]
mod tests;
