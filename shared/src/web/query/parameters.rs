//! The parameters of a query string. Unknown ones are ignored.

use std::borrow::Cow;

use url::form_urlencoded;

/// The names and values of a query string, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// A parameter with a bad value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is `{held}`; expected {expected}")]
pub(crate) struct BadParameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value, at full length.
    pub(crate) held: String,
    /// What was expected, as the end of a sentence.
    pub(crate) expected: String,
}

impl BadParameter {
    /// Creates an error about the value of `name`.
    pub(crate) fn new(name: &'static str, held: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { name, held: held.into(), expected: expected.into() }
    }
}

impl<'a> Parameters<'a> {
    /// Parses the part of a URL after the question mark.
    #[must_use]
    pub(super) fn parse(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// Returns every value of the parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// Returns the value of the parameter, if it is present.
    ///
    /// # Errors
    /// It is present more than once.
    pub(super) fn get(&self, name: &'static str, expected: &str) -> Result<Option<&str>, BadParameter> {
        let mut held = self.all(name);
        match (held.next(), held.next()) {
            (first, None) => Ok(first),
            (first, Some(second)) => {
                let both = format!("{}, {second}", first.unwrap_or_default());
                Err(BadParameter::new(name, both, format!("{expected}, given only once")))
            }
        }
    }
}
