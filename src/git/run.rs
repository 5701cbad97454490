//! Runs one git to its end: bounded output, a deadline, a flag that stops it.

use super::error::GitError;
use crate::clock;
use crate::crash;
use crate::process::launch::search_path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the stop flag and the deadline are looked at while nothing is printed.
const TICK: Duration = Duration::from_millis(50);
/// How long git may take to clean up after TERM.
const GRACE: Duration = Duration::from_secs(2);
/// So much of the end of standard error is kept, in bytes.
const MAX_SAID: usize = 16 * 1024;

/// One command, ready to start.
pub(super) struct Job<'a> {
    pub(super) program: OsString,
    pub(super) argv: Vec<OsString>,
    pub(super) dir: PathBuf,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) stdin: Option<File>,
    pub(super) timeout: Duration,
    pub(super) max_output: u64,
    pub(super) stop: &'a AtomicBool,
}

/// How it ended by itself.
pub(super) struct Ended {
    /// Exit code; none where a signal ended it.
    pub(super) code: Option<i32>,
    /// The end of standard error, raw.
    pub(super) said: Vec<u8>,
}

/// The program by its full path; as it is named where it has one or nobody finds it.
fn program(job: &Job<'_>) -> OsString {
    let named = job.program.to_str().filter(|name| !name.contains('/'));
    let search = job.env.iter().rev().find(|(name, _)| name == "PATH");
    let found = named.zip(search).and_then(|(name, (_, search))| search_path(name, search, &job.dir).ok());
    found.map_or_else(|| job.program.clone(), Into::into)
}

/// Gives standard output to `sink` piece by piece. A fault of the sink ends the command.
pub(super) fn run(
    job: Job<'_>,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), GitError>,
) -> Result<Ended, GitError> {
    let (stdout, to_stdout) = pipe()?;
    let (stderr, to_stderr) = pipe()?;
    let mut it = duct::cmd(program(&job), &job.argv).unchecked().dir(&job.dir).full_env(job.env);
    it = it.before_spawn(|command| {
        command.process_group(0);
        Ok(())
    });
    it = match job.stdin {
        Some(file) => it.stdin_file(file),
        None => it.stdin_null(),
    };
    it = it.stdout_file(to_stdout).stderr_file(to_stderr);
    let handle = it.start().map_err(|source| start_fault(source, &job.dir))?;
    // Our ends of what the child writes to: without this its end would never be seen.
    drop(it);
    let mut watch = Watch {
        handle,
        stdout: Some(stdout),
        stderr: Some(stderr),
        said: Vec::new(),
        seen: 0,
        max_output: job.max_output,
        timeout: job.timeout,
        deadline: clock::monotonic() + job.timeout,
        stop: job.stop,
    };
    match crash::around("git", || watch.until_it_ends(sink)) {
        Ok(code) => Ok(Ended { code, said: watch.said }),
        Err(error) => {
            watch.end();
            Err(error)
        }
    }
}

fn pipe() -> Result<(PipeReader, io::PipeWriter), GitError> {
    let made = io::pipe().and_then(|(reader, writer)| {
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok((reader, writer))
    });
    made.map_err(|source| GitError::System { doing: "make a pipe for git".to_owned(), source })
}

fn start_fault(source: io::Error, dir: &std::path::Path) -> GitError {
    match source.kind() {
        io::ErrorKind::NotFound if dir.is_dir() => GitError::NoGit,
        _ => GitError::System { doing: format!("start git in {}", dir.display()), source },
    }
}

struct Watch<'a> {
    handle: duct::Handle,
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
    said: Vec<u8>,
    seen: u64,
    max_output: u64,
    timeout: Duration,
    deadline: Instant,
    stop: &'a AtomicBool,
}

impl Watch<'_> {
    fn until_it_ends(
        &mut self,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<Option<i32>, GitError> {
        loop {
            self.check()?;
            let open: Vec<PollFd<'_>> =
                [&self.stdout, &self.stderr].into_iter().flatten().map(|pipe| poll_fd(pipe)).collect();
            if open.is_empty() {
                if let Some(code) = self.wait(TICK)? {
                    return Ok(code);
                }
                continue;
            }
            wait_for(open)?;
            // Looked at before reading: all that it wrote is in the pipes then.
            let ended = self.wait(Duration::ZERO)?;
            self.read_output(sink)?;
            self.read_said();
            // Something that git left behind may hold the pipes for ever; it is not waited for.
            if let Some(code) = ended {
                return Ok(code);
            }
        }
    }

    fn check(&self) -> Result<(), GitError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(GitError::Interrupted);
        }
        if clock::monotonic() >= self.deadline {
            return Err(GitError::TimedOut { seconds: self.timeout.as_secs() });
        }
        Ok(())
    }

    /// The exit code, if it ends within `time`.
    fn wait(&self, time: Duration) -> Result<Option<Option<i32>>, GitError> {
        let ended = self.handle.wait_deadline(clock::monotonic() + time);
        let ended = ended.map_err(|source| GitError::System { doing: "wait for git".to_owned(), source })?;
        Ok(ended.map(|output| output.status.code()))
    }

    fn read_output(&mut self, sink: &mut dyn FnMut(&[u8]) -> Result<(), GitError>) -> Result<(), GitError> {
        let mut buffer = [0; 64 * 1024];
        while let Some(count) = read(&mut self.stdout, &mut buffer) {
            self.seen += count as u64;
            if self.seen > self.max_output {
                return Err(GitError::TooLarge {
                    what: "the output of git".to_owned(),
                    limit: self.max_output,
                });
            }
            sink(&buffer[..count])?;
            self.check()?;
        }
        Ok(())
    }

    fn read_said(&mut self) {
        let mut buffer = [0; MAX_SAID];
        // A remote that never stops talking is not listened to for ever: the deadline is looked at between.
        for _ in 0..16 {
            let Some(count) = read(&mut self.stderr, &mut buffer) else { return };
            self.said.extend_from_slice(&buffer[..count]);
            let surplus = self.said.len().saturating_sub(MAX_SAID);
            self.said.drain(..surplus);
        }
    }

    /// Ends git and its helpers: TERM, so that it takes its own temporary files away, then KILL.
    fn end(&self) {
        let group = self.handle.pids().first().and_then(|pid| i32::try_from(*pid).ok());
        let Some(group) = group.filter(|pid| *pid > 1).and_then(Pid::from_raw) else { return };
        // "No such group" means that it is gone already, which is what we want.
        let _ = kill_process_group(group, Signal::TERM);
        let ended = self.handle.wait_deadline(clock::monotonic() + GRACE);
        // Its helpers are in the group too, and the group's id is theirs as long as one lives.
        let _ = kill_process_group(group, Signal::KILL);
        if !matches!(ended, Ok(Some(_))) {
            let _ = self.handle.wait();
        }
    }
}

fn poll_fd(pipe: &PipeReader) -> PollFd<'_> {
    PollFd::new(pipe, PollFlags::IN)
}

fn wait_for(mut open: Vec<PollFd<'_>>) -> Result<(), GitError> {
    let tick = Timespec { tv_sec: 0, tv_nsec: i64::from(TICK.subsec_nanos()) };
    match poll(&mut open, Some(&tick)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(GitError::System { doing: "wait for git".to_owned(), source: error.into() }),
    }
}

/// What is there to read now; none where that is nothing. A pipe at its end is closed.
fn read(pipe: &mut Option<PipeReader>, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match pipe.as_mut()?.read(buffer) {
            Ok(0) => *pipe = None,
            Ok(count) => return Some(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => *pipe = None,
        }
    }
}
