//! `GET /api/buildings`: the campus's buildings, and how many of their rooms are free now.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Days, NaiveDate};
use chrono_tz::Tz;
use domain::{
    campus::Building, campus_day::CampusDay, kept_days::kept_on, opening_hours::OpeningHours, room_facts::is_free,
    snapshot::Snapshot, time_of_day::TimeOfDay, timestamp::Timestamp, utc_offset::UtcOffset,
};
use http::HeaderMap;
use serde::Serialize;

use super::{
    cache_control::{Cacheable, Minute, Rooms},
    problem::Problem,
    representation::{Representation, unreadable},
};
#[cfg(feature = "openapi")]
use super::{openapi::NOT_MODIFIED, query::SeenParameter};
use crate::service::{Service, read::CacheResult};

const A_YEAR: Days = Days::new(366);

/// The body of `GET /api/buildings`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CampusBuildings))]
pub(super) struct BuildingsBody<'a> {
    /// The campus's name.
    campus: &'a str,
    /// Whether the bookings are invented for a demonstration. Present only if they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    simulated: bool,
    /// Where people can ask about the rooms: a URL that starts with `https://`, `http://` or `mailto:`. Absent if the campus file
    /// has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    contact: Option<&'a str>,
    /// The buildings, in the campus file's order.
    buildings: Vec<BuildingBody<'a>>,
    /// When the sweep behind `free_now` ended; null without data.
    last_updated: Option<Timestamp>,
    /// Today, at the campus.
    date: NaiveDate,
    /// The campus's time zone.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    timezone: Tz,
    /// The zone's offsets from UTC, in order, from the first kept day to a year from today: for clients that do not know the zone.
    utc_offsets: Vec<UtcOffset>,
    /// Whether the data are older than they should be.
    stale: bool,
}

/// A building, and how many of its rooms are free.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BuildingFacts))]
struct BuildingBody<'a> {
    code: &'a str,
    /// The building's full name.
    name: &'a str,
    /// When it opens today; null if it is closed.
    opens: Option<TimeOfDay>,
    /// When it closes today; null if it is closed.
    closes: Option<TimeOfDay>,
    /// Its latitude and longitude, in degrees. Absent if the campus file has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, min_items = 2, max_items = 2))]
    location: Option<[f64; 2]>,
    /// How many rooms it has.
    rooms: usize,
    /// How many of its rooms are free now; null if no room is known.
    free_now: Option<usize>,
}

/// The buildings, and how many rooms are free now
///
/// The campus's buildings with today's opening hours, how many rooms each has, and how many are free now, or null if no room is
/// known. Never an error, even if the cache is down.
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/buildings",
    operation_id = "buildings",
    tag = "classrooms",
    params(SeenParameter),
    responses(
        (
            status = 200,
            description = "The buildings.",
            body = BuildingsBody<'_>,
            headers(("ETag"), ("X-Cache")),
            links(("rooms" = (
                operation_id = "openClassrooms",
                description = "The rooms of a building.",
                parameters(("building" = "$response.body#/buildings/0/code"), ("date" = "$response.body#/date")),
            ))),
        ),
        (status = 304, description = NOT_MODIFIED),
    ),
))]
pub(super) async fn buildings(State(service): State<Service>, headers: HeaderMap) -> Result<Response, Problem> {
    let campus = &service.deps.config.campus;
    let now = service.deps.clock.at_campus();
    let served = service.reader.snapshot(Some(now.date_naive())).await.ok();
    let cache_result = served.as_ref().map_or(CacheResult::Stale, |served| served.cache_result);
    let snapshot = served.as_ref().map(|served| served.snapshot.parsed()).transpose();
    let snapshot = snapshot.map_err(|error| unreadable(&error))?;
    let body = BuildingsBody {
        campus: &campus.name,
        simulated: snapshot.is_some_and(|snapshot| snapshot.simulated),
        contact: campus.contact.as_deref(),
        buildings: campus.buildings.iter().map(|building| BuildingBody::of(building, snapshot, now)).collect(),
        last_updated: snapshot.map(|snapshot| snapshot.last_updated),
        date: now.date_naive(),
        timezone: campus.timezone,
        utc_offsets: utc_offsets(now),
        stale: cache_result == CacheResult::Stale,
    };
    let rooms = Rooms {
        cache_result,
        last_updated: body.last_updated,
        date: body.date,
        minute: Minute::Count,
        asked_at: now,
        answered_at: service.deps.clock.at_campus(),
    };
    let cache_control = Cacheable::Rooms(rooms).cache_control(&service.deps.config);
    Ok(Representation::json(&body, cache_result).respond_to(&headers, cache_control))
}

fn utc_offsets(now: DateTime<Tz>) -> Vec<UtcOffset> {
    let today = now.date_naive();
    UtcOffset::over(&(*kept_on(today).start()..=today + A_YEAR), now.timezone())
}

impl<'a> BuildingBody<'a> {
    fn of(building: &'a Building, snapshot: Option<&Snapshot>, now: DateTime<Tz>) -> Self {
        let day = CampusDay::new(now.date_naive(), now.timezone());
        let rooms = snapshot.and_then(|snapshot| snapshot.buildings.get(&building.code));
        let known = rooms.into_iter().flat_map(|rooms| &rooms.classrooms);
        let hours = building.hours_on(day.date());
        let known: Vec<_> = known.filter_map(|room| is_free(room, hours, day, now)).collect();
        Self {
            code: &building.code,
            name: &building.name,
            opens: hours.map(OpeningHours::opens),
            closes: hours.map(OpeningHours::closes),
            location: building.location.map(|place| [place.latitude, place.longitude]),
            rooms: building.classrooms.len(),
            free_now: (!known.is_empty()).then(|| known.iter().filter(|is_free| **is_free).count()),
        }
    }
}
