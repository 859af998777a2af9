//! Selects the rooms of a list for a campus file.

use std::collections::{BTreeMap, BTreeSet};

use super::lists::{ListedRoom, RoomList};

/// A category whose name contains this is one of classrooms.
const CLASS: &str = "class";
/// Exceptions: categories whose names contain one of these.
const NO_CLASS: [&str; 7] = ["non-class", "nonclass", "non class", "not a class", "unclass", "classic", "classif"];
/// Parts of the names of rooms that are no longer in use, lowercase.
const DEAD: [&str; 13] = [
    "not used",
    "not in use",
    "do not use",
    "do not schedule",
    "do not book",
    "do not assign",
    "no longer",
    "inactive",
    "(retired)",
    "(obsolete)",
    "out of service",
    "decommission",
    "demolished",
];

/// The requested rooms.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Names of categories, or parts of names. If empty, the categories whose names contain "class".
    pub categories: Vec<String>,
    /// Include every room, regardless of its category.
    pub every_room: bool,
}

/// The selected rooms, and why the others are left out.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// In the order of the list.
    pub rooms: Vec<&'a ListedRoom>,
    /// The chosen categories, with their numbers of rooms.
    pub chosen: BTreeMap<&'a str, usize>,
    /// The other categories.
    pub others: BTreeMap<&'a str, usize>,
    /// The number of rooms with other categories only.
    pub of_other_categories: usize,
    /// The number of rooms without any category.
    pub without_category: usize,
    /// Names of rooms that are no longer in use.
    pub dead: Vec<&'a str>,
    /// Why every room is included without a request for that.
    pub fallback: Option<&'static str>,
}

/// A requested category that is not in the list.
#[derive(Debug, thiserror::Error)]
#[error("no category matches `{wanted}`; the list has: {have}")]
pub struct NoSuchCategory {
    wanted: String,
    have: String,
}

impl<'a> Selection<'a> {
    /// Selects rooms of a list.
    ///
    /// # Errors
    /// A requested category is not in the list.
    pub fn of(list: &'a RoomList, wanted: &Wanted) -> Result<Self, NoSuchCategory> {
        let categories = list.categories();
        let chosen = chosen(&categories, wanted)?;
        let fallback = match (wanted.every_room, categories.is_empty(), chosen.is_empty()) {
            (true, ..) | (false, false, false) => None,
            (false, true, _) => Some("the list has no categories"),
            (false, false, true) => Some("no category name contains \"class\""),
        };
        let takes_all = wanted.every_room || fallback.is_some();
        let mut selection = Self { fallback, ..Self::default() };
        for room in &list.rooms {
            let is_chosen = room.categories.iter().any(|category| chosen.contains(category.as_str()));
            if is_dead(room) {
                selection.dead.push(&room.name);
            } else if is_chosen || takes_all {
                selection.rooms.push(room);
            } else if room.categories.is_empty() {
                selection.without_category += 1;
            } else {
                selection.of_other_categories += 1;
            }
        }
        (selection.chosen, selection.others) = categories.into_iter().partition(|(name, _)| chosen.contains(name));
        Ok(selection)
    }
}

fn chosen<'a>(categories: &BTreeMap<&'a str, usize>, wanted: &Wanted) -> Result<BTreeSet<&'a str>, NoSuchCategory> {
    let with = |part: &str| {
        let part = part.to_lowercase();
        categories.keys().copied().filter(move |name| name.to_lowercase().contains(&part))
    };
    if wanted.every_room {
        return Ok(BTreeSet::new());
    }
    if wanted.categories.is_empty() {
        let says_no = |name: &&str| NO_CLASS.iter().any(|no| name.to_lowercase().contains(no));
        return Ok(with(CLASS).filter(|name| !says_no(name)).collect());
    }
    let mut chosen = BTreeSet::new();
    for category in &wanted.categories {
        let exact = categories.keys().copied().find(|name| name.to_lowercase() == category.to_lowercase());
        let before = chosen.len();
        match exact {
            Some(name) => drop(chosen.insert(name)),
            None => chosen.extend(with(category)),
        }
        let is_there = exact.is_some() || chosen.len() > before || with(category).next().is_some();
        if !is_there {
            let have = categories.iter().map(|(name, rooms)| format!("{name} ({rooms})")).collect::<Vec<_>>();
            let have = if have.is_empty() { "none".to_owned() } else { have.join("; ") };
            return Err(NoSuchCategory { wanted: category.clone(), have });
        }
    }
    Ok(chosen)
}

fn is_dead(room: &ListedRoom) -> bool {
    let says_so = |name: &str| DEAD.iter().any(|word| name.to_lowercase().contains(word));
    says_so(&room.name) || room.formal_name.as_deref().is_some_and(says_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rooms: &[(&str, &[&str])]) -> RoomList {
        let rooms = rooms.iter().zip(1..).map(|((name, categories), id)| ListedRoom {
            id: id.to_string(),
            name: (*name).to_owned(),
            categories: categories.iter().map(|&name| name.to_owned()).collect(),
            ..ListedRoom::default()
        });
        RoomList { rooms: rooms.collect(), ..RoomList::default() }
    }

    fn wanted(categories: &[&str]) -> Wanted {
        Wanted { categories: categories.iter().map(|&name| name.to_owned()).collect(), every_room: false }
    }

    const ROOMS: [(&str, &[&str]); 5] = [
        ("A 1", &["Classrooms - General Use", "Tiered"]),
        ("A 2", &["Registrar CLASSROOMS"]),
        ("A 3", &["Parking", "Non-Classroom", "Department of Classics"]),
        ("A 4", &[]),
        ("A 5 (Not Used)", &["Registrar CLASSROOMS"]),
    ];

    fn names<'a>(selection: &Selection<'a>) -> Vec<&'a str> {
        selection.rooms.iter().map(|room| room.name.as_str()).collect()
    }

    #[test]
    fn by_default_categories_with_class_in_their_name_are_chosen() {
        let list = list(&ROOMS);
        let selection = Selection::of(&list, &Wanted::default()).unwrap();
        assert_eq!(names(&selection), ["A 1", "A 2"]);
        assert_eq!((selection.of_other_categories, selection.without_category), (1, 1));
        assert_eq!(selection.dead, ["A 5 (Not Used)"]);
        assert_eq!(
            selection.chosen.keys().copied().collect::<Vec<_>>(),
            ["Classrooms - General Use", "Registrar CLASSROOMS"]
        );
        assert_eq!(
            selection.others,
            [("Department of Classics", 1), ("Non-Classroom", 1), ("Parking", 1), ("Tiered", 1)].into()
        );
    }

    #[test]
    fn a_category_is_chosen_by_its_name_or_part_of_it() {
        let list = list(&ROOMS);
        for (asked, expected) in [
            (&["parking"][..], &["A 3"][..]),
            (&["classrooms"], &["A 1", "A 2"]),
            (&["Registrar Classrooms", "Registrar"], &["A 2"]),
        ] {
            assert_eq!(names(&Selection::of(&list, &wanted(asked)).unwrap()), expected, "{asked:?}");
        }
        let refusal = Selection::of(&list, &wanted(&["Lawns"])).unwrap_err().to_string();
        assert!(
            refusal.starts_with("no category matches `Lawns`; the list has: Classrooms - General Use (1)"),
            "{refusal}"
        );
    }

    #[test]
    fn rooms_named_as_not_in_use_are_left_out() {
        for name in ["A 1 (Not Used)", "A 1 DO NOT SCHEDULE", "A 1 (retired)", "A 1 - Out of service", "A 1 not in use"]
        {
            let list = list(&[(name, &[]), ("Retired Faculty Lounge", &[])]);
            let selection = Selection::of(&list, &Wanted::default()).unwrap();
            assert_eq!(names(&selection), ["Retired Faculty Lounge"], "{name}");
        }
    }

    #[test]
    fn without_classroom_categories_every_room_is_included_with_the_reason() {
        for (categories, reason) in [(&[][..], "the list has no categories"), (&["Labs"], "no category name contains")]
        {
            let list = list(&[("A 1", categories), ("A 2", &[])]);
            let selection = Selection::of(&list, &Wanted::default()).unwrap();
            assert_eq!(names(&selection), ["A 1", "A 2"]);
            assert!(selection.fallback.unwrap().starts_with(reason));
        }
        let list = list(&ROOMS);
        let every = Wanted { every_room: true, ..Wanted::default() };
        assert_eq!(Selection::of(&list, &every).unwrap().rooms.len(), 4);
    }
}
