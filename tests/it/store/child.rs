//! Child processes for tests of several processes: this test binary, started again in a role.

use super::support::{approved, at, id, key, state};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use taskmaster::app::ledger::Ledger;
use taskmaster::store::{Access, Durability, ExecutorLease, LeaseHolder};
use taskmaster_core::id::RunId;
use taskmaster_core::journal::Record;
use taskmaster_core::state::TaskState;

const ROLE: &str = "LEDGER_TEST_ROLE";
const DIR: &str = "LEDGER_TEST_DIR";
const NUMBER: &str = "LEDGER_TEST_NUMBER";
const NOBODY: u32 = 65_534;

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Takes the executor lease and waits to be killed.
    Hold,
    /// Approves the task of its number, then ends.
    Approve,
    /// Writes batches of one task's states until it is killed; says how many were committed.
    Write,
    /// Writes 50 single events, then ends.
    Append,
    /// Reads the ledger and says its head, or the error; then tries to write, and says that error.
    Look,
    /// Makes the ledger, and waits to be killed in between or after it.
    Make,
}

/// A child whose standard output is read line by line. Killed when dropped.
pub(super) struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

pub(super) fn spawn(role: Role, dir: &Path, number: usize) -> Running {
    start(Command::new(std::env::current_exe().unwrap()), role, dir, number)
}

/// A child without root's power to write everywhere. `place` is a directory that anybody may read.
pub(super) fn spawn_as_nobody(role: Role, dir: &Path, place: &Path) -> Running {
    let program = place.join("test-binary");
    // By another process: a child that a parallel test forks must not hold the copy open for writing.
    // A link where the file system allows it: the program is large.
    let myself = std::env::current_exe().unwrap();
    if std::fs::hard_link(&myself, &program).is_err() {
        let copied = Command::new("cp").arg(myself).arg(&program).output().unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    }
    let mut command = Command::new(program);
    command.uid(NOBODY).gid(NOBODY).current_dir("/");
    start(command, role, dir, 0)
}

fn start(mut command: Command, role: Role, dir: &Path, number: usize) -> Running {
    let mut child = command
        .args(["--exact", "store::child::role", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role:?}"))
        .env(DIR, dir)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    Running { child, out }
}

impl Running {
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that the role says.
    pub(super) fn line(&mut self) -> String {
        self.rest().unwrap_or_else(|| panic!("the child ended without a word"))
    }

    /// The next line, or none where it ended. The test harness's own lines are passed over, and so
    /// is one that a kill cut short.
    pub(super) fn rest(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once("child: ").filter(|(_, said)| said.ends_with('\n')) {
                return Some(said.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn succeed(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(text: &str) {
    println!("child: {text}");
    std::io::stdout().flush().unwrap();
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "the entry of child processes, not a test"]
fn role() {
    let dir = std::env::var_os(DIR).unwrap();
    let dir = Path::new(&dir);
    let number: usize = std::env::var(NUMBER).unwrap().parse().unwrap();
    match std::env::var(ROLE).unwrap().as_str() {
        "Hold" => {
            let holder = LeaseHolder {
                pid: std::process::id(),
                start_ticks: 1,
                boot_id: String::new(),
                command: "a child".to_owned(),
            };
            let _lease = ExecutorLease::acquire(dir, &holder).unwrap();
            say("held");
            hang();
        }
        "Approve" => {
            let mut ledger = Ledger::open(dir, Access::ReadWrite).unwrap();
            ledger.commit(vec![approved("run-1", number, "child")], at(100), Durability::Normal).unwrap();
        }
        "Append" => {
            let mut ledger = Ledger::open(dir, Access::ReadWrite).unwrap();
            for _ in 0..50 {
                let record = state("run-1", number, TaskState::Pending, TaskState::Ready);
                ledger.commit(vec![record], at(100), Durability::Normal).unwrap();
            }
        }
        "Look" => {
            let head = Ledger::open(dir, Access::ReadOnly).and_then(|ledger| {
                assert!(ledger.audit()?.holds());
                Ok(ledger.head()?.seq)
            });
            say(&head.map_or_else(|error| error.to_string(), |seq| format!("head {seq}")));
            say(&Ledger::open(dir, Access::ReadWrite)
                .map_or_else(|error| error.to_string(), |_| "opened".to_owned()));
        }
        "Write" => write_for_ever(dir),
        "Make" => {
            say("ready");
            drop(Ledger::open(dir, Access::ReadWrite).unwrap());
            say("made");
            hang();
        }
        other => panic!("no role {other}"),
    }
}

/// Batches of 20 records that belong together: task n in the n-th place of each batch.
fn write_for_ever(dir: &Path) {
    let mut ledger = Ledger::open(dir, Access::ReadWrite).unwrap();
    for batch in 1.. {
        let records = (0..20).map(|number| retry(number, batch)).collect();
        ledger.commit(records, at(i64::from(batch)), Durability::Normal).unwrap();
        say(&batch.to_string());
    }
}

fn retry(number: usize, batch: u32) -> Record {
    Record::RetryScheduled {
        run: RunId::from("run-1"),
        key: key(number),
        id: id(number),
        attempt: batch,
        delay_ms: 1,
        reason: "x".repeat(300),
    }
}
