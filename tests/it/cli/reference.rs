//! docs/commands.md is what the commands say of themselves, docs/troubleshooting.md holds the causes
//! that are known.

use super::sandbox;
use std::fmt::Write;

pub(super) const COMMANDS: [&str; 47] = [
    "",
    "parse",
    "plan",
    "run",
    "report",
    "rollout start",
    "rollout status",
    "rollout watch",
    "rollout promote",
    "rollout pause",
    "rollout resume",
    "rollout abort",
    "rollout retry",
    "rollout undo",
    "rollout list",
    "rollout history",
    "rollout remove",
    "rollout simulate",
    "rollout rehearse",
    "rollout load",
    "agent status",
    "agent stop",
    "agent logs",
    "tasks list",
    "tasks show",
    "tasks set",
    "tasks next",
    "logs",
    "approve",
    "resolve",
    "destroy",
    "history",
    "audit",
    "drift",
    "sync",
    "sync status",
    "sync pause",
    "sync resume",
    "sync now",
    "env list",
    "env lock",
    "env unlock",
    "promote-env",
    "doctor",
    "init",
    "completions",
    "man",
];

/// `UPDATE_REFERENCE=1 cargo test --test it reference` writes it anew.
#[test]
fn the_command_reference_is_current() {
    let sandbox = sandbox();
    let mut text = "# Commands\n\nWhat `-h` says, command by command; `--help` says more, and a test keeps this page current.\n".to_owned();
    for command in COMMANDS {
        let help = sandbox.run(&format!("{command} -h")).code(0).stdout;
        let _ = write!(text, "\n## {}\n\n", format!("taskmaster {command}").trim_end());
        let lines = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let _ = writeln!(text, "```text\n{}\n```", lines.trim_end());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "docs/commands.md is not current: run this test with UPDATE_REFERENCE=1");
}

#[test]
fn the_command_reference_holds_every_command() {
    let help = sandbox().run("--help").code(0).stdout;
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        assert!(COMMANDS.iter().any(|known| known.split(' ').next() == Some(name)), "{name}");
    }
}

/// `UPDATE_REFERENCE=1 cargo test --test it reference` writes the table anew.
#[test]
fn the_page_of_causes_is_current() {
    let mut table =
        "| Cause | The tool says | Tried again | Why | What helps |\n|---|---|---|---|---|\n".to_owned();
    for (cause, words) in taskmaster_core::cause::known() {
        let again = if cause.retryable { "yes" } else { "no" };
        let words = words.replace('*', "…").replace('|', "\\|");
        let hint = cause.hint.replace('|', "\\|");
        let _ = writeln!(table, "| `{}` | `{words}` | {again} | {} | {hint} |", cause.name, cause.because);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/troubleshooting.md");
    let page = std::fs::read_to_string(path).expect("there is a page");
    let (start, rest) = page.split_once("<!-- causes -->\n").expect("a begin");
    let (_, end) = rest.split_once("<!-- end -->").expect("an end");
    let wanted = format!("{start}<!-- causes -->\n{table}<!-- end -->{end}");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &wanted).expect("it can be written");
    } else {
        assert!(
            page == wanted,
            "docs/troubleshooting.md is not current: run this test with UPDATE_REFERENCE=1"
        );
    }
}
