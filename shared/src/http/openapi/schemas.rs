//! The schemas: those of the types that are sent, and those of what is not written field by field as its type has it.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::{
    facts::RoomFacts,
    health::Health,
    http::{buildings::BuildingsBody, classroom::ClassroomBody, problem::Details, read::LastUpdated, refresh::Done},
    question::{self, FreeTime},
    slots::Slot,
    time_of_day::TimeOfDay,
};

/// All of them, by name. What serde flattens is part of the object around it, and every other field is always there: what is
/// not known is null.
pub(super) fn all() -> Vec<(String, RefOr<Schema>)> {
    let sent = sent();
    let mut whole = sent.clone();
    for (_, schema) in &mut whole {
        if let RefOr::T(Schema::AllOf(parts)) = schema {
            let mut object = ObjectBuilder::new().description(parts.description.clone()).build();
            for part in parts.items.iter().rev() {
                flatten(&mut object, part, &sent);
            }
            *schema = object.into();
        } else if let RefOr::T(Schema::Object(object)) = schema {
            object.required = object.properties.keys().cloned().collect();
        }
    }
    let is_part = |name: &str| [FreeTime::name(), RoomFacts::name()].iter().any(|part| part == name);
    whole.retain(|(name, _)| !is_part(name));
    whole
}

/// Adds the fields of a part to the object around it. Those of a part that can be absent are not required.
fn flatten(object: &mut Object, part: &RefOr<Schema>, all: &[(String, RefOr<Schema>)]) {
    match part {
        RefOr::T(Schema::Object(part)) => {
            object.properties.extend(part.properties.clone());
            object.required.extend(part.properties.keys().cloned());
        }
        RefOr::T(Schema::OneOf(optional)) => {
            let required = object.required.clone();
            optional.items.iter().for_each(|part| flatten(object, part, all));
            object.required = required;
        }
        RefOr::Ref(part) => {
            let named = all.iter().find(|(name, _)| part.ref_location.ends_with(&format!("/{name}")));
            if let Some((_, part)) = named {
                flatten(object, part, all);
            }
        }
        RefOr::T(_) => {}
    }
}

/// The schemas as they follow from the types.
fn sent() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    add::<question::Answer<'_>>(&mut all);
    add::<ClassroomBody<'_>>(&mut all);
    add::<BuildingsBody<'_>>(&mut all);
    add::<LastUpdated>(&mut all);
    add::<Done>(&mut all);
    add::<CooldownStatus>(&mut all);
    add::<Health>(&mut all);
    add::<Details<'_>>(&mut all);
    all
}

fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(all);
    all.push((T::name().into_owned(), T::schema()));
}

/// The body of `GET /api/cooldown-status`.
pub(super) enum CooldownStatus {}

fn text(about: &str, pattern: &str) -> Object {
    let pattern = Some(pattern).filter(|pattern| !pattern.is_empty());
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).pattern(pattern).build()
}

fn count(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(about)).minimum(Some(0))
}

impl PartialSchema for Slot {
    fn schema() -> RefOr<Schema> {
        const SECONDS: &str = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00):00$";
        let time = |about: &str| match TimeOfDay::schema() {
            RefOr::T(Schema::Object(object)) => ObjectBuilder::from(object).description(Some(about)).build(),
            _ => text(about, ""),
        };
        ObjectBuilder::new()
            .description(Some(
                "A time during which a room is free, `start` before `end`, a minute clear of its bookings.",
            ))
            .property("start", text("From this minute on, with seconds.", SECONDS))
            .property("end", text("Until this minute, with seconds.", SECONDS))
            .property("start_time", time("From this minute on."))
            .property("end_time", time("Until this minute."))
            .property("duration_minutes", count("How long it is.").maximum(Some(1440)))
            .required("start")
            .required("end")
            .required("start_time")
            .required("end_time")
            .required("duration_minutes")
            .into()
    }
}

impl ToSchema for Slot {}

impl PartialSchema for CooldownStatus {
    fn schema() -> RefOr<Schema> {
        let minutes = ObjectBuilder::new()
            .schema_type(Type::Number)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
            .description(Some("How many minutes it goes on, not rounded; 0 if there is none."))
            .minimum(Some(0));
        let running = ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some("Whether a refresh would be refused because the last one is too recent."));
        ObjectBuilder::new()
            .property("in_cooldown", running)
            .property("remaining_minutes", minutes)
            .required("in_cooldown")
            .required("remaining_minutes")
            .into()
    }
}

impl ToSchema for CooldownStatus {}
