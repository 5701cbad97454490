//! Completion of command lines, driven through the script in a real bash.

use super::{project, sandbox};
use std::process::Command;
use std::time::Instant;
use taskmaster_testkit::Sandbox;

const PRD: &str = "---\nid: shop\n---\n# Shop\n\n## Phase 1: Infrastructure\n\n- [ ] Install Argo CD\n- [ ] Install it's agent\n\n\
                   ## Phase 2: Release\n\n- [ ] Build {#a:b}\n- [ ] Ship\n";
const TASKS: &str = "tasks:\n  release/ship: {run: {exec: ['true']}}\nenvironments: {local: {}, prod: {}}\n";

/// What bash would put in for a line whose end is the cursor.
#[track_caller]
fn complete(sandbox: &Sandbox, line: &str) -> Vec<String> {
    const DRIVE: &str = "source <(\"$0\" completions bash) || exit 9\n\
         complete -p taskmaster | grep -q -- '-F _taskmaster' || exit 8\n\
         COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=1 COMP_WORDS=($1)\n\
         _taskmaster \"$0\" \"\" \"\"\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"";
    let of_ours = sandbox.command(["--version"]);
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-c", DRIVE, env!("CARGO_BIN_EXE_taskmaster"), line]);
    bash.current_dir(sandbox.path()).env_clear();
    bash.envs(of_ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = bash.output().expect("bash is there");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), err.as_ref()), (Some(0), ""), "{line}: {out}");
    out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn commands_options_ids_and_phases_are_completed_and_nothing_is_made() {
    let sandbox = project(PRD, TASKS);
    for (line, wanted) in [
        ("taskmaster pl", &["plan"][..]),
        ("taskmaster rollout ab", &["abort"]),
        ("taskmaster plan --phase ", &["infrastructure", "release"]),
        ("taskmaster plan prd.md --phase inf", &["infrastructure"]),
        ("taskmaster plan prd.md --phase=inf", &["infrastructure"]),
        (
            "taskmaster plan prd.md --task inst",
            &["infrastructure/install-argo-cd", "infrastructure/install-it-s-agent"],
        ),
        (
            "taskmaster tasks show --document prd.md infrastructure/install-i",
            &["infrastructure/install-it-s-agent"],
        ),
        ("taskmaster plan prd.md --task a:", &["b"]),
        ("taskmaster plan prd.md --task 'a:", &["a:b"]),
        ("taskmaster run prd.md --env ", &["local", "prod"]),
        ("taskmaster promote-env lo", &["local"]),
        ("taskmaster parse p", &["prd.md"]),
        ("taskmaster parse t", &["tasks/"]),
        ("taskmaster plan --dialect ki", &["kiro"]),
        ("taskmaster plan --nosuch x --phase rel", &[]),
        ("taskmaster nosuch ", &[]),
        ("taskmaster tasks show 'it", &[]),
    ] {
        let wanted: Vec<&str> = if line.ends_with("--phase ") { Vec::new() } else { wanted.to_vec() };
        assert_eq!(complete(&sandbox, line), wanted, "{line}");
    }
    assert!(!sandbox.path().join(".taskmaster").exists());
}

#[test]
fn a_document_that_is_known_need_not_be_named() {
    let sandbox = project(PRD, TASKS);
    sandbox.run("parse prd.md").code(0);
    let before = std::fs::read_dir(sandbox.path().join(".taskmaster")).unwrap().count();
    assert_eq!(complete(&sandbox, "taskmaster plan --phase "), ["infrastructure", "release"]);
    assert_eq!(complete(&sandbox, "taskmaster approve sh"), ["release/ship"]);
    assert_eq!(
        complete(&sandbox, "taskmaster -C .. -C project tasks show sh"),
        Vec::<String>::new(),
        "it is not followed twice"
    );
    assert_eq!(std::fs::read_dir(sandbox.path().join(".taskmaster")).unwrap().count(), before);
    sandbox.write("sub/x", "").write("taskmaster.toml", "");
    assert_eq!(complete(&sandbox, "taskmaster -C sub tasks show sh"), ["release/ship"]);
    sandbox.run("run prd.md --task release/ship --with-dependencies --no-wait").code(21);
    let runs = complete(&sandbox, "taskmaster report --run ");
    assert_eq!(runs.len(), 1, "{runs:?}");
}

#[test]
fn whatever_is_broken_nothing_is_said() {
    let broken: [fn(&Sandbox); 5] = [
        |sandbox| _ = sandbox.write("taskmaster.toml", "job = 3\n"),
        |sandbox| _ = sandbox.write("prd.md", [0xff, 0xfe]),
        |sandbox| _ = sandbox.write("tasks/local.yaml", "tasks: [\n"),
        |sandbox| _ = sandbox.write(".taskmaster/ledger.db", "no ledger"),
        |sandbox| std::fs::remove_file(sandbox.path().join("prd.md")).unwrap(),
    ];
    for breaks in broken {
        let sandbox = project(PRD, TASKS);
        breaks(&sandbox);
        for line in ["tasks show in", "plan prd.md --env ", "rollout status ", "report --run ", "parse ", ""]
        {
            complete(&sandbox, &format!("taskmaster {line}"));
            let mut answer = sandbox.command(["complete", "zsh", "--"]);
            let answer = answer.args(line.split(' ')).output().unwrap();
            assert_eq!((answer.status.code(), answer.stderr.as_slice()), (Some(0), &b""[..]), "{line}");
        }
    }
    assert!(complete(&sandbox(), "taskmaster tasks show ").is_empty());
}

#[test]
fn foreign_titles_cannot_draw_on_the_terminal() {
    let prd = "# P\n\n## Phase 1: A\n\n- [ ] One \u{1b}[2J\u{202e}red {#x}\n";
    let sandbox = project(prd, "tasks: {}\n");
    let answer = sandbox.run("complete fish -- plan prd.md --task x").code(0).stdout;
    assert!(answer.starts_with("x\t") && answer.lines().count() == 1, "{answer:?}");
    assert!(!answer.contains(['\u{1b}', '\u{202e}']), "{answer:?}");
}

#[test]
fn a_thousand_tasks_are_completed_at_once() {
    let tasks: String =
        (0..1000).map(|n| format!("- [ ] T{n} does something of weight {{#T{n:04}}}\n")).collect();
    let sandbox = project(&format!("# P\n\n## Phase 1: A\n\n{tasks}"), "tasks: {}\n");
    let began = Instant::now();
    let answer = sandbox.run("complete zsh -- plan prd.md --task T09").code(0).stdout;
    let took = began.elapsed();
    assert_eq!(answer.lines().count(), 100);
    // The bound is 50 ms for a program that is built for speed; this one is built for tests.
    assert!(took.as_millis() < 1500, "took {took:?}");
}

#[test]
fn each_shell_has_a_script() {
    let sandbox = sandbox();
    for (shell, word) in
        [("bash", "complete -F"), ("zsh", "#compdef taskmaster"), ("fish", "complete -c taskmaster")]
    {
        let script = sandbox.run(&format!("completions {shell}")).code(0).stdout;
        assert!(script.contains(word), "{shell}");
    }
    sandbox.run("completions tcsh").code(2);
}
