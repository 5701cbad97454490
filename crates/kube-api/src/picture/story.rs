//! What happened, by the events that the API server still keeps.

use super::{StoryKind, StoryLine, percent};
use crate::event::Event;
use jiff::Timestamp;

/// So many lines are told at most.
const LINES: usize = 30;

/// The weights of a rollout over time: `Traffic weight updated from 0 to 20`.
pub(super) fn rollout_weights(events: &[&Event], max: i64) -> Vec<(Timestamp, u32)> {
    let told = events.iter().filter(|event| event.reason == "TrafficWeightUpdated");
    let weight = |event: &&Event| {
        let text = event.message.strip_prefix("Traffic weight updated ")?.split(',').next()?;
        let number = text.rsplit("to ").next()?.trim().parse::<i64>().ok()?;
        Some((event.at?, percent(number, max)))
    };
    told.filter_map(weight).collect()
}

/// The weights of a canary of Flagger: `Advance web.shop canary weight 20`.
pub(super) fn canary_weights(events: &[&Event]) -> Vec<(Timestamp, u32)> {
    let weight = |event: &&Event| {
        let (_, text) = event.message.split_once(" canary weight ")?;
        let number = text.trim().parse::<i64>().ok()?;
        event.message.starts_with("Advance ").then_some((event.at?, percent(number, 100)))
    };
    events.iter().filter_map(weight).collect()
}

/// The story of a rollout.
pub(super) fn of_rollout(events: &[&Event]) -> Vec<StoryLine> {
    lines(events, |event| {
        Some(match event.reason.as_str() {
            "RolloutUpdated" | "RolloutNotCompleted" => StoryKind::Started,
            "RolloutStepCompleted" => StoryKind::Step,
            "TrafficWeightUpdated" | "SwitchService" => StoryKind::Weight,
            "RolloutAborted" | "RolloutCompleted" => StoryKind::Ended,
            "ScalingReplicaSet" | "NewReplicaSetCreated" => StoryKind::Pods,
            reason if reason.starts_with("AnalysisRun") => StoryKind::Verdict,
            reason if reason.starts_with("Rollout") || event.is_warning() => StoryKind::Phase,
            _ => return None,
        })
    })
}

/// The story of a canary: its events go by one reason, so their words tell.
pub(super) fn of_canary(events: &[&Event]) -> Vec<StoryLine> {
    lines(events, |event| {
        let says = |words: &[&str]| words.iter().any(|word| event.message.contains(word));
        Some(if says(&["New revision detected"]) {
            StoryKind::Started
        } else if says(&["approval", "check"]) {
            StoryKind::Gate
        } else if says(&["Promotion completed", "Canary failed", "Rolling back", "Rollback"]) {
            StoryKind::Ended
        } else if says(&["canary weight", "primary weight", "traffic"]) {
            StoryKind::Weight
        } else if says(&["canary iteration", "Starting canary analysis", "Copying"]) {
            StoryKind::Step
        } else if says(&["Halt", "query failed"]) {
            StoryKind::Verdict
        } else {
            StoryKind::Phase
        })
    })
}

fn lines(events: &[&Event], kind: impl Fn(&Event) -> Option<StoryKind>) -> Vec<StoryLine> {
    let told = events.iter().filter_map(|event| {
        Some(StoryLine { at: event.at?, kind: kind(event)?, words: event.message.clone() })
    });
    let mut all: Vec<StoryLine> = told.collect();
    all.drain(..all.len().saturating_sub(LINES));
    all
}
