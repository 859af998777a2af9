//! Campus files, drafted from 25Live's room lists and checked: the commands `campus draft` and `campus check`.
//!
//! # Layout
//!
//! Data flows one way: list → rooms → the rooms that are wanted → buildings → hours → file.
//!
//! * [`lists`]: the formats of room lists.
//! * [`selection`]: which rooms are wanted. [`grouping`]: their buildings, with `room_name` and `building_name`.
//! * [`hours`]: opening hours, from closures. [`file`](mod@file): the text of the campus file.
//! * [`ask`], [`institution`]: 25Live over HTTP. [`terminal`]: what a person sees.

pub mod ask;
mod building_name;
pub mod closures;
pub mod file;
pub mod grouping;
pub mod hours;
pub mod institution;
pub mod lists;
mod room_name;
pub mod selection;
pub mod terminal;

#[cfg(test)]
mod tests;
