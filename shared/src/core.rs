//! The service put together, the same for every home and every test.

use std::sync::Arc;

use crate::{
    cache::{Cache, Store},
    cached_snapshot::Origin,
    clock::Clock,
    config::Config,
    metrics::Metrics,
};

/// What every program has: the configuration, the time and the cache.
#[derive(Clone, Debug)]
pub struct Core {
    /// The configuration.
    pub config: Arc<Config>,
    /// What time it is at the campus.
    pub clock: Clock,
    /// The cache.
    pub cache: Cache,
    /// What is measured.
    pub metrics: Metrics,
}

impl Core {
    /// The core around a store.
    #[must_use]
    pub fn new(config: Config, clock: Clock, store: Arc<dyn Store>) -> Self {
        let cache = Cache::new(store, Origin::new(&config.campus, config.min_gap), config.cache_expiry);
        Self { config: Arc::new(config), clock, cache, metrics: Metrics::default() }
    }
}

#[cfg(feature = "twenty-five-live")]
pub use self::service::{BuildError, Service};

#[cfg(feature = "twenty-five-live")]
mod service {
    use std::sync::Arc;

    use super::Core;
    use crate::{
        config::ConfigError,
        events::EventBus,
        last_good::LastGood,
        read::Reader,
        refresh::{Refresher, Sweeper},
        twenty_five_live::{TwentyFiveLive, UpstreamError},
    };

    /// The core and the use cases that sweep.
    #[derive(Clone, Debug)]
    pub struct Service {
        /// What it stands on.
        pub core: Core,
        /// Answers with snapshots.
        pub reader: Arc<Reader>,
        /// Fills the cache.
        pub refresher: Arc<Refresher>,
    }

    /// Why a service could not be built.
    #[derive(Debug, thiserror::Error)]
    pub enum BuildError {
        /// Something is not set.
        #[error(transparent)]
        Config(#[from] ConfigError),
        /// No client of 25Live.
        #[error("the client of 25Live could not be set up")]
        Upstream(#[source] UpstreamError),
    }

    impl Service {
        /// The service on a core; `events` are told of each sweep.
        ///
        /// # Errors
        /// No `API_URL`, or no TLS.
        pub fn build(core: Core, events: Option<Arc<dyn EventBus>>) -> Result<Self, BuildError> {
            let url = core.config.required_api_url()?;
            let (timeout, concurrency) = (core.config.upstream_timeout, core.config.upstream_concurrency);
            let upstream = TwentyFiveLive::new(url, timeout, concurrency).map_err(BuildError::Upstream)?;
            let last_good = Arc::new(LastGood::default());
            let refresher = Arc::new(Refresher::new(Sweeper {
                cache: core.cache.clone(),
                upstream,
                campus: core.config.campus.clone(),
                min_gap: core.config.min_gap,
                cooldown: core.config.cooldown,
                clock: core.clock.clone(),
                last_good: Arc::clone(&last_good),
                events,
                metrics: core.metrics.clone(),
            }));
            let reader = Reader {
                cache: core.cache.clone(),
                refresher: Arc::clone(&refresher),
                clock: core.clock.clone(),
                last_good,
                metrics: core.metrics.clone(),
            };
            Ok(Self { core, reader: Arc::new(reader), refresher })
        }
    }
}
