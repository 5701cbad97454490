//! Rehearsals of recorded data that are worked out by hand.

mod data;
mod decide;
mod documents;
mod exposure;
mod read;

use taskmaster_delivery::rehearse::{Options, Recording, Rehearsal, What, rehearse};
use taskmaster_delivery::spec::Rollout;

fn replay(spec: &Rollout, text: &str) -> Rehearsal {
    let recording = Recording::read(text).expect("a recording");
    assert_eq!(recording.fits(spec), Ok(()));
    rehearse(spec, &recording, Options::default())
}

/// Seconds until the end.
fn took(rehearsal: &Rehearsal) -> Option<u64> {
    rehearsal.took().map(|span| span.as_secs())
}

/// Seconds of each change of the weight since the beginning, and what it is then.
fn weights(rehearsal: &Rehearsal) -> Vec<(u64, f64)> {
    let weight = |event: &taskmaster_delivery::rehearse::Event| match event.what {
        What::Weight { weight_percent } => Some(((event.at - rehearsal.began).as_secs(), weight_percent)),
        _ => None,
    };
    rehearsal.events.iter().filter_map(weight).collect()
}
