//! A simulated CollegeNET 25Live: real HTTP on loopback, responses in the exact form of the real one, faults on demand.
//!
//! It has three uses. The local server uses it instead of 25Live when `API_URL` is unset, to show a campus with a plausible
//! month of bookings without access to 25Live. Tests script it: bookings of a room and day with [`Simulator::set_bookings`],
//! and all failures seen from 25Live, and more, with [`Simulator::misbehave`] and similar methods. `cargo run -p simulator`
//! starts a standalone one, for trying the functions on a developer's machine.
//!
//! # Layout
//!
//! - [`booking`](Booking): the bookings of a room, and 25Live's decimal hours ([`Hours`], [`Kind`]).
//! - [`timetable`](timetable()): the pure function from a room and a date to that day's bookings; `dice` provides its
//!   repeatable random numbers.
//! - `query`: the required parameters of a request, and the errors of other requests.
//! - `document`: the JSON document.
//! - [`fault`](Fault): faulty responses.
//! - `lists`: the lists of rooms.
//! - `gzip`: compressed responses and a gzip bomb.
//! - `script`: bookings and faults set by tests; `journal`: the requests of clients.
//! - [`server`](Simulator): the server, which combines these.

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
