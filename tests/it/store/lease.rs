//! One executor per state directory.

use super::child;
use std::fs;
use std::time::{Duration, Instant};
use taskmaster::store::{ExecutorLease, LeaseError, LeaseHolder};
use tempfile::TempDir;

fn holder(command: &str) -> LeaseHolder {
    LeaseHolder {
        pid: std::process::id(),
        start_ticks: 77,
        boot_id: "boot-1".to_owned(),
        command: command.to_owned(),
    }
}

#[test]
fn a_second_executor_is_told_who_is_at_work() {
    let dir = TempDir::new().unwrap();
    let lease = ExecutorLease::acquire(dir.path(), &holder("taskmaster run")).unwrap();
    let error = ExecutorLease::acquire(dir.path(), &holder("another")).unwrap_err();
    assert_eq!(error.exit_code(), 40);
    let pid = std::process::id();
    assert_eq!(error.to_string(), format!("process {pid} is at work here: taskmaster run"));
    assert_eq!(ExecutorLease::current(dir.path()).unwrap(), Some(holder("taskmaster run")));
    drop(lease);
    assert_eq!(ExecutorLease::current(dir.path()).unwrap(), None);
    ExecutorLease::acquire(dir.path(), &holder("another")).unwrap();
}

#[test]
fn nobody_is_at_work_where_nobody_ever_was() {
    let dir = TempDir::new().unwrap();
    assert_eq!(ExecutorLease::current(dir.path()).unwrap(), None);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn text_in_the_file_without_a_lock_means_nothing() {
    for text in ["", "{", "{\"pid\":1,\"start_ticks\":1,\"boot_id\":\"\",\"command\":\"init\"}", "\0\0\0"] {
        // Its own each time: a process that another test starts holds a copy of a lock for a moment.
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("executor.lock"), text).unwrap();
        drop(ExecutorLease::acquire(dir.path(), &holder("taskmaster run")).unwrap());
    }
}

#[test]
fn the_lease_of_a_killed_process_is_free_at_once() {
    let dir = TempDir::new().unwrap();
    let mut child = child::spawn(child::Role::Hold, dir.path(), 0);
    assert_eq!(child.line(), "held");
    let error = ExecutorLease::acquire(dir.path(), &holder("second")).unwrap_err();
    let LeaseError::Busy { holder: Some(busy) } = error else { panic!("{error}") };
    assert_eq!((busy.pid, busy.command.as_str()), (child.id(), "a child"));
    child.kill();
    let lease = ExecutorLease::acquire(dir.path(), &holder("second")).unwrap();
    assert_eq!(ExecutorLease::current(dir.path()).unwrap(), Some(holder("second")));
    drop(lease);
}

#[test]
fn asking_who_is_at_work_never_keeps_an_executor_out() {
    let dir = TempDir::new().unwrap();
    drop(ExecutorLease::acquire(dir.path(), &holder("first")).unwrap());
    let until = Instant::now() + Duration::from_millis(300);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while Instant::now() < until {
                    ExecutorLease::current(dir.path()).unwrap();
                }
            });
        }
        while Instant::now() < until {
            drop(ExecutorLease::acquire(dir.path(), &holder("first")).unwrap());
        }
    });
}
