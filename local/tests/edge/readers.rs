//! Readers that behave like browsers: each reads repeatedly over one connection, with the ETag of the last response.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{StatusCode, header::IF_NONE_MATCH};
use testkit::{PATIENCE, eventually};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// What they read. Each response contains the time of its data.
pub(crate) const TARGETS: [&str; 5] = [
    "/api/open-classrooms",
    "/api/open-classrooms?building=CAS&min_minutes=60",
    "/api/open-classrooms?at=now",
    "/api/classrooms/342",
    "/api/buildings",
];
/// The number of simultaneous readers.
pub(crate) const CONNECTIONS: usize = 8;
/// The pause between reads after the wanted number is reached, until all old data have expired.
const PAUSE: Duration = Duration::from_millis(20);

/// A response that came through the proxy.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: String,
    /// The cache status of the proxy: HIT, MISS, EXPIRED, REVALIDATED or STALE.
    pub(crate) edge: String,
    body: String,
}

/// The result of all reads.
pub(crate) struct Reading {
    pub(crate) reads: usize,
    pub(crate) took: Duration,
    /// The number of 304 responses.
    pub(crate) not_modified: usize,
    /// The number of responses with each cache status of the proxy.
    pub(crate) from_edge: BTreeMap<String, usize>,
    /// The longest time after the refresh at which a request still got older data.
    pub(crate) oldest_after_refresh: Duration,
    /// The timestamp of the refresh.
    pub(crate) refreshed: String,
}

/// The readers and their shared state.
pub(crate) struct Readers {
    url: String,
    wanted: usize,
    made: AtomicUsize,
    /// The timestamp of the refresh, and when its response arrived.
    refresh: Mutex<Option<(String, Instant)>>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    not_modified: usize,
    from_edge: BTreeMap<String, usize>,
    oldest_after_refresh: Duration,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (status, etag, edge) = (response.status(), header("etag"), header("x-edge"));
        Self { status, etag, edge, body: response.text().await.unwrap() }
    }

    /// The time of the data in the body.
    pub(crate) fn last_updated(&self) -> String {
        let (_, rest) =
            self.body.rsplit_once(r#""last_updated":""#).unwrap_or_else(|| panic!("no data: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Readers {
    /// Readers that make `wanted` reads of the service at `url`.
    pub(crate) fn new(url: &str, wanted: usize) -> Self {
        Self {
            url: url.to_owned(),
            wanted,
            made: AtomicUsize::new(0),
            refresh: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Reads with all connections. After half of the reads, one reader refreshes. The others continue until all reads are
    /// made and the responses have expired twice since the refresh.
    pub(crate) async fn read(self: Arc<Self>, kept_for: Duration) -> Reading {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for first in 0..CONNECTIONS {
            let readers = Arc::clone(&self);
            tasks.spawn(async move { readers.read_on(first, kept_for).await });
        }
        let half = async || self.made.load(Ordering::Relaxed) >= self.wanted / 2;
        // Generous, because `make edge` makes many reads.
        eventually("half of the reads are made", PATIENCE * 10, half).await;
        let refreshed = self.refresh_and_see().await;
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        let Seen { not_modified, from_edge, oldest_after_refresh } = std::mem::take(&mut *self.seen.lock().unwrap());
        let reads = self.made.load(Ordering::Relaxed);
        Reading { reads, took: start.elapsed(), not_modified, from_edge, oldest_after_refresh, refreshed }
    }

    /// Refreshes like the page, and checks that the new data are visible immediately despite the proxy. Returns the timestamp.
    async fn refresh_and_see(&self) -> String {
        let http = reqwest::Client::new();
        let response = http.post(format!("{}/api/refresh", self.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let body: serde_json::Value = response.json().await.unwrap();
        let timestamp = body["timestamp"].as_str().unwrap().to_owned();
        *self.refresh.lock().unwrap() = Some((timestamp.clone(), Instant::now()));
        for target in TARGETS {
            let mark = if target.contains('?') { '&' } else { '?' };
            let url = format!("{}{target}{mark}seen={timestamp}", self.url);
            let answer = Answer::read(http.get(url).send().await.unwrap()).await;
            assert_eq!((answer.status, answer.last_updated()), (StatusCode::OK, timestamp.clone()), "{target}");
        }
        timestamp
    }

    /// Runs one reader, which begins with the target at this index.
    async fn read_on(&self, first: usize, kept_for: Duration) {
        let http = reqwest::Client::new();
        // The ETag and the time of the reader's data.
        let mut known: HashMap<&str, (String, String)> = HashMap::new();
        for target in TARGETS.iter().copied().cycle().skip(first) {
            let is_extra = self.made.load(Ordering::Relaxed) >= self.wanted;
            if is_extra {
                let refresh = self.refresh.lock().unwrap().as_ref().map(|(_, end)| end.elapsed());
                if refresh.is_some_and(|ago| ago > kept_for * 2 + Duration::from_secs(1)) {
                    return;
                }
                sleep(PAUSE).await;
            }
            let mut request = http.get(format!("{}{target}", self.url));
            if let Some((etag, _)) = known.get(target) {
                request = request.header(IF_NONE_MATCH, etag);
            }
            let asked = Instant::now();
            let answer = Answer::read(request.send().await.unwrap()).await;
            self.made.fetch_add(1, Ordering::Relaxed);
            match (answer.status, known.get(target)) {
                (StatusCode::OK, old) => {
                    let new = answer.last_updated();
                    assert!(old.is_none_or(|(_, old)| *old <= new), "{target}: data of {new} after data of {old:?}");
                    known.insert(target, (answer.etag.clone(), new));
                }
                (StatusCode::NOT_MODIFIED, Some((etag, _))) => assert_eq!(*etag, answer.etag, "{target}"),
                (status, _) => panic!("{target}: {status}: {}", answer.body),
            }
            self.saw(&answer, known.get(target).map(|(_, shown)| shown.as_str()), asked);
        }
    }

    /// Counts a response to a request sent at `asked`. `shown` is the time of the data that the reader has.
    fn saw(&self, answer: &Answer, shown: Option<&str>, asked: Instant) {
        let mut seen = self.seen.lock().unwrap();
        *seen.from_edge.entry(answer.edge.clone()).or_default() += 1;
        seen.not_modified += usize::from(answer.status == StatusCode::NOT_MODIFIED);
        let refresh = self.refresh.lock().unwrap();
        let Some((timestamp, end)) = refresh.as_ref() else { return };
        if shown.is_some_and(|shown| shown < timestamp.as_str()) {
            let after = asked.saturating_duration_since(*end);
            seen.oldest_after_refresh = seen.oldest_after_refresh.max(after);
        }
    }
}
