//! What a killed taskmaster leaves behind is found, waited for or stopped, and decided about.

use super::secrets;
use super::world::{World, action, attempt_id, block_on, new_id, pid_in, probe, runs, sh};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use taskmaster::clock;
use taskmaster::exec::ports::{Ports, Settings};
use taskmaster::exec::recovery::{Open, Recovered, recover};
use taskmaster::process::child::Remains;
use taskmaster::process::proc;
use taskmaster_core::action::{Action, OrphanPolicy, SecretRef};
use taskmaster_core::id::{AttemptId, RunId};
use taskmaster_core::journal::{Outcome, Record, Verdict};
use taskmaster_core::recovery::Decision;
use taskmaster_core::state::TaskState;
use taskmaster_testkit::until;

/// Tells the test below where to work; it is no test by itself.
const HELPER_DIR: &str = "TASKMASTER_TEST_EXECUTOR_DIR";

/// Not a test: an executor in a process of its own, which the tests kill.
#[test]
#[ignore = "started by the other tests as a process that they kill"]
fn an_executor_that_gets_killed() {
    let dir = PathBuf::from(std::env::var_os(HELPER_DIR).expect("started by another test"));
    let script = std::fs::read_to_string(dir.join("script")).unwrap();
    let secret = SecretRef::File("the-secret".into());
    let step = if script.contains("$S") { secrets::with_secret(&script, secret) } else { sh(&script) };
    let mut world = World::of(step);
    world.signals = true;
    world.settings = Settings::new(RunId::new(new_id()), dir.join("state"), dir.join("project"));
    world.settings.poll = Duration::from_millis(20);
    let file = dir.join("records");
    world.ledger.lock().before = Some(Box::new(move |records| {
        let mut all: Vec<Record> = std::fs::read_to_string(&file)
            .map(|text| serde_json::from_str(&text).unwrap())
            .unwrap_or_default();
        all.extend(records.iter().cloned());
        assert!(!serde_json::to_string(&all).unwrap().contains("s3cr3t"));
        let temporary = file.with_extension("new");
        std::fs::write(&temporary, serde_json::to_string(&all).unwrap()).unwrap();
        std::fs::rename(&temporary, &file).unwrap();
    }));
    let _ = world.run();
}

/// What the killed executor had recorded.
struct Killed {
    dir: tempfile::TempDir,
    records: Vec<Record>,
}

/// Starts an executor whose only task is `script`, and waits until it is `ready`.
fn executor(
    script: &str,
    ready: impl Fn(&Path, &[Record]) -> bool,
) -> (tempfile::TempDir, Child, Vec<Record>) {
    start(Command::new(std::env::current_exe().unwrap()), script, ready)
}

fn start(
    mut command: Command,
    script: &str,
    ready: impl Fn(&Path, &[Record]) -> bool,
) -> (tempfile::TempDir, Child, Vec<Record>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("project")).unwrap();
    std::fs::write(dir.path().join("project/the-secret"), secrets::SECRET).unwrap();
    std::fs::write(dir.path().join("script"), script).unwrap();
    let executor = command
        .args(["exec::recovery::an_executor_that_gets_killed", "--exact", "--ignored"])
        .env(HELPER_DIR, dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let records = until("the executor's task is at work", 30, || {
        let records = recorded(dir.path())?;
        ready(&dir.path().join("project"), &records).then_some(records)
    });
    (dir, executor, records)
}

fn recorded(dir: &Path) -> Option<Vec<Record>> {
    Some(serde_json::from_str(&std::fs::read_to_string(dir.join("records")).ok()?).unwrap())
}

/// Whatever a failing test leaves at work ends with it.
impl Drop for Killed {
    fn drop(&mut self) {
        for record in &self.records {
            if let Record::AttemptSpawned { attempt, pid, start_ticks, boot_id, .. } = record {
                let process = (*pid, *start_ticks, boot_id.clone());
                let _ = block_on(Remains::new(attempt.as_str(), &[process]).stop(Duration::ZERO));
            }
            if let Record::AttemptStarted { attempt, .. } = record {
                let _ = block_on(Remains::new(attempt.as_str(), &[]).stop(Duration::ZERO));
            }
        }
    }
}

impl Killed {
    /// Runs `script` as the only task of an executor, which is killed with SIGKILL once `ready`.
    fn with(script: &str, ready: impl Fn(&Path, &[Record]) -> bool) -> Self {
        let (dir, mut executor, records) = executor(script, ready);
        executor.kill().unwrap();
        executor.wait().unwrap();
        Self { dir, records }
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// The open attempt, for a task with this action and policy.
    fn open(&self, world: &World, with_processes: bool) -> Open {
        let started = |record: &Record| match record {
            Record::AttemptStarted { attempt, run, log, number, .. } => {
                Some((attempt.clone(), run.clone(), log.clone(), *number))
            }
            _ => None,
        };
        let (attempt, run, log, number) = self.records.iter().find_map(started).unwrap();
        let process = |record: &Record| match record {
            Record::AttemptSpawned { pid, start_ticks, boot_id, .. } if with_processes => {
                Some((*pid, *start_ticks, boot_id.clone()))
            }
            _ => None,
        };
        Open {
            state: TaskState::Running { attempt: attempt.clone(), number },
            attempt,
            run,
            undo: false,
            digest: None,
            started: clock::now(),
            log,
            processes: self.records.iter().filter_map(process).collect(),
            task: world.tasks[0].clone(),
            document: "doc".into(),
            environment: "local".into(),
        }
    }

    /// A world on the killed executor's folder.
    fn world(&self, action: Action) -> World {
        let mut world = World::new();
        world.settings = Settings::new(RunId::new(new_id()), self.dir.path().join("state"), self.project());
        world.task("a", action);
        world
    }
}

fn recovered(world: &mut World, open: Open) -> Recovered {
    let (mut ledger, mut catalogue, mut onlooker) =
        (world.ledger.clone(), world.catalogue.clone(), world.onlooker.clone());
    let ports = Ports { journal: &mut ledger, render: &mut catalogue, observer: &mut onlooker };
    block_on(recover(vec![open], ports, &world.settings.clone(), world.take_stops())).unwrap()
}

fn decision(recovered: &Recovered) -> Decision {
    assert_eq!(recovered.decided.len(), 1);
    recovered.decided[0].1.clone()
}

fn has_spawned(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record, Record::AttemptSpawned { .. }))
}

const LASTS: &str =
    "echo $$ > pid; echo begun; while [ ! -e go ]; do sleep 0.01; done; echo whole; echo > made";

#[test]
fn a_live_orphan_is_found_by_its_mark_alone_and_waited_for() {
    let killed = Killed::with(LASTS, |project, _| project.join("pid").exists());
    let pid = until("its pid", 10, || pid_in(&killed.project().join("pid")));
    assert!(runs(pid), "the child outlives its executor");
    let mut world =
        killed.world(Action { check: Some(probe(sh("test -e made"))), ..action(vec![sh("exit 1")]) });
    let open = killed.open(&world, false);
    let marked: Vec<_> = proc::find_by_attempt(open.attempt.as_str());
    assert!(marked.iter().any(|found| found.pid == pid), "{marked:?}");
    let onlooker = world.onlooker.clone();
    let project = killed.project();
    let (ledger, waiting) = (
        world.ledger.clone(),
        std::thread::spawn(move || {
            let recovered = recovered(&mut world, open);
            (world, recovered)
        }),
    );
    until("it is waited for", 20, || (!onlooker.lock().notes.is_empty()).then_some(()));
    let note = onlooker.lock().notes[0].clone();
    assert!(note.starts_with("waiting for the end of sh (") && note.contains(&pid.to_string()), "{note}");
    assert!(ledger.records().is_empty(), "nothing is decided while it runs");
    std::fs::write(project.join("go"), "").unwrap();
    let (_world, recovered) = waiting.join().unwrap();
    assert_eq!(decision(&recovered), Decision::Completed);
    assert!(!runs(pid));
    let records = ledger.records();
    assert!(
        matches!(&records[0], Record::AttemptEnded { end: Outcome::Lost, tail, log_bytes: 12, .. } if tail == "begun\nwhole"),
        "{records:?}"
    );
    assert!(matches!(&records[1], Record::ProbeEnded { verdict: Verdict::True, .. }), "{records:?}");
    assert!(matches!(&records[2], Record::TaskState { to: TaskState::Completed, .. }), "{records:?}");
    assert_eq!(ledger.lock().commits.len(), 1);
}

#[test]
fn a_live_orphan_is_stopped_where_the_policy_says_so() {
    let killed = Killed::with(LASTS, |project, records| project.join("pid").exists() && has_spawned(records));
    let pid = until("its pid", 10, || pid_in(&killed.project().join("pid")));
    let mut world =
        killed.world(Action { check: Some(probe(sh("test -e made"))), ..action(vec![sh("true")]) });
    world.tasks[0].policy.orphan = OrphanPolicy::Stop;
    let open = killed.open(&world, true);
    assert_eq!(open.processes.len(), 1);
    let recovered = recovered(&mut world, open);
    assert!(!runs(pid));
    // Not made, and it may run again.
    assert_eq!(decision(&recovered), Decision::Again);
    assert_eq!(world.ledger.state("a"), TaskState::Pending);
}

#[test]
fn an_orphan_that_hid_its_environment_is_found_by_what_was_recorded() {
    let script = "exec env -i sh -c 'echo $$ > pid; while :; do sleep 0.01; done'";
    let killed =
        Killed::with(script, |project, records| project.join("pid").exists() && has_spawned(records));
    let pid = until("its pid", 10, || pid_in(&killed.project().join("pid")));
    let mut world = killed.world(action(vec![sh("true")]));
    world.tasks[0].policy.orphan = OrphanPolicy::Stop;
    let open = killed.open(&world, true);
    assert!(proc::find_by_attempt(open.attempt.as_str()).is_empty());
    let recovered = recovered(&mut world, open);
    assert!(!runs(pid));
    assert!(matches!(decision(&recovered), Decision::Unknown { .. }));
}

#[test]
fn without_orphan_and_check_nobody_can_tell() {
    let mut world = World::of(sh("true"));
    let open = gone(&world);
    let recovered = recovered(&mut world, open);
    let Decision::Unknown { reason } = decision(&recovered) else { panic!() };
    assert_eq!(world.ledger.state("a"), TaskState::Unknown { reason });
    assert!(matches!(world.ledger.only_end().0, Outcome::Lost));
}

#[test]
fn what_is_not_idempotent_is_not_run_again() {
    let mut world = World::new();
    let policy =
        &mut world.task("a", Action { verify: Some(probe(sh("exit 1"))), ..action(vec![sh("true")]) }).policy;
    policy.idempotent = false;
    let open = gone(&world);
    assert!(matches!(decision(&recovered(&mut world, open)), Decision::Unknown { .. }));
}

/// A process of the test's own, which does not outlive it.
struct Bystander(Child);

impl Bystander {
    fn new(mark: &str) -> Self {
        let null = || Stdio::null();
        let mut command = Command::new("sleep");
        command.arg("1000").env("TASKMASTER_ATTEMPT", mark).stdin(null()).stdout(null()).stderr(null());
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn another_process_with_the_recorded_id_is_left_alone() {
    let mut world = World::of(sh("true"));
    world.tasks[0].policy.orphan = OrphanPolicy::Stop;
    let stranger = Bystander::new("another's");
    let ticks = proc::start_ticks(stranger.pid()).unwrap();
    let mut open = gone(&world);
    open.processes = vec![
        (stranger.pid(), ticks + 1, proc::boot_id().to_owned()),
        (stranger.pid(), ticks, "another boot".to_owned()),
    ];
    let recovered = recovered(&mut world, open);
    assert!(matches!(decision(&recovered), Decision::Unknown { .. }));
    assert!(runs(stranger.pid()), "it was ended");
}

#[test]
fn a_person_need_not_wait() {
    let killed = Killed::with(LASTS, |project, _| project.join("pid").exists());
    let mut world = killed.world(action(vec![sh("true")]));
    let open = killed.open(&world, false);
    world.stop.stop();
    let started = Instant::now();
    let recovered = recovered(&mut world, open);
    assert!(recovered.interrupted && recovered.decided.is_empty());
    assert!(world.ledger.records().is_empty());
    assert!(started.elapsed() < Duration::from_secs(10));
    std::fs::write(killed.project().join("go"), "").unwrap();
    until("the orphan ends by itself", 20, || killed.project().join("made").exists().then_some(()));
}

#[test]
fn checks_of_a_dead_run_are_ended() {
    let run = new_id();
    let check = Bystander::new(&format!("{run}/KEY0/check"));
    let other = Bystander::new(&format!("{run}x"));
    block_on(taskmaster::exec::recovery::end_probes_of(&run));
    assert!(!runs(check.pid()));
    assert!(runs(other.pid()));
}

/// An attempt of which nothing is left.
fn gone(world: &World) -> Open {
    let attempt: AttemptId = attempt_id();
    Open {
        state: TaskState::Running { attempt: attempt.clone(), number: 1 },
        attempt,
        run: RunId::new(new_id()),
        undo: false,
        digest: None,
        started: clock::now(),
        log: "logs/none.log".into(),
        processes: Vec::new(),
        task: world.tasks[0].clone(),
        document: "doc".into(),
        environment: "local".into(),
    }
}

/// The real scheduler goes on after a kill: nothing finished is repeated, nothing is left over.
#[test]
fn the_next_run_goes_on_after_recovery() {
    let killed = Killed::with(LASTS, |project, _| project.join("pid").exists());
    let made = Action {
        check: Some(probe(sh("test -e made"))),
        ..action(vec![sh("echo again >> runs; echo > made")])
    };
    let mut world = killed.world(made);
    let open = killed.open(&world, false);
    std::fs::write(killed.project().join("go"), "").unwrap();
    assert_eq!(decision(&recovered(&mut world, open)), Decision::Completed);
    let mut next = killed.world(world.catalogue.actions["a"].clone());
    assert_eq!(next.run(), taskmaster_core::scheduler::RunEnd::Succeeded);
    assert_eq!(next.ledger.state("a"), TaskState::Satisfied);
    assert!(!killed.project().join("runs").exists());
}

#[test]
fn a_killed_executor_leaves_no_secret_behind() {
    let script = r#"echo "begun $S"; echo $$ > pid; while [ ! -e go ]; do echo "again $S"; sleep 0.01; done; echo > made"#;
    let killed =
        Killed::with(script, |project, records| project.join("pid").exists() && has_spawned(records));
    std::fs::write(killed.project().join("go"), "").unwrap();
    until("the orphan ends well", 20, || killed.project().join("made").exists().then_some(()));
    let mut files = super::world::files(&killed.dir.path().join("state"));
    files
        .push((killed.dir.path().join("records"), std::fs::read(killed.dir.path().join("records")).unwrap()));
    for (path, bytes) in files {
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cr3t"), "{}", path.display());
    }
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

fn exit_code(dir: &Path) -> Option<i32> {
    recorded(dir)?.into_iter().find_map(|record| match record {
        Record::RunEnded { exit_code, .. } => Some(exit_code),
        _ => None,
    })
}

#[test]
fn signals_reach_us_and_not_our_children() {
    for name in ["INT", "TERM", "HUP"] {
        let (dir, mut process, _) = executor(LASTS, |project, _| project.join("pid").exists());
        signal(process.id(), name);
        std::fs::write(dir.path().join("project/go"), "").unwrap();
        process.wait().unwrap();
        // The first means: let it end. It was the last task, so nothing was left undone.
        assert_eq!(exit_code(dir.path()), Some(0), "{name}");
        assert!(dir.path().join("project/made").exists());
    }
    let (dir, mut process, _) = executor(LASTS, |project, _| project.join("pid").exists());
    let pid = until("its pid", 10, || pid_in(&dir.path().join("project/pid")));
    // TERM alone: where tests run in the background, SIGINT may be ignored from the start.
    until("the second and any further one stops it", 30, || {
        let ended = process.try_wait().unwrap();
        if ended.is_none() {
            signal(process.id(), "TERM");
        }
        ended
    });
    assert_eq!(exit_code(dir.path()), Some(22));
    assert!(!runs(pid));
}

#[test]
fn what_configures_us_is_not_inherited() {
    let script = "tr '\\0' '\\n' < /proc/self/environ > env; echo $$ > pid";
    let (dir, mut process, records) = executor(script, |project, _| project.join("pid").exists());
    process.wait().unwrap();
    let env = std::fs::read_to_string(dir.path().join("project/env")).unwrap();
    let own: Vec<_> = env.lines().filter(|line| line.starts_with("TASKMASTER_")).collect();
    let attempt = records.iter().find_map(|record| match record {
        Record::AttemptStarted { attempt, .. } => Some(attempt),
        _ => None,
    });
    // The executor itself was told its folder by such a variable.
    assert_eq!(own, [format!("TASKMASTER_ATTEMPT={}", attempt.unwrap())]);
}

#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    let (dir, mut process, _) = start(command, LASTS, |project, _| project.join("pid").exists());
    (0..5).for_each(|_| signal(process.id(), "HUP"));
    std::fs::write(dir.path().join("project/go"), "").unwrap();
    process.wait().unwrap();
    assert_eq!(exit_code(dir.path()), Some(0));
}
