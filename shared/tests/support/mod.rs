//! What the tests stand on: both caches, and a clock that they hold.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use emptyclassroom::outside::{
    cache::{MemoryStore, RedisStore, Store},
    clock::Clock,
};
use secrecy::SecretString;
use testkit::RedisServer;

/// A clock that shows what the test says.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<DateTime<Utc>>>);

impl TestClock {
    pub(crate) fn at(now: &str) -> Self {
        Self(Arc::new(Mutex::new(now.parse().unwrap())))
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::new(chrono_tz::America::New_York, move || *now.lock().unwrap())
    }
}

/// Which cache a test runs over.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    Memory,
    Redis,
}

/// A store, and the server behind it, if there is one.
pub(crate) struct TestStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) redis: Option<RedisServer>,
}

impl Backend {
    pub(crate) async fn start(self, clock: Clock) -> TestStore {
        match self {
            Self::Memory => TestStore { store: Arc::new(MemoryStore::new(clock)), redis: None },
            Self::Redis => {
                emptyclassroom::install_tls();
                let redis = RedisServer::start().await;
                let store =
                    RedisStore::new(&SecretString::from(redis.url()), std::time::Duration::from_secs(2)).unwrap();
                TestStore { store: Arc::new(store), redis: Some(redis) }
            }
        }
    }
}

/// Makes each function `async fn name(backend: Backend)` two tests, one over each cache.
macro_rules! over_both_caches {
    ($($name:ident,)*) => {
        mod over_memory {
            $(#[tokio::test] async fn $name() { super::$name(super::support::Backend::Memory).await })*
        }
        mod over_redis {
            $(#[tokio::test] async fn $name() { super::$name(super::support::Backend::Redis).await })*
        }
    };
}
