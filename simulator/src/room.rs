//! The rooms of the simulated campus.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::booking::{Booking, Hours, Kind};

/// Opening and closing time, in hours of the day.
type Open = (u8, u8);

/// A room of the simulated 25Live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// 25Live's `space_id`, a number in practice: `342`.
    pub id: String,
    /// Its name in 25Live, which includes the code of the building: `CAS 116`.
    pub name: String,
    pub(crate) formal_name: Option<FormalName>,
    pub(crate) capacity: Option<u32>,
    pub(crate) categories: Vec<String>,
    pub(crate) features: Vec<String>,
    pub(crate) building: Option<String>,
    /// The opening hours from Monday to Sunday, or `None` to show no closures.
    week: Option<[Option<Open>; 7]>,
}

/// A formal name. Some campuses have a number here.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum FormalName {
    Text(String),
    Number(u32),
}

impl Room {
    /// A room with this `space_id` and name, and nothing else in the lists.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            formal_name: None,
            capacity: None,
            categories: Vec::new(),
            features: Vec::new(),
            building: None,
            week: None,
        }
    }

    /// The same room with a formal name: `Old Hall Room 101`.
    #[must_use]
    pub fn formal_name(self, name: impl Into<String>) -> Self {
        Self { formal_name: Some(FormalName::Text(name.into())), ..self }
    }

    /// The same room with a number instead of a formal name.
    #[must_use]
    pub fn formal_number(self, number: u32) -> Self {
        Self { formal_name: Some(FormalName::Number(number)), ..self }
    }

    /// The same room with this capacity. 25Live uses 0 for an unknown capacity.
    #[must_use]
    pub fn capacity(self, people: u32) -> Self {
        Self { capacity: Some(people), ..self }
    }

    /// The same room with one more category.
    #[must_use]
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.categories.push(name.into());
        self
    }

    /// The same room with one more feature.
    #[must_use]
    pub fn feature(mut self, name: impl Into<String>) -> Self {
        self.features.push(name.into());
        self
    }

    /// The same room in a building that the lists name.
    #[must_use]
    pub fn building(self, name: impl Into<String>) -> Self {
        Self { building: Some(name.into()), ..self }
    }

    /// The same room, open between these hours on every day, unless `open_on` or `closed_on` changes a day.
    #[must_use]
    pub fn open(self, from: u8, to: u8) -> Self {
        Self { week: Some([Some((from, to)); 7]), ..self }
    }

    /// The same room, open between these hours on this day of the week.
    #[must_use]
    pub fn open_on(self, weekday: Weekday, from: u8, to: u8) -> Self {
        self.on(weekday, Some((from, to)))
    }

    /// The same room, closed on this day of the week.
    #[must_use]
    pub fn closed_on(self, weekday: Weekday) -> Self {
        self.on(weekday, None)
    }

    fn on(self, weekday: Weekday, open: Option<Open>) -> Self {
        let mut week = self.week.unwrap_or([Some((0, 24)); 7]);
        week.iter_mut().skip(index(weekday)).take(1).for_each(|day| *day = open);
        Self { week: Some(week), ..self }
    }

    /// The closures on a day.
    pub(crate) fn closures(&self, date: NaiveDate) -> Vec<Booking> {
        let Some(week) = self.week else { return Vec::new() };
        let closed = match week.get(index(date.weekday())).copied().flatten() {
            Some((from, to)) => vec![(0, from), (to, 24)],
            None => vec![(0, 24)],
        };
        let minutes = |hour: u8| u32::from(hour) * 60;
        let closure = |(from, to)| Booking::new(Hours::text(minutes(from)), Hours::number(minutes(to)), Kind::Closed);
        closed.into_iter().filter(|(from, to)| from < to).map(closure).collect()
    }
}

fn index(weekday: Weekday) -> usize {
    usize::try_from(weekday.num_days_from_monday()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_closed_outside_its_hours() {
        let room = Room::new("1", "HALL 1").open(7, 22).open_on(Weekday::Sat, 8, 24).closed_on(Weekday::Sun);
        let closed = |date: &str| {
            let closures = room.closures(date.parse().unwrap());
            closures.iter().map(|item| (item.start.value().unwrap(), item.end.value().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(closed("2026-02-06"), [(0.0, 7.0), (22.0, 24.0)]);
        assert_eq!(closed("2026-02-07"), [(0.0, 8.0)]);
        assert_eq!(closed("2026-02-08"), [(0.0, 24.0)]);
        assert_eq!(Room::new("1", "HALL 1").closures("2026-02-08".parse().unwrap()), []);
    }
}
