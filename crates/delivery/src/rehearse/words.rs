//! Times in words, and what a rehearsal cannot show.

use super::recording::Recording;
use super::run::{Options, Person};
use crate::engine::Move;
use crate::spec::{Rollout, Strategy};
use crate::time::Time;

/// `2025-11-21T16:00:00Z`, or the number itself where the calendar does not go so far.
pub(super) fn clock(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| format!("{} ms", at.0), |at| at.to_string())
}

/// What recorded data cannot show of a rollout.
pub(super) fn cannot_show(
    spec: &Rollout,
    moves: &[Move],
    recording: &Recording,
    options: &Options,
) -> Vec<String> {
    let mut lines = vec![
        "pods: they are available at once here; starts, probes and crashes were not recorded".to_owned(),
        "the router: it does what it is told, at once".to_owned(),
        "load: requests and faults are those of the recorded weights; what other weights would have done to them is \
         unknown"
            .to_owned(),
    ];
    if !recording.has_weights() {
        lines.push(
            "exposure: weights were not recorded, so the failures that would have been spared or caused are unknown"
                .to_owned(),
        );
    }
    if moves.contains(&Move::Migrate) {
        lines.push("the migration: it succeeds at once here".to_owned());
    }
    if moves.iter().any(|at| matches!(at, Move::Header(_) | Move::Mirror(_))) {
        lines.push(
            "routes by header, cookie or copy: whom they would have reached was not recorded".to_owned(),
        );
    }
    if matches!(spec.strategy, Strategy::BlueGreen(_)) {
        lines.push("the preview: nobody used it here but those who did when it was recorded".to_owned());
    }
    if !spec.gates.is_empty() {
        lines.push("the gates: every one lets it go on at once here".to_owned());
    }
    if moves.contains(&Move::Pause(None)) {
        lines.push(person(options.person));
    }
    for misfit in recording.fits(spec).err().unwrap_or_default() {
        lines.push(format!("{misfit}: it was not answered"));
    }
    lines.extend(recording.warnings().iter().map(|warning| format!("the source warned: {warning}")));
    lines
}

fn person(person: Person) -> String {
    match person {
        Person::After(span) if span.is_zero() => {
            "people: pauses without a time were passed at once".to_owned()
        }
        Person::After(span) => {
            format!("people: pauses without a time were passed after {} s", span.as_secs_f64())
        }
        Person::Never => "people: nobody came to pass a pause without a time".to_owned(),
    }
}
