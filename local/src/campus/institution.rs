//! The institution whose 25Live is used, and its URLs.

use std::str::FromStr;

use url::Url;

/// CollegeNET's server.
pub const COLLEGENET: &str = "https://25live.collegenet.com";
/// The requested number of rooms per page of a list.
const PAGE_SIZE: &str = "1000";

/// An institution, by its name in 25Live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Institution {
    /// NAME in `25live.collegenet.com/pro/NAME`.
    pub name: String,
    /// The server, if a whole URL was given.
    pub server: Option<Url>,
}

/// A text that is not an [`Institution`].
#[derive(Debug, thiserror::Error)]
#[error("expected the NAME in 25live.collegenet.com/pro/NAME (letters, digits, - and _), or the URL of that page")]
pub struct NotAnInstitution;

impl FromStr for Institution {
    type Err = NotAnInstitution;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !text.contains('/') {
            return Self::new(text, None).ok_or(NotAnInstitution);
        }
        let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let is_host = |url: &Url| url.host_str().is_some_and(|host| host.contains(char::is_alphanumeric));
        let url = Url::parse(&address).ok().filter(is_host).ok_or(NotAnInstitution)?;
        let mut parts: Vec<_> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        // `/pro/NAME`, or `/25live/data/NAME/run`.
        if let Some(place) = parts.iter().position(|part| matches!(*part, "pro" | "data")) {
            parts.drain(..=place);
        }
        let name = parts.first().ok_or(NotAnInstitution)?;
        let server = url.join("/").map_err(|_| NotAnInstitution)?;
        Self::new(name, Some(server)).ok_or(NotAnInstitution)
    }
}

impl Institution {
    fn new(name: &str, server: Option<Url>) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (!name.is_empty() && name.chars().all(is_plain)).then(|| Self { name: name.to_owned(), server })
    }
}

/// The URLs of one institution's 25Live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Ends with `/run/`.
    base: Url,
}

impl Addresses {
    /// The URLs of an institution at a server.
    #[must_use]
    pub fn of(institution: &Institution, server: &Url) -> Option<Self> {
        let server = server.as_str().trim_end_matches('/');
        let base = Url::parse(&format!("{server}/25live/data/{}/run/", institution.name)).ok()?;
        Some(Self { base })
    }

    /// Derives the URLs from another URL of the same 25Live; `None` if it is not a 25Live URL.
    #[must_use]
    pub fn beside(url: &Url) -> Option<Self> {
        let (before, _) = url.path().split_once("/run/")?;
        let mut base = url.clone();
        base.set_path(&format!("{before}/run/"));
        base.set_query(None);
        base.set_fragment(None);
        Some(Self { base })
    }

    /// The institution's name, from the part of the path before `/run/`.
    #[must_use]
    pub fn institution(&self) -> Option<&str> {
        self.base.path().trim_end_matches("/run/").rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The first page of the list with categories, features and buildings.
    #[must_use]
    pub fn table(&self) -> Option<Url> {
        let mut url = self.base.join("list/listdata.json").ok()?;
        url.query_pairs_mut().extend_pairs([
            ("compsubject", "location"),
            ("sort", "name"),
            ("order", "asc"),
            ("page", "1"),
            ("page_size", PAGE_SIZE),
            ("obj_cache_accl", "0"),
            ("caller", "pro-ListService.getData"),
        ]);
        Some(url)
    }

    /// The plain list, `spaces.json`.
    #[must_use]
    pub fn spaces(&self) -> Option<Url> {
        self.base.join("spaces.json").ok()
    }

    /// The availability of a room for a month: the value of `API_URL`.
    #[must_use]
    pub fn availability(&self) -> Option<Url> {
        self.base.join("availability/availabilitydata.json").ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_institution_is_a_name_or_the_url_of_its_page() {
        for (text, name, server) in [
            ("example", "example", None),
            ("ex-am_2", "ex-am_2", None),
            ("https://25live.example/pro/school", "school", Some("https://25live.example/")),
            ("https://25live.example/pro/school#!/home/search?x=1", "school", Some("https://25live.example/")),
            ("25live.example/pro/school/", "school", Some("https://25live.example/")),
            ("https://25live.example/school", "school", Some("https://25live.example/")),
            ("http://127.0.0.1:9/25live/data/school/run/spaces.json", "school", Some("http://127.0.0.1:9/")),
        ] {
            let institution: Institution = text.parse().unwrap();
            assert_eq!(
                (institution.name.as_str(), institution.server.as_ref().map(Url::as_str)),
                (name, server),
                "{text}"
            );
        }
        for text in ["", " ", "a b", "é", "../x", "https://25live.example/", "https://25live.example/pro/", "a?b"] {
            assert!(text.parse::<Institution>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_addresses_of_an_institution_share_a_base_url() {
        let school: Institution = "school".parse().unwrap();
        let addresses = Addresses::of(&school, &Url::parse("https://25live.example").unwrap()).unwrap();
        let base = "https://25live.example/25live/data/school/run";
        assert_eq!(addresses.spaces().unwrap().as_str(), format!("{base}/spaces.json"));
        assert_eq!(addresses.availability().unwrap().as_str(), format!("{base}/availability/availabilitydata.json"));
        let table = addresses.table().unwrap();
        assert!(table.as_str().starts_with(&format!("{base}/list/listdata.json?compsubject=location&")), "{table}");
        assert_eq!(addresses.institution(), Some("school"));
        assert_eq!(Addresses::beside(&table), Some(addresses));
        assert_eq!(Addresses::beside(&Url::parse("https://example.org/spaces.json").unwrap()), None);
    }
}
