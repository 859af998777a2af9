//! Both caches, for tests that run with each: `#[values(Memory, Redis)] backend: Backend`.

use std::{fmt, sync::Arc, time::Duration};

use emptyclassroom::outside::{
    cache::{MemoryStore, RedisStore, Store},
    clock::Clock,
};
use secrecy::SecretString;

use crate::redis_server::RedisServer;

/// The cache that a test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The embedded cache.
    Memory,
    /// A separate redis-server for the test.
    Redis,
}

/// A store, and its server if it has one.
pub struct TestStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its redis-server, which stops when this value is dropped.
    pub redis: Option<RedisServer>,
}

impl fmt::Debug for TestStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TestStore").field("redis", &self.redis).finish_non_exhaustive()
    }
}

impl Backend {
    /// Starts an empty store. The embedded one uses this clock; Redis uses its own.
    pub async fn start(self, clock: Clock) -> TestStore {
        match self {
            Self::Memory => TestStore { store: Arc::new(MemoryStore::new(clock)), redis: None },
            Self::Redis => {
                emptyclassroom::install_tls();
                let redis = RedisServer::start().await;
                let store = RedisStore::new(&SecretString::from(redis.url()), Duration::from_secs(2)).unwrap();
                TestStore { store: Arc::new(store), redis: Some(redis) }
            }
        }
    }
}
