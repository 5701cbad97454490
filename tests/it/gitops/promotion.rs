//! `promote-env`: what is proved in one environment is run in another, and nothing else.

use super::scene::project;
use serde_json::Value;
use taskmaster_testkit::Sandbox;

const THREE: &str =
    "## Phase 1: A\n\n- [ ] One\n- [ ] Two (depends on: One)\n- [ ] Three (depends on: Two)\n";

/// Each task writes its name into the file of its environment; `words` are part of the second action.
fn catalogue(words: &str) -> String {
    format!(
        "tasks:\n  a/one: {{run: {{shell: 'echo one >> $TM_VAR_FILE'}}}}\n  \
         a/two: {{run: {{shell: 'echo two{words} >> $TM_VAR_FILE'}}}}\n  \
         a/three: {{run: {{shell: 'echo three >> $TM_VAR_FILE'}}}}\n\
         environments:\n  staging: {{vars: {{file: s}}}}\n  prod: {{vars: {{file: p}}}}\n"
    )
}

fn look(sandbox: &Sandbox) -> Value {
    sandbox.run("promote-env staging prod prd.md -o json").code(0).json()
}

/// What becomes of each task.
fn verdicts(view: &Value) -> Vec<String> {
    let tasks = view["tasks"].as_array().expect("tasks");
    tasks.iter().map(|task| task["promotion"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn exactly_what_is_proved_is_run() {
    let sandbox = project(THREE, &catalogue(""));
    sandbox.run("run prd.md --env staging --task one --task two").code(0);
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["run", "run", "not_proved"]);
    assert_eq!(view["tasks"][2]["why"], "not done yet");
    assert_eq!((&view["from"], &view["to"]), (&"staging".into(), &"prod".into()));
    assert_eq!(view["summary"]["run"], 2);
    assert_eq!(sandbox.read("p"), None, "a look runs nothing");

    let nobody = sandbox.run("promote-env staging prod prd.md --run").code(2);
    assert!(nobody.stderr.contains("give --yes too"), "{}", nobody.stderr);
    assert_eq!(sandbox.read("p"), None);
    sandbox.run("promote-env staging prod prd.md --detailed-exitcode").code(30);

    sandbox.run("promote-env staging prod prd.md --run --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\ntwo\n"), "three was not proved");
    assert_eq!(verdicts(&look(&sandbox)), ["same", "same", "not_proved"]);
    sandbox.run("promote-env staging prod prd.md --detailed-exitcode").code(0);
    sandbox.run("promote-env staging prod prd.md --run --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\ntwo\n"), "nothing is left to do");
    let history = sandbox.run("history --env prod -o json --document prd.md").code(0).json();
    assert_eq!(history["runs"].as_array().unwrap().len(), 1);
    assert_eq!(history["runs"][0]["options"]["promoted-from"], "staging");
}

#[test]
fn what_changed_since_it_was_proved_is_held_back_with_what_depends_on_it() {
    let sandbox = project(THREE, &catalogue(""));
    sandbox.run("run prd.md --env staging").code(0);
    sandbox.write("tasks/all.yaml", catalogue(" more"));
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["run", "not_proved", "held_back"]);
    assert_eq!(view["tasks"][1]["why"], "its action changed since it was proved");
    assert_eq!(view["tasks"][2]["by"], "a/two");
    let text = sandbox.run("promote-env staging prod prd.md").code(0).stdout;
    for part in [
        "+ 1.1 One",
        "! 1.2 Two",
        "! 1.3 Three",
        "held back by 1.2",
        "prod: not done",
        "1 to run, 1 not proved, 1 held back.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let markdown = sandbox.run("promote-env staging prod prd.md -o markdown").code(0).stdout;
    assert!(markdown.contains("| Task | `staging` | `prod` | Promotion |"), "{markdown}");
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\n"));

    // Proved again, as it is now.
    sandbox.run("run prd.md --env staging").code(0);
    assert_eq!(verdicts(&look(&sandbox)), ["same", "run", "run"]);
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\ntwo more\nthree\n"));
}

#[test]
fn what_failed_or_changed_in_the_second_runs_again() {
    let tasks = catalogue("").replace("echo two", "test -e $TM_VAR_FILE.ready && echo two");
    let sandbox = project(THREE, &tasks);
    sandbox.write("s.ready", "").run("run prd.md --env staging").code(0);
    sandbox.run("promote-env staging prod prd.md --yes").code(20);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\n"));
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["same", "run", "run"]);
    assert_eq!(view["tasks"][1]["why"], "it failed");
    assert_eq!(view["tasks"][1]["to"]["standing"], "failed");
    sandbox.write("p.ready", "").run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\ntwo\nthree\n"));
    // Another file in prod: there the actions are other ones now, proved with their own.
    sandbox.write("tasks/all.yaml", tasks.replace("file: p", "file: q")).write("q.ready", "");
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["run", "run", "run"]);
    assert_eq!(view["tasks"][0]["why"], "its action changed since");
}

#[test]
fn what_drifted_in_the_first_is_not_proved_there_and_what_drifted_in_the_second_runs() {
    let catalogue = "tasks:\n  a/one:\n    check: {exec: [test, -e, '{{ vars.file }}']}\n    \
                     run: {exec: [touch, '{{ vars.file }}']}\n\
                     environments:\n  staging: {vars: {file: s}}\n  prod: {vars: {file: p}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", catalogue);
    sandbox.run("run prd.md --env staging").code(0);
    std::fs::remove_file(sandbox.path().join("s")).expect("removed");
    sandbox.run("drift prd.md --env staging").code(31);
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["not_proved"]);
    assert_eq!(view["tasks"][0]["why"], "it drifted: its check said no since");
    sandbox.run("promote-env staging prod prd.md --run --yes").code(0);
    assert_eq!(sandbox.read("p"), None);

    sandbox.run("run prd.md --env staging").code(0);
    sandbox.run("promote-env staging prod prd.md --run --yes").code(0);
    std::fs::remove_file(sandbox.path().join("p")).expect("removed");
    sandbox.run("drift prd.md --env prod").code(31);
    let view = look(&sandbox);
    assert_eq!(
        (&*verdicts(&view), &view["tasks"][0]["why"]),
        (&["run".to_owned()][..], &"it drifted".into())
    );
    sandbox.run("promote-env staging prod prd.md --run --yes").code(0);
    assert!(sandbox.read("p").is_some());
}

#[test]
fn variables_of_the_first_are_those_of_its_newest_run() {
    let tasks = "vars: {tag: {description: what is released}}\ntasks:\n  a/one: {run: {shell: 'echo x >> $TM_VAR_TAG'}}\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks);
    sandbox.run("run prd.md --env staging --var tag=v2").code(0);
    let view = sandbox.run("promote-env staging prod prd.md --var tag=v3 -o json").code(0).json();
    assert_eq!(verdicts(&view), ["run"]);
    sandbox.run("promote-env staging prod prd.md --var tag=v3 --yes").code(0);
    assert_eq!((sandbox.read("v2").is_some(), sandbox.read("v3").is_some()), (true, true));
    let history = sandbox.run("history --env prod --document prd.md -o json").code(0).json();
    assert_eq!(history["runs"][0]["options"]["var.tag"], "v3", "a report of it finds them again");
}

#[test]
fn subtasks_that_are_done_do_not_run_again_with_their_parent() {
    let prd = "## Phase 1: A\n\n- [ ] T001 Parent\n  - [ ] T002 Left\n  - [ ] T003 Right\n";
    let check = "check: {shell: 'test -e never'}";
    let tasks = format!(
        "tasks:\n  T001: {{run: {{shell: 'echo parent >> $TM_VAR_FILE'}}}}\n  \
         T002: {{run: {{shell: 'echo left >> $TM_VAR_FILE; touch never'}}, {check}}}\n  \
         T003: {{run: {{shell: 'echo right >> $TM_VAR_FILE'}}}}\n\
         environments:\n  staging: {{vars: {{file: s}}}}\n  prod: {{vars: {{file: p}}}}\n"
    );
    let sandbox = project(prd, &tasks);
    sandbox.run("run prd.md --env staging").code(0);
    std::fs::remove_file(sandbox.path().join("never")).unwrap();
    sandbox.run("run prd.md --env prod --task T002").code(0);
    // Its check says no from now on: a run of the whole would do it again.
    std::fs::remove_file(sandbox.path().join("never")).unwrap();
    assert_eq!(verdicts(&look(&sandbox)), ["run", "same", "run"]);
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("left\nright\nparent\n"));
}

#[test]
fn a_group_completes_with_what_runs() {
    let prd = "## Phase 1: A\n\n- [ ] T001 Parent\n  - [ ] T002 Left\n- [ ] T003 After\n";
    let tasks = "tasks:\n  T002: {run: {exec: ['true']}}\n  T003: {run: {exec: ['true']}}\n";
    let sandbox = project(prd, tasks);
    sandbox.run("run prd.md --env staging").code(0);
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["completes", "run", "run"]);
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(verdicts(&look(&sandbox)), ["same", "same", "same"]);
    let list = sandbox.run("tasks list --env prod -o json").code(0).json();
    assert!(list["tasks"].as_array().unwrap().iter().all(|task| task["status"] == "completed"), "{list}");
}

#[test]
fn what_only_one_of_both_executes_is_told_and_holds_back() {
    let prd = "## Phase 1: A\n\n- [ ] One\n- [ ] Two\n- [ ] Three\n- [ ] Four\nordering: x\n";
    let prd = format!(
        "---\nordering: explicit\n---\n{}",
        prd.replace("ordering: x\n", "- [ ] Five (depends on: Four)\n")
    );
    let run = "run: {exec: ['true']}";
    let tasks = format!(
        "tasks:\n  a/one: {{{run}, when: {{env: [staging], reason: no cluster}}}}\n  \
         a/two: {{{run}, when: {{env: [prod], reason: only there}}}}\n  a/three: {{manual: true}}\n  \
         a/four: {{{run}}}\n  a/five: {{{run}}}\nenvironments:\n  staging: {{}}\n  prod: {{tasks: {{a/four: {{manual: true}}}}}}\n"
    );
    let sandbox = project(&prd, &tasks);
    sandbox.run("run prd.md --env staging --no-wait").code(21);
    let view = look(&sandbox);
    assert_eq!(verdicts(&view), ["only_in", "only_in", "person", "only_in", "held_back"]);
    let tasks = &view["tasks"];
    assert_eq!((&tasks[0]["environment"], &tasks[0]["holds"]), (&"staging".into(), &false.into()));
    assert_eq!((&tasks[1]["environment"], &tasks[1]["holds"]), (&"prod".into(), &true.into()));
    assert_eq!((&tasks[3]["environment"], &tasks[3]["why"]), (&"staging".into(), &"a person does it".into()));
    let refused = sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert!(refused.stdout.contains("nothing to run"), "{}", refused.stdout);
    sandbox.run("tasks set four completed --env prod --document prd.md").code(0);
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(verdicts(&look(&sandbox))[4], "same");
}

#[test]
fn a_mark_proves_nothing() {
    let prd = "## Phase 1: A\n\n- [x] One\n";
    let tasks = "tasks:\n  a/one: {run: {exec: [touch, one]}}\nenvironments:\n  staging: {}\n  prod: {tasks: {a/one: {check: {shell: test -e one}}}}\n";
    let sandbox = project(prd, tasks);
    sandbox.run("run prd.md --env staging").code(0);
    let view = look(&sandbox);
    assert_eq!(
        (verdicts(&view), &view["tasks"][0]["why"]),
        (vec!["not_proved".to_owned()], &"only marked done".into())
    );
}

#[test]
fn what_names_no_two_environments_is_refused() {
    let sandbox = project(THREE, &catalogue(""));
    let none = sandbox.run("promote-env staging prod prd.md").code(2);
    assert!(none.stderr.contains("nothing of this document was done in staging yet"), "{}", none.stderr);
    sandbox.run("run prd.md --env staging").code(0);
    assert!(
        sandbox.run("promote-env stagin prod prd.md").code(12).stderr.contains("did you mean `staging`?")
    );
    // Where no catalogue names environments, runs do.
    sandbox.write("tasks/all.yaml", "tasks:\n  a/one: {run: {exec: ['true']}}\n");
    let near = sandbox.run("promote-env stagin prod prd.md").code(2);
    assert!(near.stderr.contains("did you mean `staging`?"), "{}", near.stderr);
    let itself = sandbox.run("promote-env staging staging prd.md").code(2);
    assert!(itself.stderr.contains("staging is promoted to itself"), "{}", itself.stderr);
}

#[test]
fn a_lock_of_the_first_is_only_told() {
    let sandbox = project(THREE, &catalogue(""));
    sandbox.run("run prd.md --env staging").code(0);
    sandbox.run("env lock staging --message testing").code(0);
    let view = look(&sandbox);
    assert_eq!(view["warnings"][0]["code"], "environment-locked", "{view}");
    sandbox.run("promote-env staging prod prd.md --yes").code(0);
    assert_eq!(sandbox.read("p").as_deref(), Some("one\ntwo\nthree\n"));
}

#[test]
fn a_second_environment_that_looks_like_production_is_refused_until_it_is_allowed() {
    let tasks = "tasks:\n  a/one:\n    run: {kubectl: {apply: one.yaml, context: '{{ vars.context }}'}}\n    check: {shell: test -e $TM_VAR_CONTEXT.done}\nenvironments:\n  staging: {vars: {context: kind-a}}\n  prod: {vars: {context: prod-eu}}\n";
    let kubectl = "#!/bin/sh\ncase \"$*\" in *prod-eu*) touch prod-eu.done;; *) touch kind-a.done;; esac\n";
    let sandbox = project("## Phase 1: A\n\n- [ ] One\n", tasks).program("kubectl", kubectl);
    sandbox.write("one.yaml", "kind: ConfigMap\n");
    sandbox.run("run prd.md --env staging").code(0);
    let view = look(&sandbox);
    assert_eq!(view["warnings"][0]["code"], "production-context", "{view}");
    let refused = sandbox.run("promote-env staging prod prd.md --yes").code(2);
    assert!(refused.stderr.contains("`prod-eu` looks like production"), "{}", refused.stderr);
    assert_eq!(sandbox.read("prod-eu.done"), None);
    sandbox.run("promote-env staging prod prd.md --yes --allow-context prod-eu").code(0);
    assert!(sandbox.read("prod-eu.done").is_some());
}
