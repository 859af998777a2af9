//! The parameters of a query string. Those that a route does not know are ignored.

use std::borrow::Cow;

use url::form_urlencoded;

/// The names and values of a query string, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// A parameter that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is `{held}`, but should be {expected}")]
pub(crate) struct BadParameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it held, however long that was.
    pub(crate) held: String,
    /// What it should hold, as the end of a sentence.
    pub(crate) expected: String,
}

impl BadParameter {
    /// A refusal of what `name` held.
    pub(crate) fn new(name: &'static str, held: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { name, held: held.into(), expected: expected.into() }
    }
}

impl<'a> Parameters<'a> {
    /// What stands behind the question mark of a URL.
    #[must_use]
    pub(super) fn parse(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// What the parameter holds, each time that it is there.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// What the parameter holds, if it is there.
    ///
    /// # Errors
    /// It is there more than once.
    pub(super) fn get(&self, name: &'static str, expected: &str) -> Result<Option<&str>, BadParameter> {
        let mut held = self.all(name);
        match (held.next(), held.next()) {
            (first, None) => Ok(first),
            (first, Some(second)) => {
                let both = format!("{}, {second}", first.unwrap_or_default());
                Err(BadParameter::new(name, both, format!("{expected}, once")))
            }
        }
    }
}
