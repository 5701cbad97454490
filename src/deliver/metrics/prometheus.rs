//! A Prometheus server as a source: `query` and `query_range` of its HTTP API, by POST.
//!
//! Same answers for all who ask the same within [`FRESH`]: several metrics share a query, and one of them asks the
//! server. Servers that speak the same API (Thanos, Mimir, VictoriaMetrics) are told to answer whole or not at all.

use super::answer::{self, Answered, QueryError, Ranged};
use super::http::{Http, parse};
use super::settings::{BadSettings, Settings};
use crate::clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use taskmaster_delivery::time::Time;
use tokio::sync::OnceCell;

/// For so long an answer is given again.
const FRESH: Duration = Duration::from_secs(1);
/// Most answers that are kept.
const MAX_KEPT: usize = 64;
/// Most times of one range: Prometheus itself gives 11,000.
const MAX_STEPS: u128 = 10_000;

/// A server.
pub struct Prometheus {
    http: Arc<Http>,
    timeout: String,
    instants: Cache<(String, Option<Time>), Answered>,
    ranges: Cache<(String, Range), Ranged>,
}

/// A range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// Its first time.
    pub start: Time,
    /// Its last time, at most.
    pub end: Time,
    /// From one time to the next.
    pub step: Duration,
}

impl std::fmt::Debug for Prometheus {
    /// Its address may hold a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prometheus").finish_non_exhaustive()
    }
}

impl Prometheus {
    /// A source by its settings. Nothing is asked yet.
    ///
    /// # Errors
    /// Settings by which nothing can be asked.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let timeout = format!("{}ms", settings.timeout.as_millis().max(1));
        let http = Arc::new(Http::new(settings)?);
        Ok(Self { http, timeout, instants: Cache::default(), ranges: Cache::default() })
    }

    /// The answer at a time, or now.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn query(&self, query: &str, at: Option<Time>) -> Result<Arc<Answered>, QueryError> {
        let ask = || async {
            let time = at.map(seconds);
            let mut form = self.form(query);
            form.extend(time.iter().map(|time| ("time", time.as_str())));
            let text = self.http.ask("query", &form).await?;
            let found = parse(text, answer::instant).await.map_err(|fault| self.http.clean(fault))?;
            let remarks = found.remarks.iter().map(|remark| self.http.words(remark)).collect();
            Ok(Answered { remarks, ..found })
        };
        self.instants.get((query.to_owned(), at), ask).await
    }

    /// The answers over a range of time.
    ///
    /// # Errors
    /// See [`QueryError`]; a range of more than 10,000 times is refused here.
    pub async fn query_range(&self, query: &str, range: Range) -> Result<Arc<Ranged>, QueryError> {
        let step = range.step.as_millis();
        if step == 0 || (range.end - range.start).as_millis() / step > MAX_STEPS {
            return Err(QueryError::Kind(format!("a range of more than {MAX_STEPS} times")));
        }
        let ask = || async {
            let (start, end) = (seconds(range.start), seconds(range.end));
            let step = format!("{}ms", range.step.as_millis());
            let mut form = self.form(query);
            form.extend([("start", start.as_str()), ("end", end.as_str()), ("step", step.as_str())]);
            let text = self.http.ask("query_range", &form).await?;
            let found = parse(text, answer::range).await.map_err(|fault| self.http.clean(fault))?;
            let remarks = found.remarks.iter().map(|remark| self.http.words(remark)).collect();
            Ok(Ranged { remarks, ..found })
        };
        self.ranges.get((query.to_owned(), range), ask).await
    }

    /// What goes with every query. A server that does not know one of them passes it over.
    fn form<'a>(&'a self, query: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("query", query),
            // It need not work on for nobody.
            ("timeout", &self.timeout),
            // Thanos, and VictoriaMetrics.
            ("partial_response", "false"),
            ("deny_partial_response", "1"),
        ]
    }
}

/// A time as the API has it: in seconds.
fn seconds(at: Time) -> String {
    format!("{}.{:03}", at.0.div_euclid(1_000), at.0.rem_euclid(1_000))
}

/// An answer, or why there is none, for all who wait for it.
type Cell<V> = Arc<OnceCell<Result<Arc<V>, QueryError>>>;

/// An answer that somebody asks for, or that is there.
struct Slot<V> {
    begun: Instant,
    cell: Cell<V>,
}

/// Answers of the last moment. Who asks for what is being asked for waits for it, and shares what comes; errors are
/// not kept.
struct Cache<K, V> {
    slots: Mutex<BTreeMap<K, Slot<V>>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<K: Ord + Clone, V> Cache<K, V> {
    async fn get<F>(&self, key: K, ask: impl FnOnce() -> F) -> Result<Arc<V>, QueryError>
    where
        F: Future<Output = Result<V, QueryError>>,
    {
        let cell = self.cell(key.clone(), clock::monotonic());
        let found = cell.get_or_init(|| async { ask().await.map(Arc::new) }).await.clone();
        if found.is_err() {
            self.forget(&key, &cell);
        }
        found
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<K, Slot<V>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, key: K, now: Instant) -> Cell<V> {
        let mut slots = self.slots();
        slots.retain(|_, slot| now.saturating_duration_since(slot.begun) < FRESH);
        if slots.len() >= MAX_KEPT && !slots.contains_key(&key) {
            return Arc::default();
        }
        let slot = slots.entry(key).or_insert_with(|| Slot { begun: now, cell: Arc::default() });
        Arc::clone(&slot.cell)
    }

    /// The next one who asks gets another answer, unless somebody asks already.
    fn forget(&self, key: &K, cell: &Cell<V>) {
        let mut slots = self.slots();
        if slots.get(key).is_some_and(|slot| Arc::ptr_eq(&slot.cell, cell)) {
            slots.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_milliseconds() {
        assert_eq!(seconds(Time(1_763_740_800_050)), "1763740800.050");
        assert_eq!(seconds(Time(7)), "0.007");
    }

    #[test]
    fn answers_are_kept_for_a_second_and_not_without_end() {
        let cache: Cache<u32, u32> = Cache::default();
        let now = clock::monotonic();
        let first = cache.cell(1, now);
        assert!(Arc::ptr_eq(&first, &cache.cell(1, now + Duration::from_millis(999))));
        assert!(!Arc::ptr_eq(&first, &cache.cell(1, now + FRESH)));
        for key in 0..1_000 {
            cache.cell(key, now + FRESH);
        }
        assert_eq!(cache.slots.lock().unwrap().len(), MAX_KEPT);
    }
}
