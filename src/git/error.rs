//! What can go wrong with git, told apart by its words.

use super::command::OLDEST;
use super::tree::TreeFault;
use crate::process::redact::Redactor;
use crate::process::show::harmless;
use std::fmt;
use std::path::PathBuf;
use taskmaster_core::text::without_users;

/// So many of git's last lines are shown.
const MAX_LINES: usize = 4;
/// So much of each, in characters.
const MAX_LINE: usize = 300;

/// The kind of a [`GitError::Name`] that is an address.
pub(super) const ADDRESS: &str = "address of a repository";

/// What git says after every failed fetch, whatever its reason. Classified by, but shown only where it is all.
const BOILERPLATE: &[&str] = &[
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// The last lines that git said, fit to be shown: no controls, no secrets, no users in addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    /// From the end of standard error.
    pub(super) fn new(bytes: &[u8], redactor: Option<&Redactor>) -> Self {
        let text = match redactor {
            Some(redactor) => harmless(&redactor.bytes(bytes)),
            None => harmless(bytes),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
        let lines: Vec<String> = lines.map(|line| without_users(&line.replace('\t', " "))).collect();
        let last = &lines[lines.len().saturating_sub(MAX_LINES)..];
        let cut = last.iter().map(|line| line.chars().take(MAX_LINE).collect::<String>());
        Self(cut.collect::<Vec<_>>().join("; "))
    }

    /// With the reason that stands in the answer itself.
    pub(super) fn with(&self, why: &str) -> Self {
        let why = Self::new(why.as_bytes(), None).0;
        if self.0.is_empty() { Self(why) } else { Self(format!("{why}; {}", self.0)) }
    }

    /// Said by our own git, not by that of the remote.
    fn is_about_us(&self, words: &[&str]) -> bool {
        let own = self.0.split("; ").filter(|line| !line.starts_with("remote:"));
        own.into_iter().any(|line| words.iter().any(|word| line.contains(word)))
    }

    fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.0.contains(word))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.0.split("; ").filter(|line| !BOILERPLATE.contains(line)).collect();
        match (lines.is_empty(), self.0.is_empty()) {
            (false, false) => f.write_str(&lines.join("; ")),
            (_, true) => f.write_str("it did not say why"),
            (true, false) => f.write_str(&self.0),
        }
    }
}

/// Why git did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("no git on PATH")]
    NoGit,
    /// It cannot do what is needed here.
    #[error("git {found} is too old: {}.{} is the oldest that does", OLDEST.0, OLDEST.1)]
    TooOld {
        /// Its version.
        found: String,
    },
    /// The remote does not answer, or broke off.
    #[error("the remote does not answer: {said}")]
    Away {
        /// Git's words.
        said: Said,
    },
    /// The remote does not take the credentials, or wants some.
    #[error("the remote refuses the credentials: {said}")]
    Credentials {
        /// Git's words.
        said: Said,
    },
    /// The remote is not the one that it should be: its certificate or its host key.
    #[error("the remote cannot be trusted: {said}")]
    Untrusted {
        /// Git's words.
        said: Said,
    },
    /// The remote knows no such repository.
    #[error("no such repository: {said}")]
    NoRepository {
        /// Git's words.
        said: Said,
    },
    /// There is no such branch, tag or commit.
    #[error("no branch, tag or commit `{}`", Said::new(name.as_bytes(), None))]
    NoRef {
        /// What was asked for.
        name: String,
    },
    /// There is no such file in the commit.
    #[error("no file `{}` in the commit", Said::new(path.as_bytes(), None))]
    NoFile {
        /// What was asked for.
        path: String,
    },
    /// A folder that belongs to no working tree.
    #[error("{} is in no Git repository", path.display())]
    NotARepository {
        /// Which.
        path: PathBuf,
    },
    /// It was stopped from outside.
    #[error("git was interrupted")]
    Interrupted,
    /// It did not end in time.
    #[error("git did not end within {seconds} s")]
    TimedOut {
        /// The bound.
        seconds: u64,
    },
    /// More than is ever looked at.
    #[error("{what} is larger than {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// The bound, in bytes or in pieces.
        limit: u64,
    },
    /// Objects of the repository are missing or broken.
    #[error("the repository is damaged: {said}")]
    Corrupt {
        /// Git's words.
        said: Said,
    },
    /// The remote gives objects that are not as they have to be.
    #[error("the remote holds malformed objects: {said}")]
    Malformed {
        /// Git's words.
        said: Said,
    },
    /// Files of the commit are not fit to be written to a disk.
    #[error(transparent)]
    Unsafe(#[from] TreeFault),
    /// What was given as a name is none.
    #[error("`{}` is no {kind}: {why}", Said::new(text.as_bytes(), None))]
    Name {
        /// What it should be: `branch`, `address of a repository`.
        kind: &'static str,
        /// What stands there.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An address with a secret in it.
    #[error("the address of the repository holds a user or a password")]
    Password,
    /// A file that Git does not know stands where one of the commit is to stand.
    #[error("`{path}` is not tracked, and stands where the commit has something else")]
    InTheWay {
        /// Which.
        path: String,
    },
    /// Another process works in the mirror.
    #[error("{}", busy(*pid))]
    Busy {
        /// Which, where that is known.
        pid: Option<u32>,
    },
    /// The system did not let us.
    #[error("cannot {doing}")]
    System {
        /// What.
        doing: String,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else, in its own words.
    #[error("git {verb} failed: {said}")]
    Failed {
        /// Its subcommand.
        verb: String,
        /// Its words.
        said: Said,
    },
}

fn busy(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid} is at work in the mirror"),
        None => "another process is at work in the mirror".to_owned(),
    }
}

const CREDENTIALS: &[&str] = &[
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "returned error: 401",
    "returned error: 403",
    "Permission denied (",
    "Invalid username or",
    "HTTP Basic: Access denied",
    "Too many authentication failures",
];
const UNTRUSTED: &[&str] = &[
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "SSL certificate problem",
    "server certificate verification failed",
    "certificate subject name",
];
const NO_REPOSITORY: &[&str] = &[
    "returned error: 404",
    "returned error: 410",
    "returned error: 30",
    "epository not found",
    "not found: did you run git update-server-info",
    "does not appear to be a git repository",
    "no such repository",
    "not valid: is this a git repository",
    "' does not exist",
    "' not found",
];
const NO_REF: &[&str] = &["couldn't find remote ref", "not our ref", "unadvertised object"];
const CORRUPT: &[&str] = &[
    "is corrupt",
    "corrupt loose object",
    "unable to read tree",
    "unable to read sha1 file",
    "bad object",
    "did not receive expected object",
    "inflate: data stream error",
    "unable to unpack",
    "is far too short to be a packfile",
    "packfile",
    "bad index file",
    "hash mismatch",
    "not a git repository: '",
    "unable to find ",
    "missing blob object",
    "could not parse commit",
    "reference broken",
];
const MALFORMED: &[&str] = &["fsck error", "fsckObjects", "maximum allowed tree depth"];
const AWAY: &[&str] = &[
    "Could not resolve",
    "Connection refused",
    "timed out",
    "Failed to connect",
    "Couldn't connect",
    "Network is unreachable",
    "No route to host",
    "Connection reset",
    "Connection closed",
    "Empty reply from server",
    "returned error: 5",
    "returned error: 429",
    "Operation too slow",
    "RPC failed",
    "early EOF",
    "hung up unexpectedly",
    "unexpected disconnect",
    "bytes of body are still expected",
    "expected flush after",
    "expected packfile to be sent",
    "transfer closed",
    "TLS connect error",
    "unable to access",
    "Could not read from remote repository",
];

impl GitError {
    /// By the words of a git that ended with a fault. They are in English, because we ask for that.
    pub(super) fn classify(verb: String, code: Option<i32>, said: Said) -> Self {
        if said.has(UNTRUSTED) {
            Self::Untrusted { said }
        } else if said.has(CREDENTIALS) {
            Self::Credentials { said }
        } else if said.has(NO_REPOSITORY) {
            Self::NoRepository { said }
        } else if said.has(NO_REF) {
            Self::NoRef { name: said.to_string() }
        } else if said.has(MALFORMED) {
            Self::Malformed { said }
        } else if said.has(AWAY) {
            Self::Away { said }
        } else if said.is_about_us(CORRUPT) {
            Self::Corrupt { said }
        } else if code.is_none() {
            Self::Failed { verb, said: Said("a signal ended it".to_owned()) }
        } else {
            Self::Failed { verb, said }
        }
    }

    /// The same may be answered otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::TimedOut { .. } | Self::Busy { .. })
    }

    /// The remote, the way to it, or what stands there is to blame: nothing of this machine.
    pub fn is_of_the_remote(&self) -> bool {
        matches!(
            self,
            Self::Away { .. }
                | Self::TimedOut { .. }
                | Self::Credentials { .. }
                | Self::Untrusted { .. }
                | Self::NoRepository { .. }
                | Self::NoRef { .. }
                | Self::TooLarge { .. }
                | Self::Failed { .. }
        )
    }

    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoGit => "install git, or put it on PATH",
            Self::TooOld { .. } => "install git 2.38 or newer",
            Self::Away { .. } => {
                "look whether the address is right and can be reached from here; it is tried again"
            }
            Self::Credentials { .. } => {
                "give a token (`--token env:NAME`) or a key (`--ssh-key FILE`) that is still valid and may read (and for \
                 write-back write) the repository"
            }
            Self::Untrusted { .. } => {
                "put the host's key into the known_hosts file, or its authority into http.sslCAInfo, once you have verified it"
            }
            Self::NoRepository { .. } => {
                "look at the address; a private repository that one may not read is told as missing too, and one that \
                 moved is not followed"
            }
            Self::NoRef { .. } => "look which there are: git ls-remote; a commit is named by all its digits",
            Self::NotARepository { .. } => "call it in a working tree of Git",
            Self::TimedOut { .. } => "give it more time, or look what the remote is doing",
            Self::Corrupt { .. } => "git fsck tells more",
            Self::Malformed { .. } => {
                "git fsck in the remote repository tells more; the commit that brought them is to be replaced"
            }
            Self::Unsafe(fault) => fault.help(),
            Self::Password => {
                "take it out of the address, where everybody sees it, and give the token by reference, as `env:NAME`"
            }
            Self::InTheWay { .. } => "move it elsewhere: what is not tracked is never removed",
            Self::Busy { .. } => {
                "wait for it or stop it; one that loops is asked for a sync by `taskmaster sync now`"
            }
            Self::Name { kind: ADDRESS, .. } => {
                "as in https://git.example.com/team/shop.git, git@example.com:team/shop.git or /srv/git/shop.git"
            }
            Self::NoFile { .. }
            | Self::Interrupted
            | Self::TooLarge { .. }
            | Self::Name { .. }
            | Self::System { .. }
            | Self::Failed { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(said: &str) -> GitError {
        GitError::classify("fetch".to_owned(), Some(128), Said::new(said.as_bytes(), None))
    }

    #[test]
    fn what_git_says_after_every_fetch_is_shown_only_where_it_is_all() {
        let all = BOILERPLATE.join("\n");
        let away = classify(&format!("ssh: connect to host x port 22: Connection refused\n{all}"));
        assert_eq!(
            away.to_string(),
            "the remote does not answer: ssh: connect to host x port 22: Connection refused"
        );
        assert!(classify(&all).to_string().ends_with("and the repository exists."));
    }

    #[test]
    fn only_the_last_lines_are_kept_and_they_are_harmless() {
        let said = Said::new(b"one\ntwo\nhint: x\n\x1b[31mthree\x1b[0m\n\nfour\nfive\n", None);
        assert_eq!(said.to_string(), "two; three; four; five");
        assert_eq!(Said::new(b"\n", None).to_string(), "it did not say why");
        let long = "x".repeat(5000);
        assert_eq!(Said::new(long.as_bytes(), None).to_string().len(), MAX_LINE);
    }

    #[test]
    fn secrets_are_not_shown_in_any_form() {
        let redactor = Redactor::new([("token".to_owned(), "s3cr3t-t0ken")]);
        let said = b"fatal: s3cr3t-t0ken and eC1hY2Nlc3M6czNjcjN0LXQwa2Vu";
        let text = Said::new(said, redactor.as_ref()).to_string();
        assert!(!text.contains("s3cr3t") && !text.contains("czNjcjN0"), "{text}");
    }

    #[test]
    fn faults_are_told_apart() {
        type Is = fn(&GitError) -> bool;
        let away: Is = |error| matches!(error, GitError::Away { .. });
        let credentials: Is = |error| matches!(error, GitError::Credentials { .. });
        let untrusted: Is = |error| matches!(error, GitError::Untrusted { .. });
        let repository: Is = |error| matches!(error, GitError::NoRepository { .. });
        let no_ref: Is = |error| matches!(error, GitError::NoRef { .. });
        let malformed: Is = |error| matches!(error, GitError::Malformed { .. });
        let corrupt: Is = |error| matches!(error, GitError::Corrupt { .. });
        let other: Is = |error| matches!(error, GitError::Failed { .. });
        for (said, is) in [
            ("fatal: unable to access 'http://h/': Could not resolve host: h", away),
            (
                "fatal: unable to access 'http://h/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
                away,
            ),
            ("fatal: unable to access 'http://h/': The requested URL returned error: 503", away),
            (
                "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF",
                away,
            ),
            ("fatal: the remote end hung up unexpectedly", away),
            (
                "ssh: connect to host h port 22: Connection timed out\nfatal: Could not read from remote repository.",
                away,
            ),
            ("fatal: Authentication failed for 'https://h/x/'", credentials),
            ("fatal: could not read Username for 'https://h': terminal prompts disabled", credentials),
            ("fatal: unable to access 'https://h/': The requested URL returned error: 403", credentials),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                credentials,
            ),
            ("Host key verification failed.\nfatal: Could not read from remote repository.", untrusted),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
                untrusted,
            ),
            ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", repository),
            ("fatal: unable to access 'https://h/': The requested URL returned error: 301", repository),
            (
                "fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
                repository,
            ),
            ("fatal: couldn't find remote ref refs/heads/x", no_ref),
            ("fatal: remote error: upload-pack: not our ref 0123", no_ref),
            ("error: object file objects/ab/cd is empty\nfatal: loose object abcd is corrupt", corrupt),
            ("fatal: bad object HEAD", corrupt),
            ("fatal: exceeded maximum allowed tree depth", malformed),
            ("remote: fatal: bad object HEAD\nfatal: something", other),
            ("error: something new", other),
            ("", other),
        ] {
            let error = classify(said);
            assert!(is(&error), "{said}: {error:?}");
            assert!(other(&error) || error.help().is_some(), "{said}");
        }
    }
}
