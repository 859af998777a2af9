//! The rules of EmptyClassroom, free of I/O: the time is an argument, and foreign formats are parsed elsewhere.
//!
//! # Layout
//!
//! * [`campus`]: buildings, opening hours and rooms, from a campus file.
//! * [`time_of_day`], [`timestamp`], [`campus_day`] and [`utc_offset`]: minutes of a day, instants, and the conversion
//!   between them in the campus's time zone.
//! * [`bookings`]: when a room is taken. [`slots`]: the rule that turns bookings into free slots.
//! * [`snapshot`]: every room on one day. Its JSON is the body of `GET /api/open-classrooms`.
//! * [`kept_days`]: which days a sweep covers, and how long their snapshots are kept.
//! * [`free_period`], [`room_facts`], [`room_days`], [`question`] and [`calendar`]: views derived from a snapshot.
//! * [`cooldown`]: how long manual refreshes are refused after a sweep.
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
