//! The operations, in the order in which they are shown.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta};
use domain::{cooldown::Cooldown, question};
use utoipa::openapi::{
    ObjectBuilder, Paths, RefOr, Response, Schema, Type,
    link::Link,
    path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder},
    security::SecurityRequirement,
};

use super::{
    ADMIN_TOKEN, parameters,
    responses::{body, cached, header, not_modified, problems, schema_of, string, tagged, text},
    schemas::CooldownStatus,
};
use crate::{
    service::health::Health,
    web::{
        buildings::BuildingsBody,
        classroom::ClassroomBody,
        last_updated::LastUpdated,
        problem::Problem,
        query::BadParameter,
        refresh::{BODY_LIMIT, BODY_TIME_LIMIT, Done},
    },
};

const JSON: &str = "application/json";
const CSP: &str = "Content-Security-Policy";
const HTML: &str = "text/html; charset=utf-8";

/// All of them, by path.
pub(super) fn paths() -> Paths {
    PathsBuilder::new()
        .path("/api/open-classrooms", get(open_classrooms()))
        .path("/api/classrooms/{id}", get(classroom()))
        .path("/api/classrooms/{id}/calendar.ics", get(calendar()))
        .path("/api/buildings", get(buildings()))
        .path("/api/last-updated", get(last_updated()))
        .path("/api/refresh", PathItem::new(HttpMethod::Post, refresh()))
        .path("/api/cooldown-status", get(cooldown_status()))
        .path("/api/health", get(health()))
        .path("/", get(hello()))
        .path("/app", get(app()))
        .path("/docs", get(docs()))
        .path("/openapi.json", get(openapi_json()))
        .build()
}

fn get(operation: OperationBuilder) -> PathItem {
    PathItem::new(HttpMethod::Get, operation)
}

fn operation(id: &str, tag: &str, summary: &str, description: &str) -> OperationBuilder {
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(tag)
        .summary(Some(summary))
        .description(Some(description).filter(|text| !text.is_empty()))
}

fn link(operation: &str, about: &str, parameters: &[(&str, &str)]) -> Link {
    let link = Link::builder().operation_id(operation).description(about);
    parameters.iter().fold(link, |link, (name, expression)| link.parameter(*name, *expression)).build()
}

/// An operation whose body has an ETag.
fn with_etag(operation: OperationBuilder, ok: Response, not_modified: Response) -> OperationBuilder {
    operation.parameter(parameters::if_none_match()).response("200", ok).response("304", not_modified)
}

trait Errors {
    /// The same operation with these errors of one status.
    fn errors(self, errors: &[(Problem, &str)]) -> Self;
}

impl Errors for OperationBuilder {
    fn errors(self, errors: &[(Problem, &str)]) -> Self {
        let (status, response) = problems(errors);
        self.response(status, response)
    }
}

const NO_SUCH_DAY: &str = "the day is outside what is kept.";
const NO_SUCH_ROOM: &str = "the campus has no room with this `id`.";
const NOT_WHAT_IT_SHOULD_BE: &str = "what a parameter holds, or that it goes with the others; the sentence names it.";
const NO_DATA: &str = "there are no data, and none can be had now.";

fn bad_date() -> (Problem, &'static str) {
    (BadParameter::new("date", "tomorrow", "a day, as 2026-03-03").into(), NOT_WHAT_IT_SHOULD_BE)
}

fn not_kept() -> (Problem, &'static str) {
    (Problem::date_not_kept(NaiveDate::default()), NO_SUCH_DAY)
}

fn no_data() -> [(Problem, &'static str); 1] {
    [(Problem::cache_unavailable(Duration::from_secs(5)), NO_DATA)]
}

fn open_classrooms() -> OperationBuilder {
    let about = "\
        Every building and room of the campus with its free slots on a day, also the rooms that are never free. \
        With parameters besides `date`, the rooms that are asked for: all of them combine. With a moment (`at`, or `from` \
        and `to`) each room also tells until when it is free, and for how many minutes.\n\n\
        A slot keeps a minute clear of the bookings beside it; questions about a moment do not: a class that begins at 10:00 \
        takes the room at 10:00, and up to then it is free.";
    let ok = body("The rooms.", JSON, schema_of::<question::OpenClassrooms<'_>>())
        .link(
            "room",
            link(
                "classroom",
                "A room of the answer.",
                &[("id", "$response.body#/buildings/CAS/classrooms/0/id"), ("date", "$response.body#/date")],
            ),
        )
        .link(
            "calendar",
            link("calendar", "A room's calendar.", &[("id", "$response.body#/buildings/CAS/classrooms/0/id")]),
        );
    let operation = operation("openClassrooms", "classrooms", "The free slots of a day", about)
        .parameter(parameters::date())
        .parameters(Some(parameters::question()));
    with_etag(operation, cached(ok).build(), cached(not_modified()).build())
        .errors(&[bad_date()])
        .errors(&[not_kept()])
        .errors(&no_data())
}

fn classroom() -> OperationBuilder {
    let about = "\
        One room: its slots, whether it is free now, when it is next, and whether anybody has booked it that day. A room \
        without any booking on a day is often locked.";
    let ok = body("The room.", JSON, schema_of::<ClassroomBody<'_>>())
        .link("calendar", link("calendar", "Its calendar.", &[("id", "$response.body#/id")]))
        .link(
            "building",
            link(
                "openClassrooms",
                "All rooms of its building on that day.",
                &[("building", "$response.body#/building_code"), ("date", "$response.body#/date")],
            ),
        );
    let operation = operation("classroom", "classrooms", "One room on a day", about)
        .parameter(parameters::id())
        .parameter(parameters::date());
    with_etag(operation, cached(ok).build(), cached(not_modified()).build())
        .errors(&[bad_date()])
        .errors(&[(Problem::classroom_not_found(), NO_SUCH_ROOM), not_kept()])
        .errors(&no_data())
}

fn calendar() -> OperationBuilder {
    let about = "\
        When a room is free on all days that are kept, as iCalendar (RFC 5545), for calendar programs to subscribe to. Its \
        events are free periods, and make nobody busy.";
    let ok = body("The calendar.", "text/calendar; charset=utf-8", text());
    let operation =
        operation("calendar", "classrooms", "A room's free periods as a calendar", about).parameter(parameters::id());
    with_etag(operation, cached(ok).build(), cached(not_modified()).build())
        .errors(&[(Problem::classroom_not_found(), NO_SUCH_ROOM)])
        .errors(&no_data())
}

fn buildings() -> OperationBuilder {
    let about = "\
        The campus's buildings with their opening hours, how many rooms they have, and how many of them are free now: null \
        when that is known of none. Never an error, also when the cache is down.";
    let ok = body("The buildings.", JSON, schema_of::<BuildingsBody<'_>>()).link(
        "rooms",
        link(
            "openClassrooms",
            "The rooms of a building.",
            &[("building", "$response.body#/buildings/0/code"), ("date", "$response.body#/date")],
        ),
    );
    let operation = operation("buildings", "classrooms", "The buildings, and what is free in them now", about);
    with_etag(operation, cached(ok).build(), cached(not_modified()).build())
}

fn last_updated() -> OperationBuilder {
    operation("lastUpdated", "refresh", "When the data are from", "Never an error: null when it is not known.")
        .response("200", body("The time.", JSON, schema_of::<LastUpdated>()))
}

fn refresh() -> OperationBuilder {
    let about = "\
        Asks 25Live for every room, and answers when that is done. Whoever asks while that goes on gets the same result. \
        For 30 minutes after it, or what the operator has set, others are refused. No body is needed, and one that is there is passed over.";
    let now = DateTime::default();
    let left = Cooldown::from_minutes(30).remaining(now - TimeDelta::seconds(870), now);
    let bad = BadParameter::new("invalidate_cache", "yes", "true or false");
    let ok = body("The data are new.", JSON, schema_of::<Done>())
        .link("rooms", link("openClassrooms", "The new data.", &[]))
        .link("cooldown", link("cooldownStatus", "How long nobody can refresh again.", &[]));
    let anybody = SecurityRequirement::default();
    operation("refresh", "refresh", "New data, now", about)
        .parameter(parameters::invalidate_cache())
        .security(anybody)
        .security(SecurityRequirement::new::<_, [&str; 0], _>(ADMIN_TOKEN, []))
        .response("200", ok)
        .errors(&[
            (bad.into(), NOT_WHAT_IT_SHOULD_BE),
            (Problem::unreadable_content(), "the body is not what its headers say."),
        ])
        .errors(&[(Problem::unauthorized(), "only the operator may invalidate the cache.")])
        .errors(&[(Problem::forbidden(), "the operator has set no token, so nobody may.")])
        .errors(&[(Problem::content_did_not_come(BODY_TIME_LIMIT), "a body was announced.")])
        .errors(&[(Problem::content_too_large(BODY_LIMIT), "none is needed.")])
        .errors(
            &left
                .map(|left| (Problem::cooling_down(left), "the last refresh is too recent."))
                .into_iter()
                .collect::<Vec<_>>(),
        )
        .errors(&[(
            Problem::refresh_failed(),
            "25Live does not answer for more than half of the rooms; the old data stay.",
        )])
        .errors(&[(
            Problem::cache_unavailable(Duration::from_mins(1)),
            "the cache cannot be reached, or a refresh has failed within the last minute.",
        )])
}

fn cooldown_status() -> OperationBuilder {
    let about = "Never an error: false and 0 when it is not known.";
    operation("cooldownStatus", "refresh", "How long nobody can refresh", about)
        .response("200", body("The cooldown.", JSON, schema_of::<CooldownStatus>()))
}

fn health() -> OperationBuilder {
    let about = "For whoever watches over the service. It looks at the cache, and never asks 25Live.";
    operation("health", "service", "How the service is", about)
        .response("200", body("Readers get good answers.", JSON, schema_of::<Health>()))
        .response(
            "503",
            body("The cache cannot be reached, or has no data of today, or old ones.", JSON, schema_of::<Health>()),
        )
}

fn hello() -> OperationBuilder {
    let greeting = Schema::from(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["Hello World"])));
    operation("hello", "service", "A greeting", "").response("200", body("The greeting.", JSON, RefOr::T(greeting)))
}

fn app() -> OperationBuilder {
    page("app", "What is free, as a page")
}

fn docs() -> OperationBuilder {
    page("docs", "This description, as a page")
}

fn page(id: &str, summary: &str) -> OperationBuilder {
    let policy = "The page's own script and style run, and nothing else does.";
    let ok = tagged(body("The page.", HTML, text())).header(CSP, header(policy, string()));
    let known = tagged(not_modified()).header(CSP, header(policy, string()));
    with_etag(operation(id, "service", summary, ""), ok.build(), known.build())
}

fn openapi_json() -> OperationBuilder {
    let object = Schema::from(ObjectBuilder::new());
    let operation = operation("openapi", "service", "This description, as OpenAPI 3.1", "");
    with_etag(operation, tagged(body("The document.", JSON, RefOr::T(object))).build(), tagged(not_modified()).build())
}
