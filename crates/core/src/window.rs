//! When a sync may change something: windows by cron, length and time zone.
//!
//! A window is written `[allow|deny] CRON for LENGTH [in ZONE]`, as in
//! `allow 0 8 * * mon-fri for 10h in Europe/Berlin`: five fields of cron on the clock of the zone (UTC where
//! none is named), and how long it stays open. The rules are those of Argo CD: an open `deny` closes;
//! where there are `allow` windows, one of them must be open; without any window it is always open.
//! Where a clock is put forward over a beginning, or back over it, croner's rules hold.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use std::str::FromStr;

/// Longest window, in hours: a year.
const LONGEST_HOURS: i64 = 366 * 24;

/// Whether a window lets changes in or keeps them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Allow,
    Deny,
}

/// One window.
#[derive(Clone, Debug)]
pub struct Window {
    text: String,
    kind: Kind,
    cron: Cron,
    length: SignedDuration,
    zone: TimeZone,
}

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no window: {why}")]
pub struct WindowError {
    text: String,
    why: String,
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let fault = |why: String| WindowError { text: text.to_owned(), why };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (kind, words) = match words.split_first() {
            Some((&"allow", rest)) => (Kind::Allow, rest),
            Some((&"deny", rest)) => (Kind::Deny, rest),
            _ => (Kind::Allow, words.as_slice()),
        };
        let (fields, length, zone) = match words {
            [fields @ .., "for", length, "in", zone] => (fields, length, Some(zone)),
            [fields @ .., "for", length] => (fields, length, None),
            _ => return Err(fault("write `[allow|deny] CRON for LENGTH [in ZONE]`".to_owned())),
        };
        if fields.len() != 5 {
            return Err(fault(format!("cron has five fields, here are {}", fields.len())));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&fields.join(" ")).map_err(|e| fault(e.to_string()))?;
        let length: SignedDuration = length.parse().map_err(|e| fault(format!("{e}")))?;
        if length <= SignedDuration::ZERO || length > SignedDuration::from_hours(LONGEST_HOURS) {
            return Err(fault("its length is from a second to a year".to_owned()));
        }
        let zone = zone.map_or(Ok(TimeZone::UTC), |name| TimeZone::get(name));
        let zone = zone.map_err(|e| fault(e.to_string()))?;
        Ok(Self { text: words_of(text), kind, cron, length, zone })
    }
}

fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Window {
    /// When it closes, where it is open at `now`. Openings that overlap are one.
    fn closes(&self, now: Timestamp) -> Option<Timestamp> {
        let began = self.began(now)?;
        let until = began.checked_add(self.length).ok()?;
        (now < until).then_some(until)
    }

    /// Its last beginning at or before `now`.
    fn began(&self, now: Timestamp) -> Option<Timestamp> {
        let here: Zoned = now.to_zoned(self.zone.clone());
        Some(self.cron.find_previous_occurrence(&here, true).ok()?.timestamp())
    }

    /// Its first beginning after `now`.
    fn begins(&self, now: Timestamp) -> Option<Timestamp> {
        let here: Zoned = now.to_zoned(self.zone.clone());
        Some(self.cron.find_next_occurrence(&here, false).ok()?.timestamp())
    }
}

/// Whether changes are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// They are.
    Open,
    /// They are not.
    Closed {
        /// By what, in a few words.
        by: String,
        /// The first moment at which they may be; none where no window says so within a hundred changes.
        until: Option<Timestamp>,
    },
}

/// Whether `windows` let changes in at `now`.
pub fn opening(windows: &[Window], now: Timestamp) -> Opening {
    match closed_by(windows, now) {
        None => Opening::Open,
        Some(by) => Opening::Closed { by, until: opens(windows, now) },
    }
}

fn closed_by(windows: &[Window], now: Timestamp) -> Option<String> {
    let of = |kind| windows.iter().filter(move |window| window.kind == kind);
    if let Some(denied) = of(Kind::Deny).find(|window| window.closes(now).is_some()) {
        return Some(format!("`{denied}`"));
    }
    let is_shut = of(Kind::Allow).next().is_some() && of(Kind::Allow).all(|w| w.closes(now).is_none());
    is_shut.then(|| "no window that allows it is open".to_owned())
}

/// The first moment after `now` at which changes are let in: where a window begins or closes.
fn opens(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    for _ in 0..100 {
        let next = |window: &Window| match window.kind {
            Kind::Allow => window.begins(at),
            Kind::Deny => window.closes(at),
        };
        at = windows.iter().filter_map(next).min()?;
        if closed_by(windows, at).is_none() {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn windows(texts: &[&str]) -> Vec<Window> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// `open`, or until when it is shut.
    fn told(texts: &[&str], now: &str) -> String {
        match opening(&windows(texts), at(now)) {
            Opening::Open => "open".to_owned(),
            Opening::Closed { until, .. } => until.map_or("for good".to_owned(), |until| until.to_string()),
        }
    }

    #[test]
    fn without_windows_it_is_open() {
        assert_eq!(told(&[], "2026-11-22T03:00:00Z"), "open");
    }

    #[test]
    fn an_allowing_window_is_open_from_its_beginning_to_its_end() {
        // 2026-11-23 is a Monday.
        let work = ["allow 0 8 * * mon-fri for 10h in Europe/Berlin"];
        assert_eq!(told(&work, "2026-11-23T06:59:59Z"), "2026-11-23T07:00:00Z");
        assert_eq!(told(&work, "2026-11-23T07:00:00Z"), "open");
        assert_eq!(told(&work, "2026-11-23T16:59:59Z"), "open");
        assert_eq!(told(&work, "2026-11-23T17:00:00Z"), "2026-11-24T07:00:00Z");
        assert_eq!(told(&work, "2026-11-27T20:00:00Z"), "2026-11-30T07:00:00Z", "over the weekend");
        assert_eq!(told(&work, "2026-07-06T06:00:00Z"), "open", "summer time: eight is six");
    }

    #[test]
    fn a_denying_window_closes_what_another_allows() {
        let both = ["allow 0 8 * * * for 10h", "deny 0 12 * * * for 1h30m"];
        assert_eq!(told(&both, "2026-11-22T11:59:00Z"), "open");
        assert_eq!(told(&both, "2026-11-22T12:00:00Z"), "2026-11-22T13:30:00Z");
        assert_eq!(told(&both, "2026-11-22T18:00:00Z"), "2026-11-23T08:00:00Z");
        let freeze = ["deny 0 0 20 12 * for 336h"];
        assert_eq!(told(&freeze, "2026-12-24T18:00:00Z"), "2027-01-03T00:00:00Z");
        assert_eq!(told(&freeze, "2027-01-03T00:00:00Z"), "open");
    }

    #[test]
    fn windows_that_overlap_are_as_long_as_both() {
        let two = ["0 8 * * * for 2h", "0 9 * * * for 3h"];
        assert_eq!(told(&two, "2026-11-22T11:00:00Z"), "open");
        assert_eq!(told(&two, "2026-11-22T12:00:00Z"), "2026-11-23T08:00:00Z");
        let always = ["deny * * * * * for 2m"];
        assert_eq!(told(&always, "2026-11-22T11:00:30Z"), "for good");
    }

    #[test]
    fn a_window_over_a_change_of_the_clock_keeps_its_length() {
        // In Berlin 2026-10-25 has 25 hours: 3:00 is 2:00 again.
        let night = ["allow 0 1 * * * for 4h in Europe/Berlin"];
        assert_eq!(told(&night, "2026-10-25T02:59:59Z"), "open");
        assert_eq!(told(&night, "2026-10-25T03:00:00Z"), "2026-10-26T00:00:00Z");
    }

    #[test]
    fn a_text_that_is_no_window_is_refused_with_its_reason() {
        let why = |text: &str| text.parse::<Window>().unwrap_err().to_string();
        assert!(why("0 8 * * *").contains("CRON for LENGTH"), "{}", why("0 8 * * *"));
        assert!(why("0 8 * * for 1h").contains("five fields, here are 4"));
        assert!(why("0 8 * * * * for 1h").contains("here are 6"));
        assert!(why("61 8 * * * for 1h").starts_with("`61 8 * * * for 1h` is no window: "));
        assert!(why("0 8 * * * for 1h in Mars/Base").contains("Mars"));
        assert!(why("0 8 * * * for 0s").contains("length"));
        assert!(why("0 8 * * * for soon").contains("no window"));
        assert_eq!("  0 8 * * *  for 1h ".parse::<Window>().unwrap().to_string(), "0 8 * * * for 1h");
    }
}
