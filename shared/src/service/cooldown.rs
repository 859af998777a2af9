//! The use case "cooldown": whether clients may ask for another sweep.

use domain::{
    cooldown::{Cooldown, Remaining},
    timestamp::Timestamp,
};

use crate::outside::{
    cache::{Cache, StoreError},
    clock::Clock,
};

/// What the cache says about the cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CooldownState {
    /// When the last successful sweep ended, if the cache still has it.
    pub last_refresh: Option<Timestamp>,
    /// What is left of the cooldown; `None` if it is off.
    pub left: Option<Remaining>,
}

impl CooldownState {
    /// Reads the state from the cache: one command, or two during the cooldown. A sweep that ran out of time starts no cooldown.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(cache: &Cache, cooldown: Cooldown, clock: &Clock) -> Result<Self, StoreError> {
        let last_refresh = cache.last_refresh().await?;
        let left = last_refresh.and_then(|at| Some((at, cooldown.remaining(at.instant().to_utc(), clock.now())?)));
        let left = match left {
            Some((at, left)) if !cache.is_incomplete(at).await? => Some(left),
            _ => None,
        };
        Ok(Self { last_refresh, left })
    }
}
