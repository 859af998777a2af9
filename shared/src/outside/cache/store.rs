//! What a cache must be able to do: keep values until they expire, and lend a lock.

use std::{error::Error, fmt, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::fencing::FencingToken;

/// A store of values that expire. Each call is about one key alone, because the keys of a clustered Redis lie in different
/// slots; each may be repeated without harm; and each ends in bounded time.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The value, if there is one and it has not expired.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Keeps a value for `ttl`, in place of any other.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError>;

    /// Keeps a value for `ttl`, unless the one that is there bears a higher fencing token that is credible. Says whether it did.
    async fn put_fenced(
        &self,
        key: &str,
        value: Bytes,
        fencing_token: FencingToken,
        ttl: Duration,
    ) -> Result<bool, StoreError>;

    /// Keeps a value for `ttl`, unless another than `old` is there: somebody else has replaced that meanwhile. Says whether it
    /// did.
    async fn replace(&self, key: &str, old: Option<&Bytes>, value: Bytes, ttl: Duration) -> Result<bool, StoreError>;

    /// Forgets a value.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// How long the value has still to live; `None` when there is none.
    async fn time_left(&self, key: &str) -> Result<Option<Duration>, StoreError>;

    /// Takes the lock `key` for `ttl` in the name of `token`, if nobody else holds it: then a fencing token higher than that of
    /// any earlier holder.
    async fn lock(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError>;

    /// Keeps the lock for another `ttl`, if `token` still holds it: then the time of the store's own clock.
    async fn renew(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError>;

    /// Gives the lock back, if `token` still holds it.
    async fn unlock(&self, key: &str, token: &str) -> Result<(), StoreError>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No answer in time, connecting anew included.
    #[error("Redis did not answer {command} within {} s", after.as_secs_f64())]
    TimedOut {
        /// The command.
        command: &'static str,
        /// The time that it had.
        after: Duration,
    },
    /// It let the last time limit pass, and is not back yet.
    #[error("Redis has not answered lately, and is not waited for at {command}")]
    Unresponsive {
        /// The command.
        command: &'static str,
    },
    /// It has just been started.
    #[error("Redis is still loading its data, at {command}")]
    Loading {
        /// The command.
        command: &'static str,
    },
    /// It is a node of a cluster, and another node holds the key.
    #[error(
        "REDIS_URL leads to one node of a Redis cluster, which does not hold every key ({command}): use an endpoint that \
         routes commands, as ElastiCache Serverless has one, or a Redis without cluster mode"
    )]
    ClusterNode {
        /// The command.
        command: &'static str,
        /// What the node said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file that `SSL_CERT_FILE` names cannot be read.
    #[error("the authorities to trust could not be read")]
    Authorities {
        /// Which file, and why.
        source: io::Error,
    },
    /// No connection, or an answer that is a refusal.
    #[error("Redis failed at {command}")]
    Failed {
        /// The command.
        command: &'static str,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the store said nothing in all its time: then it will not say anything to the next call, either.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unresponsive { .. })
    }
}
