//! Behavior of a real Redis that the embedded store lacks, and of a fake one that misbehaves on the wire.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use emptyclassroom::{
    error_chain,
    outside::cache::{Cache, FencingToken, Fingerprint, RedisStore, Store, StoreError},
};
use secrecy::SecretString;
use testkit::{RedisServer, eventually};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const LONG: Duration = Duration::from_mins(1);
/// The limit for conditions; only a failing test waits this long.
const SOON: Duration = Duration::from_secs(20);

fn store(url: &str, timeout: Duration) -> RedisStore {
    emptyclassroom::install_tls();
    RedisStore::new(&SecretString::from(url), timeout).unwrap()
}

fn cache(url: &str) -> Cache {
    let fingerprint = Fingerprint::new(&emptyclassroom::domain::campus::Campus::built_in(), 28);
    Cache::new(Arc::new(store(url, Duration::from_secs(2))), "classrooms", fingerprint, LONG)
}

#[tokio::test]
async fn after_a_timeout_commands_fail_at_once_until_redis_answers_again() {
    let redis = RedisServer::start().await;
    let store = store(&redis.url(), Duration::from_secs(1));
    store.put("k", "v".into(), LONG).await.unwrap();
    redis.pause();
    assert!(matches!(store.get("k").await, Err(StoreError::TimedOut { .. })));
    for round in 0..3 {
        let start = Instant::now();
        let outcomes = futures_util::future::join_all((0..50).map(|_| store.get("k"))).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(StoreError::Unresponsive { .. }))), "{outcomes:?}");
        assert!(start.elapsed() < Duration::from_millis(600), "round {round}: {:?}", start.elapsed());
    }
    redis.resume();
    eventually("the store asks Redis again", SOON, async || store.get("k").await.is_ok()).await;
    assert_eq!(store.get("k").await.unwrap().unwrap(), "v");
}

#[tokio::test]
async fn a_write_refused_by_a_new_replica_is_retried_on_a_fresh_connection() {
    let redis = RedisServer::start().await;
    let store = store(&redis.url(), Duration::from_secs(2));
    let token = FencingToken::from_micros(1_772_550_000_000_001);
    assert!(store.put_fenced("k", "v".into(), token, LONG).await.unwrap());
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let connections = async || {
        let stats = redis.command(&["INFO", "stats"]).await;
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let before = connections().await;
    let error = store.put_fenced("k", "w".into(), token, LONG).await.unwrap_err();
    assert!(error_chain(&error).to_uppercase().contains("READONLY"), "{}", error_chain(&error));
    // One by the store's retry, one by the INFO command itself.
    assert_eq!(connections().await - before, 2);
    redis.command(&["REPLICAOF", "NO", "ONE"]).await;
    assert!(store.put_fenced("k", "w".into(), token, LONG).await.unwrap());
}

#[tokio::test]
async fn the_documented_redis_acl_rights_are_enough() {
    let redis = RedisServer::start().await;
    let rights = "+get +set +del +pttl +eval +time +ping";
    let mut user = vec!["ACL", "SETUSER", "emptyclassroom", "on", ">secret", "resetchannels", "~classrooms:*"];
    user.extend(rights.split(' '));
    assert_eq!(redis.command(&user).await.trim(), "OK");
    let url = redis.url().replace("redis://", "redis://emptyclassroom:secret@");
    let (cache, today) = (cache(&url), "2026-03-03".parse().unwrap());
    cache.check(today).await.unwrap();
    let lease = cache.lease().await.unwrap().unwrap();
    cache.publish(&lease, today, &[]).await.unwrap();
    cache.mark_failed(&lease, "2026-03-03T10:00:00Z".parse().map(emptyclassroom_timestamp).unwrap()).await.unwrap();
    cache.release(lease).await.unwrap();
    assert!(!cache.is_leased().await.unwrap());
    cache.invalidate().await.unwrap();
    assert!(cache.backoff().await.unwrap().is_some());
    let other = store(&url, Duration::from_secs(2)).get("other:key").await.unwrap_err();
    assert!(error_chain(&other).contains("NoPerm"), "{}", error_chain(&other));
}

fn emptyclassroom_timestamp(at: chrono::DateTime<chrono::Utc>) -> emptyclassroom::domain::timestamp::Timestamp {
    emptyclassroom::domain::timestamp::Timestamp::at_campus(at, chrono_tz::UTC)
}

#[tokio::test]
async fn a_redis_cluster_node_is_refused_with_a_reason() {
    let nodes = [start_node().await, start_node().await, start_node().await];
    for (node, slots) in nodes.iter().zip([0..5461_u16, 5461..10923, 10923..16384]) {
        let slots: Vec<_> = slots.map(|slot| slot.to_string()).collect();
        let command: Vec<_> = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
        assert_eq!(node.command(&command).await.trim(), "OK");
        let port = nodes[0].port().to_string();
        node.command(&["CLUSTER", "MEET", "127.0.0.1", &port]).await;
    }
    for node in &nodes {
        eventually("the cluster is complete", SOON, async || {
            node.command(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok")
        })
        .await;
        let error = cache(&node.url()).check("2026-03-03".parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, StoreError::ClusterNode { .. }), "{}", error_chain(&error));
        assert!(error.to_string().starts_with("REDIS_URL leads to one node of a Redis cluster"), "{error}");
    }
}

async fn start_node() -> RedisServer {
    RedisServer::start_with(&["--cluster-enabled", "yes"]).await
}

/// Starts a fake server that answers each command with what `reply` returns for its name.
async fn fake(reply: fn(&str) -> &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(talk(BufReader::new(connection), reply));
        }
    });
    url
}

async fn talk(mut connection: BufReader<TcpStream>, reply: fn(&str) -> &'static str) -> Option<()> {
    loop {
        let parts = number(&mut connection, '*').await?;
        let mut command = String::new();
        for part in 0..parts {
            let mut text = vec![0; number(&mut connection, '$').await? + 2];
            connection.read_exact(&mut text).await.ok()?;
            if part == 0 {
                command = String::from_utf8_lossy(&text).trim().to_uppercase();
            }
        }
        connection.write_all(reply(&command).as_bytes()).await.ok()?;
    }
}

async fn number(connection: &mut BufReader<TcpStream>, mark: char) -> Option<usize> {
    let mut line = String::new();
    connection.read_line(&mut line).await.ok()?;
    line.trim().strip_prefix(mark)?.parse().ok()
}

#[tokio::test]
async fn a_lagging_replica_does_not_hide_a_lock_that_was_just_taken() {
    let url = fake(|command| match command {
        "GET" => "$-1\r\n",
        "TIME" => "*2\r\n$10\r\n1772550000\r\n$1\r\n7\r\n",
        _ => "+OK\r\n",
    })
    .await;
    let token = store(&url, Duration::from_secs(2)).lock("lock", "mine", LONG).await.unwrap();
    assert_eq!(token, Some(FencingToken::from_micros(1_772_550_000_000_007)));
}

#[tokio::test]
async fn a_redis_that_is_loading_its_data_is_reported_as_loading() {
    let url = fake(|command| match command {
        "CLIENT" => "+OK\r\n",
        _ => "-LOADING Redis is loading the dataset in memory\r\n",
    })
    .await;
    let error = cache(&url).check("2026-03-03".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, StoreError::Loading { .. }), "{}", error_chain(&error));
}
