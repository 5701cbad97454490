//! Replays recorded data through a rollout.

use crate::app::error::AppError;
use crate::app::source;
use crate::app::workspace::Workspace;
use crate::exec::{driver, http};
use crate::report::view::{ExposureRow, RehearsalEvent, RehearsalView};
use std::path::Path;
use std::time::Duration;
use taskmaster_core::text::without_users;
use taskmaster_delivery::rehearse::{Event, Exposure, Options, Person, Recording, Rehearsal, What, rehearse};
use taskmaster_delivery::spec::Rollout;
use taskmaster_delivery::stats::evidence::Thousands;
use taskmaster_delivery::time::Time;

/// Reads a recording from a file, or asks a URL for it.
///
/// # Errors
/// Nothing is there, or it is no recording.
pub fn recording(workspace: &Workspace, from: &str) -> Result<Recording, AppError> {
    let text = if from.starts_with("http://") || from.starts_with("https://") {
        let runtime =
            driver::runtime().map_err(|source| AppError::Io { path: "the runtime".into(), source })?;
        let shown = without_users(from);
        let got = runtime.block_on(http::get(from, source::MAX_RECORDING_BYTES));
        got.map_err(|why| AppError::usage(format!("{shown}: {why}"), "give the URL of a `query_range`"))?
    } else {
        source::recording(&workspace.working_dir, Path::new(from))?.text
    };
    let help = "`docs/rollouts.md` says what a recording looks like";
    // Editors of some systems begin a file so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Recording::read(text)
        .map_err(|fault| AppError::usage(format!("{} is no recording: {fault}", without_users(from)), help))
}

/// What the rollout would have done. A person passes pauses without a time after `person`, at once unless
/// given.
pub fn replay(rollout: &Rollout, recording: &Recording, person: Option<Duration>) -> RehearsalView {
    let options = Options { person: Person::After(person.unwrap_or_default()), ..Options::default() };
    view(rollout, &rehearse(rollout, recording, options))
}

fn view(rollout: &Rollout, rehearsal: &Rehearsal) -> RehearsalView {
    let seconds = |at: Time| (at - rehearsal.began).as_secs_f64();
    let weights = rehearsal.events.iter().filter_map(|event| match event.what {
        What::Weight { weight_percent } => {
            Some((seconds(event.at), weight_percent.round().clamp(0.0, 100.0) as u32))
        }
        _ => None,
    });
    RehearsalView {
        rollout: rollout.name.clone(),
        began: moment(rehearsal.began),
        took_s: seconds(rehearsal.ended.unwrap_or(rehearsal.last)),
        is_over: rehearsal.ended.is_some(),
        is_rolled_back: matches!(rehearsal.ending, taskmaster_delivery::rehearse::Ending::RolledBack { .. }),
        ending: rehearsal.ending.to_string(),
        weights: std::iter::once((0.0, 0)).chain(weights).collect(),
        events: rehearsal.events.iter().map(|event| told(event, seconds(event.at))).collect(),
        exposure: rehearsal.exposure.iter().map(exposure).collect(),
        gaps: rehearsal.gaps.iter().map(ToString::to_string).collect(),
        more_gaps: rehearsal.more_gaps,
        cannot_show: rehearsal.cannot_show.clone(),
    }
}

fn moment(at: Time) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| format!("{} ms", at.0), |at| at.to_string())
}

fn told(event: &Event, after_s: f64) -> RehearsalEvent {
    RehearsalEvent { at: moment(event.at), after_s, words: event.what.to_string() }
}

fn exposure(exposure: &Exposure) -> ExposureRow {
    let spared = exposure.scaled.as_ref().map(|scaled| scaled.spared);
    let words = format!(
        "{} of {} failed until then, {} of {} after it",
        Thousands(exposure.until.failures),
        Thousands(exposure.until.units),
        Thousands(exposure.after.failures),
        Thousands(exposure.after.units),
    );
    ExposureRow {
        metric: exposure.metric.clone(),
        failures_until: exposure.until.failures,
        failures_after: exposure.after.failures,
        spared,
        words,
    }
}
