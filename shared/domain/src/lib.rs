//! The rules of EmptyClassroom, free of I/O: time comes in as an argument, foreign formats are read elsewhere.
//!
//! # Layout
//!
//! * [`campus`]: buildings, opening hours and rooms, from a campus file.
//! * [`time_of_day`], [`timestamp`], [`campus_day`] and [`utc_offset`]: minutes of a day, instants, and how clocks at the
//!   campus map one to the other.
//! * [`bookings`]: when a room is taken. [`slots`]: the rule that turns bookings into free slots.
//! * [`snapshot`]: every room on one day. Its JSON is the body of `GET /api/open-classrooms`.
//! * [`kept_days`]: which days a sweep covers, and how long their snapshots are kept.
//! * [`free_period`], [`room_facts`], [`room_days`], [`question`] and [`calendar`]: what follows from a snapshot.
//! * [`cooldown`]: how long clients may not ask for another sweep.
//!
//! Data flows one way: [`bookings::Bookings`] → [`slots::Slot`]s → [`snapshot::Snapshot`].

pub mod bookings;
pub mod calendar;
pub mod campus;
pub mod campus_day;
pub mod cooldown;
pub mod free_period;
pub mod kept_days;
pub mod opening_hours;
pub mod question;
pub mod room_days;
pub mod room_facts;
pub mod slots;
pub mod snapshot;
pub mod time_of_day;
pub mod timestamp;
pub mod utc_offset;
