//! Faulty responses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::{StreamExt, stream};

use crate::booking::{Booking, Kind};
use crate::document::{Document, Field, Id, Item, Subject, at_midnight};
use crate::gzip;
use crate::journal::InFlight;
use crate::room::Room;

/// The Content-Type of the real 25Live's documents.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";
/// The prefix that some servers put before JSON so that no browser runs it as a script.
const PREFIX: &[u8] = b")]}',\n";
const SIGN_IN: &str = "<!DOCTYPE html>\n<html><head><title>25Live: Sign In</title></head>\n\
    <body><form action=\"/signin\" method=\"post\"><input name=\"username\"></form></body></html>\n";
/// The pause between two bytes of [`Fault::Drip`].
const DRIP: Duration = Duration::from_secs(1);
/// The filling of [`Fault::Huge`], sent repeatedly.
static FILLING: [u8; 65_536] = [b'x'; 65_536];

/// A fault of a response. "The good response" is the one that would be sent without the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with a short text.
    Status(u16),
    /// This status with this value as `Retry-After` header: seconds, a date, or garbage.
    StatusWithRetryAfter(u16, String),
    /// No response, ever. The connection stays open until the client or the simulator closes it.
    Hang,
    /// The good response, one byte per second.
    Drip,
    /// A sign-in page: HTML with status 200.
    Html,
    /// The good response after the prefix `)]}',` and a newline, which several campuses send.
    Prefixed,
    /// The first half of the good response as a complete HTTP message: valid HTTP, truncated JSON.
    CutOff,
    /// The first half of the good response with the Content-Length of the whole; then the connection is closed.
    ConnectionCut,
    /// The good response without `subjects`.
    NoSubjects,
    /// The good response with `subjects` null.
    NullSubjects,
    /// The good response with the `items` of every day null.
    NullItems,
    /// The good response without the `items` of every day.
    MissingItems,
    /// The good response without this day.
    MissingDay(NaiveDate),
    /// The good response with an additional item on each day, which starts at `"abc"`.
    MalformedItem,
    /// The good response with the id and the name of another room.
    OtherRoom,
    /// 302 to another path of the simulator, which has the good response. Following it counts as a request.
    Redirect,
    /// This body as JSON, with status 200.
    Body(String),
    /// The good response with unsorted days.
    ShuffledDays,
    /// The good response, compressed with gzip.
    Gzip,
    /// A gzip body that is about a thousand times larger when decompressed: this many bytes, at least a mebibyte, of spaces.
    GzipBomb(usize),
    /// A well-formed response whose first day has this many items, each from 9 to 10. It is generated while it is sent.
    ManyItems(usize),
    /// JSON of this many bytes, at least a hundred, without `Content-Length`. It is generated while it is sent, so it may
    /// be larger than memory.
    Huge(usize),
}

impl Fault {
    /// Creates a [`Fault::StatusWithRetryAfter`].
    pub fn retry_after(status: u16, value: impl Into<String>) -> Self {
        Self::StatusWithRetryAfter(status, value.into())
    }

    /// Whether the fault replaces the whole message and ignores the document.
    pub(crate) const fn is_of_message(&self) -> bool {
        matches!(
            self,
            Self::Status(_)
                | Self::StatusWithRetryAfter(..)
                | Self::Hang
                | Self::Html
                | Self::Redirect
                | Self::Body(_)
                | Self::GzipBomb(_)
                | Self::Huge(_)
        )
    }

    /// Returns the faulty response to send instead of the good document. [`Fault::Hang`] never returns.
    pub(crate) async fn respond(self, good: Document, context: FaultContext) -> Response {
        match self {
            Self::Status(status) => refusal(status).into_response(),
            Self::StatusWithRetryAfter(status, value) => with_retry_after(status, &value),
            Self::Hang => std::future::pending().await,
            Self::Html => ([(header::CONTENT_TYPE, "text/html;charset=UTF-8")], SIGN_IN).into_response(),
            Self::Redirect => (StatusCode::FOUND, [(header::LOCATION, context.elsewhere)]).into_response(),
            Self::Body(body) => json(body),
            Self::Huge(bytes) => json(huge(bytes)),
            Self::Gzip => whole(&good, |body| gzipped(gzip::pack(&body))),
            Self::GzipBomb(bytes) => gzipped(Body::from_stream(gzip::bomb(bytes).map(std::io::Result::Ok))),
            Self::ManyItems(count) => json(many_items(good, count)),
            Self::Prefixed => whole(&good, |body| json([PREFIX, &body].concat())),
            Self::CutOff => whole(&good, |body| json(first_half(body))),
            Self::ConnectionCut => whole(&good, |body| with_content_length(body.len(), connection_cut(body))),
            Self::Drip => whole(&good, |body| with_content_length(body.len(), drip(body, context.in_flight))),
            of_document => complete(&of_document.spoil(good, &context.other_room)),
        }
    }

    /// Applies the faults of the document itself.
    fn spoil(self, mut document: Document, other_room: &Room) -> Document {
        match self {
            Self::NoSubjects => document.subjects = Field::Missing,
            Self::NullSubjects => document.subjects = Field::Null,
            Self::NullItems => document.days_mut().iter_mut().for_each(|day| day.items = Field::Null),
            Self::MissingItems => document.days_mut().iter_mut().for_each(|day| day.items = Field::Missing),
            Self::MissingDay(date) => leave_out(&mut document, date),
            Self::MalformedItem => add_malformed_items(&mut document),
            Self::OtherRoom => rename(&mut document, other_room),
            Self::ShuffledDays => shuffle(&mut document),
            _ => {}
        }
        document
    }
}

/// What a fault may need in addition to the good document.
pub(crate) struct FaultContext {
    /// The path and query that always get the good response.
    pub(crate) elsewhere: String,
    /// A room other than the requested one.
    pub(crate) other_room: Room,
    /// The request, for faults that continue after the response has started.
    pub(crate) in_flight: InFlight,
}

/// The response with the good document.
pub(crate) fn complete(document: &Document) -> Response {
    whole(document, json)
}

fn whole(document: &Document, send: impl FnOnce(Vec<u8>) -> Response) -> Response {
    document.to_json().map_or_else(|error| refusal_for(&error), send)
}

fn refusal_for(error: &serde_json::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

fn json(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// A JSON response with this Content-Length, whether or not the body has that length.
fn with_content_length(bytes: usize, body: Body) -> Response {
    ([(header::CONTENT_LENGTH, bytes.to_string())], json(body)).into_response()
}

fn refusal(status: u16) -> (StatusCode, &'static str) {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, status.canonical_reason().unwrap_or("Refused"))
}

fn with_retry_after(status: u16, value: &str) -> Response {
    let mut response = refusal(status).into_response();
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn first_half(mut body: Vec<u8>) -> Vec<u8> {
    body.truncate(body.len() / 2);
    body
}

/// The yield lets hyper send the first half before the error: it flushes when the body is not ready, and discards unsent bytes
/// when the body fails.
fn connection_cut(body: Vec<u8>) -> Body {
    let half = stream::iter([Ok(Bytes::from(first_half(body)))]);
    let cut = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(half.chain(cut))
}

fn drip(body: Vec<u8>, in_flight: InFlight) -> Body {
    let drops = stream::unfold((body.into_iter(), in_flight, false), |(mut rest, in_flight, begun)| async move {
        let byte = rest.next()?;
        if begun {
            tokio::time::sleep(DRIP).await;
        }
        Some((std::io::Result::Ok(Bytes::from(vec![byte])), (rest, in_flight, true)))
    });
    Body::from_stream(drops)
}

fn huge(bytes: usize) -> Body {
    let (head, tail) = (r#"{"comptype":"availability_daily","subjects":[{"itemName":""#, r#""}]}"#);
    let filling = bytes.max(100) - head.len() - tail.len();
    let (pieces, rest) = (filling / FILLING.len(), filling % FILLING.len());
    let body = stream::iter([Bytes::from_static(head.as_bytes())])
        .chain(stream::iter(std::iter::repeat_n(Bytes::from_static(&FILLING), pieces)))
        .chain(stream::iter([Bytes::from(vec![b'x'; rest]), Bytes::from_static(tail.as_bytes())]));
    Body::from_stream(body.map(std::io::Result::Ok))
}

pub(crate) fn gzipped(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_ENCODING, "gzip")], json(body)).into_response()
}

fn many_items(mut good: Document, count: usize) -> Body {
    /// The number of items per chunk of the body.
    const CHUNK: usize = 4096;
    let first_day = good.days_mut().first().map(|day| day.item_date.clone()).unwrap_or_default();
    let head = format!(r#"{{"subjects":[{{"item_date":"{first_day}","items":[{{"start":9,"end":10}}"#);
    let more = r#",{"start":9,"end":10}"#;
    let rest = count.saturating_sub(1);
    let body = stream::iter([Bytes::from(head)])
        .chain(stream::iter(std::iter::repeat_n(Bytes::from(more.repeat(CHUNK)), rest / CHUNK)))
        .chain(stream::iter([Bytes::from(more.repeat(rest % CHUNK)), Bytes::from_static(b"]}]}")]));
    Body::from_stream(body.map(std::io::Result::Ok))
}

/// Swaps the halves and reverses the days in groups of three, so that no reader can rely on an order.
fn shuffle(document: &mut Document) {
    let days = document.days_mut();
    days.rotate_left(days.len() / 2);
    days.chunks_mut(3).for_each(<[Subject]>::reverse);
}

fn leave_out(document: &mut Document, date: NaiveDate) {
    if let Field::Given(days) = &mut document.subjects {
        days.retain(|day| day.item_date != at_midnight(date));
    }
}

fn add_malformed_items(document: &mut Document) {
    for day in document.days_mut() {
        if let Field::Given(items) = &mut day.items {
            items.push(Item::new(899_999, Booking::new("abc", "10.000000", Kind::Event)));
        }
    }
}

fn rename(document: &mut Document, room: &Room) {
    for day in document.days_mut() {
        day.item_id = Id::of(room);
        day.item_name.clone_from(&room.name);
    }
}

#[cfg(test)]
mod tests;
