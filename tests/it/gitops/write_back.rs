//! Marks that are written from evidence: `run --write-back`, by the real program, and the text alone.

use proptest::prelude::*;
use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use taskmaster::app::workspace::ReadOptions;
use taskmaster::app::write_back::{Evidence, Subject, TextFault, WriteBack, texts};
use taskmaster::exec::ports::{Observer, Silent};
use taskmaster_core::document::{Claim, Document};
use taskmaster_core::id::{AttemptId, TaskId};
use taskmaster_core::state::TaskState;
use taskmaster_prd::{Options, SourceText, parse_many};
use taskmaster_testkit::{Sandbox, until};

fn project(prd: &str, tasks: &str) -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"));
    sandbox.write("prd.md", prd).write("tasks/local.yaml", tasks);
    sandbox
}

/// Catalogue entries without a check, each a line of shell.
fn shell(tasks: &[(&str, &str)]) -> String {
    let entry = |(id, line): &(&str, &str)| format!("  {id}: {{run: {{shell: '{line}'}}}}\n");
    format!("tasks:\n{}", tasks.iter().map(entry).collect::<String>())
}

#[track_caller]
fn assert_prd(sandbox: &Sandbox, expected: &str) {
    assert_eq!(sandbox.read("prd.md").unwrap(), expected);
}

/// Both texts with every mark replaced, found without our parser: what stands alone between brackets at the start
/// of a list item.
fn without_marks(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let start = line.trim_start_matches(|c: char| " \t>-*+.)\u{feff}".contains(c) || c.is_ascii_digit());
        let at = line.len() - start.len();
        match start.strip_prefix('[').and_then(|rest| rest.find(']')) {
            Some(end) if start[1..=end].chars().count() <= 2 => {
                out.push_str(&line[..at]);
                out.push_str("[M");
                out.push_str(&start[end + 1..]);
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// The byte ranges in which two texts differ, by an own walk: both must be between `[` and `]` there.
#[track_caller]
fn assert_only_marks_differ(before: &str, after: &str) {
    let (mut old, mut new) = (before.as_bytes(), after.as_bytes());
    while !old.is_empty() || !new.is_empty() {
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let behind = &old[..same];
        (old, new) = (&old[same..], &new[same..]);
        if old.is_empty() && new.is_empty() {
            return;
        }
        // A character may begin with the same byte as the one in its place.
        let open = behind.iter().rev().take(4).any(|byte| *byte == b'[');
        assert!(open, "no mark: {:?}", String::from_utf8_lossy(behind));
        let close = |text: &[u8]| text.iter().take(8).position(|byte| *byte == b']');
        let (Some(in_old), Some(in_new)) = (close(old), close(new)) else { panic!("no mark's end") };
        (old, new) = (&old[in_old..], &new[in_new..]);
    }
}

#[test]
fn done_is_ticked_failed_is_unticked_and_the_rest_stays() {
    let prd = "# T\n\n## Phase 1: P\n\n- [ ] done\n- [x] broken\n- [ ] held back\n- [x] claimed\n- [ ] left out\n\nText [ ] stays.\n";
    let tasks = "tasks:\n  p/done: {run: {shell: 'true'}}\n  p/broken: {check: {file_exists: none}, run: {shell: 'exit 3'}}\n  \
                 p/held-back: {run: {shell: 'true'}}\n  p/claimed: {run: {shell: 'touch claimed'}}\n  \
                 p/left-out: {when: {env: [prod]}, run: {shell: 'true'}}\n";
    let sandbox = project(prd, tasks);
    let first = sandbox.run("run prd.md --write-back");
    let expected = prd.replace("[ ] done", "[x] done").replace("[x] broken", "[ ] broken");
    assert_eq!(sandbox.read("prd.md").unwrap(), expected, "{}", first.stderr);
    assert_eq!(first.code, 20, "{}", first.stderr);
    assert!(sandbox.read("claimed").is_none(), "what is claimed was not run");
}

#[test]
fn without_the_flag_nothing_is_written() {
    let prd = "## Phase 1: P\n\n- [ ] done\n";
    let sandbox = project(prd, &shell(&[("p/done", "true")]));
    sandbox.run("run prd.md").code(0);
    assert_prd(&sandbox, prd);
    // Later, from what was recorded then.
    sandbox.run("run prd.md --write-back").code(0);
    assert_prd(&sandbox, "## Phase 1: P\n\n- [x] done\n");
}

#[test]
fn a_second_run_writes_nothing_and_nothing_is_said_of_our_own_marks() {
    let sandbox = project(
        "## Phase 1: P\n\n- [ ] one\n- [ ] two\n",
        "tasks:\n  p/one: {check: {file_exists: made}, run: {shell: 'touch made'}}\n  p/two: {run: {shell: 'true'}}\n",
    );
    sandbox.run("run prd.md --write-back").code(0);
    assert_prd(&sandbox, "## Phase 1: P\n\n- [x] one\n- [x] two\n");
    let inode = || std::fs::metadata(sandbox.path().join("prd.md")).unwrap().ino();
    let before = inode();
    let head = || sandbox.run("audit --head").code(0).stdout;
    let (known, parse) = (head(), sandbox.run("parse prd.md").code(0));
    assert_eq!(head(), known, "a parse finds nothing new: {}", parse.stdout);
    sandbox.run("run prd.md --write-back").code(0);
    assert_eq!(inode(), before, "not even the same text again");
    let history = sandbox.run("history -o json").code(0).stdout;
    assert!(!history.contains("reopened"), "{history}");
}

/// A task that waits for a line in a pipe: the test says when it ends.
struct Gate {
    path: PathBuf,
}

impl Gate {
    fn new(sandbox: &Sandbox) -> Self {
        let path = sandbox.path().join("gate");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path }
    }

    /// Both ends of a pipe wait for each other, so this is no race.
    fn open(&self) {
        std::fs::write(&self.path, "go\n").unwrap();
    }
}

const GATED: &str = "## Phase 1: P\n\n- [ ] before\n- [ ] gated\n- [ ] after\n";

/// A run that stands at its gate, with what is done before it written down.
fn gated(sandbox: &Sandbox) -> (Gate, taskmaster_testkit::Running) {
    let gate = Gate::new(sandbox);
    let run = sandbox.start("run prd.md --write-back");
    until("the marks of a run at work", 60, || {
        let text = sandbox.read("prd.md")?;
        text.contains("[~] gated").then_some(())
    });
    (gate, run)
}

fn gated_tasks() -> String {
    shell(&[("p/before", "true"), ("p/gated", "read line < gate"), ("p/after", "true")])
}

#[test]
fn what_is_at_work_is_seen_in_the_document() {
    let sandbox = project(GATED, &gated_tasks());
    let (gate, run) = gated(&sandbox);
    assert_prd(&sandbox, "## Phase 1: P\n\n- [x] before\n- [~] gated\n- [ ] after\n");
    gate.open();
    run.wait().code(0);
    assert_prd(&sandbox, "## Phase 1: P\n\n- [x] before\n- [x] gated\n- [x] after\n");
}

#[test]
fn what_somebody_wrote_meanwhile_stays() {
    let sandbox = project(GATED, &gated_tasks());
    let (gate, run) = gated(&sandbox);
    let edited = "# A title\n\n## Phase 1: P\n\nMore text.\n\n- [ ] new\n- [~] before, but otherwise\n- [~] gated\n  - a detail\n- [ ] After!\n";
    sandbox.write("prd.md", edited);
    gate.open();
    run.wait().code(0);
    // `After!` has the address of `after`, but another title: whoever wrote that may mean something else.
    assert_prd(&sandbox, &edited.replace("[~] gated", "[x] gated"));
    // The edit is no one's secret: the next look tells of it.
    let parse = sandbox.run("parse prd.md").code(0);
    assert!(parse.stdout.contains("new"), "{}", parse.stdout);
}

#[test]
fn what_cannot_be_read_or_written_is_left_alone_and_the_run_goes_on() {
    for (case, said) in [("broken", "left as it is"), ("gone", "does not exist"), ("read-only", "read-only")]
    {
        let sandbox = project(GATED, &gated_tasks());
        let (gate, run) = gated(&sandbox);
        let path = sandbox.path().join("prd.md");
        let broken = "## Phase 1: P\n\n- [ ] gated {#x}\n- [ ] after {#x}\n";
        match case {
            "broken" => {
                sandbox.write("prd.md", broken);
            }
            "gone" => std::fs::remove_file(&path).unwrap(),
            _ => std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap(),
        }
        gate.open();
        let ended = run.wait().code(0);
        assert!(
            ended.stderr.contains("warning: ") && ended.stderr.contains(said),
            "{case}: {}",
            ended.stderr
        );
        assert_eq!(ended.stderr.matches("warning: ").count(), 1, "{case}: once: {}", ended.stderr);
        let now = sandbox.read("prd.md");
        match case {
            "broken" => assert_eq!(now.as_deref(), Some(broken)),
            "gone" => assert_eq!(now, None),
            _ => assert!(now.is_some_and(|text| text.contains("[~] gated"))),
        }
        sandbox.write("prd.md", GATED);
        let list = sandbox.run("tasks list -o json").code(0).stdout;
        assert_eq!(list.matches("\"state\": \"completed\"").count(), 3, "{case}: {list}");
    }
}

#[test]
fn mode_link_byte_order_mark_and_line_ends_stay() {
    let prd = "\u{feff}# T\r\n\r\n## Phase 1: P\r\n\r\n- [ ] one\r\n* [\u{2714}\u{fe0f}] two\r\n+ [X] three\r\n\r\nend without a break";
    let sandbox = project("", &shell(&[("p/one", "true"), ("p/two", "true"), ("p/three", "true")]));
    sandbox.write("docs/real.md", prd);
    let (real, link) = (sandbox.path().join("docs/real.md"), sandbox.path().join("prd.md"));
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o604)).unwrap();
    std::fs::remove_file(&link).unwrap();
    symlink("docs/real.md", &link).unwrap();
    sandbox.run("run prd.md --write-back").code(0);
    let text = std::fs::read_to_string(&real).unwrap();
    assert_only_marks_differ(prd, &text);
    assert_eq!(text.replace("[x] one", "[ ] one").replace("[x] two", "[\u{2714}\u{fe0f}] two"), prd);
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o604);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(sandbox.path().join("docs")).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn each_file_of_a_folder_gets_its_own_marks() {
    let sandbox = project("", &shell(&[("first/one", "true"), ("second/two", "exit 1")]));
    let (first, second) = ("## Phase 1: First\n\n- [ ] one\n", "## Phase 2: Second\n\n- [ ] two\n");
    sandbox.write("prd/a.md", first).write("prd/b.md", second);
    let inode = || std::fs::metadata(sandbox.path().join("prd/b.md")).unwrap().ino();
    let before = inode();
    sandbox.run("run prd --write-back --no-wait").code(20);
    assert_eq!(sandbox.read("prd/a.md").unwrap(), first.replace("[ ]", "[x]"));
    assert_eq!(sandbox.read("prd/b.md").unwrap(), second);
    assert!(inode() == before || sandbox.read("prd/b.md").is_some());
    let parse = sandbox.run("parse prd").code(0);
    assert!(!parse.stdout.contains("first/one"), "{}", parse.stdout);
}

#[test]
fn a_person_s_word_and_a_group_are_written_too() {
    let prd = "## Phase 1: P\n\n- [ ] group\n  - [ ] one\n  - [ ] two\n- [ ] by hand\n";
    let sandbox =
        project(prd, "tasks:\n  p/one: {run: {shell: 'true'}}\n  p/two: {run: {shell: 'test -e ok'}}\n");
    sandbox.run("run prd.md --write-back --no-wait").code(20);
    assert_prd(&sandbox, &prd.replace("[ ] group", "[~] group").replace("[ ] one", "[x] one"));
    sandbox.write("ok", "");
    sandbox.run("run prd.md --write-back --no-wait").code(21);
    let done =
        prd.replace("[ ] group", "[x] group").replace("[ ] one", "[x] one").replace("[ ] two", "[x] two");
    let text = sandbox.read("prd.md").unwrap();
    assert_eq!(text.replace("[~] by hand", "[ ] by hand"), done);
    sandbox.run("tasks set by-hand completed").code(0);
    sandbox.run("run prd.md --write-back --no-wait").code(0);
    assert_prd(&sandbox, &prd.replace("[ ]", "[x]"));
}

/// An editor that writes a file in place has it half written for a moment.
#[test]
fn a_text_that_is_just_being_written_is_not_touched() {
    let sandbox = project("## Phase 1: P\n\n- [ ] one\n", "tasks: {}\n");
    let path = sandbox.path().join("prd.md");
    let workspace = taskmaster::api::open(&sandbox.path()).unwrap();
    let options = ReadOptions { document: Some(path.clone()), ..ReadOptions::default() };
    let reading = workspace.read(&options).unwrap();
    let document = &reading.parsed.document;
    let states = HashMap::from([(document.tasks[0].id.clone(), TaskState::Completed)]);
    let subject = Subject {
        workspace: &workspace,
        read: options,
        document: reading.id.clone(),
        environment: "local".into(),
        digest: reading.text.digest.clone(),
    };
    let mut silent = Silent;
    let mut write_back = WriteBack::new(&mut silent, subject, Evidence::of_states(document, states));
    for text in ["## Phase 1: P\n\n- [ ] one\n- [ ] tw", "## Phase 1: P\n\n- [ ] one\n- [ ] two\n"] {
        std::fs::write(&path, text).unwrap();
        write_back.tick();
        assert_prd(&sandbox, text);
    }
    write_back.tick();
    assert_prd(&sandbox, "## Phase 1: P\n\n- [x] one\n- [ ] two\n");
    let marks = write_back.finish();
    assert_eq!(marks.own, None, "somebody else wrote it too");
    assert_eq!((marks.files.len(), marks.warnings.len()), (1, 0));
}

/// A task of the same address in another document or environment is another one.
#[test]
fn what_others_do_is_not_written_here() {
    let prd = format!("{GATED}- [ ] last\n");
    let other = format!("# Other\n\n{prd}");
    let sandbox = project(&prd, &gated_tasks());
    sandbox.write("other.md", &other);
    let (gate, run) = gated(&sandbox);
    sandbox.run("tasks set p/after completed --document prd.md --env dev").code(0);
    sandbox.run("parse other.md").code(0);
    sandbox.run("tasks set p/after completed --document other.md").code(0);
    sandbox.run("tasks set p/last completed --document prd.md").code(0);
    let text = until("a mark", 60, || sandbox.read("prd.md").filter(|text| text.contains("[x] last")));
    assert_eq!(
        text,
        prd.replace("[ ] before", "[x] before")
            .replace("[ ] gated", "[~] gated")
            .replace("[ ] last", "[x] last")
    );
    gate.open();
    run.wait().code(0);
    assert_prd(&sandbox, &prd.replace("[ ]", "[x]"));
    assert_eq!(sandbox.read("other.md").unwrap(), other);
}

/// Mended by hand and ticked: nothing but the mark can tell, so an older failure does not take it back.
#[test]
fn a_mark_that_was_set_after_a_failure_stays() {
    let prd = "---\nordering: explicit\n---\n\n## Phase 1: P\n\n- [ ] fails\n- [ ] other\n";
    let sandbox = project(prd, &shell(&[("p/fails", "exit 1"), ("p/other", "true")]));
    sandbox.run("run prd.md --keep-going --write-back").code(20);
    assert_prd(&sandbox, &prd.replace("[ ] other", "[x] other"));
    let mended = prd.replace("[ ]", "[x]");
    sandbox.write("prd.md", &mended);
    sandbox.run("run prd.md --task other --write-back").code(0);
    assert_prd(&sandbox, &mended);
    sandbox.run("run prd.md --write-back").code(0);
    assert_prd(&sandbox, &mended);
}

/// What the plan would do to each task, and all it says of it but what the mark says.
fn plan(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let mut plan = sandbox.run("plan prd.md -o json").json();
    let tasks = plan["tasks"].as_array_mut().unwrap();
    for task in tasks.iter_mut().map(|task| task.as_object_mut().unwrap()) {
        assert!(task.remove("claim").is_some());
        ["at", "last_duration_ms", "expected_ms"].into_iter().for_each(|time| drop(task.remove(time)));
    }
    assert!(!tasks.is_empty());
    std::mem::take(tasks)
}

#[test]
fn marks_of_ours_do_not_change_what_the_next_run_does() {
    let prd = "## Phase 1: P\n\n- [ ] bare\n- [ ] checked\n- [ ] fails\n- [x] claimed\n";
    let tasks = "tasks:\n  p/bare: {run: {shell: 'echo bare >> log'}}\n  \
                 p/checked: {check: {file_exists: made}, run: {shell: 'echo checked >> log; touch made'}}\n  \
                 p/fails: {run: {shell: 'echo fails >> log; exit 1'}}\n  p/claimed: {run: {shell: 'echo claimed >> log'}}\n";
    let (plain, marked) = (project(prd, tasks), project(prd, tasks));
    let both = |words: &str, flag: &str| {
        let (a, b) = (plain.run(words), marked.run(&format!("{words} {flag}")));
        assert_eq!(a.code, b.code, "{words}: {}", b.stderr);
        assert_eq!(plan(&plain), plan(&marked), "{words}");
        assert_eq!(plain.read("log"), marked.read("log"), "{words}");
    };
    both("run prd.md", "--write-back");
    assert!(marked.read("prd.md").unwrap().contains("[x] bare"));
    both("run prd.md", "--write-back");
    // Another action without a check is another work, whatever the mark of the old one says.
    for sandbox in [&plain, &marked] {
        sandbox
            .write("tasks/local.yaml", tasks.replace("echo bare", "echo other").replace("exit 1", "exit 0"));
    }
    assert_eq!(plan(&plain), plan(&marked));
    both("run prd.md", "--write-back");
    assert!(marked.read("log").unwrap().contains("other"));
    both("run prd.md", "--write-back");
}

#[test]
fn a_run_of_many_writes_seldom() {
    let names: Vec<String> = (0..60).map(|at| format!("t{at}")).collect();
    let prd = format!(
        "## Phase 1: P\n\n{}",
        names.iter().map(|name| format!("- [ ] {name}\n")).collect::<String>()
    );
    let ids: Vec<String> = names.iter().map(|name| format!("p/{name}")).collect();
    let tasks: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "sleep 0.02")).collect();
    let sandbox = project(&prd, &shell(&tasks));
    let path = sandbox.path().join("prd.md");
    let began = Instant::now();
    let mut run = sandbox.start("run prd.md --write-back");
    let mut seen = Vec::new();
    until("the end of the run", 120, || {
        if let Ok(meta) = std::fs::metadata(&path) {
            let text = (meta.ino(), meta.mtime(), meta.mtime_nsec());
            if seen.last() != Some(&text) {
                seen.push(text);
            }
        }
        (!run.is_running()).then_some(())
    });
    run.wait().code(0);
    assert_prd(&sandbox, &prd.replace("[ ]", "[x]"));
    let bound = began.elapsed().as_secs() + 4;
    assert!(seen.len() as u64 <= bound, "{} texts in {:?}", seen.len(), began.elapsed());
}

#[test]
fn a_kill_leaves_a_whole_file_and_the_next_run_sets_it_right() {
    let names: Vec<String> = (0..12).map(|at| format!("t{at}")).collect();
    let prd = format!(
        "## Phase 1: P\n\n{}",
        names.iter().map(|name| format!("- [ ] {name}\n")).collect::<String>()
    );
    let entry = |name: &String| {
        format!(
            "  p/{name}: {{check: {{file_exists: made-{name}}}, run: {{shell: 'sleep 0.2; touch made-{name}'}}}}\n"
        )
    };
    let tasks = format!("tasks:\n{}", names.iter().map(entry).collect::<String>());
    for round in 0..4 {
        let sandbox = project(&prd, &tasks);
        let run = sandbox.start("run prd.md --write-back");
        until("marks", 60, || {
            let ticked = sandbox.read("prd.md")?.matches("[x]").count();
            (ticked >= round).then_some(())
        });
        run.kill();
        let text = sandbox.read("prd.md").unwrap();
        assert_eq!(without_marks(&text), without_marks(&prd));
        sandbox.run("run prd.md --write-back").code(0);
        assert_prd(&sandbox, &prd.replace("[ ]", "[x]"));
        let left: Vec<_> = std::fs::read_dir(sandbox.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".taskmaster") && name != ".taskmaster")
            .collect();
        assert_eq!(left, Vec::<String>::new(), "what a kill left is gone");
    }
}

#[test]
fn an_interrupted_run_says_what_it_came_to() {
    let sandbox = project(GATED, &gated_tasks());
    let (_gate, mut run) = gated(&sandbox);
    until("the end of a run that is told to stop", 60, || {
        let told = Command::new("kill").args(["-INT", &run.pid().to_string()]).status().unwrap();
        (!told.success() || !run.is_running()).then_some(())
    });
    run.wait().code(22);
    let text = sandbox.read("prd.md").unwrap();
    assert!(
        text.contains("[x] before") && text.contains("[ ] gated") && text.contains("[ ] after"),
        "{text}"
    );
}

/// Every document of the fixtures: a file, or the files of a folder.
fn fixtures() -> Vec<(String, Vec<(String, String)>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found = Vec::new();
    for folder in ["notation", "seeds"] {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let files: Vec<(String, String)> = if path.is_dir() {
                let files = super::git::files(&path);
                files.into_iter().filter(|(name, _)| name.ends_with(".md")).collect()
            } else if name.ends_with(".md") {
                vec![(name.clone(), std::fs::read_to_string(&path).unwrap())]
            } else {
                continue;
            };
            found.push((format!("{folder}/{name}"), files));
        }
    }
    found
}

fn named(files: &[(String, String)]) -> Vec<SourceText<'_>> {
    files.iter().map(|(name, text)| SourceText { name, text }).collect()
}

fn some_state(choice: usize) -> Option<TaskState> {
    match choice {
        0 => Some(TaskState::Completed),
        1 => Some(TaskState::Running { attempt: AttemptId::new("a"), number: 1 }),
        2 => Some(TaskState::Failed { reason: "no".to_owned() }),
        3 => Some(TaskState::Skipped { reason: "no".to_owned() }),
        _ => None,
    }
}

/// What the mark of a task without subtasks is to say, by the rules as they are told, not as they are coded.
fn told(claim: Claim, choice: usize) -> Claim {
    match (claim, choice) {
        (Claim::Cancelled, _) => Claim::Cancelled,
        (_, 0) => Claim::Completed,
        (_, 1) => Claim::InProgress,
        (_, 2) => Claim::Pending,
        (claim, _) => claim,
    }
}

/// All fixtures with some states: only marks change, they say what they should, and a second time changes nothing.
fn round_trip(files: &[(String, String)], choices: &[usize]) -> Result<usize, TestCaseError> {
    let before = parse_many(&named(files), &Options::default()).document;
    let choice = |at: usize| choices[at % choices.len()];
    let states: HashMap<TaskId, TaskState> = before
        .tasks
        .iter()
        .enumerate()
        .filter_map(|(at, task)| Some((task.id.clone(), some_state(choice(at))?)))
        .collect();
    let evidence = Evidence::of_states(&before, states);
    let new = match texts(&named(files), &Options::default(), &evidence) {
        Ok(new) => new,
        Err(TextFault::Unsound(_)) => return Ok(0),
        Err(other) => return Err(TestCaseError::fail(format!("{other}"))),
    };
    let mut after = files.to_vec();
    for (index, text) in &new {
        assert_only_marks_differ(&files[*index].1, text);
        prop_assert_eq!(without_marks(&files[*index].1), without_marks(text));
        after[*index].1.clone_from(text);
    }
    prop_assert!(texts(&named(&after), &Options::default(), &evidence).unwrap().is_empty(), "a second time");
    let again: Document = parse_many(&named(&after), &Options::default()).document;
    prop_assert_eq!(again.tasks.len(), before.tasks.len());
    let has_subtasks = |id: &TaskId| before.tasks.iter().any(|task| task.parent.as_ref() == Some(id));
    for (at, (old, now)) in before.tasks.iter().zip(&again.tasks).enumerate() {
        prop_assert_eq!(&old.id, &now.id);
        if old.mark.is_none() {
            prop_assert_eq!(old.status, now.status);
        } else if !has_subtasks(&old.id) {
            let told = told(old.status, choice(at));
            // Some places have no mark for what is begun, and before struck words only a tick is no cancellation.
            let line = files[old.source].1[old.span.start..old.span.end].contains("~~");
            let has_none = now.status == old.status && (told == Claim::InProgress || line);
            prop_assert!(now.status == told || has_none, "{}: {:?}, not {told:?}", old.id, now.status);
        }
    }
    Ok(new.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_notation_makes_the_round_trip(choices in prop::collection::vec(0..6_usize, 1..12)) {
        let mut written = 0;
        for (name, files) in fixtures() {
            written += round_trip(&files, &choices).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        }
        prop_assert!(written > 0 || choices.iter().all(|choice| *choice > 1), "something is written");
    }
}

#[test]
fn every_notation_with_boxes_is_among_them() {
    let all = fixtures();
    let count =
        |choice: usize| all.iter().filter(|(_, files)| round_trip(files, &[choice]).unwrap() > 0).count();
    assert!(all.len() > 50, "{}", all.len());
    assert!(count(0) > 40 && count(1) > 30, "{} {}", count(0), count(1));
}
