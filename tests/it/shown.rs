//! What pages show of a program's output: `…` stands for any text within a line, and alone on a line for any lines.
//! So a page may leave out what differs from run to run and what would tire its readers, and no more.

/// True where the lines are what was printed.
pub(crate) fn fits(shown: &[&str], printed: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first.trim() == "…" {
        return (0..=printed.len()).any(|passed| fits(rest, &printed[passed..]));
    }
    printed.split_first().is_some_and(|(line, left)| is_line(first, line) && fits(rest, left))
}

fn is_line(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = printed.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// Fails with both texts where they do not fit. Blanks at the ends of lines do not count.
#[track_caller]
pub(crate) fn assert_fits(what: &str, shown: &str, printed: &str) {
    let wanted: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let found: Vec<&str> = printed.lines().map(str::trim_end).collect();
    assert!(fits(&wanted, &found), "{what}\n--- the page shows\n{shown}\n--- it printed\n{printed}");
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    for (shown, printed, wanted) in [
        ("one", "one", true),
        ("one", "one two", false),
        ("one", "", false),
        ("", "", true),
        ("o…e", "one", true),
        ("o…n…e", "oe", false),
        ("done … ms", "done 12 ms", true),
        ("done … ms", "done 12 s", false),
        ("a…a", "a", false),
        ("…", "", true),
        ("…\ntwo", "zero\none\ntwo", true),
        ("…\ntwo", "two\nthree", false),
        ("one\n…\nfour\n…", "one\ntwo\nthree\nfour", true),
        ("one\ntwo", "one\n\ntwo", false),
    ] {
        let (lines, found): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), printed.lines().collect());
        assert_eq!(fits(&lines, &found), wanted, "{shown:?} and {printed:?}");
    }
}
