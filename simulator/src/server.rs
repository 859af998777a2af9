//! The simulated 25Live behind a socket.

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

/// Where the real 25Live has its availability, but for the name of the school.
const PATH: &str = "/25live/data/simulated/run/availability/availabilitydata.json";
/// Where [`Fault::Redirect`] leads to, and where no fault is met.
const ELSEWHERE: &str = "/25live/data/elsewhere/run/availability/availabilitydata.json";
/// What makes a path one of availability.
const RESOURCE: &str = "availabilitydata.json";

/// A simulated 25Live, listening on a free port of 127.0.0.1 until it is dropped.
///
/// It lives on a thread and a tokio runtime of its own, as the real one lives on a machine of its own. So dropping it
/// ends every connection at once, hanging ones included, and it keeps real time whatever the clock of a test does.
///
/// Bookings come from [`timetable`](crate::timetable()) unless a test sets others. All methods take `&self` and are in
/// force from the next request on.
pub struct Simulator {
    addr: SocketAddr,
    campus: Arc<Campus>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts one that knows these rooms.
    ///
    /// # Errors
    ///
    /// The operating system has no port, thread or runtime left.
    pub async fn start(rooms: Vec<Room>) -> io::Result<Self> {
        Self::start_on(0, Rooms::These(rooms)).await
    }

    /// Starts one on this port, or on a free one if it is 0, that knows every room it is asked for.
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
            // The runtime is dropped at the end, and every connection with it.
            runtime.block_on(serve_until(stopped, listener, router));
        })?;
        Ok(Self { addr, campus, stop: Some(stop), thread: Some(thread) })
    }

    /// The `API_URL` of this 25Live, without a query.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.addr)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Requests for availability since the start, refused ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.campus.journal.read().requests
    }

    /// Requests being answered now. One whose client has closed the connection is not.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.campus.journal.read().in_flight
    }

    /// The most requests that were being answered at the same time. Set a latency to have them overlap: without one,
    /// each is answered as soon as it is read.
    #[must_use]
    pub fn peak_in_flight(&self) -> usize {
        self.campus.journal.read().peak_in_flight
    }

    /// The decoded queries of the last requests, a thousand at most, oldest first.
    #[must_use]
    pub fn queries(&self) -> Vec<Vec<(String, String)>> {
        self.campus.journal.read().last.iter().map(|seen| seen.query.clone()).collect()
    }

    /// The `User-Agent` headers of the same requests, empty where there was none.
    #[must_use]
    pub fn user_agents(&self) -> Vec<String> {
        self.campus.journal.read().last.iter().map(|seen| seen.user_agent.clone()).collect()
    }

    /// Requests for lists of rooms since the start.
    #[must_use]
    pub fn list_requests(&self) -> usize {
        self.campus.lists.read().requests
    }

    /// The `User-Agent` headers of the last of these, a thousand at most.
    #[must_use]
    pub fn list_user_agents(&self) -> Vec<String> {
        self.campus.lists.read().last.iter().map(|seen| seen.user_agent.clone()).collect()
    }

    /// How long every answer takes, wrong ones included. None at the start.
    pub fn set_latency(&self, latency: Duration) {
        self.campus.script().latency = latency;
    }

    /// Sets the bookings of a room and day instead of those of the timetable. An empty list is a free day.
    pub fn set_bookings(&self, room_id: &str, date: NaiveDate, items: Vec<Booking>) {
        self.campus.script().set_bookings(room_id, date, items);
    }

    /// Answers every request so, until [`behave`](Self::behave).
    pub fn misbehave(&self, fault: Fault) {
        self.campus.script().misbehave(fault);
    }

    /// Answers requests for this room so, until [`behave`](Self::behave), whatever the other rooms do.
    pub fn misbehave_for(&self, room_id: &str, fault: Fault) {
        self.campus.script().misbehave_for(room_id, fault);
    }

    /// Answers the next requests for this room so, and those after them as before. Calls add up: two 503, then a
    /// sign-in page, is two calls.
    pub fn misbehave_times(&self, room_id: &str, fault: Fault, times: usize) {
        self.campus.script().misbehave_times(room_id, fault, times);
    }

    /// Answers every request for a list of rooms so, until [`behave`](Self::behave). A fault that is in the document of a room's
    /// availability leaves lists as they are.
    pub fn misbehave_lists(&self, fault: Fault) {
        self.campus.script().misbehave_lists(fault);
    }

    /// Answers requests for this list (`spaces.json`, `spaces.xml` or `listdata.json`) so, whatever the others do.
    pub fn misbehave_list(&self, file: &str, fault: Fault) {
        self.campus.script().misbehave_list(file, fault);
    }

    /// Shows of each day only these hours, to which everything is clipped, as 25Live does for guests.
    pub fn set_display_hours(&self, from: u8, to: u8) {
        self.campus.script().display_hours = Some((from, to));
    }

    /// Takes back all faults. Bookings and latency stay as they were set.
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
            // It has nothing left to do but to close its sockets. A panic in it has been printed already.
            let _ = thread.join();
        }
    }
}

/// What the handler works on.
struct Campus {
    rooms: Rooms,
    // A std mutex, because nothing awaits while it is held.
    script: Mutex<Script>,
    journal: Arc<Journal>,
    /// The same for lists.
    lists: Arc<Journal>,
}

/// The rooms that are known.
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

    /// The rooms of lists.
    fn listed(&self) -> &[Room] {
        match self {
            Self::These(rooms) => rooms,
            Self::Every => &[],
        }
    }

    /// A room that was not asked for, made up if need be.
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

    /// The answer of a 25Live in good health: a subject a day, none at all for a room it does not know.
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
    // Without it the kernel may hold the end of an answer back for 40 ms.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    tokio::select! {
        _ = axum::serve(listener, router) => {}
        _ = stopped => {}
    }
}

/// Answers one request, whatever its path.
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

/// What of the request goes into the journal.
fn note(request: &Request) -> Seen {
    let query = Parameters::try_from_uri(request.uri()).map(|Parameters(query)| query).unwrap_or_default();
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    Seen { query, user_agent: user_agent.unwrap_or_default().into_owned() }
}

/// How long the answer is to take, and what is to be wrong with it. A bad request meets no fault and uses none up.
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
