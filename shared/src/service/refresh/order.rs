//! The order in which a sweep asks for rooms. Pure, except for the shuffle.

use std::collections::HashMap;

use domain::{
    campus::Campus,
    snapshot::{Need, Snapshot},
};

/// How many rooms that failed in the last sweep come before all others. After them, one follows every two others: rooms
/// that never answer must not be more than half of those that a short sweep reaches.
const FAILED_FIRST: usize = 16;

/// Returns the rooms in the order in which a sweep asks for them, in case time runs out: by need, according to the last sweep, and
/// in random order where the need is equal.
pub(super) fn in_order_of_need(campus: &Campus, last: Option<&Snapshot>) -> Vec<String> {
    let needs: HashMap<&str, Need> =
        last.into_iter().flat_map(Snapshot::rooms).map(|room| (room.id.as_str(), room.need())).collect();
    let need = |id: &str| needs.get(id).copied().unwrap_or(Need::NeverAsked);
    let mut rooms: Vec<_> = campus.classrooms().map(|(_, room)| (need(&room.id), room.id.clone())).collect();
    fastrand::shuffle(&mut rooms);
    rooms.sort_by_key(|(need, _)| *need);
    in_turn(rooms)
}

/// Returns the rooms in order of need, with many failed ones spread among the others: see [`FAILED_FIRST`].
fn in_turn(rooms: Vec<(Need, String)>) -> Vec<String> {
    let failed = |need: &Need| matches!(need, Need::NeverAnswered | Need::Failed);
    let (before, rest): (Vec<_>, Vec<_>) = rooms.into_iter().partition(|(need, _)| *need == Need::NeverAsked);
    let (mut failed, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(need, _)| failed(need));
    let mut behind = failed.split_off(FAILED_FIRST.min(failed.len())).into_iter();
    let mut rooms: Vec<_> = before.into_iter().chain(failed).collect();
    for pair in others.chunks(2) {
        rooms.extend(pair.iter().cloned());
        rooms.extend(behind.next());
    }
    rooms.into_iter().chain(behind).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use domain::timestamp::Timestamp;

    use super::*;

    #[test]
    fn rooms_that_failed_come_first_but_never_more_than_a_third_of_a_long_queue() {
        let at = Timestamp::parse("2026-03-03T10:00:00-05:00").unwrap();
        let rooms = |need, name: &str, number| {
            (0..number).map(move |index| (need, format!("{name}{index}"))).collect::<Vec<_>>()
        };
        let few = [rooms(Need::Failed, "failed", 2), rooms(Need::Answered(at), "ok", 2)].concat();
        assert_eq!(in_turn(few), ["failed0", "failed1", "ok0", "ok1"]);
        let many = [
            rooms(Need::NeverAsked, "new", 3),
            rooms(Need::NeverAnswered, "dead", 300),
            rooms(Need::Answered(at), "ok", 1000),
        ];
        let order = in_turn(many.concat());
        assert_eq!((order.len(), &order[..4]), (1303, &["new0", "new1", "new2", "dead0"].map(str::to_owned)[..]));
        let dead = order[..224].iter().filter(|id| id.starts_with("dead")).count();
        assert!((16..112).contains(&dead), "{dead} of the first 224 rooms");
    }
}
