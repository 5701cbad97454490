//! Gates of a canary: webhooks, by what Flagger tells of them.

use super::canary::of_release;
use super::{GateLine, GateState};
use crate::canary::{Canary, Webhook};
use crate::event::Event;
use crate::phase::one_line;
use jiff::Timestamp;

const TRAFFIC: &str = "confirm-traffic-increase";
const ROLLBACK: &str = "rollback";

/// Every webhook that answers a question.
pub(super) fn lines(canary: &Canary, events: &[&Event]) -> Vec<GateLine> {
    webhooks(canary)
        .filter(|webhook| webhook.kind != "event")
        .map(|webhook| line(canary, webhook, events))
        .collect()
}

fn webhooks(canary: &Canary) -> impl Iterator<Item = &Webhook> {
    canary.analysis().into_iter().flat_map(|analysis| &analysis.webhooks)
}

/// The gates that a canary waits at now, and since when.
pub(super) fn waiting<'c>(canary: &'c Canary, events: &[&Event]) -> Vec<(&'c Webhook, Option<Timestamp>)> {
    let at_hand = webhooks(canary).filter(|webhook| is_awaited(canary, webhook, events));
    at_hand.map(|webhook| (webhook, last(webhook, events).and_then(|event| event.at))).collect()
}

/// The gates that a person can open now, by all events of the canary.
pub fn at_hand<'c>(canary: &'c Canary, events: &[Event]) -> Vec<&'c Webhook> {
    let events = of_release(canary, events);
    waiting(canary, &events).into_iter().map(|(webhook, _)| webhook).collect()
}

/// The webhooks that take a canary back when they say yes.
pub fn rollback(canary: &Canary) -> Vec<&Webhook> {
    webhooks(canary).filter(|webhook| webhook.kind == ROLLBACK).collect()
}

/// Flagger says by its phase that it waits, but for a rise of the weight, which it tells as an event.
fn is_awaited(canary: &Canary, webhook: &Webhook, events: &[&Event]) -> bool {
    match (canary.status.phase.as_str(), webhook.kind.as_str()) {
        ("Waiting", "confirm-rollout") | ("WaitingPromotion", "confirm-promotion") => true,
        ("Progressing", TRAFFIC) => {
            last(webhook, events).is_some_and(|event| event.message.starts_with("Halt "))
        }
        _ => false,
    }
}

/// What was told of it last. Events name the webhook at their end, or before the fault.
fn last<'e>(webhook: &Webhook, events: &[&'e Event]) -> Option<&'e Event> {
    let about: &[&str] = match webhook.kind.as_str() {
        "confirm-rollout" => &["advancement waiting for approval", "Confirm-rollout check"],
        TRAFFIC => &["waiting for traffic increase approval", "Confirm-traffic-increase check"],
        "confirm-promotion" => &["advancement waiting for approval", "Confirm-promotion check"],
        "pre-rollout" => &["pre-rollout check", "Pre-rollout check"],
        "post-rollout" => &["Post-rollout hook", "Post-rollout check"],
        ROLLBACK => &["Rollback hook", "Rollback check"],
        _ => &["external check"],
    };
    let is_named = |event: &Event| event.message.split(' ').any(|word| word == webhook.name);
    let is_about = |event: &Event| about.iter().any(|words| event.message.contains(words));
    events.iter().rev().copied().find(|event| is_about(event) && is_named(event))
}

fn line(canary: &Canary, webhook: &Webhook, events: &[&Event]) -> GateLine {
    let told = last(webhook, events);
    let kind = if webhook.kind.is_empty() { "rollout" } else { webhook.kind.as_str() };
    GateLine {
        name: one_line(&webhook.name),
        kind: one_line(kind),
        mark: mark(canary, webhook, told, events),
        words: told.map(|event| event.message.clone()),
        at: told.and_then(|event| event.at),
    }
}

fn mark(canary: &Canary, webhook: &Webhook, told: Option<&Event>, events: &[&Event]) -> GateState {
    if is_awaited(canary, webhook, events) {
        return GateState::Asked;
    }
    let status = &canary.status;
    let is_past = match (webhook.kind.as_str(), status.phase.as_str()) {
        (_, "" | "Initializing" | "Initialized" | "Failed" | "Terminating" | "Terminated" | "Waiting") => {
            false
        }
        ("confirm-rollout", _) => true,
        ("pre-rollout", "Progressing") => status.canary_weight > 0 || status.iterations > 0,
        ("pre-rollout", _) => true,
        ("confirm-promotion", "Promoting" | "Finalising" | "Succeeded") => true,
        _ => false,
    };
    if is_past {
        return GateState::Yes;
    }
    match told {
        Some(event) if event.message.contains(" passed") => GateState::Yes,
        // It is asked whether to go back, and has not said so.
        Some(_) if webhook.kind == ROLLBACK => GateState::No,
        Some(event) if event.message.contains(" failed") => GateState::No,
        Some(_) => GateState::Asked,
        None => GateState::Pending,
    }
}
