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
        let campus = Arc::new(Campus { rooms, script: Mutex::default(), journal: Arc::default() });
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
            days_from(query.start).map(|date| Subject::new(&room, date, script.bookings(&room.id, date))).collect()
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
mod tests {
    use serde_json::json;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::booking::Kind;
    use crate::testing::{ask, eventually, get, parameters, read, send, target};
    use crate::timetable::timetable;

    async fn simulator() -> Simulator {
        Simulator::start(vec![Room::new("342", "CAS 116"), Room::new("344", "CAS 201")]).await.unwrap()
    }

    #[tokio::test]
    async fn a_room_is_answered_with_a_month_of_its_timetable() {
        let simulator = simulator().await;
        let reply = ask(&simulator, "342").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("application/json;charset=UTF-8"));
        let subjects = reply.subjects();
        assert_eq!(subjects.len(), 29);
        let first: NaiveDate = "2026-02-01".parse().unwrap();
        for (subject, day) in subjects.iter().zip(first.iter_days()) {
            let wanted = Subject::new(&Room::new("342", "CAS 116"), day, timetable("342", day));
            assert_eq!(*subject, serde_json::to_value(wanted).unwrap());
        }
    }

    #[tokio::test]
    async fn the_same_question_has_the_same_answer_after_a_restart() {
        let before = ask(&simulator().await, "342").await.body;
        assert_eq!(ask(&simulator().await, "342").await.body, before);
    }

    #[tokio::test]
    async fn an_unknown_room_has_no_subjects() {
        let reply = ask(&simulator().await, "1").await;
        assert_eq!((reply.status, reply.subjects().len()), (200, 0));
    }

    #[tokio::test]
    async fn a_simulator_with_every_room_answers_about_any() {
        let simulator = Simulator::start_with_every_room(0).await.unwrap();
        for id in ["342", "1", "no-such-room"] {
            let subjects = ask(&simulator, id).await.subjects();
            assert_eq!((subjects.len(), &subjects[0]["itemName"]), (29, &json!(format!("Room {id}"))));
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_an_error() {
        let first = simulator().await;
        let second = Simulator::start_with_every_room(first.addr().port()).await;
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn bookings_set_by_a_test_are_what_is_answered() {
        let simulator = simulator().await;
        let date = "2026-02-03".parse().unwrap();
        simulator.set_bookings("342", date, vec![Booking::new("9.000000", 9.833_333, Kind::Blackout)]);
        let items = &ask(&simulator, "342").await.subjects()[2]["items"];
        assert_eq!((&items[0]["start"], &items[0]["end"]), (&json!("9.000000"), &json!(9.833_333)));
        assert_eq!((&items[0]["type_id"], items.as_array().unwrap().len()), (&json!(2), 1));
    }

    #[tokio::test]
    async fn a_malformed_request_is_400_and_names_the_parameter() {
        let simulator = simulator().await;
        let good = target(&simulator, "342", "2026-02-01");
        for (right, wrong, name) in [
            ("closed%20blackouts", "closed", "include"),
            ("&space_id=342", "", "space_id"),
            ("T00%3A00%3A00", "", "start_dt"),
            ("availability_daily", "availability", "comptype"),
        ] {
            let reply = get(&simulator, &good.replace(right, wrong)).await;
            assert_eq!(reply.status, 400);
            assert!(reply.json()["error"].as_str().unwrap().starts_with(name), "{}", reply.text());
        }
    }

    #[tokio::test]
    async fn a_refused_request_uses_up_no_fault() {
        let simulator = simulator().await;
        simulator.misbehave_times("342", Fault::Status(503), 1);
        let bad = target(&simulator, "342", "2026-02-01").replace("location", "person");
        assert_eq!(get(&simulator, &bad).await.status, 400);
        assert_eq!(ask(&simulator, "342").await.status, 503);
        assert_eq!(ask(&simulator, "342").await.status, 200);
    }

    #[tokio::test]
    async fn only_availability_is_served_and_only_by_get() {
        let simulator = simulator().await;
        assert_eq!(get(&simulator, "/25live/data/simulated/run/spaces.json").await.status, 404);
        let post = send(&simulator, "POST", &target(&simulator, "342", "2026-02-01")).await;
        assert_eq!(read(post).await.unwrap().status, 405);
        assert_eq!(simulator.requests(), 0);
    }

    #[tokio::test]
    async fn requests_are_counted_and_remembered_as_decoded() {
        let simulator = simulator().await;
        ask(&simulator, "342").await;
        get(&simulator, &target(&simulator, "344", "2026-02-01").replace("%20", "+")).await;
        assert_eq!(simulator.requests(), 2);
        assert_eq!(simulator.queries(), [parameters("342", "2026-02-01"), parameters("344", "2026-02-01")]);
        assert_eq!(simulator.user_agents(), ["tests", "tests"]);
    }

    #[tokio::test]
    async fn an_answer_takes_its_latency_and_requests_overlap_meanwhile() {
        let simulator = simulator().await;
        simulator.set_latency(Duration::from_millis(200));
        let begun = std::time::Instant::now();
        tokio::join!(ask(&simulator, "342"), ask(&simulator, "344"), ask(&simulator, "342"));
        assert!(begun.elapsed() >= Duration::from_millis(200));
        assert_eq!(simulator.peak_in_flight(), 3);
        eventually(|| simulator.in_flight() == 0).await;
    }

    #[tokio::test]
    async fn a_disconnected_client_is_no_longer_in_flight() {
        let simulator = simulator().await;
        simulator.misbehave(Fault::Hang);
        let waiting = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
        eventually(|| simulator.in_flight() == 1).await;
        drop(waiting);
        eventually(|| simulator.in_flight() == 0).await;
    }

    #[tokio::test]
    async fn a_dropped_simulator_ends_hanging_connections_and_frees_its_port() {
        let simulator = simulator().await;
        let addr = simulator.addr();
        simulator.misbehave(Fault::Hang);
        let mut waiting = send(&simulator, "GET", &target(&simulator, "342", "2026-02-01")).await;
        eventually(|| simulator.in_flight() == 1).await;
        drop(simulator);
        assert!(matches!(waiting.read_u8().await, Err(error) if error.kind() != io::ErrorKind::TimedOut));
        assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    }
}
