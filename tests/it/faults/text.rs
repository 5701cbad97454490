//! Text of others that wants to be more: of shells, of templates, of terminals, of readers.

use super::super::cli::{project, sandbox};
use taskmaster_testkit::Sandbox;

/// A title for every language that might take it for its own, and marks that turn text around.
const TITLE: &str = "One; touch pwned; $(touch pwned) `touch pwned` && touch pwned | touch pwned >pwned {{ 7*191 }} \
                     {% raw %} ${IFS}touch${IFS}pwned ' \" \\ \u{202e}gnp.exe\u{2066} \u{200f} \u{1b}[31mred\u{7} \
                     \u{9b}31m \u{1b}]0;owned\u{7} <script>touch('pwned')</script> --version";

fn hostile() -> Sandbox {
    let prd = format!(
        "# {TITLE}\n\n## Phase 1: A {TITLE}\n\n- [ ] T001 {TITLE}\n  - detail {TITLE}\n- [ ] T002 Two\n"
    );
    let tasks = format!(
        "vars: {{note: {}}}\ntasks:\n  T001: {{check: {{shell: 'test -e \"$TM_TASK.done\"'}}, run: {{shell: 'printf \"%s\\n\" \"$TM_VAR_NOTE\" >got; touch \"$TM_TASK.done\"'}}}}\n  \
         T002: {{run: {{exec: [printf, '%s|', '{{{{ task.title }}}}', '{{{{ vars.note }}}}', '{{{{ document.title }}}}', '{{{{ phase.title }}}}']}}}}\n",
        serde_json::Value::from("{{ task.title }} $(touch pwned) `touch pwned` ; touch pwned")
    );
    project(&prd, &tasks)
}

/// Every face of what is known.
const FACES: [&str; 16] = [
    "parse prd.md --no-record",
    "plan prd.md",
    "plan prd.md -o markdown",
    "report",
    "report -o markdown",
    "report -o html",
    "report -o junit",
    "report -o mermaid",
    "report -o csv",
    "report -o otlp",
    "tasks list",
    "tasks show T001",
    "tasks next",
    "logs T002",
    "history",
    "audit",
];

#[test]
fn titles_ids_and_variables_run_nothing_and_are_shown_visibly() {
    let sandbox = hostile();
    let run = sandbox.run("run prd.md").code(0);
    let printed = sandbox.run("logs T002").code(0).stdout;
    // One argument each, whatever stands in it; and what a template gave is no template again.
    assert_eq!(printed.matches("{{ 7*191 }}").count(), 2, "{printed}");
    assert!(
        printed.contains("Two|Two $(touch pwned) `touch pwned` ; touch pwned|One; touch pwned"),
        "{printed}"
    );
    assert!(!printed.contains("1337"), "{printed}");
    let got = sandbox.read("got").unwrap();
    assert!(
        got.contains("$(touch pwned) `touch pwned` ; touch pwned") && got.contains("{{ 7*191 }}"),
        "{got}"
    );
    let mut shown = vec![("run", run.stdout + &run.stderr)];
    for line in FACES {
        let ended = sandbox.run(line);
        assert!(ended.code == 0, "{line}: {}", ended.stderr);
        shown.push((line, ended.stdout + &ended.stderr));
    }
    for (line, text) in &shown {
        // Lines of CSV end so.
        let text = if line.ends_with("csv") { &text.replace("\r\n", "\n") } else { text };
        let obeyed = |c: &char| c.is_control() && *c != '\n';
        assert_eq!(text.chars().find(obeyed), None, "{line}: {text:?}");
        let turned = text
            .chars()
            .find(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200f}'));
        assert_eq!(turned, None, "{line}: {text:?}");
        let is_markup = line.contains("html") || line.contains("markdown");
        assert!(!is_markup || !text.contains("<script>touch"), "{line}: {text}");
    }
    let visible = shown.iter().find(|(line, _)| *line == "plan prd.md").unwrap();
    assert!(visible.1.contains("\u{fffd}gnp.exe\u{fffd}"), "{}", visible.1);
    assert!(!sandbox.path().join("pwned").exists());
}

/// JSON is for programs: nothing is lost in it, and control characters are escaped as JSON has it.
#[test]
fn machines_get_the_text_as_it_is() {
    let sandbox = hostile();
    let parsed = sandbox.run("parse prd.md -o json").code(0);
    assert_eq!(parsed.stdout.chars().find(|c| c.is_control() && *c != '\n'), None);
    let title = parsed.json()["tasks"][0]["title"].as_str().unwrap().to_owned();
    assert!(title.contains("\u{202e}gnp.exe") && title.contains("$(touch pwned)"), "{title:?}");
}

/// Words of diagnostics are those of the text, too.
#[test]
fn findings_show_foreign_text_visibly() {
    let sandbox = sandbox();
    let title = "\u{202e}evil\u{2066} \u{7}";
    sandbox
        .write("prd.md", format!("## Phase 1: A\n\n- [ ] {title}\n- [ ] T001 Two (after: {title} nobody)\n"));
    let tasks = format!(
        "tasks:\n  - {{title: {}, run: {{exec: [\"true\"]}}}}\n",
        serde_json::Value::from("\u{202e}nothing")
    );
    for line in ["parse prd.md", "plan prd.md"] {
        let ended = sandbox.run(line).code(10);
        let bad = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}' || *c == '\u{2066}';
        assert_eq!(ended.stderr.chars().find(bad), None, "{:?}", ended.stderr);
        assert!(ended.stderr.contains("\u{fffd}evil\u{fffd}"), "{}", ended.stderr);
    }
    sandbox.write("prd.md", format!("## Phase 1: A\n\n- [ ] {title}\n")).write("tasks/local.yaml", tasks);
    let ended = sandbox.run("plan prd.md --strict").code(12);
    assert!(!ended.stderr.contains('\u{202e}') && !ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
    // The name of a file is foreign as well.
    let name = "\u{202e}dm.x\u{1b}[31m.md";
    sandbox.write(name, "## Phase 1: A\n\n- [ ] One (after: nobody)\n");
    let output = sandbox.command(["parse", name]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(10) && !said.contains('\u{202e}') && !said.contains('\u{1b}'),
        "{said:?}"
    );
}

#[test]
fn variables_of_the_command_line_are_values_and_nothing_else() {
    let tasks =
        "vars: {v: {required: true}}\ntasks:\n  a/one: {run: {shell: 'printf %s \"$TM_VAR_V\" >got'}}\n";
    for value in [
        "$(touch pwned)",
        "`touch pwned`",
        "{{ 7*191 }}",
        "a\nb; touch pwned",
        "-rf /",
        "\u{202e}x",
        "' \" \\",
    ] {
        let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
        let output = sandbox.command(["run", "prd.md", "--var", &format!("v={value}")]).output().unwrap();
        assert!(output.status.success(), "{value:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(sandbox.read("got").as_deref(), Some(value));
        assert!(!sandbox.path().join("pwned").exists(), "{value:?}");
    }
}

/// An id becomes part of names of files and of arguments: it never leaves its folder, and is no option.
#[test]
fn ids_lead_nowhere() {
    let prd =
        "## Phase 1: ../../etc\n\n- [ ] `T-1` --help\n- [ ] ../../../passwd\n- [ ] /etc/passwd\n- [ ] -rf\n";
    let sandbox = project(prd, "tasks: {}\n");
    let parsed = sandbox.run("parse prd.md -o json").code(0).json();
    for task in parsed["tasks"].as_array().unwrap() {
        let id = task["id"].as_str().unwrap();
        assert!(!id.contains("..") && !id.starts_with(['/', '-']), "{id}");
    }
    let shown = sandbox.run("tasks show ../../../etc/shadow");
    assert_eq!(shown.code, 2, "{}{}", shown.stdout, shown.stderr);
}
