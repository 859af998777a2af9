//! The interface of a cache store: values that expire, and a lock.

use std::{error::Error, fmt, io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::fencing::FencingToken;

/// A store of values that expire. Each call concerns one key, because the keys of a clustered Redis are in different slots. Each
/// is safe to repeat and ends in bounded time.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Returns the value, if there is one that has not expired.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Stores a value for `ttl`, replacing any other.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), StoreError>;

    /// Stores a value for `ttl`, unless the present one has a higher, credible fencing token. Returns whether it did.
    async fn put_fenced(
        &self,
        key: &str,
        value: Bytes,
        fencing_token: FencingToken,
        ttl: Duration,
    ) -> Result<bool, StoreError>;

    /// Compare-and-set: stores a value for `ttl`, unless there is a value other than `old`. Returns whether it did.
    async fn replace(&self, key: &str, old: Option<&Bytes>, value: Bytes, ttl: Duration) -> Result<bool, StoreError>;

    /// Deletes a value.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Returns the time until the value expires; `None` if there is none.
    async fn time_left(&self, key: &str) -> Result<Option<Duration>, StoreError>;

    /// Takes the lock `key` for `ttl` under `token`. Returns a fencing token higher than that of any earlier holder; `None` if
    /// another token holds the lock.
    async fn lock(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError>;

    /// Renews the lock for another `ttl`. Returns the time of the store's own clock; `None` if `token` no longer holds the lock.
    async fn renew(&self, key: &str, token: &str, ttl: Duration) -> Result<Option<FencingToken>, StoreError>;

    /// Releases the lock, if `token` still holds it.
    async fn unlock(&self, key: &str, token: &str) -> Result<(), StoreError>;
}

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No response in time, reconnecting included.
    #[error("Redis did not answer {command} within {} s", after.as_secs_f64())]
    TimedOut {
        /// The command.
        command: &'static str,
        /// The time limit.
        after: Duration,
    },
    /// An earlier command timed out, and Redis has not responded since.
    #[error("Redis is not responding, so {command} was not sent")]
    Unresponsive {
        /// The command.
        command: &'static str,
    },
    /// Redis has just started.
    #[error("Redis is still loading its data ({command})")]
    Loading {
        /// The command.
        command: &'static str,
    },
    /// Redis is a cluster node, and another node holds the key.
    #[error(
        "REDIS_URL leads to one node of a Redis cluster, which does not hold every key ({command}); use an endpoint that \
         routes commands, such as that of ElastiCache Serverless, or a Redis without cluster mode"
    )]
    ClusterNode {
        /// The command.
        command: &'static str,
        /// The node's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file that `SSL_CERT_FILE` names cannot be read.
    #[error("the trusted certificate authorities could not be read")]
    Authorities {
        /// The file and the reason.
        source: io::Error,
    },
    /// No connection, or an error response.
    #[error("Redis {command} failed")]
    Failed {
        /// The command.
        command: &'static str,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Returns whether the store did not respond in time. Another call would most likely time out too.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unresponsive { .. })
    }
}
