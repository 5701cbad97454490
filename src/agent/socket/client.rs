//! A command's side of the control socket. Where no agent is there, one is started.

use super::wire::{Answer, Call, Fault, FaultCode, LONGEST_LINE, Request, VERSION};
use crate::agent::files::{Files, SocketPath};
use crate::agent::{guard, log};
use crate::clock;
use crate::process::show;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// How long an agent may take to be there.
const START: Duration = Duration::from_secs(10);
/// How long an answer may take: that of a question, and that of an order, which may wait for an end of
/// services.
const ANSWER: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));
/// Agents that end before they answer until it is said that none starts.
const TRIES: u32 = 2;
/// Between two looks for an agent that is about to be there.
const LOOK: Duration = Duration::from_millis(20);
/// Variables of ours that an agent inherits: those that name a run or a folder are not for it.
const INHERITED: [&str; 1] = ["TASKMASTER_AGENT_IDLE"];

/// Why the agent gave no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none, and none was to be started.
    #[error("no agent is at work here")]
    Absent,
    /// The socket cannot be used.
    #[error("cannot speak to the agent at {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be started.
    #[error("the agent did not start: {why}")]
    NotStarted {
        /// The last line of its log, or what the system said.
        why: String,
    },
    /// It answered that it did not.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It died, or ended, while it was asked.
    #[error("the agent died before it answered: nobody knows whether it was done")]
    Lost,
    /// Its answer cannot be read.
    #[error("the agent's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

/// A command's way to the agent of one state directory.
#[derive(Clone, Debug)]
pub struct Client {
    files: Files,
}

impl Client {
    /// To the agent of a state directory.
    pub fn new(files: Files) -> Self {
        Self { files }
    }

    /// Its files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Asks the agent that is there.
    ///
    /// # Errors
    /// [`ClientError::Absent`] where there is none.
    pub fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let stream = match self.connect() {
            Ok(stream) => stream,
            Err(error) if is_absence(&error) => return Err(ClientError::Absent),
            Err(error) => return Err(self.io(error)),
        };
        self.ask_over(&stream, call)
    }

    /// Asks the agent, after starting one where there is none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn ask_started<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        // An agent that dies closes the line without a word. What may be asked twice is asked again.
        let deadline = clock::monotonic() + START;
        let mut ends = 0;
        while clock::monotonic() < deadline {
            let stream = self.started()?;
            match self.ask_over(&stream, call.clone()) {
                Err(ClientError::Fault(fault)) if fault.code == FaultCode::Ending => {}
                Err(ClientError::Io { source, .. }) if is_hang_up(&source) => {
                    // One that has just ended for want of work may do so once, but not again and again.
                    ends += u32::from(self.connect().is_err_and(|error| is_absence(&error)));
                    if ends >= TRIES {
                        return Err(self.not_started());
                    }
                    if !call.is_repeatable() && ends == 0 {
                        return Err(ClientError::Lost);
                    }
                }
                answer => return answer,
            }
            std::thread::sleep(LOOK);
        }
        Err(ClientError::Lost)
    }

    /// Waits until guard and agent are gone, after they were told to end. They take a moment.
    pub fn wait_for_end(&self) {
        let deadline = clock::monotonic() + START;
        let is_free = || File::open(self.files.lock()).is_ok_and(|lock| lock.try_lock_shared().is_ok());
        while clock::monotonic() < deadline && self.files.lock().exists() && !is_free() {
            std::thread::sleep(LOOK);
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let path = SocketPath::new(self.files.dir(), "agent.sock")?;
        UnixStream::connect(path.path())
    }

    /// A line to an agent, which is started where there is none.
    fn started(&self) -> Result<UnixStream, ClientError> {
        let deadline = clock::monotonic() + START;
        let mut guard: Option<Child> = None;
        loop {
            match self.connect() {
                Ok(stream) => return Ok(stream),
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(self.io(error)),
            }
            // One that found another guard there ends well; that one may be about to end, too.
            let has_ended = match guard.as_mut().map(Child::try_wait).transpose() {
                Ok(None) => true,
                Ok(Some(Some(status))) if !status.success() => return Err(self.not_started()),
                Ok(Some(status)) => status.is_some(),
                Err(error) => return Err(self.io(error)),
            };
            if has_ended {
                guard = Some(self.start().map_err(|error| self.io(error))?);
            }
            if clock::monotonic() > deadline {
                return Err(self.not_started());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Starts a guard, which starts the agent. It leaves our session by itself.
    fn start(&self) -> io::Result<Child> {
        Files::make(self.files.dir())?;
        let out = log::open(&self.files)?;
        let mut command = guard::command(&self.files, "guard");
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.as_encoded_bytes().starts_with(b"TASKMASTER_")) {
            if !INHERITED.iter().any(|inherited| name == *inherited) {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out).spawn()
    }

    fn not_started(&self) -> ClientError {
        let text = show::tail_of(&self.files.log(), 20, 4096).unwrap_or_default();
        let line = show::error_line(&text, 300);
        let why = if line.is_empty() { "it said nothing" } else { line };
        ClientError::NotStarted { why: why.to_owned() }
    }

    fn io(&self, source: io::Error) -> ClientError {
        ClientError::Io { path: self.files.socket(), source }
    }

    fn ask_over<T: DeserializeOwned>(&self, stream: &UnixStream, call: Call) -> Result<T, ClientError> {
        let is_for_all = call.is_of_all_versions();
        let line = exchange(stream, call).map_err(|error| self.io(error))?;
        let answer: Answer = serde_json::from_slice(&line).map_err(ClientError::Unreadable)?;
        if let Some(fault) = answer.fault {
            return Err(fault.into());
        }
        if answer.v != VERSION && !is_for_all {
            return Err(of_another_version(&answer).into());
        }
        serde_json::from_value(answer.ok.unwrap_or_default()).map_err(ClientError::Unreadable)
    }
}

fn exchange(mut stream: &UnixStream, call: Call) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(if call.is_question() { ANSWER.0 } else { ANSWER.1 }))?;
    stream.set_write_timeout(Some(START))?;
    let mut line = serde_json::to_vec(&Request::new(call))?;
    if line.len() >= LONGEST_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the request is too long"));
    }
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(LONGEST_LINE as u64)).read_until(b'\n', &mut answer)?;
    match answer.last() {
        Some(b'\n') => Ok(answer),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn of_another_version(answer: &Answer) -> Fault {
    let message = format!(
        "the agent at work is of taskmaster {} and speaks version {}, this one speaks {VERSION}",
        answer.program, answer.v
    );
    Fault::new(FaultCode::Version, message).help("end it with its services: taskmaster agent stop")
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}
