//! `GET /api/open-classrooms`: every room of a day, or those that a question asks for.

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{
    problem::Problem,
    query::{Query, RoomsParameters},
    representation::{Representation, unreadable},
};
use crate::service::{Service, read::ReadError};

pub(super) async fn open_classrooms(
    State(service): State<Service>,
    Query(RoomsParameters { date, question }): Query<RoomsParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let served = service.reader.snapshot(Some(date)).await?;
    let representation = match question {
        // The body is ready: nothing is parsed or rendered.
        None => Representation::ready(served.snapshot.body, served.snapshot.checksum, served.cache_result),
        Some(question) => {
            let snapshot = served.snapshot.snapshot().map_err(|error| unreadable(&error))?;
            Representation::json(&question.answer(&snapshot, &service.deps.config.campus), served.cache_result)
        }
    };
    Ok(representation.respond_to(&headers))
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotKept(date) => Self::date_not_kept(date),
            ReadError::Unavailable { retry_after } => Self::cache_unavailable(retry_after),
        }
    }
}
