//! Asks a program something: bounded in time and in what is heard, without a shell, and nothing of it stays.

use crate::clock;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Time between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A program and what it is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The program by its full path: of a bare name the standard library forks this process, with all its memory.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [String],
    /// Where it is asked.
    pub cwd: &'a Path,
    /// Added to the inherited environment.
    pub env: &'a [(&'a str, &'a str)],
    /// Hear what it says on standard error, too.
    pub both: bool,
    /// How long it may take.
    pub within: Duration,
    /// Bytes that are heard; what says more is cut off there.
    pub most: u64,
}

/// What it said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its words.
    pub text: String,
}

/// Asks; none where it did not end in time. Its process group is killed in any case.
///
/// # Errors
/// It cannot be started or waited for.
pub fn ask(question: &Question<'_>) -> io::Result<Option<Answer>> {
    let deadline = clock::monotonic() + question.within;
    let (reader, writer) = io::pipe()?;
    let stderr = if question.both { Stdio::from(writer.try_clone()?) } else { Stdio::null() };
    let mut command = Command::new(question.program);
    command.args(question.arguments).envs(question.env.iter().copied()).current_dir(question.cwd);
    command.stdin(Stdio::null()).stdout(writer).stderr(stderr).process_group(0);
    let mut child = command.spawn()?;
    // The command holds our ends of what the child writes to: without this its end would never be seen.
    drop(command);
    let (heard, words) = mpsc::channel();
    let most = question.most;
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.take(most).read_to_end(&mut bytes);
        let _ = heard.send(bytes);
    });
    let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let has_ended = leader.is_some_and(|leader| ends_before(leader, deadline));
    // The leader is not reaped yet: its id, which is its group's, is nobody else's.
    let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
    let status = child.wait()?;
    if !has_ended {
        return Ok(None);
    }
    // Something that left its group may hold the pipe for ever: that is not waited for.
    let left = deadline.saturating_duration_since(clock::monotonic()).max(LOOK);
    let Ok(bytes) = words.recv_timeout(left) else { return Ok(None) };
    Ok(Some(Answer { status, text: String::from_utf8_lossy(&bytes).into_owned() }))
}

fn ends_before(leader: Pid, deadline: Instant) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(leader), look) {
            Ok(Some(_)) => return true,
            Err(error) if error != rustix::io::Errno::INTR => return false,
            _ if clock::monotonic() >= deadline => return false,
            _ => std::thread::sleep(LOOK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, within: Duration) -> Option<Answer> {
        let arguments = ["-c".to_owned(), script.to_owned()];
        let question = Question {
            program: Path::new("/bin/sh"),
            arguments: &arguments,
            cwd: Path::new("/"),
            env: &[("WORD", "hello")],
            both: true,
            within,
            most: 20,
        };
        ask(&question).unwrap()
    }

    #[test]
    fn both_streams_are_heard_up_to_a_bound() {
        let answer = shell("echo $WORD; echo oops >&2; exit 3", Duration::from_secs(10)).unwrap();
        assert_eq!((answer.text.as_str(), answer.status.code()), ("hello\noops\n", Some(3)));
        let endless = shell("yes", Duration::from_secs(10)).unwrap();
        assert_eq!(endless.text, "y\n".repeat(10), "its end is a broken pipe");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_began() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", file.display());
        let began = clock::monotonic();
        assert!(shell(&script, Duration::from_millis(400)).is_none());
        assert!(clock::monotonic() - began < Duration::from_secs(5));
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        let has_ended = || stat().map_or(true, |stat| stat.contains(") Z "));
        while !has_ended() {
            assert!(clock::monotonic() - began < Duration::from_secs(10), "{:?}", stat());
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_goes_into_the_background_does_not_hold_us_up() {
        let began = clock::monotonic();
        let answer = shell("sleep 60 & echo 1.2", Duration::from_secs(20)).unwrap();
        assert_eq!(answer.text, "1.2\n");
        assert!(clock::monotonic() - began < Duration::from_secs(10));
    }
}
