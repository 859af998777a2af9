//! Failures of Redis and of the network to it. Meanwhile, readers get the process's own copy in time, and refreshes are
//! refused. The first reader after the failure gets a HIT.

use std::time::{Duration, Instant};

use simulator::Fault;
use testkit::{Backend, TestResponse, eventually};

use crate::support::TestServer;

/// `REDIS_TIMEOUT` in these tests.
const LIMIT: Duration = Duration::from_secs(1);
/// How much longer a response may take.
const GRACE: Duration = Duration::from_millis(500);

/// Starts a server that has read today's snapshot once.
async fn app() -> TestServer {
    let app = TestServer::start_with(Backend::Redis, &[("REDIS_TIMEOUT", "1")]).await;
    app.open_classrooms().await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    app
}

/// Checks that a response arrives in time.
async fn in_time(answer: impl Future<Output = TestResponse>) -> TestResponse {
    let start = Instant::now();
    let answer = answer.await;
    let elapsed = start.elapsed();
    assert!(elapsed < LIMIT + GRACE, "{:?} took {elapsed:?}", answer.outcome());
    answer
}

/// Checks what every route returns while Redis does not answer.
async fn all_routes_respond_in_time(app: &TestServer) {
    for path in ["/api/open-classrooms", "/api/classrooms/342"] {
        let answer = in_time(app.get(path)).await;
        assert_eq!((answer.outcome(), &answer.json()["stale"]), ((200, "STALE"), &true.into()), "{path}");
    }
    // This process also has copies of other days, because it swept.
    assert_eq!(in_time(app.get("/api/open-classrooms?date=2026-03-05")).await.outcome(), (200, "STALE"));
    assert_eq!(in_time(app.get("/api/last-updated")).await.text, r#"{"last_updated":null}"#);
    let status = in_time(app.get("/api/cooldown-status")).await;
    assert_eq!(status.text, r#"{"in_cooldown":false,"remaining_minutes":0}"#);
    a_refresh_is_refused_in_time(app).await;
    // A process that has just started has no copy.
    let fresh = app.another().await;
    let refused = in_time(fresh.open_classrooms()).await;
    assert_eq!((refused.status.as_u16(), refused.detail()), (503, "Cache unavailable".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
}

async fn a_refresh_is_refused_in_time(app: &TestServer) {
    let refused = in_time(app.refresh()).await;
    assert_eq!((refused.status.as_u16(), refused.detail()), (503, "Cache unavailable".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
}

async fn the_first_reader_gets_a_hit(app: &TestServer) {
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    assert_eq!(app.sweeps(), 1);
}

#[tokio::test]
async fn refused_redis_connections_are_served_stale_then_recover() {
    let app = app().await;
    let network = app.network.clone().unwrap();
    network.refuse();
    all_routes_respond_in_time(&app).await;
    network.restore();
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn a_network_that_drops_all_packets_is_served_stale_then_recovers() {
    let app = app().await;
    let network = app.network.clone().unwrap();
    network.cut();
    all_routes_respond_in_time(&app).await;
    network.restore();
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn redis_connections_reset_mid_response_are_served_stale_then_recover() {
    let app = app().await;
    let network = app.network.clone().unwrap();
    network.reset();
    all_routes_respond_in_time(&app).await;
    network.restore();
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn connections_killed_by_redis_are_replaced_without_an_error() {
    let app = app().await;
    // As Redis does with idle connections, for example.
    app.redis(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn an_empty_restarted_redis_is_a_miss_then_a_hit() {
    let app = app().await;
    app.redis.clone().unwrap().lock().await.restart().await;
    // The server does not know about the restart. Its connection is dead, and a new one finds no data.
    assert_eq!(in_time(app.open_classrooms()).await.outcome(), (200, "MISS"));
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
    assert_eq!(app.sweeps(), 2);
}

#[tokio::test]
async fn a_paused_redis_is_served_stale_then_recovers() {
    let app = app().await;
    let redis = app.redis.clone().unwrap();
    redis.lock().await.pause();
    all_routes_respond_in_time(&app).await;
    redis.lock().await.resume();
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn a_network_slower_than_redis_timeout_is_served_stale_then_recovers() {
    let app = app().await;
    let network = app.network.clone().unwrap();
    network.delay(Duration::from_secs(2));
    all_routes_respond_in_time(&app).await;
    network.delay(Duration::ZERO);
    the_first_reader_gets_a_hit(&app).await;
}

#[tokio::test]
async fn a_network_slower_but_within_redis_timeout_is_a_hit() {
    let app = TestServer::start_with(Backend::Redis, &[("REDIS_TIMEOUT", "5")]).await;
    app.open_classrooms().await;
    app.network.clone().unwrap().delay(Duration::from_secs(2));
    assert_eq!(app.open_classrooms().await.outcome(), (200, "HIT"));
}

#[tokio::test]
async fn a_suddenly_required_redis_password_is_served_stale() {
    let app = app().await;
    app.redis(&["CONFIG", "SET", "requirepass", "changed"]).await;
    let network = app.network.clone().unwrap();
    // Open connections stay authenticated; new ones need the password.
    network.refuse();
    network.restore();
    all_routes_respond_in_time(&app).await;
    // After a restart, Redis requires no password and is empty.
    app.redis.clone().unwrap().lock().await.restart().await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
}

#[tokio::test]
async fn a_redis_out_of_memory_serves_reads_and_refuses_refreshes() {
    let app = app().await;
    app.redis(&["CONFIG", "SET", "maxmemory", "1"]).await;
    // Existing data can be read.
    the_first_reader_gets_a_hit(&app).await;
    app.redis(&["DEL", "classrooms:availability", "classrooms:last_refresh"]).await;
    assert_eq!(in_time(app.open_classrooms()).await.outcome(), (200, "STALE"));
    a_refresh_is_refused_in_time(&app).await;
    assert_eq!(app.sweeps(), 1, "data that cannot be published should not be swept");
    // A process without its own copy can read the reserve.
    let fresh = app.another().await;
    assert_eq!(in_time(fresh.open_classrooms()).await.outcome(), (200, "STALE"));
    app.redis(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(app.open_classrooms().await.outcome(), (200, "MISS"));
}

#[tokio::test]
async fn a_read_only_redis_replica_serves_reads_and_refuses_refreshes() {
    let app = app().await;
    // A replica without a primary keeps its data but accepts no writes.
    app.redis(&["REPLICAOF", "127.0.0.1", "1"]).await;
    the_first_reader_gets_a_hit(&app).await;
    app.clock.advance(chrono::TimeDelta::minutes(31));
    a_refresh_is_refused_in_time(&app).await;
    app.redis(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(app.refresh().await.status, 200);
}

#[tokio::test]
async fn a_redis_lost_during_a_sweep_costs_one_timeout_and_no_lock() {
    let app = app().await;
    let network = app.network.clone().unwrap();
    let sweep = Duration::from_millis(500);
    for fault in [None, Some(Fault::Html)] {
        app.redis(&["DEL", "classrooms:availability", "classrooms:last_refresh", "classrooms:refresh_lock"]).await;
        app.simulator.set_latency(sweep);
        app.simulator.behave();
        if let Some(fault) = fault {
            app.simulator.misbehave(fault);
        }
        let cut = async {
            let begun = app.simulator.requests();
            eventually("the sweep begins", Duration::from_secs(10), async || app.simulator.requests() > begun).await;
            network.cut();
            Instant::now()
        };
        // A request that waits for the sweep waits for its end and for one timeout, not for several.
        let (read, refreshed, cut_at) = tokio::join!(app.open_classrooms(), app.refresh(), cut);
        assert!(cut_at.elapsed() < sweep + LIMIT + GRACE, "{:?}", cut_at.elapsed());
        assert_eq!(read.outcome(), (200, "STALE"));
        assert_eq!((refreshed.status.as_u16(), refreshed.detail()), (503, "Cache unavailable".to_owned()));
        network.restore();
    }
    app.simulator.behave();
    app.redis(&["DEL", "classrooms:refresh_failed"]).await;
    assert_eq!(app.refresh().await.status, 200, "the lock should not block its holder");
}

#[tokio::test]
async fn an_unreleased_lock_does_not_block_its_holder() {
    let app = app().await;
    app.clock.advance(chrono::TimeDelta::minutes(31));
    app.simulator.set_latency(Duration::from_millis(300));
    let redis = app.redis.clone().unwrap();
    // Redis is down when the sweep should publish and release its lock.
    let stop = async {
        let begun = app.simulator.requests();
        eventually("the sweep begins", Duration::from_secs(10), async || app.simulator.requests() > begun).await;
        redis.lock().await.pause();
    };
    let (refused, ()) = tokio::join!(app.refresh(), stop);
    assert_eq!(refused.status, 503);
    redis.lock().await.resume();
    assert_eq!(app.redis(&["EXISTS", "classrooms:refresh_lock"]).await, "1");
    app.redis(&["DEL", "classrooms:refresh_failed"]).await;
    assert_eq!(app.refresh().await.status, 200);
}

#[tokio::test]
async fn a_lock_taken_with_its_response_lost_does_not_block_its_holder() {
    let app = app().await;
    app.clock.advance(chrono::TimeDelta::minutes(31));
    let network = app.network.clone().unwrap();
    // Requests arrive immediately, but responses only after their timeout.
    network.delay(Duration::from_secs(2));
    let cache = &app.service.deps.cache;
    assert!(cache.lease().await.is_err());
    network.delay(Duration::ZERO);
    eventually("the lock is taken", Duration::from_secs(10), async || {
        app.redis(&["EXISTS", "classrooms:refresh_lock"]).await == "1"
    })
    .await;
    assert_eq!(app.refresh().await.status, 200);
}

#[tokio::test]
async fn a_lock_without_expiry_is_polled_sparingly() {
    let app = app().await;
    app.clock.advance(chrono::TimeDelta::minutes(31));
    app.redis(&["SET", "classrooms:refresh_lock", "x"]).await;
    app.redis(&["CONFIG", "RESETSTAT"]).await;
    let refresh = app.refresh();
    let free_it = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let commands = app.redis(&["INFO", "stats"]).await;
        app.redis(&["DEL", "classrooms:refresh_lock"]).await;
        let line = commands.lines().find_map(|line| line.strip_prefix("total_commands_processed:")).unwrap();
        line.trim().parse::<u32>().unwrap()
    };
    let (refreshed, commands) = tokio::join!(refresh, free_it);
    assert_eq!(refreshed.status, 200);
    assert!(commands < 50, "{commands} commands in a second of waiting");
}
