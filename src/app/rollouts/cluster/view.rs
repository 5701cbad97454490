//! Pictures of a cluster's objects as views.

use crate::deliver::backend::kube::look::{Object, Sort};
use crate::report::view::{
    HoldView, PodsView, ReleaseOutcome, ReleaseView, RolloutGateView, RolloutHistoryView, RolloutKind,
    RolloutMetricView, RolloutStepView, RolloutVersionView, RolloutView, StepState, StoryKind, StoryView,
    WeightPoint,
};
use jiff::Timestamp;
use taskmaster_kube_api::picture::{
    GateLine, MetricLine, Outcome, Picture, Pods, Release, StepMark, StoryKind as Told, StoryLine, Version,
};

/// The view of an object.
pub(super) fn of(object: &Object, picture: Picture, generated: Timestamp) -> RolloutView {
    RolloutView {
        namespace: namespace(object),
        strategy: picture.strategy,
        phase: picture.phase,
        native: picture.native,
        held: picture.held.map(|held| HoldView { by: held.by, words: held.words, since: held.since }),
        why: picture.why,
        since: picture.since,
        until: picture.until,
        started: picture.started,
        ended: picture.ended,
        deadline: picture.deadline,
        steps: picture
            .steps
            .into_iter()
            .map(|step| RolloutStepView { words: step.words, state: step_state(step.mark) })
            .collect(),
        step: picture.step,
        versions: picture.versions.into_iter().map(version).collect(),
        metrics: picture.metrics.into_iter().map(metric).collect(),
        gates: picture.gates.into_iter().map(gate).collect(),
        weights: picture.weights.into_iter().map(|(at, weight)| WeightPoint { at, weight }).collect(),
        story: picture.story.into_iter().map(story).collect(),
        ..RolloutView::new(kind(object), object.name(), generated)
    }
}

/// The history of an object.
pub(super) fn history(object: &Object, releases: Vec<Release>, generated: Timestamp) -> RolloutHistoryView {
    let note = match object.sort() {
        Sort::Rollout => {
            "how an earlier release ended is known only while its AnalysisRuns are kept; `spec.revisionHistoryLimit` says how many releases are"
        }
        Sort::Canary => {
            "releases are those of the workload; Flagger keeps how the last one ended, and `undo` is not its verb"
        }
    };
    RolloutHistoryView {
        generated,
        kind: kind(object),
        name: object.name().to_owned(),
        namespace: namespace(object),
        releases: releases.into_iter().map(release).collect(),
        note: Some(note.to_owned()),
    }
}

fn kind(object: &Object) -> RolloutKind {
    match object.sort() {
        Sort::Rollout => RolloutKind::Rollout,
        Sort::Canary => RolloutKind::Canary,
    }
}

fn namespace(object: &Object) -> Option<String> {
    (!object.namespace().is_empty()).then(|| object.namespace().to_owned())
}

fn step_state(mark: StepMark) -> StepState {
    match mark {
        StepMark::Done => StepState::Done,
        StepMark::Current => StepState::Current,
        StepMark::Pending => StepState::Pending,
        StepMark::Skipped => StepState::Skipped,
        StepMark::Failed => StepState::Failed,
    }
}

fn pods(pods: Pods) -> PodsView {
    PodsView { wanted: pods.wanted, created: pods.created, available: pods.available }
}

/// Nobody counts requests there.
fn version(version: Version) -> RolloutVersionView {
    RolloutVersionView {
        revision: version.revision,
        number: version.number,
        role: version.role,
        label: version.label,
        weight: version.weight,
        pods: pods(version.pods),
        restarts: version.restarts,
        trouble: version.trouble,
        requests: None,
        failures: None,
        p50_ms: None,
        p99_ms: None,
    }
}

fn metric(metric: MetricLine) -> RolloutMetricView {
    RolloutMetricView {
        name: metric.name,
        verdict: metric.verdict,
        words: metric.words,
        dry_run: metric.dry_run,
        unit: None,
        recent: metric.recent,
        baseline: Vec::new(),
        sample: metric.sample,
        needed: metric.needed,
    }
}

fn gate(gate: GateLine) -> RolloutGateView {
    RolloutGateView { name: gate.name, kind: gate.kind, state: gate.mark, words: gate.words, at: gate.at }
}

fn story(line: StoryLine) -> StoryView {
    let kind = match line.kind {
        Told::Started => StoryKind::Started,
        Told::Phase => StoryKind::Phase,
        Told::Step => StoryKind::Step,
        Told::Weight => StoryKind::Weight,
        Told::Verdict => StoryKind::Verdict,
        Told::Gate => StoryKind::Gate,
        Told::Pods => StoryKind::Pods,
        Told::Ended => StoryKind::Ended,
    };
    StoryView { at: line.at, kind, words: line.words }
}

fn release(release: Release) -> ReleaseView {
    ReleaseView {
        number: release.number,
        revision: release.revision,
        label: release.label,
        outcome: match release.outcome {
            Outcome::Completed => ReleaseOutcome::Completed,
            Outcome::RolledBack => ReleaseOutcome::RolledBack,
            Outcome::UnderWay => ReleaseOutcome::UnderWay,
            Outcome::Unknown => ReleaseOutcome::Unknown,
        },
        why: release.why,
        started: release.started,
        ended: release.ended,
        is_stable: release.is_stable,
        pods: release.pods.map(pods),
    }
}
