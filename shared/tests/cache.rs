//! The behavior of a store, tested over both stores, and of the Redis store over a network that fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::TimeDelta;
use emptyclassroom::{
    domain::{bookings::BookingsByRoom, campus::Campus, snapshot::Snapshot, timestamp::Timestamp},
    error_chain,
    outside::cache::{
        Cache, CachedSnapshot, FencingToken, Fingerprint, Found, Lease, PublishError, RedisStore, Store, StoreError,
    },
};
use rstest::rstest;
use secrecy::SecretString;
use testkit::{
    Backend::{self, Memory, Redis},
    Proxy, RedisServer, TestClock, TestStore, eventually,
};

const NOON: &str = "2026-03-03T17:00:00Z";
const LONG: Duration = Duration::from_mins(1);

async fn start(backend: Backend) -> (TestStore, TestClock) {
    let clock = TestClock::at(NOON);
    (backend.start(clock.clock()).await, clock)
}

#[rstest]
#[tokio::test]
async fn a_value_is_kept_until_it_is_replaced_or_deleted(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    assert_eq!(store.get("k").await.unwrap(), None);
    store.put("k", "one".into(), LONG).await.unwrap();
    store.put("k", "two".into(), LONG).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap(), "two");
    store.delete("k").await.unwrap();
    store.delete("k").await.unwrap();
    assert_eq!(store.get("k").await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_value_expires(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, clock) = start(backend).await;
    assert_eq!(store.time_left("k").await.unwrap(), None);
    store.put("k", "soon gone".into(), Duration::from_millis(300)).await.unwrap();
    let left = store.time_left("k").await.unwrap().unwrap();
    assert!(left <= Duration::from_millis(300), "{left:?}");
    // Redis uses its own clock; the embedded store uses the test's.
    clock.advance(TimeDelta::milliseconds(300));
    eventually("the value expires", Duration::from_secs(5), async || store.get("k").await.unwrap().is_none()).await;
    assert_eq!(store.time_left("k").await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_value_may_be_any_bytes(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let bytes = Bytes::from((0..=255).cycle().take(1_000_000).collect::<Vec<u8>>());
    store.put("k", bytes.clone(), LONG).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap(), bytes);
    store.put("k", Bytes::new(), LONG).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().unwrap(), "");
}

#[rstest]
#[tokio::test]
async fn a_lock_has_one_holder(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    assert!(store.lock("lock", "a", LONG).await.unwrap().is_some());
    assert_eq!(store.lock("lock", "b", LONG).await.unwrap(), None);
    assert_eq!(store.get("lock").await.unwrap().unwrap(), "a");
}

#[rstest]
#[tokio::test]
async fn a_lock_expires(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, clock) = start(backend).await;
    store.lock("lock", "a", Duration::from_millis(300)).await.unwrap().unwrap();
    clock.advance(TimeDelta::milliseconds(300));
    eventually("another holder gets the lock", Duration::from_secs(5), async || {
        store.lock("lock", "b", LONG).await.unwrap().is_some()
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_lock_is_released_only_by_its_holder(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    store.lock("lock", "a", LONG).await.unwrap().unwrap();
    store.unlock("lock", "b").await.unwrap();
    assert!(store.time_left("lock").await.unwrap().is_some());
    store.unlock("lock", "a").await.unwrap();
    assert!(store.time_left("lock").await.unwrap().is_none());
    store.unlock("lock", "a").await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_holder_of_a_lock_can_take_it_again(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    store.lock("lock", "a", LONG).await.unwrap().unwrap();
    assert!(
        store.lock("lock", "a", LONG).await.unwrap().is_some(),
        "a command may be repeated after its response was lost"
    );
}

#[rstest]
#[tokio::test]
async fn a_later_lock_holder_gets_a_higher_fencing_token(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let mut last = FencingToken::from_micros(0);
    for holder in 0..5 {
        let fencing_token = store.lock("lock", &holder.to_string(), LONG).await.unwrap().unwrap();
        assert!(fencing_token > last);
        last = fencing_token;
        store.unlock("lock", &holder.to_string()).await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn a_lower_fencing_token_never_replaces_a_newer_value(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let put = async |micros: u64| {
        let fencing_token = FencingToken::from_micros(micros);
        let value = snapshot("2026-03-03", fencing_token).to_value();
        (value.clone(), store.put_fenced("k", value, fencing_token, LONG).await.unwrap())
    };
    let fences = [1_772_550_000_000_001, 1_772_550_000_000_002];
    assert!(put(fences[0]).await.1);
    let (newer, kept) = put(fences[1]).await;
    assert!(kept);
    assert!(put(fences[1]).await.1, "a command may be repeated after its response was lost");
    assert!(!put(fences[0]).await.1);
    assert_eq!(store.get("k").await.unwrap().unwrap(), newer);
    store.put("k", "another program's".into(), LONG).await.unwrap();
    assert!(put(fences[0]).await.1);
}

#[rstest]
#[tokio::test]
async fn a_fencing_token_far_ahead_of_the_caches_clock_is_replaced(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let now = store.lock("lock", "me", LONG).await.unwrap().unwrap();
    let put = async |fencing_token: FencingToken| {
        let value = snapshot("2026-03-03", fencing_token).to_value();
        store.put_fenced("k", value, fencing_token, LONG).await.unwrap()
    };
    // An hour ahead: damaged, or from a Redis whose clock was ahead. 30 s is normal clock skew between machines.
    for (ahead, kept) in [(3_600_000_000, true), (30_000_000, false)] {
        store.delete("k").await.unwrap();
        assert!(put(FencingToken::from_micros(now.micros() + ahead)).await);
        assert_eq!(put(now).await, kept, "{ahead}");
    }
}

#[rstest]
#[tokio::test]
async fn compare_and_set_replaces_only_the_expected_value(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let (one, two, three) = (Bytes::from("one"), Bytes::from("two"), Bytes::from("three"));
    assert!(store.replace("k", None, one.clone(), LONG).await.unwrap());
    assert!(store.replace("k", Some(&one), two.clone(), LONG).await.unwrap());
    assert!(!store.replace("k", Some(&one), three.clone(), LONG).await.unwrap());
    assert!(!store.replace("k", None, three.clone(), LONG).await.unwrap());
    assert_eq!(store.get("k").await.unwrap().unwrap(), two);
    // A deleted value does not count as a newer one.
    store.delete("k").await.unwrap();
    assert!(store.replace("k", Some(&two), three, LONG).await.unwrap());
    let left = store.time_left("k").await.unwrap().unwrap();
    assert!(left > LONG / 2 && left <= LONG, "{left:?}");
}

#[rstest]
#[tokio::test]
async fn concurrent_lock_attempts_have_one_winner(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let tasks: Vec<_> = (0..50)
        .map(|holder| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.lock("lock", &holder.to_string(), LONG).await.unwrap().is_some() })
        })
        .collect();
    let mut holders = 0;
    for task in tasks {
        holders += usize::from(task.await.unwrap());
    }
    assert_eq!(holders, 1);
}

fn campus() -> Campus {
    Campus::built_in()
}

fn fingerprint() -> Fingerprint {
    Fingerprint::new(&campus(), 28)
}

fn snapshot(date: &str, fencing_token: FencingToken) -> CachedSnapshot {
    let at = Timestamp::parse("2026-03-03T12:00:00.000000-05:00").unwrap();
    let snapshot = Snapshot::new(&campus(), 28, date.parse().unwrap(), at, &BookingsByRoom::new(), None);
    CachedSnapshot::render(&snapshot, &campus(), 0, fencing_token, &fingerprint())
}

/// Renders a snapshot of a day for the sweep that holds the lease.
fn render(cache: &Cache, lease: &Lease, date: &str) -> CachedSnapshot {
    let at = Timestamp::parse("2026-03-03T12:00:00.000000-05:00").unwrap();
    let snapshot = Snapshot::new(&campus(), 28, date.parse().unwrap(), at, &BookingsByRoom::new(), None);
    cache.render(&snapshot, &campus(), 0, lease)
}

fn cache(store: &Arc<dyn Store>) -> Cache {
    Cache::new(Arc::clone(store), "classrooms", fingerprint(), Duration::from_hours(24))
}

#[rstest]
#[tokio::test]
async fn publishing_stores_every_day_and_the_last_refresh(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    let days = [render(&cache, &lease, "2026-03-03"), render(&cache, &lease, "2026-03-04")];
    cache.publish(&lease, days[0].date, &days).await.unwrap();
    cache.release(lease).await.unwrap();
    assert_eq!(cache.availability().await.unwrap(), Found::Snapshot(days[0].clone()));
    for day in &days {
        assert_eq!(cache.reserve(day.date).await.unwrap().as_ref(), Some(day));
    }
    assert_eq!(cache.last_refresh().await.unwrap(), Some(days[0].last_updated));
    assert!(!cache.is_leased().await.unwrap());
    if let Some(redis) = redis {
        assert_eq!(redis.command(&["GET", "classrooms:last_refresh"]).await, "2026-03-03T12:00:00.000000-05:00");
        for (key, hours) in [
            ("classrooms:availability", 24),
            ("classrooms:availability:2026-03-04", 72),
            ("classrooms:last_refresh", 24),
        ] {
            let ttl: i64 = redis.command(&["TTL", key]).await.parse().unwrap();
            assert!((hours * 3600 - 60..=hours * 3600).contains(&ttl), "{key}: {ttl}");
        }
        assert_eq!(redis.command(&["DBSIZE"]).await, "4");
    }
}

#[rstest]
#[tokio::test]
async fn two_prefixes_on_one_store_share_nothing(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let [one, other] =
        ["one", "other"].map(|prefix| Cache::new(Arc::clone(&store), prefix, fingerprint(), Duration::from_hours(24)));
    let lease = one.lease().await.unwrap().unwrap();
    let days = [render(&one, &lease, "2026-03-03"), render(&one, &lease, "2026-03-04")];
    one.publish(&lease, days[0].date, &days).await.unwrap();
    one.mark_failed(&lease, Timestamp::parse(NOON).unwrap()).await.unwrap();
    assert_eq!(other.availability().await.unwrap(), Found::Nothing);
    assert_eq!(other.reserve(days[1].date).await.unwrap(), None);
    assert_eq!((other.last_refresh().await.unwrap(), other.backoff().await.unwrap()), (None, None));
    assert!(other.lease().await.unwrap().is_some(), "each prefix has its own lock");
    other.invalidate().await.unwrap();
    assert_eq!(one.availability().await.unwrap(), Found::Snapshot(days[0].clone()));
    assert!(one.is_leased().await.unwrap() && one.backoff().await.unwrap().is_some());
}

#[rstest]
#[tokio::test]
async fn a_sweep_without_its_lock_publishes_nothing(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, clock) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    // The lock expires, and another process gets it.
    clock.advance(TimeDelta::seconds(61));
    store.delete("classrooms:refresh_lock").await.unwrap();
    let other = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &lease, "2026-03-03");
    let error = cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap_err();
    assert!(matches!(error, PublishError::Superseded), "{error}");
    assert_eq!(cache.reserve(day.date).await.unwrap(), None);
    assert_eq!(cache.availability().await.unwrap(), Found::Nothing);
    assert_eq!(cache.last_refresh().await.unwrap(), None);
    cache.publish(&other, day.date, &[day]).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_lock_is_renewed_only_by_its_holder(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    assert_eq!(store.renew("lock", "mine", LONG).await.unwrap(), None, "the lock is not held");
    let taken = store.lock("lock", "mine", Duration::from_secs(1)).await.unwrap().unwrap();
    assert!(store.renew("lock", "mine", LONG).await.unwrap().unwrap() >= taken);
    assert!(store.time_left("lock").await.unwrap().unwrap() > Duration::from_secs(30));
    assert_eq!(store.renew("lock", "another's", LONG).await.unwrap(), None);
    assert_eq!(store.lock("lock", "another's", LONG).await.unwrap(), None, "the lock is still held");
}

#[tokio::test]
async fn a_sweep_of_many_minutes_is_published_if_it_renewed_its_lock() {
    let (TestStore { store, .. }, clock) = start(Backend::Memory).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    for _ in 0..30 {
        clock.advance(TimeDelta::seconds(20));
        cache.renew(&lease).await.unwrap();
        assert!(cache.lease().await.unwrap().is_none(), "no other process may sweep");
    }
    // An evicted lock is taken again before its expiry time.
    store.delete("classrooms:refresh_lock").await.unwrap();
    clock.advance(TimeDelta::seconds(20));
    let day = render(&cache, &lease, "2026-03-03");
    cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    assert_eq!(cache.availability().await.unwrap(), Found::Snapshot(day));
    // The machine was suspended for an hour.
    clock.advance(TimeDelta::hours(1));
    let error = cache.renew(&lease).await.unwrap_err();
    assert!(matches!(error, PublishError::Superseded), "{error}");
}

#[rstest]
#[tokio::test]
async fn first_results_are_readable_and_do_not_count_as_a_refresh(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &lease, "2026-03-03");
    cache.publish_snapshots(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    assert_eq!(cache.availability().await.unwrap(), Found::Snapshot(day.clone()));
    assert_eq!(cache.reserve(day.date).await.unwrap().as_ref(), Some(&day));
    assert_eq!(cache.last_refresh().await.unwrap(), None);
    cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    assert_eq!(cache.last_refresh().await.unwrap(), Some(day.last_updated));
    assert!(!cache.is_incomplete(day.last_updated).await.unwrap());
    cache.release(lease).await.unwrap();
    let lease = cache.lease().await.unwrap().unwrap();
    cache.publish_incomplete(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    assert!(cache.is_incomplete(day.last_updated).await.unwrap());
    assert!(
        !cache.is_incomplete(Timestamp::parse(NOON).unwrap()).await.unwrap(),
        "the mark is only for its own refresh"
    );
}

#[rstest]
#[tokio::test]
async fn a_lock_evicted_before_its_expiry_is_taken_again(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &lease, "2026-03-03");
    store.delete("classrooms:refresh_lock").await.unwrap();
    cache.mark_failed(&lease, Timestamp::parse(NOON).unwrap()).await.unwrap();
    assert!(cache.backoff().await.unwrap().is_some());
    store.delete("classrooms:refresh_lock").await.unwrap();
    cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    assert_eq!(cache.availability().await.unwrap(), Found::Snapshot(day));
    assert!(cache.is_leased().await.unwrap(), "no other process may sweep until the lock is released");
    // After another sweep it is not taken again.
    store.put("classrooms:last_refresh", "2026-03-03T12:00:01.000000-05:00".into(), LONG).await.unwrap();
    store.delete("classrooms:refresh_lock").await.unwrap();
    let error = cache.mark_failed(&lease, Timestamp::parse(NOON).unwrap()).await.unwrap_err();
    assert!(matches!(error, PublishError::Superseded), "{error}");
    cache.release(lease).await.unwrap();
    assert!(!cache.is_leased().await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_superseded_sweep_does_not_remove_the_incomplete_mark_of_another(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    store.delete("classrooms:refresh_lock").await.unwrap();
    let other = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &other, "2026-03-03");
    cache.publish_incomplete(&other, day.date, std::slice::from_ref(&day)).await.unwrap();
    cache.release(other).await.unwrap();
    let mut late = render(&cache, &lease, "2026-03-03");
    late.last_updated = Timestamp::parse("2026-03-03T12:00:05-05:00").unwrap();
    assert!(cache.publish_incomplete(&lease, late.date, &[late]).await.is_err());
    assert!(cache.is_incomplete(day.last_updated).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn a_superseded_sweep_publishes_nothing_and_keeps_no_lock(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    store.delete("classrooms:refresh_lock").await.unwrap();
    let other = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &other, "2026-03-03");
    cache.publish(&other, day.date, std::slice::from_ref(&day)).await.unwrap();
    cache.release(other).await.unwrap();
    let late = render(&cache, &lease, "2026-03-03");
    for _ in 0..2 {
        let error = cache.publish(&lease, late.date, std::slice::from_ref(&late)).await.unwrap_err();
        assert!(matches!(error, PublishError::Superseded), "{error}");
        assert!(!cache.is_leased().await.unwrap());
    }
    assert!(cache.mark_failed(&lease, Timestamp::parse(NOON).unwrap()).await.is_err());
    assert_eq!((cache.backoff().await.unwrap(), cache.availability().await.unwrap()), (None, Found::Snapshot(day)));
}

#[tokio::test]
async fn an_expired_lock_is_not_taken_again() {
    let (TestStore { store, .. }, clock) = start(Backend::Memory).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &lease, "2026-03-03");
    // The machine was suspended, so the process's monotonic clock did not advance.
    clock.advance(TimeDelta::hours(8));
    let error = cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap_err();
    assert!(matches!(error, PublishError::Superseded), "{error}");
    assert!(!cache.is_leased().await.unwrap());
}

#[rstest]
#[tokio::test]
async fn invalidating_keeps_the_reserve(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let lease = cache.lease().await.unwrap().unwrap();
    let day = render(&cache, &lease, "2026-03-03");
    cache.publish(&lease, day.date, std::slice::from_ref(&day)).await.unwrap();
    cache.invalidate().await.unwrap();
    assert_eq!(cache.availability().await.unwrap(), Found::Nothing);
    assert_eq!(cache.last_refresh().await.unwrap(), None);
    assert_eq!(cache.reserve(day.date).await.unwrap(), Some(day));
}

#[rstest]
#[tokio::test]
async fn a_malformed_cached_value_counts_as_absent(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let cache = cache(&store);
    let whole = snapshot("2026-03-03", FencingToken::from_micros(1)).to_value();
    let malformed =
        [Bytes::from("null"), Bytes::from("\u{0}"), Bytes::from(r#"{"version":7}"#), whole.slice(..whole.len() / 2)];
    for value in malformed {
        store.put("classrooms:availability", value.clone(), LONG).await.unwrap();
        assert_eq!(cache.availability().await.unwrap(), Found::Unusable, "{value:?}");
    }
    store.put("classrooms:availability", whole, LONG).await.unwrap();
    assert!(cache.availability().await.unwrap().into_snapshot().is_some());
    store.put("classrooms:last_refresh", "yesterday".into(), LONG).await.unwrap();
    assert_eq!(cache.last_refresh().await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_cached_value_of_another_day_counts_as_absent(#[values(Memory, Redis)] backend: Backend) {
    let (TestStore { store, redis: _redis }, _) = start(backend).await;
    let (cache, day) = (cache(&store), snapshot("2026-03-03", FencingToken::from_micros(1)));
    let value = day.to_value();
    for key in ["classrooms:availability:2026-03-03", "classrooms:availability:2026-03-04"] {
        store.put(key, value.clone(), LONG).await.unwrap();
    }
    assert_eq!(cache.reserve(day.date).await.unwrap(), Some(day.clone()));
    assert_eq!(cache.reserve(day.date.succ_opt().unwrap()).await.unwrap(), None);
}

fn redis_store(url: &str, timeout: Duration) -> RedisStore {
    emptyclassroom::install_tls();
    RedisStore::new(&SecretString::from(url), timeout).unwrap()
}

#[tokio::test]
async fn after_a_redis_restart_the_first_command_succeeds() {
    let mut redis = RedisServer::start().await;
    let store = redis_store(&redis.url(), Duration::from_secs(2));
    store.put("k", "v".into(), LONG).await.unwrap();
    redis.stop().await;
    assert!(store.get("k").await.is_err());
    redis.restart().await;
    assert_eq!(store.get("k").await.unwrap(), None, "the first command after a restart succeeds");
}

#[tokio::test]
async fn a_silently_dead_connection_causes_one_slow_command_and_no_error() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.addr()).await;
    let store = redis_store(&format!("redis://{}", proxy.addr()), Duration::from_secs(2));
    store.put("k", "v".into(), LONG).await.unwrap();
    proxy.cut();
    proxy.restore();
    let start = Instant::now();
    assert_eq!(store.get("k").await.unwrap().unwrap(), "v");
    assert!(start.elapsed() < Duration::from_secs(2));
    let again = Instant::now();
    assert_eq!(store.get("k").await.unwrap().unwrap(), "v");
    assert!(again.elapsed() < start.elapsed() / 2, "only the first command is slow");
}

#[tokio::test]
async fn no_command_outlasts_redis_timeout_with_a_hundred_callers() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.addr()).await;
    let limit = Duration::from_millis(500);
    let store = Arc::new(redis_store(&format!("redis://{}", proxy.addr()), limit));
    store.get("k").await.unwrap();
    proxy.cut();
    let start = Instant::now();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.get("k").await })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::TimedOut { .. }), "{}", error_chain(&error));
    }
    let elapsed = start.elapsed();
    assert!(elapsed < limit + Duration::from_millis(500), "{elapsed:?}");
    proxy.restore();
    assert_eq!(store.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn under_steady_load_a_slow_reconnect_to_redis_succeeds() {
    let redis = RedisServer::start_with(&["--requirepass", "x"]).await;
    let proxy = Proxy::start(redis.addr()).await;
    let store = Arc::new(redis_store(&format!("redis://:x@{}", proxy.addr()), Duration::from_secs(1)));
    store.put("k", "v".into(), LONG).await.unwrap();
    // Connecting takes longer than the interval between callers.
    proxy.delay(Duration::from_millis(100));
    let (asking, found) = (Arc::clone(&store), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&found);
    let load = tokio::spawn(async move {
        loop {
            let (store, found) = (Arc::clone(&asking), Arc::clone(&counter));
            tokio::spawn(async move {
                if store.get("k").await.is_ok_and(|value| value.is_some()) {
                    found.fetch_add(1, Ordering::Relaxed);
                }
            });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    proxy.cut();
    // Wait until the commands in flight have ended and the following ones time out.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = found.load(Ordering::Relaxed);
    proxy.restore();
    eventually("the callers find Redis again", Duration::from_secs(10), async || {
        found.load(Ordering::Relaxed) > before + 20
    })
    .await;
    load.abort();
}

#[tokio::test]
async fn a_command_during_a_hanging_connect_has_time_for_a_retry() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.addr()).await;
    let store = Arc::new(redis_store(&format!("redis://{}", proxy.addr()), Duration::from_secs(4)));
    proxy.cut();
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.get("k").await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.restore();
    let start = Instant::now();
    assert_eq!(store.get("k").await.unwrap(), None);
    // Connecting may take half of the timeout, which leaves less than 3 s.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(first.await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_first_connection_may_take_the_whole_redis_timeout() {
    let redis = RedisServer::start().await;
    let proxy = Proxy::start(redis.addr()).await;
    proxy.delay(Duration::from_millis(800));
    let store = redis_store(&format!("redis://{}", proxy.addr()), Duration::from_secs(3));
    assert_eq!(store.get("k").await.unwrap(), None);
}

#[tokio::test]
async fn the_error_for_a_wrong_redis_password_does_not_show_it() {
    let redis = RedisServer::start_with(&["--requirepass", "the-right-one"]).await;
    let store = redis_store(&redis.url().replace("redis://", "redis://:hunter2@"), Duration::from_secs(2));
    let error = store.get("k").await.unwrap_err();
    let shown = format!("{} {error:?} {store:?}", error_chain(&error));
    assert!(!shown.contains("hunter2") && !shown.contains("the-right-one"), "{shown}");
}

#[tokio::test]
async fn an_untrusted_redis_certificate_is_refused() {
    let redis = RedisServer::start_tls().await;
    let store = redis_store(&redis.url(), Duration::from_secs(2));
    let error = store.get("k").await.unwrap_err();
    assert!(error_chain(&error).contains("certificate"), "{}", error_chain(&error));
}

#[test]
fn a_url_without_a_redis_scheme_is_refused() {
    assert!(RedisStore::new(&SecretString::from("http://localhost"), LONG).is_err());
}
