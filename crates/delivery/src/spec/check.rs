//! From what is written to what holds.

use super::analysis::MAX_METRICS;
use super::model::{
    Ab, Analysis, BlueGreen, Canary, Compare, Field, HeaderRoute, Judge, Match, Migration, Mirror, Rolling,
    Rollout, Scale, Step, Strategy, Traffic, Watch, is_endless,
};
use super::raw::{
    AbSpec, AmountSpec, BlueGreenSpec, CanarySpec, CompatibleSpec, HeaderRouteSpec, MatchSpec, MigrationSpec,
    MirrorSpec, RollingSpec, RolloutSpec, ScaleSpec, StepAnalysisSpec, StepSpec, StrategySpec, TrafficSpec,
};
use super::{analysis, duration, hooks, service, source};
use crate::replicas::Amount;
use regex::RegexBuilder;
use std::collections::BTreeSet;
use std::time::Duration;

/// Most steps of a canary.
pub const MAX_STEPS: usize = 1_000;
/// Most matches of a route or an A/B test.
const MAX_MATCHES: usize = 100;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_SIZE: usize = 1 << 20;
/// Most pods: above that a number is a typing error.
const MAX_REPLICAS: i64 = 100_000;
/// Longest duration: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

const PROGRESS_DEADLINE: Duration = Duration::from_secs(600);
const SCALE_DOWN_DELAY: Duration = Duration::from_secs(30);
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);
const AMOUNT: Amount = Amount::QUARTER;

/// What does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// Keys and indexes from the root, such as `strategy.canary.steps[3].setWeight`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: Option<String>,
}

/// Checks a rollout.
///
/// # Errors
/// Every fault, in the order of the text's keys.
pub fn check(spec: &RolloutSpec) -> Result<Rollout, Vec<Fault>> {
    let mut faults = Faults::default();
    let rollout = rollout(spec, &mut faults);
    match rollout {
        Some(rollout) if faults.found.is_empty() => Ok(rollout),
        _ => Err(faults.found),
    }
}

/// Faults so far, and where the reader is.
#[derive(Default)]
pub(super) struct Faults {
    path: Vec<String>,
    found: Vec<Fault>,
}

impl Faults {
    pub(super) fn at<T>(&mut self, part: impl Into<String>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part.into());
        let value = read(self);
        self.path.pop();
        value
    }

    /// The items of a list.
    pub(super) fn each<'a, S, T>(
        &mut self,
        key: &str,
        items: &'a [S],
        mut read: impl FnMut(&'a S, &mut Self) -> T,
    ) -> Vec<T> {
        let all = items.iter().enumerate();
        all.map(|(index, item)| self.at(format!("{key}[{index}]"), |faults| read(item, faults))).collect()
    }

    pub(super) fn say(&mut self, message: impl Into<String>) {
        self.say_with(message, None);
    }

    pub(super) fn help(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.say_with(message, Some(help.into()));
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    pub(super) fn too_many(&mut self, count: usize, most: usize) {
        self.say(format!("{count} are more than {most}"));
    }

    fn say_with(&mut self, message: impl Into<String>, help: Option<String>) {
        self.found.push(Fault { path: self.path.join("."), message: message.into(), help });
    }

    /// A whole number within bounds.
    pub(super) fn number<N: TryFrom<i64>>(
        &mut self,
        key: &str,
        value: i64,
        least: i64,
        most: i64,
    ) -> Option<N> {
        let number = (least..=most).contains(&value).then(|| N::try_from(value).ok()).flatten();
        if number.is_none() {
            self.at(key, |faults| faults.say(format!("{value} is not between {least} and {most}")));
        }
        number
    }

    pub(super) fn span(&mut self, key: &str, value: Option<duration::Text>, default: Duration) -> Duration {
        let Some(duration::Text(span)) = value else { return default };
        if span > LONGEST {
            self.at(key, |faults| faults.say("longer than a year"));
        }
        span.min(LONGEST)
    }

    /// A time that passes.
    pub(super) fn time(&mut self, key: &str, value: Option<duration::Text>, default: Duration) -> Duration {
        let span = self.span(key, value, default);
        if value.is_some() && span.is_zero() {
            self.at(key, |faults| faults.say("takes no time"));
        }
        span
    }

    /// True where the analysis has faults: who names its metrics need not tell them again.
    fn is_analysis_wrong(&self) -> bool {
        self.found.iter().any(|fault| fault.path.starts_with("analysis"))
    }

    fn amount(&mut self, key: &str, value: Option<&AmountSpec>) -> Amount {
        let Some(value) = value else { return AMOUNT };
        let amount = match value {
            AmountSpec::Pods(pods) => i32::try_from(*pods).ok().filter(|pods| *pods >= 0).map(Amount::Pods),
            AmountSpec::Text(text) => percent(text).map(Amount::Percent),
        };
        amount.unwrap_or_else(|| {
            self.at(key, |faults| faults.say("neither a number of pods nor a share such as `25%`"));
            AMOUNT
        })
    }
}

/// Argo Rollouts reads `25` as text like `25%`, and so do we.
fn percent(text: &str) -> Option<i32> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    digits.parse().ok().filter(|percent| (0..=100).contains(percent))
}

fn rollout(spec: &RolloutSpec, faults: &mut Faults) -> Option<Rollout> {
    if spec.name.trim().is_empty() {
        faults.at("name", |faults| faults.say("empty"));
    }
    let replicas = faults.number("replicas", spec.replicas.unwrap_or(1), 0, MAX_REPLICAS);
    let mut analysis = faults.at("analysis", |faults| analysis::check(spec.analysis.as_ref(), faults));
    if !faults.is_analysis_wrong() {
        faults.at("analysis", |faults| source::bind(&mut analysis, spec, faults));
    }
    let strategy = faults.at("strategy", |faults| strategy(&spec.strategy, &analysis, faults));
    let progress_deadline = faults.time("progressDeadline", spec.progress_deadline, PROGRESS_DEADLINE);
    let rollback_window = faults.number("rollbackWindow", spec.rollback_window.unwrap_or(0), 0, 1_000);
    let local = spec.service.as_ref();
    let service = local.map(|spec| faults.at("service", |faults| service::check(spec, faults)));
    let gates = hooks::gates(&spec.gates, faults);
    let notices = hooks::notices(&spec.notices, faults);
    let sources = source::check(&spec.sources, faults);
    let load = spec.load.as_ref();
    let load = load.map(|spec| faults.at("load", |faults| service::load(spec, local.is_some(), faults)));
    Some(Rollout {
        name: spec.name.clone(),
        replicas: replicas?,
        strategy: strategy?,
        progress_deadline,
        rollback_window: rollback_window?,
        analysis,
        service: service.flatten(),
        gates,
        notices,
        sources,
        load,
    })
}

fn strategy(spec: &StrategySpec, analysis: &Analysis, faults: &mut Faults) -> Option<Strategy> {
    let StrategySpec { canary: of_canary, blue_green: of_blue_green, ab: of_ab, rolling: of_rolling } = spec;
    let given = [
        ("canary", of_canary.is_some()),
        ("blueGreen", of_blue_green.is_some()),
        ("ab", of_ab.is_some()),
        ("rolling", of_rolling.is_some()),
    ];
    let names: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if names.len() != 1 {
        let found = if names.is_empty() { "none".to_owned() } else { names.join(" and ") };
        faults.help(format!("one strategy is wanted, found {found}"), "canary, blueGreen, ab or rolling");
        return None;
    }
    faults.at(names[0], |faults| match (of_canary, of_blue_green, of_ab, of_rolling) {
        (Some(spec), ..) => Some(Strategy::Canary(canary(spec, analysis, faults)?)),
        (_, Some(spec), ..) => Some(Strategy::BlueGreen(blue_green(spec, analysis, faults)?)),
        (_, _, Some(spec), _) => Some(Strategy::Ab(ab(spec, analysis, faults)?)),
        (_, _, _, Some(spec)) => Some(Strategy::Rolling(rolling(spec, analysis, faults))),
        _ => None,
    })
}

fn canary(spec: &CanarySpec, analysis: &Analysis, faults: &mut Faults) -> Option<Canary> {
    if spec.steps.len() > MAX_STEPS {
        let message = format!("{} steps are more than {MAX_STEPS}", spec.steps.len());
        faults.at("steps", |faults| faults.say(message));
        return None;
    }
    let steps = faults.each("steps", &spec.steps, |spec, faults| step(spec, analysis, faults));
    let steps: Option<Vec<Step>> = steps.into_iter().collect();
    let traffic = match spec.traffic {
        None | Some(TrafficSpec::Router) => Traffic::Router,
        Some(TrafficSpec::Pods) => Traffic::Pods,
    };
    if let Some(steps) = &steps {
        order(steps, faults);
        has_pods(steps, faults);
        for_routers(steps, traffic, faults);
    }
    if traffic == Traffic::Pods && spec.dynamic_stable_scale == Some(true) {
        faults
            .at("dynamicStableScale", |faults| faults.say("only a router can split traffic apart from pods"));
    }
    let most = i64::try_from(spec.steps.len().max(1)).unwrap_or(i64::MAX);
    let from = spec.analysis_from_step.map(|from| faults.number::<usize>("analysisFromStep", from, 1, most));
    if from.is_some() {
        faults.at("analysisFromStep", |faults| analysable(analysis, faults));
    }
    if from.is_some() && spec.steps.is_empty() {
        faults.at("analysisFromStep", |faults| faults.say("there is no step"));
    }
    Some(Canary {
        steps: steps?,
        traffic,
        max_surge: faults.amount("maxSurge", spec.max_surge.as_ref()),
        max_unavailable: faults.amount("maxUnavailable", spec.max_unavailable.as_ref()),
        dynamic_stable_scale: spec.dynamic_stable_scale.unwrap_or(false),
        min_pods: faults.number("minPods", spec.min_pods.unwrap_or(1), 0, MAX_REPLICAS)?,
        scale_down_delay: faults.span("scaleDownDelay", spec.scale_down_delay, SCALE_DOWN_DELAY),
        abort_scale_down_delay: abort_delay(spec.abort_scale_down_delay, faults),
        analysis_from: from.flatten().map(|from| from.saturating_sub(1)),
    })
}

/// There is something to analyse, or that was told already.
fn analysable(analysis: &Analysis, faults: &mut Faults) {
    if analysis.metrics.is_empty() && !faults.is_analysis_wrong() {
        faults.help("there is nothing to analyse", "add `analysis.metrics`");
    }
}

fn abort_delay(written: Option<duration::Text>, faults: &mut Faults) -> Option<Duration> {
    Some(faults.span("abortScaleDownDelay", written, SCALE_DOWN_DELAY)).filter(|delay| !delay.is_zero())
}

fn step(spec: &StepSpec, analysis: &Analysis, faults: &mut Faults) -> Option<Step> {
    let StepSpec {
        set_weight,
        pause,
        analysis: watched,
        set_canary_scale,
        set_header_route,
        set_mirror_route,
    } = spec;
    let given = [
        set_weight.is_some(),
        pause.is_some(),
        watched.is_some(),
        set_canary_scale.is_some(),
        set_header_route.is_some(),
        set_mirror_route.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        faults.help(
            "a step has exactly one key",
            "setWeight, pause, analysis, setCanaryScale, setHeaderRoute or setMirrorRoute",
        );
        return None;
    }
    if let Some(weight) = *set_weight {
        return faults.number("setWeight", weight, 0, 100).map(Step::SetWeight);
    }
    if let Some(pause) = pause {
        let span = pause.duration.map(|_| faults.span("pause.duration", pause.duration, Duration::ZERO));
        return Some(Step::Pause(span));
    }
    if let Some(watched) = watched {
        return faults.at("analysis", |faults| watch(watched, analysis, faults)).map(Step::Analysis);
    }
    if let Some(spec) = set_canary_scale {
        return faults.at("setCanaryScale", |faults| scale(spec, faults)).map(Step::SetScale);
    }
    if let Some(spec) = set_header_route {
        return faults.at("setHeaderRoute", |faults| header_route(spec, faults)).map(Step::HeaderRoute);
    }
    let spec = set_mirror_route.as_ref()?;
    faults.at("setMirrorRoute", |faults| mirror(spec, faults)).map(Step::Mirror)
}

/// Weights rise from step to step.
fn order(steps: &[Step], faults: &mut Faults) {
    let mut last: Option<u32> = None;
    for (index, step) in steps.iter().enumerate() {
        let Step::SetWeight(weight) = step else { continue };
        if let Some(last) = last.filter(|last| weight <= last) {
            let why = if last == 100 { "comes after all of the traffic" } else { "does not rise" };
            faults.at(format!("steps[{index}].setWeight"), |faults| {
                faults.say(format!("{weight} after {last} {why}"));
            });
        }
        last = Some(*weight);
    }
}

/// Who has users has a pod.
fn has_pods(steps: &[Step], faults: &mut Faults) {
    let (mut weight, mut is_empty) = (0, false);
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::SetWeight(next) => weight = *next,
            Step::SetScale(scale) => is_empty = matches!(scale, Scale::Replicas(0) | Scale::Weight(0)),
            _ => continue,
        }
        if is_empty && weight > 0 {
            let key = if matches!(step, Step::SetWeight(_)) { "setWeight" } else { "setCanaryScale" };
            faults.at(format!("steps[{index}].{key}"), |faults| {
                faults.say(format!("no pod for a weight of {weight}"));
            });
        }
    }
}

fn for_routers(steps: &[Step], traffic: Traffic, faults: &mut Faults) {
    for (index, step) in steps.iter().enumerate().filter(|_| traffic == Traffic::Pods) {
        let key = match step {
            Step::SetScale(_) => "setCanaryScale",
            Step::HeaderRoute(_) => "setHeaderRoute",
            Step::Mirror(_) => "setMirrorRoute",
            _ => continue,
        };
        faults
            .at(format!("steps[{index}].{key}"), |faults| faults.help("needs a router", "`traffic: router`"));
    }
}

fn watch(spec: &StepAnalysisSpec, analysis: &Analysis, faults: &mut Faults) -> Option<Watch> {
    analysable(analysis, faults);
    let at_least = faults.span("duration", spec.duration, Duration::ZERO);
    let metrics = chosen(spec, analysis, faults)?;
    for metric in metrics.iter().filter_map(|index| analysis.metrics.get(*index)) {
        let never_ends = matches!(&metric.judge, Judge::Counted(_, counted) if is_endless(counted));
        if at_least.is_zero() && never_ends {
            faults.help(
                format!("`{}` has an interval and no count: this never ends", metric.name),
                "a `count` for the metric, or a `duration` here",
            );
        }
    }
    Some(Watch { metrics, at_least })
}

/// The metrics of an analysis by their places: all unless given, and none twice.
fn chosen(spec: &StepAnalysisSpec, analysis: &Analysis, faults: &mut Faults) -> Option<Vec<usize>> {
    if spec.metrics.is_empty() {
        return Some((0..analysis.metrics.len()).collect());
    }
    if spec.metrics.len() > MAX_METRICS {
        faults.at("metrics", |faults| faults.too_many(spec.metrics.len(), MAX_METRICS));
        return None;
    }
    let mut names = BTreeSet::new();
    let found = faults.each("metrics", &spec.metrics, |name, faults| {
        let place = analysis.metrics.iter().position(|metric| metric.name == *name);
        if !names.insert(name) {
            faults.say(format!("`{name}` is named twice"));
        }
        if place.is_none() && !faults.is_analysis_wrong() {
            let names: Vec<&str> = analysis.metrics.iter().map(|metric| metric.name.as_str()).collect();
            faults.help(format!("no metric is called `{name}`"), format!("there are {}", names.join(", ")));
        }
        place
    });
    found.into_iter().collect()
}

fn scale(spec: &ScaleSpec, faults: &mut Faults) -> Option<Scale> {
    match (spec.replicas, spec.weight, spec.match_traffic_weight) {
        (Some(replicas), None, None) => {
            faults.number("replicas", replicas, 0, MAX_REPLICAS).map(Scale::Replicas)
        }
        (None, Some(weight), None) => faults.number("weight", weight, 0, 100).map(Scale::Weight),
        (None, None, Some(true)) => Some(Scale::MatchTrafficWeight),
        _ => {
            faults.say("exactly one of replicas, weight and `matchTrafficWeight: true` is wanted");
            None
        }
    }
}

fn header_route(spec: &HeaderRouteSpec, faults: &mut Faults) -> Option<HeaderRoute> {
    named(&spec.name, faults);
    Some(HeaderRoute { name: spec.name.clone(), matches: matches(&spec.matches, faults)? })
}

fn matches(specs: &[MatchSpec], faults: &mut Faults) -> Option<Vec<Match>> {
    if specs.len() > MAX_MATCHES {
        faults.at("match", |faults| faults.too_many(specs.len(), MAX_MATCHES));
        return None;
    }
    faults.each("match", specs, matched).into_iter().collect()
}

fn named(name: &str, faults: &mut Faults) {
    if name.trim().is_empty() {
        faults.at("name", |faults| faults.say("empty"));
    }
}

fn matched(spec: &MatchSpec, faults: &mut Faults) -> Option<Match> {
    for (key, name) in [("header", &spec.header), ("cookie", &spec.cookie)] {
        if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            faults.at(key, |faults| faults.say("empty"));
        }
    }
    if let Some(pattern) = spec.regex.as_ref().filter(|pattern| !is_pattern(pattern)) {
        faults.at("regex", |faults| faults.say(format!("`{pattern}` is no regular expression")));
    }
    let field = match (&spec.header, &spec.cookie) {
        (Some(name), None) => Some(Field::Header(name.clone())),
        (None, Some(name)) => Some(Field::Cookie(name.clone())),
        _ => None,
    };
    let compare = match (&spec.exact, &spec.prefix, &spec.regex) {
        (Some(text), None, None) => Some(Compare::Exact(text.clone())),
        (None, Some(text), None) => Some(Compare::Prefix(text.clone())),
        (None, None, Some(text)) => Some(Compare::Regex(text.clone())),
        _ => None,
    };
    if field.is_none() {
        faults.say("exactly one of header and cookie is wanted");
    }
    if compare.is_none() {
        faults.say("exactly one of exact, prefix and regex is wanted");
    }
    Some(Match { field: field?, compare: compare? })
}

fn is_pattern(text: &str) -> bool {
    RegexBuilder::new(text).size_limit(MAX_PATTERN_SIZE).build().is_ok()
}

fn mirror(spec: &MirrorSpec, faults: &mut Faults) -> Option<Mirror> {
    named(&spec.name, faults);
    let percentage = faults.number("percentage", spec.percentage, 0, 100)?;
    Some(Mirror { name: spec.name.clone(), percentage })
}

fn blue_green(spec: &BlueGreenSpec, analysis: &Analysis, faults: &mut Faults) -> Option<BlueGreen> {
    let preview = spec.preview_replicas.map(|count| faults.number("previewReplicas", count, 1, MAX_REPLICAS));
    let after = faults.span("autoPromotionAfter", spec.auto_promotion_after, Duration::ZERO);
    if spec.auto_promotion == Some(false) && spec.auto_promotion_after.is_some() {
        faults.at("autoPromotionAfter", |faults| faults.say("contradicts `autoPromotion: false`"));
    }
    let pre = watched("prePromotionAnalysis", spec.pre_promotion_analysis.as_ref(), analysis, faults);
    let post = watched("postPromotionAnalysis", spec.post_promotion_analysis.as_ref(), analysis, faults);
    Some(BlueGreen {
        preview_replicas: preview.flatten(),
        auto_promotion: spec.auto_promotion.unwrap_or(true).then_some(after),
        max_unavailable: faults.amount("maxUnavailable", spec.max_unavailable.as_ref()),
        pre_promotion: pre,
        post_promotion: post,
        scale_down_delay: faults.span("scaleDownDelay", spec.scale_down_delay, SCALE_DOWN_DELAY),
        abort_scale_down_delay: abort_delay(spec.abort_scale_down_delay, faults),
    })
}

fn watched(
    key: &str,
    spec: Option<&StepAnalysisSpec>,
    analysis: &Analysis,
    faults: &mut Faults,
) -> Option<Watch> {
    spec.and_then(|spec| faults.at(key, |faults| watch(spec, analysis, faults)))
}

fn ab(spec: &AbSpec, analysis: &Analysis, faults: &mut Faults) -> Option<Ab> {
    if spec.matches.is_empty() {
        faults.at("match", |faults| faults.say("empty: no user would get the new version"));
    }
    analysable(analysis, faults);
    let matches = matches(&spec.matches, faults);
    let iterations = faults.number("iterations", spec.iterations, 1, 100_000);
    let interval = faults.time("interval", Some(spec.interval), Duration::ZERO);
    let replicas = spec.replicas.map(|count| faults.number("replicas", count, 1, MAX_REPLICAS));
    Some(Ab { matches: matches?, iterations: iterations?, interval, replicas: replicas.flatten() })
}

fn rolling(spec: &RollingSpec, analysis: &Analysis, faults: &mut Faults) -> Rolling {
    Rolling {
        max_surge: faults.amount("maxSurge", spec.max_surge.as_ref()),
        max_unavailable: faults.amount("maxUnavailable", spec.max_unavailable.as_ref()),
        migration: spec
            .migration
            .as_ref()
            .map(|spec| faults.at("migration", |faults| migration(spec, faults))),
        analysis: watched("analysis", spec.analysis.as_ref(), analysis, faults),
    }
}

fn migration(spec: &MigrationSpec, faults: &mut Faults) -> Migration {
    for (key, command) in [("up", Some(&spec.up)), ("down", spec.down.as_ref())] {
        if command.is_some_and(|command| command.first().is_none_or(|program| program.trim().is_empty())) {
            faults.at(key, |faults| faults.say("names no program"));
        }
    }
    Migration {
        up: spec.up.clone(),
        down: spec.down.clone(),
        is_compatible: spec.compatible == CompatibleSpec::Backward,
        timeout: faults.time("timeout", spec.timeout, MIGRATION_TIMEOUT),
    }
}
