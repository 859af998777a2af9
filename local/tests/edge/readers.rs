//! Readers that ask as browsers do, each over one connection: again and again, with the ETag of what they have.

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

/// What they read. Each answer has the time of its data.
pub(crate) const TARGETS: [&str; 5] = [
    "/api/open-classrooms",
    "/api/open-classrooms?building=CAS&min_minutes=60",
    "/api/open-classrooms?at=now",
    "/api/classrooms/342",
    "/api/buildings",
];
/// How many read at once.
pub(crate) const CONNECTIONS: usize = 8;
/// Once the wanted number of reads is made, they read on more slowly, to see when the last of the old data is gone.
const PAUSE: Duration = Duration::from_millis(20);

/// A response that came through the proxy.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: String,
    /// What the proxy did: HIT, MISS, EXPIRED, REVALIDATED, STALE.
    pub(crate) edge: String,
    body: String,
}

/// How it went.
pub(crate) struct Reading {
    pub(crate) reads: usize,
    pub(crate) took: Duration,
    /// How many got 304.
    pub(crate) not_modified: usize,
    /// How many answers came from where, in the words of the proxy.
    pub(crate) from_edge: BTreeMap<String, usize>,
    /// The longest time between the end of the refresh and a request that still got older data.
    pub(crate) oldest_after_refresh: Duration,
    /// The timestamp of the refresh.
    pub(crate) refreshed: String,
}

/// The readers, and what they have in common.
pub(crate) struct Readers {
    url: String,
    wanted: usize,
    made: AtomicUsize,
    /// The timestamp of the refresh, and when its response came.
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
    /// Readers who make so many reads of the service at `url`.
    pub(crate) fn new(url: &str, wanted: usize) -> Self {
        Self {
            url: url.to_owned(),
            wanted,
            made: AtomicUsize::new(0),
            refresh: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Reads with all connections. When half of the reads are made, one reader refreshes; the others go on until all reads are
    /// made and, after the refresh, answers from before it have expired, and those that came instead too.
    pub(crate) async fn read(self: Arc<Self>, kept_for: Duration) -> Reading {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for first in 0..CONNECTIONS {
            let readers = Arc::clone(&self);
            tasks.spawn(async move { readers.read_on(first, kept_for).await });
        }
        let half = async || self.made.load(Ordering::Relaxed) >= self.wanted / 2;
        // The time limit is that of all reads.
        eventually("half of the reads are made", PATIENCE * 10, half).await;
        let refreshed = self.refresh_and_see().await;
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        let Seen { not_modified, from_edge, oldest_after_refresh } = std::mem::take(&mut *self.seen.lock().unwrap());
        let reads = self.made.load(Ordering::Relaxed);
        Reading { reads, took: start.elapsed(), not_modified, from_edge, oldest_after_refresh, refreshed }
    }

    /// Refreshes as the page does, and sees the new data at once, whatever the proxy has. Returns the timestamp.
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

    /// One reader, who begins with that target.
    async fn read_on(&self, first: usize, kept_for: Duration) {
        let http = reqwest::Client::new();
        // The ETag and the time of the data that the reader has.
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
                    assert!(old.is_none_or(|(_, old)| *old <= new), "{target}: data of {new} after those of {old:?}");
                    known.insert(target, (answer.etag.clone(), new));
                }
                (StatusCode::NOT_MODIFIED, Some((etag, _))) => assert_eq!(*etag, answer.etag, "{target}"),
                (status, _) => panic!("{target}: {status}: {}", answer.body),
            }
            self.saw(&answer, known.get(target).map(|(_, shown)| shown.as_str()), asked);
        }
    }

    /// Counts an answer, by which a reader who asked at that moment was shown data of that time.
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
