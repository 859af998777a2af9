//! Requests room lists from 25Live: one request at a time, with limits on time and size.

use std::{
    io::{self, Read},
    time::Duration,
};

use emptyclassroom::outside::twenty_five_live;
use flate2::bufread::MultiGzDecoder;
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::{
    lists::{ListError, Page},
    terminal::Progress,
};

/// The maximum size of a list in bytes, compressed or not. A full list of 2,000 rooms is about 4 MB.
pub const LIST_LIMIT: usize = 32 * 1024 * 1024;
/// The maximum number of pages requested.
const MOST_PAGES: usize = 25;
/// 25Live takes a while to produce a long list.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The pause before the only retry after a transient failure.
const PAUSE: Duration = Duration::from_secs(1);
/// The first bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A room list, possibly incomplete.
#[derive(Debug)]
pub struct Asked {
    /// Its pages, in order.
    pub pages: Vec<Page>,
    /// How many of the rooms that it counts are missing from the pages.
    pub missing: usize,
}

/// Why a list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// TLS setup failed.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The connection failed or broke.
    #[error("{url} could not be reached, or the connection broke")]
    Connection {
        /// The address.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The answer was not complete in time.
    #[error("{url} did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut {
        /// The address.
        url: String,
    },
    /// 25Live requires a login.
    #[error("25Live asks guests to sign in at {url} ({how}) before it shows this list")]
    SignIn {
        /// The address.
        url: String,
        /// How that was detected.
        how: String,
    },
    /// A status other than 200.
    #[error("{url} answered {status}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// The answer exceeds [`LIST_LIMIT`].
    #[error("the answer from {url} is longer than {LIST_LIMIT} bytes")]
    TooLong {
        /// The address.
        url: String,
    },
    /// The compressed answer is damaged.
    #[error("the answer from {url} cannot be decompressed")]
    Packed {
        /// The address.
        url: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The answer is not a list.
    #[error("the answer from {url} cannot be used")]
    Answer {
        /// The address.
        url: String,
        /// What is wrong.
        source: ListError,
    },
}

impl AskError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            _ => false,
        }
    }
}

/// Whether a status denies guests access, or redirects, perhaps to a sign-in page.
#[must_use]
pub fn asks_to_sign_in(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || status.is_redirection()
}

/// Requests all pages of a list.
///
/// # Errors
/// 25Live returns no usable answer.
pub async fn list(url: &Url) -> Result<Asked, AskError> {
    let http = twenty_five_live::client(url, TIMEOUT).build().map_err(AskError::Client)?;
    let mut progress = Progress::begin("requesting the room list, pages", 1);
    let first = page(&http, url).await?;
    let (said, count, size) = (first.pages, first.count, first.len());
    progress.set_steps(said.unwrap_or(1));
    progress.step();
    let asked_size = url.query_pairs().find(|(key, _)| key == "page_size").and_then(|(_, size)| size.parse().ok());
    let mut pages = vec![first];
    for number in 2..=MOST_PAGES {
        let last = pages.last().map_or((0, None), |page| (page.len(), page.first_id()));
        let may_be_more = said.map_or_else(|| last.0 > 0 && Some(last.0) == asked_size, |pages| number <= pages);
        if !may_be_more {
            break;
        }
        let next = page(&http, &with_page(url, number)).await?;
        // Servers that do not support pages send the first one again.
        if next.is_empty() || next.first_id() == last.1 {
            break;
        }
        progress.step();
        pages.push(next);
    }
    let had: usize = pages.iter().map(Page::len).sum();
    Ok(Asked { pages, missing: count.unwrap_or(size).saturating_sub(had) })
}

fn with_page(url: &Url, number: usize) -> Url {
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(key, _)| key != "page")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("page", &number.to_string());
    url
}

async fn page(http: &Client, url: &Url) -> Result<Page, AskError> {
    let bytes = match document(http, url).await {
        Err(error) if error.is_transient() => {
            tokio::time::sleep(PAUSE).await;
            document(http, url).await?
        }
        result => result?,
    };
    Page::parse(&bytes).map_err(|source| match source {
        ListError::WebPage => sign_in(url, "a web page instead of a list"),
        source => AskError::Answer { url: shown(url), source },
    })
}

/// An address without its query, for messages.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

fn sign_in(url: &Url, how: impl Into<String>) -> AskError {
    AskError::SignIn { url: shown(url), how: how.into() }
}

async fn document(http: &Client, url: &Url) -> Result<Vec<u8>, AskError> {
    let response = http.get(url.clone()).send().await.map_err(|error| failed(url, error))?;
    let status = response.status();
    if asks_to_sign_in(status) {
        return Err(sign_in(url, format!("status {}", status.as_u16())));
    }
    if status != StatusCode::OK {
        return Err(AskError::Status { url: shown(url), status });
    }
    let body = body(response, url).await?;
    let body = unpacked(body).map_err(|source| AskError::Packed { url: shown(url), source })?;
    if body.len() > LIST_LIMIT { Err(AskError::TooLong { url: shown(url) }) } else { Ok(body) }
}

fn failed(url: &Url, error: reqwest::Error) -> AskError {
    let url = shown(url);
    if error.is_timeout() {
        AskError::TimedOut { url }
    } else {
        AskError::Connection { url, source: error.without_url() }
    }
}

async fn body(mut response: Response, url: &Url) -> Result<Vec<u8>, AskError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, error))? {
        if body.len() + chunk.len() > LIST_LIMIT {
            return Err(AskError::TooLong { url: shown(url) });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Decompresses a document if it is gzip. Returns at most one byte more than [`LIST_LIMIT`].
///
/// # Errors
/// The gzip is damaged.
pub fn unpacked(document: Vec<u8>) -> io::Result<Vec<u8>> {
    if !document.starts_with(&GZIP_MAGIC) {
        return Ok(document);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LIST_LIMIT).unwrap_or(u64::MAX);
    MultiGzDecoder::new(document.as_slice()).take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
