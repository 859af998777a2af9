//! A simulated CollegeNET 25Live: real HTTP on loopback, answers in the exact form of the real one, faults on demand.
//!
//! Three things use it. The local server asks it instead of 25Live when `API_URL` is unset, and so shows a campus with a
//! plausible month of bookings to anybody without access to 25Live. Tests script it: bookings of a room and day with
//! [`Simulator::set_bookings`], every failure seen of 25Live (and some more) with [`Simulator::misbehave`] and its kin. And
//! `cargo run -p simulator` starts one by itself, for functions that are tried on one's own machine.
//!
//! # Layout
//!
//! - [`booking`](Booking): what occupies a room, and the decimal hours 25Live writes ([`Hours`], [`Kind`]).
//! - [`timetable`](timetable()): the pure function from a room and a date to that day's bookings; `dice` gives it its
//!   repeatable chances.
//! - `query`: what a request must say, and the refusal of one that says something else.
//! - `document`: the JSON document.
//! - [`fault`](Fault): the ways in which an answer goes wrong.
//! - `lists`: the lists of rooms.
//! - `gzip`: packed answers, and one that is a bomb.
//! - `script`: what tests have asked for; `journal`: what clients have asked for.
//! - [`server`](Simulator): ties these together behind a socket.

mod booking;
mod dice;
mod document;
mod fault;
mod gzip;
mod journal;
mod lists;
mod query;
mod room;
mod script;
mod server;
#[cfg(test)]
mod testing;
mod timetable;

pub use booking::{Booking, Hours, Kind};
pub use fault::Fault;
pub use room::Room;
pub use server::Simulator;
pub use timetable::timetable;
