//! The parameters. What each refuses stands in `http/query.rs` and in [`question`](domain::question).

use domain::campus::Campus;
use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};

const A_TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]";

fn query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// `?date=`.
pub(super) fn date() -> Parameter {
    let schema = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    query(
        "date",
        "A day that is kept: from three days ago to about a month ahead. Today, at the campus, if it is not there.",
        schema,
    )
    .example(Some(json!("2026-03-03")))
    .build()
}

/// The parameters that make a question. Their examples make one together, which a range has no place in.
pub(super) fn question() -> Vec<Parameter> {
    let buildings = Campus::built_in().buildings;
    let code = text().enum_values(Some(buildings.into_iter().map(|building| building.code)));
    let times = |last: &str| text().pattern(Some(format!("^({A_TIME}{last})$")));
    vec![
        query(
            "building",
            "Only these buildings: their codes, in upper or lower case, with commas between them.",
            ArrayBuilder::new().items(code).min_items(Some(1)),
        )
        .explode(Some(false))
        .example(Some(json!(["CAS"])))
        .build(),
        query(
            "at",
            "Only rooms that are free at this time of the `date`: `HH:MM`, or `now`, where the date is today's. \
             Not together with `from` and `to`.",
            times("|now"),
        )
        .example(Some(json!("14:30")))
        .build(),
        query("from", "Only rooms that are free from this time of the `date` on, up to `to`.", times(""))
            .build(),
        query("to", "The time after `from` up to which they are free; up to `24:00`.", times("|24:00"))
            .build(),
        query(
            "min_minutes",
            "Only rooms that are free for so many minutes from the moment asked about; if none is, at any time of the day.",
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(1440)),
        )
        .example(Some(json!(60)))
        .build(),
        query(
            "q",
            "Only rooms with this in their name, before which their building's code stands, or in their building's name; \
             whatever its case, with or without spaces.",
            text().min_length(Some(1)).max_length(Some(100)).pattern(Some(r"\S")),
        )
        .example(Some(json!("cas 116")))
        .build(),
        query(
            "sort",
            "The order of the rooms in each building: by `name`, or longest free first, which is `duration` and, where a \
             moment is asked about, `free_until`. The campus's own order if it is not there.",
            text().enum_values(Some(["name", "free_until", "duration"])),
        )
        .example(Some(json!("name")))
        .build(),
    ]
}

/// `?invalidate_cache=`.
pub(super) fn invalidate_cache() -> Parameter {
    let about =
        "`true`: drops what is cached and refreshes, whatever the cooldown. For the bearer of the operator's token.";
    query("invalidate_cache", about, ObjectBuilder::new().schema_type(Type::Boolean).default(Some(json!(false))))
        .build()
}

/// `{id}`.
pub(super) fn id() -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("25Live's `space_id` of the room: the `id` that every room of `/api/open-classrooms` has."))
        .schema(Some(text().min_length(Some(1))))
        .example(Some(json!("342")))
        .build()
}

/// `If-None-Match`.
pub(super) fn if_none_match() -> Parameter {
    ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The ETag of the body that the client has."))
        .schema(Some(text()))
        .build()
}
