//! What holds for every webhook. The fuzz target `webhook` has this file, too.
//!
//! An input is lines `name: value`, an empty line, and a body.

use super::signature::{Disbelief, Seen};
use super::webhook::{Hook, Verdict, judge};

/// Of the seeds, which are signed with it.
pub(super) const SECRET: &str = "It's a Secret to Everybody";
/// When they came.
pub(super) const NOW: i64 = 1_800_000_000;

/// Judges an input in every way that must come to the same; what was made of it.
pub(super) fn check(input: &[u8]) -> Verdict {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let head = String::from_utf8_lossy(head);
    let headers: Vec<(String, &str)> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let find = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    let ask = |secret: &str, followed: &str, seen: &mut Seen| judge(&find, body, secret, followed, seen, NOW);

    let mut seen = Seen::default();
    let verdict = ask(SECRET, "main", &mut seen);
    let is_believed = !matches!(verdict, Verdict::Refused(_));
    let again = ask(SECRET, "main", &mut seen);
    assert_eq!(again, if is_believed { Verdict::Replayed } else { verdict }, "nothing wakes twice");

    let pieces = Hook::begin(&find, SECRET).map(|mut hook| {
        body.chunks(7).for_each(|piece| hook.body(piece));
        hook.end("main", &mut Seen::default(), NOW)
    });
    assert_eq!(pieces.unwrap_or_else(Verdict::Refused), verdict, "pieces do not matter");

    // Longer than anything that the input holds: nobody who wrote it knew this secret.
    let unknown = "x".repeat(input.len() + 1);
    let believed = ask(&unknown, "main", &mut Seen::default());
    assert!(
        matches!(believed, Verdict::Refused(Disbelief::Unsigned | Disbelief::Wrong)),
        "believed without the secret: {believed:?}"
    );
    // Whoever follows anything is woken by whatever is not about something else than pushes.
    let anywhere = ask(SECRET, "HEAD", &mut Seen::default());
    assert!(verdict != Verdict::Accepted || anywhere == Verdict::Accepted, "{verdict:?} {anywhere:?}");
    verdict
}
