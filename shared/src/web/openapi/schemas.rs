//! The schemas: those of the types that are sent, and those of what is not written field by field as its type has it.

use domain::{
    question::{self, FreeTime},
    room_facts::RoomFacts,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

use crate::{
    service::health::Health,
    web::{
        buildings::BuildingsBody, classroom::ClassroomBody, last_updated::LastUpdated, problem::Details, refresh::Done,
    },
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
    add::<question::OpenClassrooms<'_>>(&mut all);
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
