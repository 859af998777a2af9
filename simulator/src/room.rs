//! The rooms of the simulated campus.

/// A room the simulated 25Live knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// 25Live's `space_id`, a number in practice: `342`.
    pub id: String,
    /// What 25Live calls it, the building's code included: `CAS 116`.
    pub name: String,
}

impl Room {
    /// A room by its `space_id` and name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}
