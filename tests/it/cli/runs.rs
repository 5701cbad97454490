//! `run`: order, checks, retries, failures, selection and the words for them.

use super::{project, state, states};
use serde_json::json;
use taskmaster_testkit::Sandbox;

const THREE: &str = "## Phase 1: First\n\n- [ ] One\n- [ ] Two\n\n## Phase 2: Second\n\n- [ ] Three\n";

/// A catalogue in which each task leaves a line in `order` and is checked by a file of its own.
fn three() -> String {
    let task = |id: &str, name: &str| {
        format!(
            "  {id}:\n    check: {{file_exists: made-{name}}}\n    run: {{shell: 'echo {name} >> order; touch made-{name}'}}\n"
        )
    };
    format!(
        "tasks:\n{}{}{}",
        task("first/one", "one"),
        task("first/two", "two"),
        task("second/three", "three")
    )
}

#[test]
fn tasks_run_in_order_and_a_second_run_runs_nothing() {
    let sandbox = project(THREE, &three());
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("order").as_deref(), Some("one\ntwo\nthree\n"));
    let again = sandbox.run("run prd.md -o json").code(0);
    assert_eq!(sandbox.read("order").as_deref(), Some("one\ntwo\nthree\n"), "nothing ran again");
    let kinds: Vec<_> = again.json_lines().iter().map(|line| line["record"]["kind"].clone()).collect();
    assert!(kinds.contains(&json!("run.started")) && !kinds.contains(&json!("attempt.started")), "{kinds:?}");
    assert!(states(&sandbox).iter().all(|(_, state)| state == "satisfied"));
    std::fs::remove_file(sandbox.path().join("made-two")).unwrap();
    sandbox.run("run prd.md").code(0);
    assert_eq!(
        sandbox.read("order").as_deref(),
        Some("one\ntwo\nthree\ntwo\n"),
        "what is broken is done again"
    );
}

#[test]
fn bare_commands_take_the_only_document() {
    let sandbox = project(THREE, &three());
    sandbox.run("parse prd.md").code(0);
    sandbox.run("run --phase first").code(0);
    assert_eq!(sandbox.read("order").as_deref(), Some("one\ntwo\n"));
    let report = sandbox.run("report").code(0);
    assert!(report.stdout.contains("Three"), "{}", report.stdout);
    let unclear = sandbox.run("run --phase nowhere").code(2);
    assert!(unclear.stderr.contains("First") && unclear.stderr.contains("Second"), "{}", unclear.stderr);
}

#[test]
fn a_selection_with_open_dependencies_is_refused_and_can_take_them_in() {
    let sandbox = project(THREE, &three());
    let refused = sandbox.run("run prd.md --task three").code(2);
    assert!(
        refused.stderr.contains("first/two") && refused.stderr.contains("--with-dependencies"),
        "{}",
        refused.stderr
    );
    assert!(sandbox.read("order").is_none());
    sandbox.run("run prd.md --task three --with-dependencies").code(0);
    assert_eq!(sandbox.read("order").as_deref(), Some("one\ntwo\nthree\n"));
}

#[test]
fn the_command_that_is_proposed_works_as_it_is_printed() {
    let tasks = "environment: local\ntasks:\n  T001: {run: {shell: 'echo it broke >&2; exit 7'}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] T001 Bad\n", tasks);
    sandbox
        .write("tasks/dev.yaml", tasks.replace("local", "dev"))
        .write("docs/b.md", "## Phase 1: A\n\n- [ ] T001 Bad\n");
    let proposed = |words: &str| {
        let run = sandbox.run(words).code(20);
        let next = run.stderr.lines().find_map(|line| line.trim().strip_prefix("next: taskmaster "));
        next.unwrap_or_else(|| panic!("{}", run.stderr)).to_owned()
    };
    assert_eq!(proposed("run prd.md"), "logs T001");
    let next = proposed("run docs/b.md --env dev");
    assert_eq!(next, "logs T001 --document docs/b.md --env dev");
    assert_eq!(sandbox.run(&next).code(0).stdout, "it broke\n");
    assert_eq!(proposed("run prd.md"), "logs T001 --document prd.md", "now there are two");
    let report = sandbox.run("report prd.md -o json").code(0).stdout;
    assert!(report.contains("\"taskmaster logs T001 --document prd.md\""), "{report}");
}

#[test]
fn a_check_that_cannot_tell_has_a_log_too() {
    let tasks =
        "tasks:\n  T001: {check: {shell: 'echo nobody answers >&2; exit 9'}, run: {exec: ['false']}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] T001 One\n", tasks);
    let run = sandbox.run("run prd.md").code(20);
    assert!(run.stderr.contains("taskmaster logs T001"), "{}", run.stderr);
    let log = sandbox.run("logs T001").code(0).stdout;
    assert!(log.contains("nobody answers"), "{log}");
    let told: serde_json::Value =
        serde_json::from_str(&sandbox.run("logs T001 -o json").code(0).stdout).unwrap();
    assert!(told["attempt"].is_null() && told["text"] == log.as_str(), "{told}");
    sandbox.run("logs T001 --attempt 1").code(2);
}

#[test]
fn a_failure_blocks_what_depends_on_it() {
    let prd = "---\nordering: explicit\n---\n## Phase 1: A\n\n- [ ] T001 Bad\n- [ ] T002 After (depends on T001)\n- [ ] T003 Free\n";
    let tasks = "tasks:\n  T001: {run: {shell: 'echo it broke >&2; exit 7'}}\n  T002: {run: {exec: ['true']}}\n  T003: {run: {shell: 'touch free'}}\n";
    let sandbox = project(prd, tasks);
    let run = sandbox.run("run prd.md --jobs 1 --keep-going").code(20);
    assert!(run.stderr.contains("it broke") && run.stderr.contains("taskmaster logs T001"), "{}", run.stderr);
    let wanted = [("T001", "failed"), ("T002", "blocked"), ("T003", "completed")];
    assert_eq!(states(&sandbox), wanted.map(|(id, state)| (id.to_owned(), state.to_owned())));
    assert_eq!(sandbox.run("logs T001").code(0).stdout, "it broke\n");
    let sandbox = project(prd, tasks);
    sandbox.run("run prd.md --jobs 1").code(20);
    assert!(sandbox.read("free").is_none(), "without --keep-going nothing new starts");
}

#[test]
fn a_check_that_cannot_tell_never_leads_to_a_run() {
    let tasks = "tasks:\n  a/one: {check: {shell: 'exit 3'}, run: {shell: touch ran}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    sandbox.run("run prd.md").code(20);
    assert!(sandbox.read("ran").is_none());
}

#[test]
fn work_whose_effect_cannot_be_seen_has_failed() {
    let tasks = "tasks:\n  a/one: {run: {exec: ['true']}, verify: {file_exists: never}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    sandbox.run("run prd.md").code(20);
    assert_eq!(state(&sandbox, "a/one"), "failed");
}

#[test]
fn a_task_that_fails_twice_shows_three_attempts_with_their_delays() {
    let script = "n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; test $n -ge 3";
    let tasks = format!(
        "tasks:\n  a/one:\n    run: {{shell: '{script}'}}\n    retry: {{attempts: 4, base_delay: 20ms, jitter: false}}\n"
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", &tasks);
    sandbox.run("run prd.md").code(0);
    let report = sandbox.run("report -o json").code(0).json();
    let attempts = report["tasks"][0]["attempts"].as_array().expect("attempts").clone();
    let part = |name: &str| attempts.iter().map(|attempt| attempt[name].clone()).collect::<Vec<_>>();
    assert_eq!(part("number"), [json!(1), json!(2), json!(3)]);
    assert_eq!(part("delay_ms"), [json!(null), json!(20), json!(40)]);
    let outcome: Vec<_> = attempts.iter().map(|attempt| attempt["end"]["outcome"].clone()).collect();
    assert_eq!(outcome, [json!("failed"), json!("failed"), json!("succeeded")]);
}

#[test]
fn an_end_that_is_expected_is_told_without_alarm() {
    let prd = "## Phase 1: A\n\n- [ ] T001 Take it back\n";
    let run = "run: {shell: 'echo boom >&2; exit 50'}";
    let sandbox = project(prd, &format!("tasks: {{T001: {{{run}, expect: rolled_back}}}}\n"));
    let told = sandbox.run("run prd.md --no-wait").code(0).stderr;
    assert!(told.contains("taken back, as expected"), "{told}");
    assert!(!told.contains("failed") && !told.contains("boom"), "{told}");
    let report = sandbox.run("report prd.md -o json").code(0).json();
    assert_eq!(report["tasks"][0]["attempts"][0]["expected"], true, "{report}");
}

#[test]
fn outputs_of_one_task_are_variables_of_the_next() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {run: {shell: 'echo \"{\\\"port\\\": 8080}\"'}, outputs: json}\n",
        "  a/two: {run: {exec: [sh, -c, 'echo \"$1\" > port', sh, '{{ outputs[\"a/one\"].port }}']}}\n",
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n", tasks);
    let dry = sandbox.run("run prd.md --dry-run").code(0);
    assert!(dry.stdout.contains("<a/one.port: known after run>"), "{}", dry.stdout);
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("port").as_deref(), Some("8080\n"));
}

#[test]
fn a_task_without_a_check_runs_again_when_the_outputs_that_it_reads_are_others() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {check: {shell: 'test -e made && cmp -s port made'}, run: {shell: 'cp port made; echo port=$(cat port)'}, outputs: lines}\n",
        "  a/two: {run: {exec: [sh, -c, 'echo \"$1\" >> seen', sh, '{{ outputs[\"a/one\"].port }}']}}\n",
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n", tasks);
    let write = |text: &str| std::fs::write(sandbox.path().join("port"), text).unwrap();
    write("80");
    sandbox.run("run prd.md").code(0);
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("seen").as_deref(), Some("80\n"), "its outputs are the same");
    write("81");
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("seen").as_deref(), Some("80\n81\n"), "in the same run");
    std::fs::remove_file(sandbox.path().join("made")).unwrap();
    sandbox.run("run prd.md").code(0);
    assert_eq!(sandbox.read("seen").as_deref(), Some("80\n81\n"), "done again, with the same outputs");
}

#[test]
fn claims_count_until_marks_are_ignored() {
    let tasks = "tasks:\n  a/one: {run: {shell: touch ran}}\n";
    let sandbox = project("## Phase 1: A\n\n- [x] One\n", tasks);
    sandbox.run("run prd.md").code(0);
    assert_eq!(state(&sandbox, "a/one"), "claimed");
    assert!(sandbox.read("ran").is_none());
    sandbox.run("run prd.md --ignore-marks").code(0);
    assert!(sandbox.read("ran").is_some());
}

#[test]
fn what_an_environment_cannot_do_is_skipped_with_its_reason() {
    let tasks = "tasks:\n  a/one: {run: {exec: ['true']}, when: {expr: 'false', reason: needs a cluster}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    let run = sandbox.run("run prd.md").code(0);
    assert!(run.stderr.contains("needs a cluster"), "{}", run.stderr);
    assert_eq!(state(&sandbox, "a/one"), "skipped");
}

#[test]
fn what_is_skipped_passes_its_order_on() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {run: {shell: 'sleep 0.3; echo one >> order'}}\n",
        "  a/two: {run: {exec: ['true']}, when: {never: not here}}\n",
        "  a/three: {run: {shell: 'echo three >> order'}}\n",
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n", tasks);
    sandbox.run("run prd.md --jobs 4").code(0);
    assert_eq!(sandbox.read("order").as_deref(), Some("one\nthree\n"));
}

#[test]
fn a_destroy_goes_backwards_and_asks_first() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {check: {file_exists: one}, run: {shell: touch one}, undo: {shell: 'rm one; echo one >> undone'}}\n",
        "  a/two: {check: {file_exists: two}, run: {shell: touch two}, undo: {shell: 'rm two; echo two >> undone'}}\n",
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n", tasks);
    sandbox.run("run prd.md").code(0);
    sandbox.run("destroy prd.md").code(2);
    assert!(sandbox.read("undone").is_none(), "nothing is undone without a yes");
    let destroyed = sandbox.run("destroy prd.md --yes").code(0);
    let undone = destroyed.stderr.lines().filter(|line| line.contains("✓ undone")).count();
    assert_eq!(undone, 2, "{}", destroyed.stderr);
    assert!(destroyed.stderr.contains("succeeded: 2 undone in "), "{}", destroyed.stderr);
    assert_eq!(sandbox.read("undone").as_deref(), Some("two\none\n"));
    sandbox.run("run prd.md").code(0);
    assert!(sandbox.read("one").is_some(), "what was undone runs again");
}

#[test]
fn no_part_of_a_command_can_be_hidden() {
    let tasks = "tasks:\n  a/one: {run: {shell: \"echo hello \\e]x; touch pwned; : \\a\"}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    sandbox.run("parse prd.md").code(0);
    for command in [
        "plan --commands",
        "plan --commands -o json",
        "run --dry-run",
        "run -o json",
        "tasks show one",
        "report -o json",
    ] {
        let shown = sandbox.run(command).code(0);
        assert!(shown.stdout.contains("touch pwned"), "{command}: {}", shown.stdout);
        assert!(!shown.stdout.contains('\u{1b}'), "{command}");
    }
}

#[test]
fn a_run_without_a_document_leaves_nothing_behind() {
    let sandbox = super::sandbox();
    sandbox.run("run").code(2);
    assert!(!sandbox.path().join(".taskmaster").exists());
    sandbox.run("audit").code(2);
}

#[test]
fn files_that_an_earlier_task_makes_count_as_they_are_when_the_turn_comes() {
    let tasks = concat!(
        "tasks:\n",
        "  a/one: {check: {exec: [cmp, -s, source, made], false_codes: [1, 2]}, run: {exec: [cp, source, made]}}\n",
        "  a/two: {run: {shell: 'echo two >> ran'}}\n",
        "  a/three: {inputs: made, run: {shell: 'cat made >> ran'}}\n",
        "  a/four: {inputs: ran, check: {exec: [test, -e, four]}, run: {exec: [touch, four]}}\n",
    );
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n- [ ] Four\n", tasks);
    let attempts = |sandbox: &Sandbox| {
        let run = sandbox.run("run prd.md -o json").code(0);
        run.stdout.matches("attempt.started").count()
    };
    sandbox.write("source", "v1\n");
    assert_eq!(attempts(&sandbox), 4);
    assert_eq!(attempts(&sandbox), 0, "what was made is what was looked at");
    sandbox.write("source", "v2\n");
    assert_eq!(attempts(&sandbox), 2, "made anew and looked at anew, in one run");
    assert_eq!(sandbox.read("ran").as_deref(), Some("two\nv1\nv2\n"));
    assert_eq!(attempts(&sandbox), 0);
    sandbox.write("made", "by hand\n");
    sandbox.write("source", "by hand\n");
    assert_eq!(attempts(&sandbox), 1, "nothing made it, and it changed before");
}
