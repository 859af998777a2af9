//! Groups rooms whose names contain no building, by their formal names.

use std::collections::{BTreeMap, HashSet};

use super::{
    DraftBuilding, Grouper, Guess, MADE_CODE,
    codes::{initials, unique},
    draft,
};
use crate::campus::{
    building_name,
    lists::ListedRoom,
    room_name::{first_code, has_number},
};

impl<'a> Grouper<'a> {
    /// Groups rooms whose formal names have a room number and the same prefix, and rooms whose names begin with the same code
    /// and whose formal names share a prefix. Returns the other rooms.
    pub(super) fn group_by_formal_name(
        &self,
        rooms: Vec<&'a ListedRoom>,
        buildings: &mut Vec<DraftBuilding>,
        codes: &mut HashSet<String>,
    ) -> Vec<&'a ListedRoom> {
        let numbered = |room: &ListedRoom| {
            let is_numbered = room.formal_name.as_deref().is_some_and(has_number);
            self.formal_beginning(room).filter(|_| is_numbered)
        };
        let (groups, rest) = together(rooms, numbered);
        let mut named: Vec<_> = groups.into_iter().map(|(name, rooms)| (Guess::sure(name), rooms)).collect();
        let (groups, mut rest) = together(rest, |room| first_code(&room.name).map(str::to_owned));
        for (_, rooms) in groups {
            let beginnings: Vec<_> = rooms.iter().filter_map(|room| self.formal_beginning(room)).collect();
            let common = building_name::common(&beginnings).filter(|common| common.name.contains(' '));
            match common.filter(|_| beginnings.len() == rooms.len()) {
                Some(common) => {
                    named.push((Guess::doubtful(common.name, "from formal names without a room number"), rooms));
                }
                None => rest.extend(rooms),
            }
        }
        for (name, rooms) in named {
            let code = shared_code(&rooms).unwrap_or_else(|| Guess::doubtful(initials(&name.value), MADE_CODE));
            let room_name = |room| self.room_name(room, &[&code.value, &name.value]);
            let rooms = rooms.iter().map(|room| draft(room, room_name(room))).collect();
            buildings.push(DraftBuilding { code: unique(code, codes), rooms, name });
        }
        rest
    }
}

/// Returns the groups of two or more rooms with the same key, and the other rooms.
fn together(
    rooms: Vec<&ListedRoom>,
    key: impl Fn(&ListedRoom) -> Option<String>,
) -> (BTreeMap<String, Vec<&ListedRoom>>, Vec<&ListedRoom>) {
    let (mut groups, mut rest) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for room in rooms {
        match key(room) {
            Some(key) => groups.entry(key).or_default().push(room),
            None => rest.push(room),
        }
    }
    groups.retain(|_, rooms| {
        if let [room] = rooms.as_slice() {
            rest.push(*room);
        }
        rooms.len() > 1
    });
    (groups, rest)
}

/// The code at the beginning of all these rooms' names, unless formal names use it as a word: `Old Hall Lab 1`.
fn shared_code(rooms: &[&ListedRoom]) -> Option<Guess> {
    let code = first_code(&rooms.first()?.name)?;
    let is_word = |room: &&ListedRoom| {
        let mut words = room.formal_name.iter().flat_map(|formal| formal.split(' '));
        words.any(|word| word.eq_ignore_ascii_case(code))
    };
    let is_shared = rooms.iter().all(|room| first_code(&room.name) == Some(code)) && !rooms.iter().any(is_word);
    is_shared.then(|| Guess::sure(code))
}
