//! Hints about query parameters that a route does not know. They are ignored, so that links with tracking parameters work; a
//! `Link` header names them, and leads to the route's documentation.

use std::borrow::Cow;

use axum::{extract::Request, handler::Handler, response::Response};
use futures_util::future::{BoxFuture, Either};
use http::{HeaderValue, header::LINK};
use url::form_urlencoded;

use super::query::Names;

/// How many parameters a hint names at most.
const MOST_NAMED: usize = 3;
/// How many are compared with those that the route knows, because a client may send thousands.
const MOST_COMPARED: usize = 20;
/// The longest name that a hint shows, in bytes.
const LONGEST_NAME: usize = 40;

/// A handler with the parameters that it reads.
#[derive(Clone, Copy)]
pub(super) struct Hinted<H> {
    handler: H,
    path: &'static str,
    operation: &'static str,
    known: Names,
}

/// A handler whose responses hint at unknown parameters: `path` is its route, `operation` its id on the page `/docs`, and
/// `known` has the parameters that it reads.
pub(super) const fn hinted<H>(handler: H, path: &'static str, operation: &'static str, known: Names) -> Hinted<H> {
    Hinted { handler, path, operation, known }
}

impl<T, S, H: Handler<T, S>> Handler<T, S> for Hinted<H> {
    /// Only a response with a hint needs its own future.
    type Future = Either<H::Future, BoxFuture<'static, Response>>;

    fn call(self, request: Request, state: S) -> Self::Future {
        let link = request.uri().query().and_then(|query| self.link(query));
        let response = self.handler.call(request, state);
        match link {
            None => Either::Left(response),
            Some(link) => Either::Right(Box::pin(async {
                let mut response = response.await;
                response.headers_mut().insert(LINK, link);
                response
            })),
        }
    }
}

impl<H> Hinted<H> {
    fn known(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().copied().flatten().copied()
    }

    /// Returns the `Link` header (RFC 8288) for a query string; `None` if the route knows all of its parameters.
    #[expect(clippy::expect_used, reason = "the names in it are ASCII letters, digits and marks")]
    fn link(&self, query: &str) -> Option<HeaderValue> {
        let names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        let mut unknown = names.filter(|name| self.known().all(|known| known != name)).peekable();
        unknown.peek()?;
        let mut hints: Vec<(Cow<'_, str>, Option<&str>)> = Vec::new();
        for name in unknown.filter(|name| can_be_shown(name)).take(MOST_COMPARED) {
            if hints.iter().all(|(named, _)| *named != name) {
                let nearest = nearest(&name, self.known());
                hints.push((name, nearest));
            }
        }
        // A misspelled parameter matters more than an unrelated one.
        hints.sort_by_key(|(_, nearest)| nearest.is_none());
        let hints = hints.iter().take(MOST_NAMED).map(|(name, nearest)| match nearest {
            Some(nearest) => format!("{name} (did you mean {nearest}?)"),
            None => name.to_string(),
        });
        let hints = hints.collect::<Vec<_>>().join(", ");
        let separator = if hints.is_empty() { "" } else { ": " };
        // Relative to the request's path, so that it also works behind a path prefix.
        let up = "../".repeat(self.path.matches('/').count() - 1);
        let operation = self.operation;
        let link =
            format!("<{up}docs#{operation}>; rel=\"help\"; title=\"unknown parameters are ignored{separator}{hints}\"");
        Some(HeaderValue::try_from(link).expect("ASCII without control characters is a valid header value"))
    }
}

/// Whether a name that a client sent can be shown in a header unchanged.
fn can_be_shown(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
}

/// Returns the known parameter that differs least from a name, if at most a third of the longer one differs. Ignores case and the
/// difference between `-` and `_`.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let distances = known.map(|known| (strsim::osa_distance(&name, known), known));
    let near = distances.filter(|(distance, known)| *distance <= name.len().max(known.len()) / 3);
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::web::query::ROOMS_PARAMETERS;

    const ROUTE: Hinted<()> = hinted((), "/api/classrooms/{id}", "classroom", ROOMS_PARAMETERS);

    fn link(query: &str) -> Option<String> {
        let link = ROUTE.link(query);
        link.map(|link| link.to_str().unwrap().to_owned())
    }

    /// Returns the title of the hint about a query string.
    fn title(query: &str) -> String {
        let link = link(query).unwrap();
        let title = link.strip_prefix("<../../docs#classroom>; rel=\"help\"; title=\"unknown parameters are ignored");
        title.and_then(|title| title.strip_suffix('"')).unwrap_or_else(|| panic!("{link}")).to_owned()
    }

    #[test]
    fn the_nearest_known_parameter_is_suggested() {
        for (name, expected) in [
            ("min_minute", Some("min_minutes")),
            ("Min_Minutes", Some("min_minutes")),
            ("min-minutes", Some("min_minutes")),
            ("minMinutes", Some("min_minutes")),
            ("capacity", Some("min_capacity")),
            ("buildings", Some("building")),
            ("features[]", Some("feature")),
            ("form", Some("from")),
            ("att", Some("at")),
            ("Q", Some("q")),
            ("x", None),
            ("time", None),
            ("room", None),
            ("utm_source", None),
        ] {
            assert_eq!(nearest(name, ROUTE.known()), expected, "{name}");
        }
    }

    #[test]
    fn known_parameters_get_no_hint_and_unknown_ones_are_named() {
        assert_eq!(link(""), None);
        assert_eq!(link("date=2026-03-03&building=CAS&building=CGS&q"), None);
        assert_eq!(title("min_minute=60"), ": min_minute (did you mean min_minutes?)");
        assert_eq!(title("utm_source=x&at=now&utm_source=y"), ": utm_source");
        let four = "a.b=1&utm_source=2&utm_medium=3&dates=4";
        assert_eq!(
            title(four),
            ": dates (did you mean date?), a.b, utm_source",
            "at most three, the misspelled one first"
        );
    }

    #[test]
    fn a_name_that_does_not_fit_into_a_header_is_left_out() {
        for name in ["", "d%C3%A4te", "a%0D%0Ab", "a%22b", "a%5Cb", "%FF", "a+b", &"x".repeat(41)] {
            assert_eq!(title(&format!("{name}=1")), "", "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_query_string_makes_a_short_printable_header_or_none(query in any::<String>()) {
            let link = link(&query).unwrap_or_default();
            prop_assert!(link.len() < 400 && link.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", link);
            prop_assert!(link.is_empty() || link.matches('"').count() == 4, "{}", link);
        }
    }
}
