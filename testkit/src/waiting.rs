//! Waiting for conditions.

use std::time::Duration;

use tokio::time::{sleep, timeout as within};

/// The time between two checks of a condition.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long anything started here may take before it counts as hanging. It is long, because the machine may be loaded and
/// only failing tests wait this long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `condition` holds, checking it every 10 ms, and panics with the description `what` after `timeout`.
///
/// The timeout also applies to a condition that hangs.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
///
/// let mut checks = 0;
/// testkit::eventually("the third check succeeds", Duration::from_secs(1), async || {
///     checks += 1;
///     checks == 3
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
    assert!(in_time, "timed out after {timeout:?} waiting for this: {what}");
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_condition_is_polled_until_it_holds() {
        let mut checks = 0;
        eventually("the condition is checked three times", PATIENCE, async || {
            checks += 1;
            checks == 3
        })
        .await;
        assert_eq!(checks, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "timed out after 30ms waiting for this: pigs fly")]
    async fn a_condition_that_never_holds_panics_with_its_description() {
        eventually("pigs fly", Duration::from_millis(30), async || false).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the call came back")]
    async fn a_hanging_condition_times_out() {
        eventually("the call came back", Duration::from_millis(30), async || pending().await).await;
    }
}
