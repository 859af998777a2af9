//! A function behind API Gateway and its Redis: what it answers to events, and how fast.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Function;
use crate::{event::event, proxy::Proxy, response::TestResponse};

/// REDIS_TIMEOUT in the functions' tests: a call of Redis ends within it, its retry included.
pub const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// What an answer may take beyond that.
pub const GRACE: Duration = Duration::from_millis(500);

impl Function {
    /// The response to an event of API Gateway, in payload format 2.0.
    pub async fn answer(&self, event: impl Into<Value>) -> TestResponse {
        TestResponse::of_gateway(&self.invoke(event.into()).await.unwrap())
    }

    /// The response to the event of that name in `events/`.
    pub async fn answer_to(&self, name: &str) -> TestResponse {
        self.answer(event(name)).await
    }

    /// Freezes the function as Lambda does between two events, for so long that the network forgets its connection to Redis
    /// without telling either side. New connections work.
    pub fn freeze_until_redis_connection_is_lost(&self, network: &Proxy) {
        self.process().pause();
        network.cut();
        network.restore();
        self.process().resume();
    }

    /// The responses to that event twice: the first may be slow, within the limit, and the second may not.
    pub async fn one_slow_answer_at_most(&self, name: &str) -> [TestResponse; 2] {
        let start = Instant::now();
        let first = self.answer_to(name).await;
        assert!(start.elapsed() < REDIS_TIMEOUT + GRACE, "{:?}", start.elapsed());
        let start = Instant::now();
        let second = self.answer_to(name).await;
        // Half of REDIS_TIMEOUT is what a dead connection costs.
        assert!(start.elapsed() < REDIS_TIMEOUT / 2, "{:?}", start.elapsed());
        [first, second]
    }
}
