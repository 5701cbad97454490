//! Runs of whole plans: order, commits, retries, jobs, locks, faults, outputs.

use super::world::{World, action, argv, named, pid_in, probe, process, retry, runs, sh};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use taskmaster_core::action::{Action, FailureKind, OutputMatch, Outputs, Probe, ProcessSpec};
use taskmaster_core::id::TaskKey;
use taskmaster_core::journal::{Outcome, OutputValue, ProbeKind, Record, Verdict};
use taskmaster_core::scheduler::RunEnd;
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_testkit::until;

#[test]
fn tasks_run_in_order_and_the_ledger_tells_all() {
    let mut world = World::new();
    world.task("a", action(vec![sh("echo a >> trace; echo said")]));
    world.task("b", action(vec![sh("echo b >> trace")])).dependencies = vec![0];
    world.task("c", action(vec![sh("echo c >> trace")])).dependencies = vec![1];
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("trace"), "a\nb\nc\n");
    assert_eq!(world.log_of(0), "said\n");
    assert_eq!(world.log_of(1), "");
    let records = world.ledger.records();
    let Record::RunStarted { pid, .. } = &records[0] else { panic!("{:?}", records[0]) };
    assert_eq!(*pid, std::process::id());
    let Some(Record::RunEnded { exit_code: 0, counts, .. }) = records.last() else {
        panic!("{:?}", records.last())
    };
    assert_eq!(counts.get("completed"), Some(&3));
    let Some(Record::AttemptStarted { commands, log, number: 1, undo: false, .. }) =
        records.iter().find(|record| matches!(record, Record::AttemptStarted { .. }))
    else {
        panic!("no attempt")
    };
    assert_eq!(commands, &["sh -c 'echo a >> trace; echo said'"]);
    assert!(log.starts_with(&format!("logs/{}/", world.settings.run)) && log.ends_with(".log"), "{log}");
    assert_eq!(world.onlooker.lock().entries, records.len());
}

#[test]
fn each_tick_is_one_commit_and_end_and_start_share_it() {
    let mut world = World::new();
    world.jobs = 1;
    // Spawns would be recorded by themselves if nothing else were for so long.
    world.settings.poll = Duration::from_secs(30);
    for id in ["a", "b", "c", "d"] {
        world.task(id, action(vec![argv(&["true"])]));
    }
    assert_eq!(world.run(), RunEnd::Succeeded);
    let ledger = world.ledger.lock();
    // The run's start, the first start, three times an end with the next start, the last end.
    assert_eq!(ledger.commits.len(), 6, "{:?}", ledger.commits);
    assert!(ledger.commits.iter().all(|(_, durable)| !durable));
}

#[test]
fn nothing_is_spawned_before_its_intent_is_committed() {
    let mut world = World::new();
    for id in ["a", "b", "c"] {
        world.task(id, action(vec![sh("echo > spawned-$TASKMASTER_ATTEMPT")]));
    }
    let project = world.project();
    world.ledger.lock().before = Some(Box::new(move |records| {
        for record in records {
            if let Record::AttemptStarted { attempt, .. } = record {
                // Long enough for a process that was started already to be seen.
                std::thread::sleep(Duration::from_millis(30));
                assert!(!project.join(format!("spawned-{attempt}")).exists(), "spawned before its commit");
            }
        }
    }));
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.ledger.ends().len(), 3);
}

#[test]
fn an_irreversible_start_is_durable_and_no_other() {
    let mut world = World::new();
    world.jobs = 1;
    world.task("a", action(vec![argv(&["true"])]));
    world.task("b", action(vec![argv(&["true"])])).policy.irreversible = true;
    assert_eq!(world.run(), RunEnd::Succeeded);
    let ledger = world.ledger.lock();
    let mut seen = 0;
    for (count, durable) in &ledger.commits {
        let records = &ledger.entries[seen..seen + count];
        let starts_b = records
            .iter()
            .any(|entry| matches!(&entry.record, Record::AttemptStarted { id, .. } if id.as_str() == "b"));
        assert_eq!(*durable, starts_b, "{records:?}");
        seen += count;
    }
}

#[test]
fn a_commit_that_fails_starts_nothing() {
    let mut world = World::of(sh("echo > spawned"));
    world.ledger.lock().fails_at = Some(1);
    let error = world.try_run().unwrap_err();
    assert!(error.to_string().contains("ledger"), "{error}");
    assert!(!world.exists("spawned"));
}

#[test]
fn a_task_that_fails_twice_has_three_attempts_with_their_delays() {
    let mut world = World::of(sh("echo x >> tries; test $(wc -l < tries) -ge 3"));
    world.tasks[0].policy.retry = retry(3, 60);
    assert_eq!(world.run(), RunEnd::Succeeded);
    let failed = |end: &Outcome| {
        matches!(end, Outcome::Failed { failure: FailureKind::ExitCode, exit_code: Some(1), .. })
    };
    let ends = world.ledger.ends();
    assert_eq!(ends.iter().map(|(_, end)| failed(end)).collect::<Vec<_>>(), [true, true, false]);
    let ledger = world.ledger.lock();
    let mut starts = Vec::new();
    let mut dues = Vec::new();
    for entry in &ledger.entries {
        match &entry.record {
            Record::AttemptStarted { .. } => starts.push(entry.at),
            Record::TaskState { to: TaskState::Waiting { on: WaitFor::Retry { until_ms, .. } }, .. } => {
                dues.push(Timestamp::from_millisecond(*until_ms).unwrap());
            }
            Record::RetryScheduled { delay_ms, .. } => assert_eq!(*delay_ms, 60),
            _ => {}
        }
    }
    assert_eq!((starts.len(), dues.len()), (3, 2));
    for (due, start) in dues.iter().zip(&starts[1..]) {
        assert!(start >= due, "started {start}, due {due}");
    }
}

#[test]
fn a_check_that_is_true_runs_nothing_and_one_that_errs_runs_nothing_either() {
    let mut world = World::new();
    let checked = |check: &str| Action { check: Some(probe(sh(check))), ..action(vec![sh("echo > ran-$0")]) };
    world.keep_going = true;
    world.task("true", checked("exit 0"));
    world.task(
        "false-then-true",
        Action { check: Some(probe(sh("test -e made"))), ..action(vec![sh("echo > made")]) },
    );
    world.task("error", checked("echo the token expired >&2; exit 4"));
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.ledger.state("true"), TaskState::Satisfied);
    assert_eq!(world.ledger.state("false-then-true"), TaskState::Completed);
    let TaskState::Failed { reason } = world.ledger.state("error") else { panic!() };
    assert!(reason.contains("exit code 4") && reason.contains("the token expired"), "{reason}");
    assert_eq!(world.ledger.ends().len(), 1);
    assert!(!world.exists("ran-sh"));
    // What the check said is kept where somebody will look.
    let kept = world.settings.state_dir.join(format!("logs/{}/KEY2.check.log", world.settings.run));
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "the token expired\n");
}

#[test]
fn verify_is_polled_until_it_is_true_or_the_time_is_over() {
    let polled = |times: u32| {
        let mut world = World::new();
        let script = format!("echo x >> polls; test $(wc -l < polls) -ge {times}");
        let verified = Action { verify: Some(probe(sh(&script))), ..action(vec![sh("true")]) };
        let policy = &mut world.task("a", verified).policy;
        policy.verify_interval_ms = 10;
        policy.verify_timeout_ms = if times > 100 { 1_500 } else { 20_000 };
        let end = world.run();
        (world, end)
    };
    let (world, end) = polled(4);
    assert_eq!(end, RunEnd::Succeeded);
    assert_eq!(world.ledger.verdicts(), [Verdict::False, Verdict::False, Verdict::False, Verdict::True]);
    let (world, end) = polled(1_000_000);
    assert_eq!(end, RunEnd::Failed);
    assert!(world.ledger.verdicts().len() >= 2);
}

#[test]
fn probes_prepare_first_read_codes_and_match_outputs() {
    let ask = |check| {
        let mut world = World::new();
        world.task("a", Action { check: Some(check), ..action(vec![argv(&["true"])]) });
        world.run();
        world.ledger.verdicts().first().cloned().unwrap()
    };
    let error = |verdict: Verdict| match verdict {
        Verdict::Error { message } => message,
        other => panic!("{other:?}"),
    };
    let codes = |code: i32| {
        let mut asked = probe(sh(&format!("exit {code}")));
        (asked.true_codes, asked.false_codes) = (vec![0, 5], vec![2]);
        ask(asked)
    };
    assert_eq!(codes(5), Verdict::True);
    assert_eq!(codes(2), Verdict::False);
    assert_eq!(error(codes(1)), "exit code 1");
    assert_eq!(error(ask(probe(sh("kill -9 $$")))), "ended by SIGKILL");
    assert!(error(ask(probe(argv(&["no-such-program"])))).contains("on PATH"));

    let mut prepared = probe(sh("test -e ready"));
    prepared.prepare = vec![named("init", sh("echo > ready"))];
    assert_eq!(ask(prepared.clone()), Verdict::True);
    prepared.prepare.push(named("login", sh("echo no access; exit 9")));
    assert_eq!(error(ask(prepared)), "login: exit code 9: no access");

    let phase = |text: &str| {
        let mut asked = probe(sh(&format!("echo '{text}'; echo noise >&2")));
        asked.output = vec![OutputMatch {
            pointer: Some("/status/phase".into()),
            equals: Some("Ready".into()),
            contains: None,
        }];
        ask(asked)
    };
    assert_eq!(phase(r#"{"status": {"phase": "Ready"}}"#), Verdict::True);
    assert_eq!(phase(r#"{"status": {"phase": "Pending"}}"#), Verdict::False);
    // It does not say that the value is another one.
    assert!(error(phase("no json")).contains("something else than JSON"));
}

#[test]
fn a_check_that_takes_too_long_is_an_error_and_leaves_nothing() {
    let mut world = World::new();
    let slow =
        Action { check: Some(probe(sh("echo $$ > pid; sleep 1000 & wait"))), ..action(vec![sh("true")]) };
    world.task("a", slow).policy.check_timeout_ms = 200;
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.ledger.verdicts(), [Verdict::Error { message: "no end within 200 ms".into() }]);
    assert!(!runs(pid_in(&world.project().join("pid")).unwrap()));
}

#[test]
fn steps_follow_each_other_and_the_first_failure_ends_them() {
    let mut world = World::new();
    let steps = vec![
        named("init", sh("echo one")),
        named("apply", sh("echo two >&2; exit 6")),
        named("never", sh("echo three")),
    ];
    world.task("a", action(steps));
    assert_eq!(world.run(), RunEnd::Failed);
    let (end, tail, bytes, _) = world.ledger.only_end();
    let log = "$ sh -c 'echo one'\none\n$ sh -c 'echo two >&2; exit 6'\ntwo\n";
    assert_eq!(world.log_of(0), log);
    assert_eq!(tail, log.trim_end());
    assert_eq!(bytes, log.len() as u64);
    let message = "apply: exit code 6".to_owned();
    let exit_code = Some(6);
    assert_eq!(end, Outcome::Failed { failure: FailureKind::ExitCode, exit_code, signal: None, message });
}

#[test]
fn failures_are_told_apart() {
    let failure = |step| {
        let mut world = World::of(step);
        assert_eq!(world.run(), RunEnd::Failed);
        world.ledger.failure()
    };
    assert_eq!(failure(sh("exit 3")), (FailureKind::ExitCode, "exit code 3".to_owned()));
    assert_eq!(failure(sh("kill -SEGV $$")), (FailureKind::Signal, "ended by SIGSEGV".to_owned()));
    let (kind, message) = failure(argv(&["no-such-program-anywhere"]));
    assert_eq!(kind, FailureKind::Spawn);
    assert!(message.contains("`no-such-program-anywhere` is in none of the"), "{message}");
    let nowhere =
        ProcessSpec { argv: vec!["true".into()], cwd: Some("nowhere".into()), ..ProcessSpec::default() };
    let (kind, message) = failure(process(nowhere));
    assert_eq!(kind, FailureKind::Spawn);
    assert!(message.ends_with("project/nowhere does not exist"), "{message}");
}

#[test]
fn an_action_that_cannot_be_rendered_fails_before_anything_starts() {
    let mut world = World::of(sh("true"));
    world.catalogue.actions.clear();
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.ledger.failure(), (FailureKind::Spawn, "nothing binds a".to_owned()));
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let mut world = World::of(sh("echo begun; sleep 1000 & echo $! > pid; wait"));
    world.tasks[0].policy.timeout_ms = Some(300);
    let started = Instant::now();
    assert_eq!(world.run(), RunEnd::Failed);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(world.ledger.failure(), (FailureKind::Timeout, "no end within 300 ms".to_owned()));
    assert!(!runs(pid_in(&world.project().join("pid")).unwrap()));
    assert_eq!(world.ledger.only_end().1, "begun\n[taskmaster: no end within 300 ms]");
}

#[test]
fn what_a_command_leaves_behind_is_ended_and_said() {
    let mut world = World::of(sh("sleep 1000 & echo $! > pid; echo done"));
    assert_eq!(world.run(), RunEnd::Succeeded);
    let pid = pid_in(&world.project().join("pid")).unwrap();
    assert!(!runs(pid));
    let log = world.log_of(0);
    // Its name is the shell's until it has become the other program.
    assert!(log.starts_with("done\n[taskmaster: ended what outlived the command: s"), "{log}");
    assert!(log.ends_with(&format!(" ({pid})]\n")), "{log}");
}

#[test]
fn so_many_jobs_and_no_more() {
    let mut world = World::new();
    world.jobs = 3;
    for number in 0..6 {
        world.task(
            &format!("t{number}"),
            action(vec![sh(&format!("echo > at-{number}; read go < gate-{number}"))]),
        );
        let gate = world.project().join(format!("gate-{number}"));
        rustix_mkfifo(&gate);
    }
    let project = world.project();
    let at_work = |project: &std::path::Path| -> Vec<usize> {
        (0..6).filter(|number| project.join(format!("at-{number}")).exists()).collect()
    };
    let running = world.start();
    until("three are at work", 20, || (at_work(&project).len() == 3).then_some(()));
    for number in 0..6 {
        // Each is let go only after the one before; a fourth never joins three.
        until("its turn has come", 20, || at_work(&project).contains(&number).then_some(()));
        assert!(at_work(&project).len() <= number + 3, "{:?}", at_work(&project));
        std::fs::write(project.join(format!("gate-{number}")), "go\n").unwrap();
    }
    assert_eq!(running.join().unwrap().1, RunEnd::Succeeded);
}

fn rustix_mkfifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_lock_is_held_by_one_task_at_a_time() {
    let mut world = World::new();
    world.jobs = 4;
    // `mkdir` fails where the folder is there: two inside at once fail one of them.
    let inside = "mkdir inside && echo x >> visits && sleep 0.02 && rmdir inside";
    for number in 0..4 {
        world.task(&format!("t{number}"), action(vec![sh(inside)])).policy.locks = vec!["cluster".into()];
    }
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("visits").lines().count(), 4);
}

#[test]
fn without_keep_going_nothing_starts_after_a_failure() {
    let two = |keep_going| {
        let mut world = World::new();
        (world.jobs, world.keep_going) = (1, keep_going);
        world.task("a", action(vec![sh("exit 1")]));
        world.task("b", action(vec![sh("echo > b")]));
        world.task("c", action(vec![sh("echo > c")])).dependencies = vec![0];
        assert_eq!(world.run(), RunEnd::Failed);
        (world.exists("b"), world.exists("c"))
    };
    assert_eq!(two(false), (false, false));
    assert_eq!(two(true), (true, false));
}

#[test]
fn outputs_are_read_and_handed_on() {
    let out = |kind: Outputs, script: &str| {
        let mut world = World::new();
        world.task("a", Action { outputs: Some(kind), ..action(vec![sh("echo first"), sh(script)]) });
        world.run();
        let log = world.log_of(0);
        (world.ledger.only_end(), log)
    };
    let plain = |value: serde_json::Value| OutputValue::Plain(value);
    let ((end, _, _, outputs), log) =
        out(Outputs::Json, "echo noise >&2; echo '{\"port\": 80, \"hosts\": [\"a\"]}'");
    assert_eq!(end, Outcome::Succeeded);
    assert_eq!(outputs["port"], plain(80.into()));
    assert_eq!(outputs["hosts"], plain(vec!["a"].into()));
    // A captured output is in the log all the same.
    assert!(log.contains("first\n") && log.ends_with("noise\n{\"port\": 80, \"hosts\": [\"a\"]}\n"), "{log}");
    let ((_, _, _, outputs), _) = out(Outputs::Lines, "echo url=http://x; echo n=2");
    assert_eq!(outputs["url"], plain("http://x".into()));
    let ((end, _, _, outputs), _) = out(Outputs::Json, "echo no json");
    let Outcome::Failed { failure: FailureKind::Outputs, message, .. } = end else { panic!("{end:?}") };
    assert_eq!(message, "its standard output is no JSON object: syntax at line 1 column 2");
    assert!(outputs.is_empty());
}

#[test]
fn an_output_is_known_to_the_attempt_that_starts_in_the_same_tick() {
    let mut world = World::new();
    world.jobs = 1;
    let first = action(vec![sh("echo port=8080")]);
    world.task("a", Action { outputs: Some(Outputs::Lines), ..first });
    world.task("b", action(vec![sh("echo {a.port} > port")])).dependencies = vec![0];
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("port"), "8080\n");
}

#[test]
fn terraform_outputs_are_read_by_a_step_of_their_own() {
    let mut world = World::new();
    let text = r#"{"ip": {"sensitive": false, "value": "10.0.0.1"}, "key": {"sensitive": true, "value": "hunter22-tf"}}"#;
    let read = named("output", sh(&format!("echo '{text}'")));
    let applied = action(vec![sh("echo applied with hunter22-tf")]);
    world.task("a", Action { outputs: Some(Outputs::Terraform(Box::new(read))), ..applied });
    assert_eq!(world.run(), RunEnd::Succeeded);
    let (_, tail, bytes, outputs) = world.ledger.only_end();
    assert_eq!(outputs["ip"], OutputValue::Plain("10.0.0.1".into()));
    assert_eq!(outputs["key"], OutputValue::Sensitive);
    // The run step printed it before anybody could know that it is secret.
    assert_eq!(tail, "applied with <secret output:a.key>");
    assert_eq!(world.log_of(0), "applied with <secret output:a.key>\n");
    assert_eq!(bytes, world.log_of(0).len() as u64);
}

#[test]
fn terraform_outputs_are_read_where_the_check_is_true_and_nothing_runs() {
    let mut world = World::new();
    let text = r#"{"ip": {"value": "10.0.0.1"}, "key": {"sensitive": true, "value": "hunter22-tf"}}"#;
    let read = named("output", sh(&format!("echo '{text}'")));
    let outputs = Some(Outputs::Terraform(Box::new(read)));
    let check = Some(probe(argv(&["true"])));
    world.task("a", Action { outputs, check, ..action(vec![sh("echo > ran")]) }).has_check = true;
    let reader = world.task("b", action(vec![sh("echo {a.ip} > ip")]));
    (reader.dependencies, reader.reads) = (vec![0], vec![0]);
    let planned = reader.digest.clone();
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("ip"), "10.0.0.1\n");
    assert!(!world.project().join("ran").exists());
    let records = world.ledger.records();
    let found = records.iter().find_map(|record| match record {
        Record::ProbeEnded { outputs, .. } => Some(outputs.clone()),
        _ => None,
    });
    let found = found.unwrap();
    assert_eq!(found["ip"], OutputValue::Plain("10.0.0.1".into()));
    assert_eq!(found["key"], OutputValue::Sensitive);
    let attempted = records.iter().find_map(|record| match record {
        Record::AttemptStarted { digest, .. } => Some(digest.clone()),
        _ => None,
    });
    assert_ne!(attempted.unwrap(), planned, "what is recorded is what ran");
}

#[test]
fn a_check_is_false_by_words_on_standard_error_alone() {
    for (script, wanted) in [
        ("echo gone >&2; exit 20", Verdict::False),
        ("echo gone; exit 20", Verdict::Error { message: "exit code 20: gone".to_owned() }),
        ("echo gone >&2", Verdict::True),
        ("echo refused >&2; exit 20", Verdict::Error { message: "exit code 20: refused".to_owned() }),
    ] {
        let mut world = World::new();
        let check = Probe { false_words: vec!["gone".into()], false_codes: vec![], ..*probe(sh(script)) };
        world.task("a", Action { check: Some(Box::new(check)), ..action(vec![sh("exit 1")]) }).has_check =
            true;
        world.run();
        assert_eq!(world.ledger.verdicts()[0], wanted, "{script}");
    }
}

#[test]
fn outputs_that_cannot_be_read_leave_no_true_check() {
    let mut world = World::new();
    let outputs = Some(Outputs::Terraform(Box::new(named("output", sh("echo no json")))));
    let check = Some(probe(argv(&["true"])));
    world.task("a", Action { outputs, check, ..action(vec![sh("echo > ran")]) }).has_check = true;
    assert_eq!(world.run(), RunEnd::Failed);
    assert!(!world.project().join("ran").exists());
    let Some(TaskState::Failed { reason }) = world.ledger.states().remove("a") else { panic!("it failed") };
    assert!(reason.contains("its outputs cannot be read: this is no `terraform output -json`"), "{reason}");
}

#[test]
fn approvals_and_states_come_from_outside_during_the_run() {
    let mut world = World::of(sh("echo > ran"));
    world.tasks[0].approval = Some("really?".into());
    world.task("b", action(vec![sh("echo > b")])).disposition = taskmaster_core::plan::Disposition::Manual;
    world.tasks[1].kind = None;
    let (ledger, run) = (world.ledger.clone(), world.settings.run.clone());
    let project = world.project();
    let running = world.start();
    until("both wait", 20, || {
        let waiting = |id| matches!(ledger.states().get(id), Some(TaskState::Waiting { .. }));
        (waiting("a") && waiting("b")).then_some(())
    });
    assert!(!project.join("ran").exists());
    let from = ledger.state("b");
    ledger.lock().external.push_back(Record::ApprovalGiven {
        run,
        key: TaskKey::new("KEY0"),
        id: "a".into(),
        by: "me".into(),
        message: None,
    });
    // Another run's approval is none of ours, and one that comes twice changes nothing.
    ledger.lock().external.push_back(Record::ApprovalGiven {
        run: taskmaster_core::id::RunId::new("another"),
        key: TaskKey::new("KEY1"),
        id: "b".into(),
        by: "me".into(),
        message: None,
    });
    until("the approved task ran", 20, || project.join("ran").exists().then_some(()));
    ledger.lock().external.push_back(Record::TaskState {
        run: None,
        document: "doc".into(),
        environment: "local".into(),
        key: TaskKey::new("KEY1"),
        id: "b".into(),
        from,
        to: TaskState::Completed,
        digest: None,
        by: Some("me".into()),
        message: None,
    });
    assert_eq!(running.join().unwrap().1, RunEnd::Succeeded);
    assert!(!project.join("b").exists());
}

#[test]
fn a_process_that_lasts_is_recorded_so_that_it_can_be_found() {
    let mut world = World::of(named("serve", sh("echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done")));
    world.task("quick", action(vec![argv(&["true"])]));
    let (ledger, project) = (world.ledger.clone(), world.project());
    let running = world.start();
    let spawned = until("the process is recorded", 20, || {
        ledger
            .records()
            .into_iter()
            .find(|record| matches!(record, Record::AttemptSpawned { step, .. } if step == "serve"))
    });
    let Record::AttemptSpawned { pid, start_ticks, boot_id, .. } = spawned else { panic!() };
    assert_eq!(Some(pid), pid_in(&project.join("pid")));
    assert_eq!(taskmaster::process::proc::start_ticks(pid), Some(start_ticks));
    assert_eq!(boot_id, taskmaster::process::proc::boot_id());
    std::fs::write(project.join("go"), "").unwrap();
    assert_eq!(running.join().unwrap().1, RunEnd::Succeeded);
}

#[test]
fn the_last_line_is_shown_while_it_runs() {
    let mut world =
        World::of(sh("printf 'one\\n\\033[32mtwo\\033[0m\\n'; while [ ! -e go ]; do sleep 0.01; done"));
    world.settings.live_output = true;
    let (onlooker, project) = (world.onlooker.clone(), world.project());
    let running = world.start();
    until("the line was told", 20, || onlooker.lock().lines.contains(&"two".to_owned()).then_some(()));
    std::fs::write(project.join("go"), "").unwrap();
    assert_eq!(running.join().unwrap().1, RunEnd::Succeeded);
}

#[test]
fn verify_that_is_missing_is_the_check_asked_again() {
    let mut world = World::new();
    let check = probe(sh("test -e made"));
    world.task("a", Action { check: Some(check), ..action(vec![sh("true")]) });
    assert_eq!(world.run(), RunEnd::Failed);
    let kinds: Vec<_> = world
        .ledger
        .records()
        .into_iter()
        .filter_map(|record| match record {
            Record::ProbeEnded { probe, verdict, .. } => Some((probe, verdict)),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [(ProbeKind::Check, Verdict::False), (ProbeKind::Check, Verdict::False)]);
}
