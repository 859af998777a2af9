//! `GET /api/open-classrooms`: every room of a day, or those that a question asks for.

use axum::{extract::State, response::Response};
use http::{HeaderMap, Uri};

use super::{
    problem::Problem,
    query,
    shown::{Shown, unreadable},
};
use crate::core::Service;

pub(super) async fn open_classrooms(
    State(service): State<Service>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let campus = &service.core.config.campus;
    let now = service.core.clock.at_campus();
    let date = query::date(&uri)?.unwrap_or_else(|| now.date_naive());
    let question = query::question(&uri, campus, date, now)?;
    let answer = service.reader.snapshot(Some(date)).await?;
    let shown = match question {
        // Nothing is rendered again, and nothing read.
        None => Shown::ready(answer.snapshot.body, answer.snapshot.etag, answer.source),
        Some(question) => {
            let snapshot = answer.snapshot.snapshot().map_err(|error| unreadable(&error))?;
            Shown::json(&question.answer(&snapshot, campus), answer.source)?
        }
    };
    Ok(shown.to(&headers))
}
