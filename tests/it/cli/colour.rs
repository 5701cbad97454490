//! Colour and width, end to end: `NO_COLOR` is obeyed, and nothing is said by colour alone.

use super::project;
use taskmaster_testkit::Sandbox;

const PRD: &str = "# A shop with a rather long title that does not fit\n\n## Phase 1: Infrastructure\n\n\
                   - [ ] Install what the shop needs on the machine\n- [ ] Fail\n- [ ] Come after what failed\n";
const TASKS: &str = "tasks:\n  infrastructure/install-what-the-shop-needs-on-the-machine: {check: {exec: ['true']}, run: {exec: ['true']}}\n  \
                     infrastructure/fail: {run: {shell: 'echo oops; exit 3'}}\n";

fn ran() -> Sandbox {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --no-wait").code(20);
    sandbox
}

fn stripped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        rest = after.split_once('m').expect("a colour").1;
    }
    out + rest
}

/// Commands that change nothing.
const VIEWS: [&str; 8] = [
    "plan prd.md",
    "report prd.md",
    "tasks list",
    "tasks show infrastructure/fail",
    "history",
    "drift prd.md",
    "report --since 7d",
    "plan nosuch.md",
];

/// Times of the moment at which a view is made.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| word.starts_with("20") && word.contains('T') && word.ends_with('Z');
    let line = |line: &str| line.split(' ').filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn colour_on_request_adds_escapes_and_nothing_else() {
    let sandbox = ran();
    for view in VIEWS {
        let plain = sandbox.run(view);
        let coloured = sandbox.run(&format!("{view} --color always"));
        assert_eq!(plain.code, coloured.code, "{view}");
        let (plain, coloured) = (plain.stdout + &plain.stderr, coloured.stdout + &coloured.stderr);
        assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'), "{view}: {coloured:?}");
        assert_eq!(timeless(&stripped(&coloured)), timeless(&plain), "{view}");
    }
}

#[test]
fn at_forty_columns_no_line_is_wider() {
    use unicode_width::UnicodeWidthStr;
    let sandbox = ran().var("COLUMNS", "40");
    for view in
        VIEWS.iter().chain(&["tasks show nosuch", "doctor prd.md", "rollout list", "sync status", "env list"])
    {
        let shown = sandbox.run(view);
        for line in (shown.stdout + &shown.stderr).lines().filter(|line| !line.contains(" $ ")) {
            assert!(line.width() <= 40, "{view}: {line}");
        }
    }
}
