//! Reads and unpacks a response body within limits of time and memory.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use reqwest::Response;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use super::UpstreamError;

/// The maximum length of a body. A month of a busy room is about 150 kB, so a body of more than ten times that is something else.
pub(super) const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Bodies up to this length need no permit. Longer ones are read a few at a time, which bounds memory whatever the number of
/// requests: 64 bodies of 256 KiB, packed and unpacked, and 4 of 2 MiB are 48 MiB.
const USUAL_BODY: usize = 256 * 1024;
/// How many long bodies are read concurrently.
pub(super) const LONG_BODIES_AT_ONCE: usize = 4;
/// The first bytes of gzip. JSON never begins with them, so `Content-Encoding` does not matter.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How many bytes are unpacked between checks of the limits.
const PIECE: usize = 16 * 1024;

/// A growing body, and the permit that it needs once it is long.
struct Body<'a> {
    bytes: Vec<u8>,
    long_bodies: &'a Semaphore,
    permit: Option<SemaphorePermit<'a>>,
    deadline: Instant,
}

/// Reads the body, unpacked if it is gzip.
///
/// # Errors
/// The body is longer than [`BODY_LIMIT`], packed or unpacked; it did not end before the deadline; or the connection broke.
pub(super) async fn read(
    mut response: Response,
    long_bodies: &Semaphore,
    deadline: Instant,
) -> Result<Vec<u8>, UpstreamError> {
    let mut body = Body { bytes: Vec::new(), long_bodies, permit: None, deadline };
    while let Some(chunk) = response.chunk().await? {
        body.push(&chunk).await?;
    }
    if body.bytes.starts_with(&GZIP_MAGIC) { body.unpacked().await } else { Ok(body.bytes) }
}

impl Body<'_> {
    #[expect(clippy::expect_used, reason = "the semaphore is never closed")]
    async fn push(&mut self, more: &[u8]) -> Result<(), UpstreamError> {
        let length = self.bytes.len() + more.len();
        if length > BODY_LIMIT {
            return Err(UpstreamError::TooLong);
        }
        if length > USUAL_BODY && self.permit.is_none() {
            let acquired = timeout_at(self.deadline, self.long_bodies.acquire()).await;
            self.permit = Some(acquired.map_err(|_| UpstreamError::TimedOut)?.expect("the semaphore is open"));
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    async fn unpacked(self) -> Result<Vec<u8>, UpstreamError> {
        let Self { bytes: packed, long_bodies, permit, deadline } = self;
        let mut decoder = MultiGzDecoder::new(packed.as_slice());
        let mut body = Self { bytes: Vec::new(), long_bodies, permit, deadline };
        let mut piece = vec![0; PIECE];
        loop {
            let length = decoder.read(&mut piece).map_err(broken)?;
            match piece.get(..length) {
                Some(more) if length > 0 => body.push(more).await?,
                _ => return Ok(body.bytes),
            }
        }
    }
}

/// Treats a truncated or damaged gzip body like a broken connection: a retry may succeed.
fn broken(error: io::Error) -> UpstreamError {
    UpstreamError::Connection(error.into())
}
