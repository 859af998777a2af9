//! Waiting for conditions.

use std::time::Duration;

use tokio::time::{sleep, timeout as within};

/// Time between two looks at a condition.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long anything started here may take before it counts as hanging: long, for a loaded machine, as it is waited out
/// only by tests that fail.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `condition` holds, looking every 10 ms, and panics with the sentence `what` when `timeout` runs out first.
///
/// The time limit holds for a condition that hangs, too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
///
/// let mut looks = 0;
/// testkit::eventually("the third look is the charm", Duration::from_secs(1), async || {
///     looks += 1;
///     looks == 3
/// })
/// .await;
/// # }
/// ```
pub async fn eventually(what: &str, timeout: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let polling = async {
        while !condition().await {
            sleep(POLL_INTERVAL).await;
        }
    };
    let in_time = within(timeout, polling).await.is_ok();
    assert!(in_time, "still not so after {timeout:?}: {what}");
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_condition_is_polled_until_it_holds() {
        let mut looks = 0;
        eventually("there were three looks", PATIENCE, async || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "still not so after 30ms: pigs fly")]
    async fn a_condition_that_never_holds_panics_with_its_sentence() {
        eventually("pigs fly", Duration::from_millis(30), async || false).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the call came back")]
    async fn a_hanging_condition_times_out() {
        eventually("the call came back", Duration::from_millis(30), async || pending().await).await;
    }
}
