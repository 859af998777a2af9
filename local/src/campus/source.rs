//! Reads the room list of a draft from 25Live, from a URL or from saved files.

use std::{
    fs::File,
    io::{self, Read},
};

use url::Url;

use super::{
    ask::{self, AskError, Asked, LIST_LIMIT},
    institution::{Addresses, COLLEGENET, Institution},
    lists::{ListError, Page},
    terminal::warn,
};
use crate::cli;

/// A list and its origin.
#[derive(Debug)]
pub struct Source {
    /// The list's pages.
    pub pages: Vec<Page>,
    /// The origin, for messages.
    pub name: String,
    /// The URLs of the list's 25Live, if known.
    pub addresses: Option<Addresses>,
    /// How many rooms of the list are known to be missing.
    pub missing: usize,
}

/// Why no list could be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    File {
        /// Its name.
        file: String,
        /// The system error.
        source: io::Error,
    },
    /// A file exceeds [`LIST_LIMIT`].
    #[error("{0} is longer than {LIST_LIMIT} bytes")]
    TooLong(String),
    /// A file is not a list.
    #[error("{file} cannot be used")]
    List {
        /// Its name.
        file: String,
        /// What is wrong.
        source: ListError,
    },
    /// 25Live did not send a list.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Guests must sign in to see the list.
    #[error(
        "25Live of {institution} asks guests to sign in before it lists rooms, or the institution's name is wrong. Sign in \
         with a browser, save {address} as a file, and pass it with --from. EmptyClassroom works only if guests can see \
         availability"
    )]
    SignIn {
        /// The institution.
        institution: String,
        /// The URL to save.
        address: String,
    },
    /// The institution's URLs cannot be built.
    #[error("no 25Live URL can be built for `{0}`")]
    Address(String),
}

impl Source {
    /// Reads the list that the arguments name.
    ///
    /// # Errors
    /// No list could be read.
    pub async fn read(arguments: &cli::Draft) -> Result<Self, SourceError> {
        let addresses = addresses(arguments)?;
        match (&arguments.institution, addresses) {
            (Some(institution), Some(addresses)) if arguments.from.is_empty() => {
                of_institution(institution, addresses).await
            }
            (_, addresses) => given(&arguments.from, addresses).await,
        }
    }
}

/// The URLs of the institution, or those derived from the list's URL.
fn addresses(arguments: &cli::Draft) -> Result<Option<Addresses>, SourceError> {
    let Some(institution) = &arguments.institution else {
        return Ok(arguments.from.iter().find_map(|from| Addresses::beside(&address(from)?)));
    };
    let collegenet = || Url::parse(COLLEGENET).ok();
    let server = arguments.server.clone().or_else(|| institution.server.clone()).or_else(collegenet);
    let addresses = server.and_then(|server| Addresses::of(institution, &server));
    addresses.map(Some).ok_or_else(|| SourceError::Address(institution.name.clone()))
}

/// Parses a URL; `None` if it is the name of a file.
fn address(from: &str) -> Option<Url> {
    Url::parse(from).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Requests the list of an institution: the table, which has categories, features and buildings, or else the plain list.
async fn of_institution(institution: &Institution, addresses: Addresses) -> Result<Source, SourceError> {
    let no_address = || SourceError::Address(institution.name.clone());
    let (table, spaces) = (addresses.table().ok_or_else(no_address)?, addresses.spaces().ok_or_else(no_address)?);
    let name = |list: &str| format!("{list} of {}", institution.name);
    let first = match ask::list(&table).await {
        Ok(Asked { pages, missing }) if pages.iter().any(|page| !page.is_empty()) => {
            return Ok(Source { pages, name: name("listdata.json"), addresses: Some(addresses), missing });
        }
        Ok(_) => None,
        Err(error) => Some(error),
    };
    match (ask::list(&spaces).await, first) {
        (Ok(Asked { pages, missing }), first) => {
            let why = first.map_or_else(
                || "is empty".to_owned(),
                |error| format!("could not be read ({})", emptyclassroom::error_chain(&error)),
            );
            warn(&format!("listdata.json {why}; spaces.json is used instead, which may have no categories"));
            Ok(Source { pages, name: name("spaces.json"), addresses: Some(addresses), missing })
        }
        (Err(AskError::SignIn { .. }), Some(AskError::SignIn { .. }) | None) => {
            Err(SourceError::SignIn { institution: institution.name.clone(), address: table.into() })
        }
        (Err(_), Some(first)) => Err(first.into()),
        (Err(error), None) => Err(error.into()),
    }
}

/// Reads lists from files and URLs.
async fn given(from: &[String], addresses: Option<Addresses>) -> Result<Source, SourceError> {
    let (mut pages, mut missing) = (Vec::new(), 0);
    for from in from {
        if let Some(url) = address(from) {
            let asked = ask::list(&url).await?;
            missing += asked.missing;
            pages.extend(asked.pages);
        } else {
            pages.push(read(from)?);
        }
    }
    let said = pages.iter().filter_map(|page| page.count).max().unwrap_or_default();
    let had: usize = pages.iter().map(Page::len).sum();
    Ok(Source { name: from.join(", "), missing: missing.max(said.saturating_sub(had)), pages, addresses })
}

fn read(file: &str) -> Result<Page, SourceError> {
    let failed = |source| SourceError::File { file: file.to_owned(), source };
    let input: Box<dyn Read> = match file {
        "-" => Box::new(io::stdin().lock()),
        name => Box::new(File::open(name).map_err(failed)?),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(LIST_LIMIT).unwrap_or(u64::MAX);
    input.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    let bytes = ask::unpacked(bytes).map_err(failed)?;
    if bytes.len() > LIST_LIMIT {
        return Err(SourceError::TooLong(file.to_owned()));
    }
    Page::parse(&bytes).map_err(|source| SourceError::List { file: file.to_owned(), source })
}
