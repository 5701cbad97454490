//! Moments as people write them: a duration from now, a date, a time. Without a zone they are UTC, as in
//! every report.

use crate::app::error::AppError;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// To which side of now a duration leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `7d` is a week ago.
    Past,
    /// `7d` is in a week.
    Future,
}

/// What `text` names; `option` is where it was written. A day of a duration is 24 hours.
pub(crate) fn parse(text: &str, option: &str, side: Side, now: Timestamp) -> Result<Timestamp, AppError> {
    let help =
        "a duration such as 90m, 36h or 7d, a date such as 2026-11-01, or a time such as 2026-11-01T08:00Z";
    let moment = read(text.trim(), side, now);
    moment.ok_or_else(|| AppError::usage(format!("{option} {text} is no time"), help))
}

fn read(text: &str, side: Side, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return TimeZone::UTC.to_timestamp(time).ok();
    }
    let span: Span = text.parse().ok().filter(|span: &Span| span.is_positive())?;
    let now = now.to_zoned(TimeZone::UTC);
    let moment = match side {
        Side::Past => now.checked_sub(span),
        Side::Future => now.checked_add(span),
    };
    Some(moment.ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-15T12:00:00Z".parse().unwrap()
    }

    fn shown(text: &str, side: Side) -> Option<String> {
        parse(text, "--since", side, now()).ok().map(|time| time.to_string())
    }

    #[test]
    fn durations_dates_and_times() {
        let rows = [
            ("7d", "2026-11-08T12:00:00Z"),
            ("36h", "2026-11-14T00:00:00Z"),
            ("90m", "2026-11-15T10:30:00Z"),
            ("2w", "2026-11-01T12:00:00Z"),
            ("1d 12h", "2026-11-14T00:00:00Z"),
            ("P1D", "2026-11-14T12:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:30", "2026-11-01T08:30:00Z"),
            ("2026-11-01T08:30:00+02:00", "2026-11-01T06:30:00Z"),
            (" 2026-11-01T08:30Z ", "2026-11-01T08:30:00Z"),
        ];
        for (text, expected) in rows {
            assert_eq!(shown(text, Side::Past).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(shown("7d", Side::Future).as_deref(), Some("2026-11-22T12:00:00Z"));
        assert_eq!(shown("2026-12-01", Side::Future).as_deref(), Some("2026-12-01T00:00:00Z"));
    }

    #[test]
    fn what_names_no_time_is_refused() {
        for text in ["", "7", "-7d", "0d", "yesterday", "2026-13-01", "7d ago ago", "99999999999d", "d7"] {
            assert_eq!(shown(text, Side::Past), None, "{text}");
        }
        let refused = parse("soon", "--until", Side::Future, now()).unwrap_err();
        assert_eq!(refused.to_string(), "--until soon is no time");
        assert!(refused.help().is_some_and(|help| help.contains("7d")));
    }
}
