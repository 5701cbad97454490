//! One measurement of a metric: who is asked, and what the answers say.

use super::answer::{Answered, QueryError};
use super::counters::{Counted, Counter};
use super::looks::{Looks, Owner, Read, singles};
use super::own::{self, Arm as Version, Both, History, Scene};
use super::prometheus::Prometheus;
use super::settings::{BadSettings, Settings};
use crate::clock;
use crate::deliver::traffic::{Counts, Snapshot};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::analysis::condition::Readings;
use taskmaster_delivery::analysis::rule::Rule;
use taskmaster_delivery::engine::{Reading, Revision};
use taskmaster_delivery::spec::{Judge, Metric, OwnQuery, PROXY, Role, Sequential, Source, TestKind, Text};
use taskmaster_delivery::stats::{Arm, Look};
use zeroize::Zeroizing;

/// For so long means that have not changed are no new ones: the source has not seen anything since.
const SAME_MEANS: Duration = Duration::from_secs(60);

/// The servers of a rollout, by name.
#[derive(Debug, Default)]
pub struct Sources {
    by_name: BTreeMap<String, Prometheus>,
}

impl Sources {
    /// The sources of a rollout file. References are looked up once, here.
    ///
    /// # Errors
    /// Every source that cannot be asked.
    pub fn new(
        sources: &BTreeMap<String, Source>,
        directory: &Path,
        look_up: impl Fn(&Text) -> Result<Zeroizing<String>, String>,
    ) -> Result<Self, Vec<(String, BadSettings)>> {
        let (mut by_name, mut faults) = (BTreeMap::new(), Vec::new());
        for (name, source) in sources {
            match Settings::of(source, directory, &look_up).and_then(|settings| Prometheus::new(&settings)) {
                Ok(prometheus) => drop(by_name.insert(name.clone(), prometheus)),
                Err(fault) => faults.push((name.clone(), fault)),
            }
        }
        if faults.is_empty() { Ok(Self { by_name }) } else { Err(faults) }
    }

    /// The one of this name, or the only one where none is named.
    fn find(&self, name: &str) -> Result<&Prometheus, String> {
        let mut all = self.by_name.values();
        match (self.by_name.get(name), all.next(), all.next()) {
            (Some(found), ..) => Ok(found),
            (None, Some(only), None) if name.is_empty() => Ok(only),
            (None, ..) if name.is_empty() => Err("nobody is named who could be asked".to_owned()),
            _ => Err(format!("there is no source `{name}`")),
        }
    }
}

/// Everything about a measurement but the metric.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who can be asked.
    pub sources: Arc<Sources>,
    /// What is remembered of earlier measurements of this rollout.
    pub meter: Arc<Meter>,
    /// The new version.
    pub canary: Revision,
    /// The version that serves; none before the first.
    pub stable: Option<Revision>,
    /// The new version's share of the users in percent, where somebody splits them: a look of a test that spans a change
    /// of it is left out.
    pub share: Option<u32>,
    /// The proxy's counters, where there is a proxy. They are read after the share.
    pub proxy: Option<Arc<Snapshot>>,
    /// Bounds of the proxy's histogram in milliseconds, as [`super::bounds_ms`] gives them.
    pub bounds_ms: Arc<[f64]>,
}

/// Asks what a metric asks, and says what came. It takes no longer than the source's tries, and never fails: silence is an
/// answer as well.
pub async fn measure(metric: &Metric, at: Context) -> Reading {
    if is_own(metric) {
        return at.meter.own(metric, &at, clock::monotonic());
    }
    match ask(metric, &at).await {
        Ok(asked) => at.meter.others(metric, &at, &asked, clock::monotonic()),
        Err(message) => silence(metric, message),
    }
}

/// True where the proxy is asked: its tests name no query.
fn is_own(metric: &Metric) -> bool {
    metric.source == PROXY || (metric.source.is_empty() && metric.queries.is_empty())
}

/// No answer: of a counted metric an error, for its rules say what that means.
fn silence(metric: &Metric, message: String) -> Reading {
    match &metric.judge {
        Judge::Counted(..) => Reading::Answers(Readings::One(Answer::Error { message })),
        Judge::Test(_) => Reading::Nothing { message },
    }
}

/// Answers by role, all of one time.
type Asked = BTreeMap<Role, Arc<Answered>>;

/// The answer to one query, where there is one.
type Found = Result<Option<(Role, Arc<Answered>)>, String>;

/// Asks all queries of a metric about one time: that of the server's clock when it answers the first one that finds
/// anything. Our own clock may be another.
async fn ask(metric: &Metric, at: &Context) -> Result<Asked, String> {
    let source = at.sources.find(&metric.source)?;
    let mut queries = Vec::new();
    for (role, text) in &metric.queries {
        queries.push((*role, fill(text, &at.canary, at.stable.as_ref())?));
    }
    let mut asked = Asked::new();
    let mut time = None;
    let mut rest = queries.as_slice();
    while let [(role, query), others @ ..] = rest
        && time.is_none()
    {
        let answered = source.query(query, None).await.map_err(|fault| told(*role, &fault))?;
        time = answered.at;
        asked.insert(*role, answered);
        rest = others;
    }
    // No metric has more than four queries.
    let one = |at: usize| {
        let query = rest.get(at);
        async move {
            let Some((role, query)) = query else { return Ok(None) };
            let answered = source.query(query, time).await.map_err(|fault| told(*role, &fault))?;
            Ok(Some((*role, answered)))
        }
    };
    let found: [Found; 3] = tokio::join!(one(0), one(1), one(2)).into();
    for found in found {
        asked.extend(found?);
    }
    Ok(asked)
}

fn told(role: Role, fault: &QueryError) -> String {
    if role == Role::Result { fault.to_string() } else { format!("{role}: {fault}") }
}

/// A query about these versions: `{canary}` and `{stable}` stand for their names.
fn fill(query: &str, canary: &Revision, stable: Option<&Revision>) -> Result<String, String> {
    let mut filled = query.to_owned();
    for (mark, revision) in [("{canary}", Some(canary)), ("{stable}", stable)] {
        if !filled.contains(mark) {
            continue;
        }
        let Some(Revision(name)) = revision else { return Err("there is no stable version yet".to_owned()) };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/@+".contains(letter);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err("the version's name cannot stand in a query".to_owned());
        }
        filled = filled.replace(mark, name);
    }
    Ok(filled)
}

/// What is remembered of the measurements of one rollout. Counters count from here on; who begins a rollout makes a new one.
#[derive(Debug)]
pub struct Meter {
    base: BTreeMap<Revision, Counts>,
    began: Instant,
    entries: Mutex<BTreeMap<String, Entry>>,
}

/// What is remembered of one metric.
#[derive(Debug, Default)]
struct Entry {
    canary: Revision,
    stable: Option<Revision>,
    arms: Option<[Counted; 2]>,
    looks: Option<Looks>,
    history: History,
    means: Option<(f64, f64, Instant)>,
    remarks: Vec<String>,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Meter {
    /// Counting begins where the proxy's counters are: what a version did in an earlier rollout is not asked about.
    pub fn new(proxy: Option<&Snapshot>) -> Self {
        let base = proxy.map(|snapshot| snapshot.versions.clone()).unwrap_or_default();
        Self { base, began: clock::monotonic(), entries: Mutex::default() }
    }

    /// What the source remarked on a metric's queries when it was last measured.
    pub fn remarks(&self, metric: &str) -> Vec<String> {
        self.with(|entries| entries.get(metric).map(|entry| entry.remarks.clone()).unwrap_or_default())
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Entry>) -> T) -> T {
        act(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is remembered of a metric and these versions: of others nothing.
    fn entry<T>(&self, metric: &Metric, at: &Context, act: impl FnOnce(&mut Entry) -> T) -> T {
        self.with(|entries| {
            let entry = entries.entry(metric.name.clone()).or_default();
            if entry.canary != at.canary || entry.stable != at.stable {
                *entry = Entry { canary: at.canary.clone(), stable: at.stable.clone(), ..Entry::default() };
            }
            act(entry)
        })
    }

    /// What the proxy's counters say.
    fn own(&self, metric: &Metric, at: &Context, now: Instant) -> Reading {
        let Some(snapshot) = &at.proxy else {
            return silence(metric, "there is no proxy whose counters could be asked".to_owned());
        };
        let counts = |all: &BTreeMap<Revision, Counts>, revision: Option<&Revision>| {
            revision.and_then(|revision| all.get(revision)).cloned().unwrap_or_default()
        };
        let both = |all: &BTreeMap<Revision, Counts>| Both {
            canary: counts(all, Some(&at.canary)),
            baseline: counts(all, at.stable.as_ref()),
        };
        let (both, base) = (both(&snapshot.versions), both(&self.base));
        let scene = Scene { base: &base, began: self.began, bounds_ms: &at.bounds_ms, now };
        let result = self.entry(metric, at, |entry| match &metric.judge {
            Judge::Counted(..) => own_answers(entry, metric, both, &scene).map(Reading::Answers),
            Judge::Test(Sequential { kind: TestKind::Mean(_), .. }) => {
                let means = entry.history.means(&both);
                let is_first = entry.history.is_empty();
                entry.history.keep(both, None, now);
                match means {
                    Some((canary, baseline)) => Ok(Reading::Means { canary, baseline }),
                    None if is_first => Err("counting has just begun".to_owned()),
                    None => Err("no requests of both versions since the last measurement".to_owned()),
                }
            }
            Judge::Test(test) => {
                let read = own::read(&both, &test.kind, test.unit, &at.bounds_ms, at.share)?;
                Ok(entry.look(Owner::Proxy, &read, &test.kind, now))
            }
        });
        result.unwrap_or_else(|why| silence(metric, why))
    }

    /// What answers of others say.
    fn others(&self, metric: &Metric, at: &Context, asked: &Asked, now: Instant) -> Reading {
        let result = self.entry(metric, at, |entry| {
            entry.remarks = asked.values().flat_map(|answered| answered.remarks.iter().cloned()).collect();
            match &metric.judge {
                Judge::Counted(rule, _) => answers(rule, asked).map(Reading::Answers),
                Judge::Test(Sequential { kind: TestKind::Mean(_), .. }) => entry.means(asked, now),
                Judge::Test(test) => entry.scraped(&test.kind, asked, at.share, now),
            }
        });
        result.unwrap_or_else(|why| silence(metric, why))
    }
}

impl Entry {
    /// Takes in counters, and gives what the looks that count add up to.
    fn look(&mut self, owner: Owner, read: &Read, kind: &TestKind, now: Instant) -> Reading {
        let looks = self.looks.get_or_insert_with(|| Looks::begin(owner, read, now));
        if looks.take(read, now) {
            self.arms.iter_mut().flatten().for_each(Counted::begin_round);
        }
        let told = looks.told();
        match kind {
            TestKind::Latency(_) => {
                let (canary, baseline) = told.split_at(told.len() / 2);
                Reading::Buckets { canary: canary.to_vec(), baseline: baseline.to_vec() }
            }
            _ => {
                let at = |at: usize| told.get(at).copied().unwrap_or_default();
                let arm = |units: usize| Arm { units: at(units), failures: at(units + 1) };
                Reading::Counts(Look { canary: arm(0), baseline: arm(2) })
            }
        }
    }

    /// Counters of others.
    fn scraped(
        &mut self,
        kind: &TestKind,
        asked: &Asked,
        share: Option<u32>,
        now: Instant,
    ) -> Result<Reading, String> {
        let answer = |role: Role| asked.get(&role).map_or(&Answer::Empty, |answered| &answered.answer);
        let roles = match kind {
            TestKind::Latency(_) => [(Role::CanaryBuckets, None), (Role::BaselineBuckets, None)],
            _ => [
                (Role::CanaryTotal, Some(Role::CanaryFailures)),
                (Role::BaselineTotal, Some(Role::BaselineFailures)),
            ],
        };
        let is_first = self.looks.is_none();
        let [mut canary, mut baseline] = self.arms.clone().unwrap_or_else(|| arms(kind));
        for (arm, (units, failures)) in [&mut canary, &mut baseline].into_iter().zip(roles) {
            let reading = arm.read(answer(units), failures.map_or(&Answer::Empty, answer));
            arm.take(&reading.map_err(|why| format!("{units}: {why}"))?, is_first, now);
        }
        let (counts, units) = match kind {
            TestKind::Latency(bounds) => {
                let of =
                    |arm: &Counted, role: Role| arm.up_to(bounds).map_err(|why| format!("{role}: {why}"));
                let up_to = [of(&canary, Role::CanaryBuckets)?, of(&baseline, Role::BaselineBuckets)?];
                let units = up_to.each_ref().map(|up_to| up_to.last().copied().unwrap_or_default());
                (up_to.map(|up_to| singles(&up_to)).concat(), units)
            }
            _ => {
                let [canary, baseline] = [canary.totals(), baseline.totals()];
                ([canary, baseline].concat(), [canary[0], baseline[0]])
            }
        };
        let has_gone_round = canary.has_gone_round() && baseline.has_gone_round();
        self.arms = Some([canary, baseline]);
        Ok(self.look(Owner::Others, &Read { counts, units, has_gone_round, share }, kind, now))
    }

    /// One mean of each version. The same ones again are none: a server repeats what it knows until it knows more.
    fn means(&mut self, asked: &Asked, now: Instant) -> Result<Reading, String> {
        let number = |role: Role| {
            let answer = asked.get(&role).map_or(&Answer::Empty, |answered| &answered.answer);
            single(answer).map_err(|why| format!("{role}: {why}"))
        };
        let (canary, baseline) = (number(Role::Canary)?, number(Role::Baseline)?);
        let is_same = self.means.is_some_and(|(old, other, since)| {
            (old, other) == (canary, baseline) && now.saturating_duration_since(since) < SAME_MEANS
        });
        if is_same {
            return Err("nothing new since the last measurement".to_owned());
        }
        self.means = Some((canary, baseline, now));
        Ok(Reading::Means { canary, baseline })
    }
}

/// Counters of both versions that have seen nothing.
fn arms(kind: &TestKind) -> [Counted; 2] {
    let units =
        || if matches!(kind, TestKind::Latency(_)) { Counter::of_buckets() } else { Counter::default() };
    [Counted::canary(units()), Counted::baseline(units())]
}

/// The one number of an answer.
fn single(answer: &Answer) -> Result<f64, String> {
    match answer.values().as_slice() {
        [number] if number.is_finite() => Ok(*number),
        [_] => Err("is not a number".to_owned()),
        [] => Err("has no data".to_owned()),
        all => Err(format!("{} series where one is wanted", all.len())),
    }
}

/// Answers to the queries of a counted metric, in the shape that its rule speaks of.
fn answers(rule: &Rule, asked: &Asked) -> Result<Readings, String> {
    let is_list = rule.asks_for_a_list(asked.contains_key(&Role::Baseline));
    let answer = |role: Role| asked.get(&role).map(|answered| shape(&answered.answer, is_list));
    pair(answer)
}

fn pair(answer: impl Fn(Role) -> Option<Answer>) -> Result<Readings, String> {
    match (answer(Role::Result).or_else(|| answer(Role::Canary)), answer(Role::Baseline)) {
        (Some(canary), Some(baseline)) => Ok(Readings::Pair { baseline, canary }),
        (Some(one), None) => Ok(Readings::One(one)),
        _ => Err("nothing is asked".to_owned()),
    }
}

/// An answer in the shape that a rule speaks of: an instant query answers with a list also where it is one number.
pub(super) fn shape(answer: &Answer, is_list: bool) -> Answer {
    match answer {
        Answer::Vector(samples) if samples.len() == 1 && !is_list => Answer::Scalar(samples[0].value),
        Answer::Scalar(value) if is_list => Answer::vector([*value]),
        other => other.clone(),
    }
}

/// Answers of the proxy to the words of a counted metric.
fn own_answers(
    entry: &mut Entry,
    metric: &Metric,
    both: Both,
    scene: &Scene<'_>,
) -> Result<Readings, String> {
    let Judge::Counted(rule, _) = &metric.judge else { return Err("it is a test".to_owned()) };
    let mut queries: BTreeMap<Role, OwnQuery> = BTreeMap::new();
    for (role, text) in &metric.queries {
        queries.insert(*role, text.parse().map_err(|fault| format!("{role}: {fault}"))?);
    }
    let is_list = rule.asks_for_a_list(queries.contains_key(&Role::Baseline));
    let answer = |role: Role| {
        let of = if role == Role::Baseline { Version::Baseline } else { Version::Canary };
        let query = queries.get(&role)?;
        Some(shape(&entry.history.answer(*query, &both, of, scene), is_list))
    };
    let readings = pair(answer);
    let longest = queries.values().filter_map(|query| query.window).max();
    entry.history.keep(both, longest, scene.now);
    readings
}
