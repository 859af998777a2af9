//! What the service does: it reads snapshots, refreshes them and reports its health. [`Service::build`] puts it together, the
//! same for every deployment and every test.

pub mod cooldown;
pub mod health;
pub mod last_good;
pub mod read;
pub mod refresh;

use std::sync::Arc;

use self::{
    last_good::LastGood,
    read::Reader,
    refresh::{Pace, Refresher, Sweeper},
};
use crate::{
    config::{Config, ConfigError, Deployment},
    outside::{
        cache::{Cache, Fingerprint, Store},
        clock::Clock,
        events::EventBus,
        metrics::Metrics,
        twenty_five_live::TwentyFiveLive,
    },
};

/// What every program needs: the configuration, the time, the cache and the metrics.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The configuration.
    pub config: Arc<Config>,
    /// The time at the campus.
    pub clock: Clock,
    /// The cache.
    pub cache: Cache,
    /// Where measurements are collected.
    pub metrics: Metrics,
}

impl Dependencies {
    /// Creates the dependencies around a store.
    #[must_use]
    pub fn new(config: Config, clock: Clock, store: Arc<dyn Store>) -> Self {
        let cache = Cache::new(
            store,
            &config.redis_prefix,
            Fingerprint::new(&config.campus, config.min_gap),
            config.cache_expiry,
        );
        Self { config: Arc::new(config), clock, cache, metrics: Metrics::default() }
    }
}

/// The service: reading and refreshing.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its dependencies.
    pub deps: Arc<Dependencies>,
    /// Serves snapshots.
    pub reader: Arc<Reader>,
    /// Fills the cache.
    pub refresher: Arc<Refresher>,
}

impl Service {
    /// Builds the service. Each sweep is reported to `events`.
    ///
    /// # Errors
    /// `API_URL` is not set.
    pub fn build(deps: impl Into<Arc<Dependencies>>, events: Option<Arc<dyn EventBus>>) -> Result<Self, ConfigError> {
        let deps = deps.into();
        let Config { upstream_timeout, upstream_concurrency, .. } = *deps.config;
        let url = deps.config.required_api_url()?;
        let upstream = TwentyFiveLive::new(url, upstream_timeout, upstream_concurrency);
        let last_good = Arc::new(LastGood::default());
        let refresher = Arc::new(Refresher::new(Sweeper {
            cache: deps.cache.clone(),
            upstream,
            campus: deps.config.campus.clone(),
            min_gap: deps.config.min_gap,
            simulated: deps.config.simulated,
            cooldown: deps.config.cooldown,
            sweep_timeout: deps.config.sweep_timeout,
            clock: deps.clock.clone(),
            last_good: Arc::clone(&last_good),
            events,
            metrics: deps.metrics.clone(),
        }));
        let reader = Reader {
            cache: deps.cache.clone(),
            refresher: Arc::clone(&refresher),
            pace: match deps.config.deployment {
                Deployment::Lambda => Pace::Reader,
                Deployment::Local => Pace::Background,
            },
            clock: deps.clock.clone(),
            last_good,
            metrics: deps.metrics.clone(),
        };
        Ok(Self { deps, reader: Arc::new(reader), refresher })
    }
}
