//! The server of the simulated 25Live.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query as Parameters, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::serve::ListenerExt;
use chrono::NaiveDate;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::booking::Booking;
use crate::document::{Document, Subject, days_from};
use crate::fault::{Fault, FaultContext, complete};
use crate::journal::{Journal, Seen};
use crate::lists::List;
use crate::query::Query;
use crate::room::Room;
use crate::script::Script;

/// The path of availability in the real 25Live, except for the name of the school.
const PATH: &str = "/25live/data/simulated/run/availability/availabilitydata.json";
/// The target of [`Fault::Redirect`], which has no faults.
const ELSEWHERE: &str = "/25live/data/elsewhere/run/availability/availabilitydata.json";
/// The last segment of a path of availability.
const RESOURCE: &str = "availabilitydata.json";

/// A simulated 25Live, listening on a free port of 127.0.0.1 until it is dropped.
///
/// It runs on its own thread and tokio runtime, so that dropping it ends every connection immediately, including hanging ones,
/// and so that it uses real time, whatever the clock of a test shows.
///
/// Bookings come from [`timetable`](crate::timetable()) unless a test sets others. All methods take `&self` and apply
/// from the next request on.
pub struct Simulator {
    addr: SocketAddr,
    campus: Arc<Campus>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator that knows these rooms.
    ///
    /// # Errors
    ///
    /// The operating system has no port, thread or runtime left.
    pub async fn start(rooms: Vec<Room>) -> io::Result<Self> {
        Self::start_on(0, Rooms::These(rooms)).await
    }

    /// Starts a simulator on this port, or on a free one for 0, that knows every requested room.
    ///
    /// # Errors
    ///
    /// The port is taken, or the operating system has no thread or runtime left.
    pub async fn start_with_every_room(port: u16) -> io::Result<Self> {
        Self::start_on(port, Rooms::Every).await
    }

    async fn start_on(port: u16, rooms: Rooms) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?.into_std()?;
        let addr = listener.local_addr()?;
        let campus =
            Arc::new(Campus { rooms, script: Mutex::default(), journal: Arc::default(), lists: Arc::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&campus));
        let thread = std::thread::Builder::new().name("simulated-25live".to_owned()).spawn(move || {
            // The runtime is dropped at the end, which closes every connection.
            runtime.block_on(serve_until(stopped, listener, router));
        })?;
        Ok(Self { addr, campus, stop: Some(stop), thread: Some(thread) })
    }

    /// The value for `API_URL`, without a query.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The number of requests for availability since the start, including refused ones.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.campus.journal.read().requests
    }

    /// The number of requests in flight. It excludes those whose client has closed the connection.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.campus.journal.read().in_flight
    }

    /// The highest number of requests in flight at the same time. Requests overlap only if a latency is set: without one,
    /// each gets its response as soon as it is read.
    #[must_use]
    pub fn peak_in_flight(&self) -> usize {
        self.campus.journal.read().peak_in_flight
    }

    /// The decoded queries of the last requests, at most a thousand, oldest first.
    #[must_use]
    pub fn queries(&self) -> Vec<Vec<(String, String)>> {
        self.campus.journal.read().last.iter().map(|seen| seen.query.clone()).collect()
    }

    /// The `User-Agent` headers of the same requests, empty if missing.
    #[must_use]
    pub fn user_agents(&self) -> Vec<String> {
        self.campus.journal.read().last.iter().map(|seen| seen.user_agent.clone()).collect()
    }

    /// The number of requests for lists of rooms since the start.
    #[must_use]
    pub fn list_requests(&self) -> usize {
        self.campus.lists.read().requests
    }

    /// The `User-Agent` headers of the last of these, at most a thousand.
    #[must_use]
    pub fn list_user_agents(&self) -> Vec<String> {
        self.campus.lists.read().last.iter().map(|seen| seen.user_agent.clone()).collect()
    }

    /// Sets the latency of every response, including faulty ones. It is zero at the start.
    pub fn set_latency(&self, latency: Duration) {
        self.campus.script().latency = latency;
    }

    /// Replaces the timetable's bookings of a room and day. An empty list is a free day.
    pub fn set_bookings(&self, room_id: &str, date: NaiveDate, items: Vec<Booking>) {
        self.campus.script().set_bookings(room_id, date, items);
    }

    /// Applies a fault to every request, until [`behave`](Self::behave).
    pub fn misbehave(&self, fault: Fault) {
        self.campus.script().misbehave(fault);
    }

    /// Applies a fault to requests for this room, until [`behave`](Self::behave). It overrides [`misbehave`](Self::misbehave).
    pub fn misbehave_for(&self, room_id: &str, fault: Fault) {
        self.campus.script().misbehave_for(room_id, fault);
    }

    /// Applies a fault to the next `times` requests for this room. Calls add up: two 503 and then a sign-in page need
    /// two calls.
    pub fn misbehave_times(&self, room_id: &str, fault: Fault, times: usize) {
        self.campus.script().misbehave_times(room_id, fault, times);
    }

    /// Applies a fault to every request for a list of rooms, until [`behave`](Self::behave). Faults in the document of a room's
    /// availability do not affect lists.
    pub fn misbehave_lists(&self, fault: Fault) {
        self.campus.script().misbehave_lists(fault);
    }

    /// Applies a fault to requests for this list: `spaces.json`, `spaces.xml` or `listdata.json`.
    pub fn misbehave_list(&self, file: &str, fault: Fault) {
        self.campus.script().misbehave_list(file, fault);
    }

    /// Clips every booking to these hours of the day, as 25Live does for guests.
    pub fn set_display_hours(&self, from: u8, to: u8) {
        self.campus.script().display_hours = Some((from, to));
    }

    /// Removes all faults. Bookings and latency stay.
    pub fn behave(&self) {
        self.campus.script().behave();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread only closes its sockets. If it panicked, the message has been printed already.
            let _ = thread.join();
        }
    }
}

/// The state of the handler.
struct Campus {
    rooms: Rooms,
    // A std mutex, because nothing awaits while it is held.
    script: Mutex<Script>,
    journal: Arc<Journal>,
    /// The journal of requests for lists.
    lists: Arc<Journal>,
}

/// The known rooms.
enum Rooms {
    These(Vec<Room>),
    Every,
}

impl Rooms {
    fn get(&self, id: &str) -> Option<Room> {
        match self {
            Self::These(rooms) => rooms.iter().find(|room| room.id == id).cloned(),
            Self::Every => Some(Room::new(id, format!("Room {id}"))),
        }
    }

    /// The rooms in lists.
    fn listed(&self) -> &[Room] {
        match self {
            Self::These(rooms) => rooms,
            Self::Every => &[],
        }
    }

    /// A room other than this one, made up if necessary.
    fn other_than(&self, id: &str) -> Room {
        let other = match self {
            Self::These(rooms) => rooms.iter().find(|room| room.id != id).cloned(),
            Self::Every => None,
        };
        other.unwrap_or_else(|| Room::new("999999", "Another room"))
    }
}

impl Campus {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document of a healthy 25Live: one subject per day, none for an unknown room.
    fn good_document(&self, query: &Query) -> Document {
        let script = self.script();
        let subjects = self.rooms.get(&query.room_id).map(|room| {
            days_from(query.start).map(|date| Subject::new(&room, date, script.bookings(&room, date))).collect()
        });
        Document::new(query.start, subjects.unwrap_or_default())
    }
}

async fn serve_until(stopped: oneshot::Receiver<()>, listener: std::net::TcpListener, router: Router) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    // Without it, the kernel may delay the end of a response by 40 ms.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    tokio::select! {
        _ = axum::serve(listener, router) => {}
        _ = stopped => {}
    }
}

/// Answers a request for any path.
async fn answer(State(campus): State<Arc<Campus>>, request: Request) -> Response {
    if let Some(list) = List::at(request.uri().path())
        && request.method() == Method::GET
    {
        return answer_list(&campus, list, note(&request)).await;
    }
    if !request.uri().path().ends_with(RESOURCE) {
        return error(StatusCode::NOT_FOUND, "no such resource");
    }
    if request.method() != Method::GET {
        return error(StatusCode::METHOD_NOT_ALLOWED, "GET only");
    }
    let seen = note(&request);
    let query = Query::parse(&seen.query);
    let in_flight = campus.journal.enter(seen);
    let (latency, fault) = plan(&campus, &query, request.uri().path());
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let query = match query {
        Ok(query) => query,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &reason),
    };
    let good = campus.good_document(&query);
    let Some(fault) = fault else { return complete(&good) };
    let elsewhere = format!("{ELSEWHERE}?{}", request.uri().query().unwrap_or_default());
    fault
        .respond(good, FaultContext { elsewhere, other_room: campus.rooms.other_than(&query.room_id), in_flight })
        .await
}

/// Answers a request for a list.
async fn answer_list(campus: &Campus, list: List, seen: Seen) -> Response {
    let parameters = seen.query.clone();
    let in_flight = campus.lists.enter(seen);
    let (latency, fault) = campus.script().plan_of_list(list.file());
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let context =
        || FaultContext { elsewhere: "/signin".to_owned(), other_room: campus.rooms.other_than(""), in_flight };
    list.respond(campus.rooms.listed(), &parameters, fault.map(|fault| (fault, context()))).await
}

/// The journal's record of a request.
fn note(request: &Request) -> Seen {
    let query = Parameters::try_from_uri(request.uri()).map(|Parameters(query)| query).unwrap_or_default();
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    Seen { query, user_agent: user_agent.unwrap_or_default().into_owned() }
}

/// The latency and the fault of a response. A bad request gets no fault and uses none up.
fn plan(campus: &Campus, query: &Result<Query, String>, path: &str) -> (Duration, Option<Fault>) {
    let mut script = campus.script();
    let fault = match query {
        Ok(query) if path != ELSEWHERE => script.next_fault(&query.room_id),
        _ => None,
    };
    (script.latency, fault)
}

fn error(status: StatusCode, reason: &str) -> Response {
    (status, Json(serde_json::json!({ "error": reason }))).into_response()
}

#[cfg(test)]
mod tests;
