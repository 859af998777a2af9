//! A function behind API Gateway, with its Redis: its responses to events, and their speed.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Function;
use crate::{event::event, proxy::Proxy, response::TestResponse};

/// REDIS_TIMEOUT in the functions' tests. Every Redis call, its retry included, ends within it.
pub const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that a response may take beyond REDIS_TIMEOUT.
pub const GRACE: Duration = Duration::from_millis(500);

impl Function {
    /// Returns the response to an API Gateway event in payload format 2.0.
    pub async fn answer(&self, event: impl Into<Value>) -> TestResponse {
        TestResponse::of_gateway(&self.invoke(event.into()).await.unwrap())
    }

    /// Returns the response to the event with this name in `events/`.
    pub async fn answer_to(&self, name: &str) -> TestResponse {
        self.answer(event(name)).await
    }

    /// Freezes the function, as Lambda does between events, until the network has lost its connection to Redis without
    /// either side noticing. New connections work.
    pub fn freeze_until_redis_connection_is_lost(&self, network: &Proxy) {
        self.process().pause();
        network.cut();
        network.restore();
        self.process().resume();
    }

    /// Sends the event twice and returns both responses. Only the first may be slow, within the limit.
    pub async fn one_slow_answer_at_most(&self, name: &str) -> [TestResponse; 2] {
        let start = Instant::now();
        let first = self.answer_to(name).await;
        assert!(start.elapsed() < REDIS_TIMEOUT + GRACE, "{:?}", start.elapsed());
        let start = Instant::now();
        let second = self.answer_to(name).await;
        // A dead connection costs half of REDIS_TIMEOUT.
        assert!(start.elapsed() < REDIS_TIMEOUT / 2, "{:?}", start.elapsed());
        [first, second]
    }
}
