//! What a kill costs the next run, where much was finished before.

use crate::project::{Project, Shape};
use crate::timing::{ends_well, median};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use taskmaster::app::plan::Request;
use taskmaster::app::run;
use taskmaster::app::workspace::{ReadOptions, Workspace};
use taskmaster::config::{Project as Settings, Settings as Given};
use taskmaster::exec::ports::Silent;
use taskmaster::store::{Access, Store};

const FINISHED: usize = 10_000;

/// From the state that a kill left to a plan, less the same without a kill, beside the time to open the same ledger.
pub(crate) fn ratio() {
    let project = Project::new(FINISHED, Shape::Wide);
    let catalogue = project.path().join("tasks/bench.yaml");
    let text = std::fs::read_to_string(&catalogue).expect("it was written");
    let state = project.path().join("state");
    ends_well(&mut project.taskmaster_in(&state, "run prd.md --quiet --jobs 2"));
    // One more task, at which the run is killed.
    let slow = text.replacen(
        "{run: {exec: [\"true\"]}}",
        "{check: {file_exists: never}, run: {exec: [sleep, '0.3']}}",
        1,
    );
    assert_ne!(slow, text);
    std::fs::write(&catalogue, slow).expect("it can be written");
    let (mut killed, mut whole, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        kill_one(&project, &state);
        open.push(opens(&state, &project.path().join("copy")));
        killed.push(begins(project.path(), &state));
        whole.push(begins(project.path(), &state));
    }
    let ms = |times: &[Duration]| median(times.iter().map(|time| time.as_secs_f64() * 1e3));
    let (killed, whole, open) = (ms(&killed), ms(&whole), ms(&open));
    println!(
        "  after a kill {killed:8.2} ms   without one {whole:8.2} ms   to open the ledger {open:8.2} ms   ratio {:6.2}",
        (killed - whole) / open
    );
}

fn kill_one(project: &Project, state: &Path) {
    let mut run = project.taskmaster_in(state, "run prd.md --quiet");
    let mut child =
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let works = || {
        let store = Store::open(state, Access::ReadOnly).ok()?;
        let open = store.now().open_attempt_ids("prd.md", "local").ok()?;
        (!open.is_empty()).then_some(())
    };
    while works().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    // What was at work outlives it, and would be waited for.
    std::thread::sleep(Duration::from_millis(500));
}

/// Until a copy of the ledger that the kill left can be read.
fn opens(state: &Path, copy: &Path) -> Duration {
    let _ = std::fs::remove_dir_all(copy);
    std::fs::create_dir(copy).expect("a folder can be made");
    for name in ["ledger.db", "ledger.db-wal"] {
        std::fs::copy(state.join(name), copy.join(name)).expect("it can be copied");
    }
    let began = Instant::now();
    let store = Store::open(copy, Access::ReadWrite).expect("a ledger");
    assert_eq!(store.now().open_attempt_ids("prd.md", "local").expect("an answer").len(), 1);
    began.elapsed()
}

/// Until a run knows what is to be done.
fn begins(root: &Path, state: &Path) -> Duration {
    let given = Given { state_dir: Some(state.to_owned()), ..Given::default() };
    let project = Settings::find(root, given, &|_| None).expect("a project");
    let workspace = Workspace { project, working_dir: root.to_owned(), known_as: None };
    let read = ReadOptions { document: Some(root.join("prd.md")), ..ReadOptions::default() };
    let request = Request { read, ..Request::default() };
    let began = Instant::now();
    run::begin(&workspace, &request, &mut Silent).expect("it begins");
    began.elapsed()
}
