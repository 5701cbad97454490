//! What is told, before it takes any receiver's form.

use crate::process::show::harmless;
use jiff::Timestamp;
use std::borrow::Cow;
use taskmaster_delivery::engine::{Notice, Said};
use taskmaster_delivery::spec::Event as Kind;

/// Longest reason that is told, in UTF-16 units, as those who bound it count.
const LONGEST_WHY: usize = 500;

/// Longest name of anything.
const LONGEST_NAME: usize = 80;

/// Something happened to a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its own: the same event that is told twice has the same.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Kind,
    /// Name of the rollout.
    pub rollout: String,
    /// Where it is; nothing on this machine.
    pub namespace: Option<String>,
    /// The new version.
    pub revision: String,
    /// The version that serves, or served.
    pub stable: Option<String>,
    /// The step that it is at, counted from 1, and how many there are.
    pub step: Option<(usize, usize)>,
    /// The share of the users that the new version has, in percent.
    pub weight: Option<u32>,
    /// Why.
    pub why: Option<String>,
}

/// How urgent an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing to do.
    Plain,
    /// It went well.
    Good,
    /// Somebody should look.
    Waiting,
    /// It went wrong.
    Bad,
}

impl Event {
    /// The reason in a notice of the engine; of a gate, which one it is and what it said.
    pub fn why(notice: &Notice) -> Option<String> {
        match notice {
            Notice::Begun { .. } | Notice::Step { .. } | Notice::Completed { .. } => None,
            Notice::Paused { why } | Notice::RollingBack { why } | Notice::RolledBack { why } => {
                Some(why.clone())
            }
            Notice::Gate { name, said, .. } => Some(match said {
                Said::Waits => format!("{name} is waited for"),
                Said::Yes => format!("{name} says yes"),
                Said::No(why) => format!("{name} says no: {why}"),
                Said::Nothing(why) => format!("{name} does not answer: {why}"),
                Said::ByHand => format!("{name} was passed by a person"),
            }),
        }
    }

    /// It as it can be shown: no terminal controls, nothing longer than receivers take, no empty reason.
    pub(super) fn tidy(self) -> Self {
        let tidy = |text: &str, longest| clip(harmless(text.as_bytes()).trim(), longest).into_owned();
        let name = |text: &str| tidy(text, LONGEST_NAME);
        let why = self.why.as_deref().map(|why| tidy(why, LONGEST_WHY));
        Self {
            id: self.id,
            at: self.at,
            what: self.what,
            rollout: name(&self.rollout),
            namespace: self.namespace.as_deref().map(name),
            revision: name(&self.revision),
            stable: self.stable.as_deref().map(name),
            step: self.step,
            weight: self.weight,
            why: why.filter(|why| !why.is_empty()),
        }
    }

    /// What happened, in a sentence without an end.
    pub(super) fn headline(&self) -> String {
        let (web, new) = (&self.rollout, &self.revision);
        match self.what {
            Kind::Begun => match &self.stable {
                Some(old) => format!("{web}: {new} begins to take over from {old}"),
                None => format!("{web}: {new} begins"),
            },
            Kind::Step => match self.step {
                Some((step, of)) => format!("{web}: {new} is at step {step} of {of}"),
                None => format!("{web}: {new} is at its next step"),
            },
            Kind::Paused => format!("{web}: {new} waits"),
            Kind::Gate => format!("{web}: a gate before {new}"),
            Kind::Completed => format!("{web}: {new} has taken over"),
            Kind::RollingBack => format!("{web}: {new} is being taken back"),
            Kind::RolledBack => match &self.stable {
                Some(old) => format!("{web}: {new} was taken back, {old} serves"),
                None => format!("{web}: {new} was taken back"),
            },
        }
    }

    pub(super) fn tone(&self) -> Tone {
        match self.what {
            Kind::Begun | Kind::Step | Kind::Gate => Tone::Plain,
            Kind::Completed => Tone::Good,
            Kind::Paused => Tone::Waiting,
            Kind::RollingBack | Kind::RolledBack => Tone::Bad,
        }
    }

    /// What is known beside the headline, with a name for each.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let step = self.step.map(|(step, of)| format!("{step} of {of}"));
        let weight = self.weight.map(|weight| format!("{weight} % of the users"));
        let facts = [
            ("Version", Some(self.revision.clone())),
            ("Stable version", self.stable.clone()),
            ("Namespace", self.namespace.clone()),
            ("Step", step),
            ("Share", weight),
        ];
        let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        // An empty value is refused by some.
        known.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The time to the millisecond, in UTC.
    pub(super) fn time(&self) -> String {
        format!("{:.3}", self.at)
    }
}

/// The beginning of a text, with `…` where it was cut.
pub(super) fn clip(text: &str, longest: usize) -> Cow<'_, str> {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > longest {
            return Cow::Owned(format!("{}…", &text[..at]));
        }
    }
    Cow::Borrowed(text)
}

/// An event for tests.
#[cfg(test)]
pub(super) fn sample() -> Event {
    Event {
        id: "01KAPN3S00000000000000000Z".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        what: Kind::Begun,
        rollout: "web".to_owned(),
        namespace: None,
        revision: "v4".to_owned(),
        stable: Some("v3".to_owned()),
        step: Some((2, 5)),
        weight: Some(25),
        why: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_told_is_long_or_steers_a_terminal() {
        let why = format!("\u{1b}[31m{}\u{202e}", "😀".repeat(1_000));
        let event = Event { revision: "v".repeat(300), why: Some(why), ..sample() }.tidy();
        let why = event.why.unwrap();
        assert_eq!(why.encode_utf16().count(), LONGEST_WHY + 1);
        assert!(why.starts_with('😀') && why.ends_with('…'), "{why}");
        assert_eq!(event.revision.chars().count(), LONGEST_NAME + 1);
    }

    #[test]
    fn what_a_gate_said_is_told() {
        let gate = |said| Notice::Gate { gate: 0, name: "office-hours".into(), said };
        let rows = [
            (gate(Said::Waits), Some("office-hours is waited for")),
            (gate(Said::Yes), Some("office-hours says yes")),
            (gate(Said::No("freeze".into())), Some("office-hours says no: freeze")),
            (gate(Said::Nothing("late".into())), Some("office-hours does not answer: late")),
            (gate(Said::ByHand), Some("office-hours was passed by a person")),
            (Notice::Paused { why: "paused by a person".into() }, Some("paused by a person")),
            (Notice::Step { step: 1 }, None),
        ];
        for (notice, expected) in rows {
            assert_eq!(Event::why(&notice).as_deref(), expected, "{notice:?}");
        }
    }

    #[test]
    fn a_cut_falls_between_characters() {
        for longest in 0..8 {
            let cut = clip("a😀b😀c", longest);
            assert!(cut.trim_end_matches('…').encode_utf16().count() <= longest, "{cut}");
        }
        assert_eq!(clip("abc", 3), "abc");
    }
}
