//! The responses: bodies that are shown, and errors, each made of the very [`Problem`] that is sent.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, ContentBuilder, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
        Type,
    },
};

use crate::web::problem::{Details, Problem};

/// A reference to the schema of this type among the components.
pub(super) fn schema_of<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// A text of this kind.
pub(super) fn text() -> RefOr<Schema> {
    String::schema()
}

/// A header.
pub(super) fn header(about: &str, schema: ObjectBuilder) -> Header {
    HeaderBuilder::new().description(Some(about)).schema(Some(schema)).build()
}

/// The schema of any text.
pub(super) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn content(schema: RefOr<Schema>) -> Content {
    ContentBuilder::new().schema(Some(schema)).build()
}

/// A response with a body that is nobody's to keep.
pub(super) fn body(about: &str, content_type: &str, schema: RefOr<Schema>) -> ResponseBuilder {
    ResponseBuilder::new().description(about).content(content_type, content(schema))
}

/// A response with an ETag: the body, or word that the client has it.
pub(super) fn tagged(response: ResponseBuilder) -> ResponseBuilder {
    response.header("ETag", header("A digest of the body.", string()))
}

/// One that comes from a snapshot.
pub(super) fn cached(response: ResponseBuilder) -> ResponseBuilder {
    let about = "Whether it came from the cache (HIT), from a sweep (MISS), or is older than it should be (STALE).";
    tagged(response).header("X-Cache", header(about, string().enum_values(Some(["HIT", "MISS", "STALE"]))))
}

/// 304.
pub(super) fn not_modified() -> ResponseBuilder {
    ResponseBuilder::new().description("The client has the body already.")
}

/// A text as code in Markdown.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// A status, and the response with these problems, all of that status; each with a word about when it comes.
pub(super) fn problems(problems: &[(Problem, &str)]) -> (String, Response) {
    let lines = problems.iter().map(|(problem, when)| format!("{}: {when}", code(problem.detail())));
    let lines = lines.collect::<Vec<_>>().join("\n\n");
    let status = problems.first().map(|(problem, _)| problem.status().as_u16()).unwrap_or_default();
    let mut response = body(&lines, "application/problem+json", schema_of::<Details<'_>>());
    if problems.iter().any(|(problem, _)| problem.retry_after().is_some()) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        response = response.header("Retry-After", header("After how many seconds it is worth asking again.", seconds));
    }
    if status == 401 {
        response =
            response.header("WWW-Authenticate", header("What is asked for.", string().enum_values(Some(["Bearer"]))));
    }
    (status.to_string(), response.build())
}
