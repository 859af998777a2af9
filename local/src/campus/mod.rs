//! Campus files, drafted from 25Live's room lists and checked: the commands `campus draft` and `campus check`.
//!
//! # Layout
//!
//! Data flows one way: list → rooms → the rooms that are wanted → buildings → hours → file.
//!
//! * [`lists`]: the formats of room lists.

pub mod lists;
