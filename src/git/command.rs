//! How git is started: its environment, its settings, its bounds.

use super::error::{GitError, Said};
use super::run::{Ended, Job, run};
use crate::process::memory_file;
use crate::process::redact::Redactor;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Longest time of a command that asks nobody else.
pub const LOCAL_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest time of a command that asks a remote.
pub const NETWORK_TIMEOUT: Duration = Duration::from_secs(600);
/// Most output of a command whose answer is short, in bytes.
pub const MAX_ANSWER: u64 = 1 << 20;
/// Longest record of a listing, in bytes: a name of a file, with what stands before it.
pub const MAX_RECORD: usize = 64 * 1024;
/// Oldest git that does: `merge-tree --write-tree` came with it.
pub const OLDEST: (u32, u32) = (2, 38);

/// Settings of every command. What could start a program, ask a person or reach elsewhere is off.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    // Folders of a repository that look like a bare repository are none: its settings would be ours.
    "safe.bareRepository=explicit",
    "protocol.ext.allow=never",
    "protocol.file.allow=user",
];

/// Settings of commands that ask a remote. Slower than so many bytes a second for so many seconds counts as
/// silence. What arrives is checked; faults of old tools in old history, which harm no file, are let through.
const NETWORK_SETTINGS: &[&str] = &[
    "http.lowSpeedLimit=500",
    "http.lowSpeedTime=30",
    "transfer.fsckObjects=true",
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingEmail=ignore",
    "fetch.fsck.missingNameBeforeEmail=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.fsck.missingSpaceBeforeEmail=ignore",
    "fetch.fsck.zeroPaddedDate=ignore",
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "push.followTags=false",
    "push.gpgSign=false",
];

/// Variables of git that come from the user; all others belong to another git that may have started us.
const KEPT: &[&str] = &[
    "GIT_ASKPASS",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_PROXY_",
    "GIT_SSH",
    "GIT_SSL_",
];

/// Never a question to a person, messages in English, no lock that somebody else could trip over.
const FIXED: &[(&str, &str)] = &[
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("SSH_ASKPASS", "false"),
    ("SSH_ASKPASS_REQUIRE", "force"),
    ("LC_ALL", "C"),
];

/// The system's git, and how long and until when it may work.
#[derive(Clone, Debug)]
pub struct Git {
    program: OsString,
    env: Vec<(OsString, OsString)>,
    local: Duration,
    network: Duration,
    stop: Arc<AtomicBool>,
}

impl Default for Git {
    fn default() -> Self {
        Self::new()
    }
}

impl Git {
    /// `git` on PATH.
    pub fn new() -> Self {
        Self {
            program: "git".into(),
            env: Vec::new(),
            local: LOCAL_TIMEOUT,
            network: NETWORK_TIMEOUT,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Ends what runs, and refuses what is to come, once `stop` is true.
    #[must_use]
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// Another bound than [`LOCAL_TIMEOUT`], for each command.
    #[must_use]
    pub fn local_timeout(mut self, time: Duration) -> Self {
        self.local = time;
        self
    }

    /// Another bound than [`NETWORK_TIMEOUT`], for each command that asks a server.
    #[must_use]
    pub fn network_timeout(mut self, time: Duration) -> Self {
        self.network = time;
        self
    }

    /// A variable of every command's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Another program than `git` on PATH.
    #[must_use]
    pub fn program(mut self, program: impl Into<OsString>) -> Self {
        self.program = program.into();
        self
    }

    /// Looks whether it is there and new enough.
    ///
    /// # Errors
    /// [`GitError::NoGit`], [`GitError::TooOld`].
    pub fn check(&self) -> Result<(), GitError> {
        let text = self.command(Path::new("/"), ["version"]).text()?;
        let version = text.trim().trim_start_matches("git version ");
        let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(()),
            _ => Err(GitError::TooOld { found: Said::new(version.as_bytes(), None).to_string() }),
        }
    }

    /// A command in a folder.
    pub(super) fn command<S: Into<OsString>>(
        &self,
        dir: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Command<'_> {
        Command {
            git: self,
            dir: dir.to_owned(),
            repository: None,
            settings: Vec::new(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            stdin: Ok(None),
            timeout: self.local,
            max_output: MAX_ANSWER,
            redactor: None,
        }
    }

    /// What the child sees: ours without what another git left there, and the fixed ones.
    fn environment(&self, more: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let inherited = std::env::vars_os().filter(|(name, _)| is_kept(name));
        let fixed = FIXED.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        inherited.chain(self.env.iter().cloned()).chain(fixed).chain(more).collect()
    }
}

fn is_kept(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.starts_with(b"GIT_") || KEPT.iter().any(|kept| bytes.starts_with(kept.as_bytes()))
}

/// One command that is being put together.
pub(super) struct Command<'a> {
    git: &'a Git,
    dir: PathBuf,
    repository: Option<PathBuf>,
    settings: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Result<Option<File>, std::io::Error>,
    timeout: Duration,
    max_output: u64,
    redactor: Option<Arc<Redactor>>,
}

impl Command<'_> {
    /// One more argument.
    pub(super) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub(super) fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable of its environment.
    pub(super) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// In this bare repository, wherever it is started.
    pub(super) fn repository(mut self, path: &Path) -> Self {
        self.repository = Some(path.to_owned());
        self
    }

    /// One more setting of git; the last of a name counts.
    pub(super) fn setting(mut self, setting: &'static str) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// The same, with a path in it.
    pub(super) fn setting_of(mut self, setting: OsString) -> Self {
        self.settings.push(setting);
        self
    }

    /// In another folder than its own.
    pub(super) fn in_folder(mut self, dir: &Path) -> Self {
        self.dir = dir.to_owned();
        self
    }

    /// It asks a remote, or may have to: other bounds, nothing is taken unlooked at, and the secrets that it
    /// is given are taken out of what it says.
    pub(super) fn network(mut self, redactor: Option<&Arc<Redactor>>) -> Self {
        self.settings.extend(NETWORK_SETTINGS.iter().map(OsString::from));
        self.timeout = self.git.network;
        self.redactor = redactor.cloned();
        self
    }

    /// It goes through much, though it asks nobody.
    pub(super) fn slowly(mut self) -> Self {
        self.timeout = self.timeout.max(self.git.network);
        self
    }

    /// What it reads.
    pub(super) fn input(mut self, bytes: &[u8]) -> Self {
        self.stdin = memory_file::holding(bytes).map(Some);
        self
    }

    /// Most bytes that it may print.
    pub(super) fn at_most(mut self, bytes: u64) -> Self {
        self.max_output = bytes;
        self
    }

    /// All of standard output.
    pub(super) fn bytes(self) -> Result<Vec<u8>, GitError> {
        let mut out = Vec::new();
        self.pieces(&mut |piece| {
            out.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(out)
    }

    /// Standard output as text, without the last line break.
    pub(super) fn text(self) -> Result<String, GitError> {
        let mut bytes = self.bytes()?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Exit code, standard output and the last words, whatever they are.
    pub(super) fn outcome(self) -> Result<(Option<i32>, Vec<u8>, Said), GitError> {
        let mut out = Vec::new();
        let redactor = self.redactor.clone();
        let ended = self.start(&mut |piece| {
            out.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((ended.code, out, Said::new(&ended.said, redactor.as_deref())))
    }

    /// Exit code and standard output where the code is one of `codes`; any other is a fault.
    pub(super) fn answer(self, codes: &[i32]) -> Result<(i32, Vec<u8>), GitError> {
        let verb = self.verb();
        match self.outcome()? {
            (Some(code), out, _) if codes.contains(&code) => Ok((code, out)),
            (code, _, said) => Err(GitError::classify(verb, code, said)),
        }
    }

    /// Gives every record of standard output, each ended by `end`, to `each`.
    pub(super) fn records(
        self,
        end: u8,
        mut each: impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        let mut held: Vec<u8> = Vec::new();
        self.pieces(&mut |piece| {
            let mut rest = piece;
            while let Some(at) = rest.iter().position(|byte| *byte == end) {
                let (record, after) = (&rest[..at], &rest[at + 1..]);
                if held.is_empty() {
                    each(record)?;
                } else {
                    held.extend_from_slice(record);
                    each(&held)?;
                    held.clear();
                }
                rest = after;
            }
            if held.len() + rest.len() > MAX_RECORD {
                return Err(GitError::TooLarge {
                    what: "a name in the repository".to_owned(),
                    limit: MAX_RECORD as u64,
                });
            }
            held.extend_from_slice(rest);
            Ok(())
        })
    }

    /// Gives standard output to `sink` as it comes; any exit code but 0 is a fault.
    pub(super) fn pieces(self, sink: &mut dyn FnMut(&[u8]) -> Result<(), GitError>) -> Result<(), GitError> {
        let verb = self.verb();
        let redactor = self.redactor.clone();
        let ended = self.start(sink)?;
        if ended.code == Some(0) {
            return Ok(());
        }
        Err(GitError::classify(verb, ended.code, Said::new(&ended.said, redactor.as_deref())))
    }

    fn verb(&self) -> String {
        self.args.first().map(|verb| verb.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn start(self, sink: &mut dyn FnMut(&[u8]) -> Result<(), GitError>) -> Result<Ended, GitError> {
        let stdin = self
            .stdin
            .map_err(|source| GitError::System { doing: "give git its input".to_owned(), source })?;
        let mut argv: Vec<OsString> = vec!["--no-pager".into()];
        for setting in SETTINGS.iter().map(OsString::from).chain(self.settings) {
            argv.extend(["-c".into(), setting]);
        }
        if let Some(repository) = self.repository {
            argv.extend(["--git-dir".into(), repository.into()]);
        }
        argv.extend(self.args);
        let job = Job {
            program: self.git.program.clone(),
            argv,
            dir: self.dir,
            env: self.git.environment(self.env),
            stdin,
            timeout: self.timeout,
            max_output: self.max_output,
            stop: &self.git.stop,
        };
        run(job, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_git_left_in_the_environment_is_not_passed_on() {
        for name in [
            "GIT_DIR",
            "GIT_INDEX_FILE",
            "GIT_WORK_TREE",
            "GIT_TRACE_CURL",
            "GIT_ALLOW_PROTOCOL",
            "GIT_PREFIX",
        ] {
            assert!(!is_kept(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "GITHUB_TOKEN", "GIT_CONFIG_GLOBAL", "GIT_SSL_CAINFO", "GIT_SSH_COMMAND"]
        {
            assert!(is_kept(OsStr::new(name)), "{name}");
        }
    }
}
