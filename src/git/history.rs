//! What a commit says about itself, and who signed it.

use super::commit::CommitId;
use super::error::{GitError, Said};
use super::mirror::Mirror;
use crate::process::show::harmless;
use jiff::Timestamp;
use std::path::PathBuf;

/// Most trailers of a commit that are read.
pub const MAX_TRAILERS: usize = 64;
/// Between the fields of a format: no text of a commit holds it.
const FIELD: &str = "%x00";

/// What stands in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFacts {
    /// When it was committed.
    pub time: Timestamp,
    /// Name of its author.
    pub author: String,
    /// First line of its message.
    pub subject: String,
    /// Its trailers, as `Taskmaster-Run: 01J…`, in their order.
    pub trailers: Vec<(String, String)>,
}

impl CommitFacts {
    /// The value of the last trailer of this name; names are compared without case, as Git does.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        let mut all = self.trailers.iter().rev();
        all.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Whose signatures count. What is not given counts for nobody: no keyring of the user is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// Signatures by ssh: a file of allowed signers (`ssh-keygen(1)`, ALLOWED SIGNERS).
    pub allowed_signers: Option<PathBuf>,
    /// Signatures by OpenPGP: a folder of GnuPG, every key of which is trusted.
    pub gnupg_home: Option<PathBuf>,
}

/// A good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who: the principal of an allowed signer, the user of an OpenPGP key.
    pub by: String,
    /// Fingerprint of the key.
    pub key: String,
}

/// Why a commit does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("the commit is not signed")]
    Unsigned,
    /// The signature is by a key that is not among those that count, or one that is revoked or expired.
    #[error("the commit is signed by a key that does not count here{}", key.as_ref().map(|key| format!(": {key}")).unwrap_or_default())]
    Untrusted {
        /// Its fingerprint, where that can be told.
        key: Option<String>,
    },
    /// The signature is not one of this commit.
    #[error("the signature of the commit is broken")]
    Broken,
    /// It could not be looked at.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl SignatureError {
    /// What a person can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unsigned => Some("sign commits: git commit -S"),
            Self::Untrusted { .. } => {
                Some("add the key to those that count, once you have verified whose it is")
            }
            Self::Broken => Some("look who changed the commit: a signature does not break by itself"),
            Self::Git(error) => error.help(),
        }
    }
}

impl Mirror {
    /// What `commit` says about itself, fit to be shown.
    ///
    /// # Errors
    /// Those of git.
    pub fn facts(&self, commit: &CommitId) -> Result<CommitFacts, GitError> {
        let trailers = "%(trailers:only=true,unfold=true,separator=%x00,key_value_separator=%x01)";
        let format = ["--format=%ct", "%an", "%s", trailers].join(FIELD);
        let words =
            ["log", "-1", "--encoding=UTF-8", "--no-show-signature", "--no-mailmap", "--no-color", &format];
        let out = self.command(words).args(["--end-of-options", commit.as_str(), "--"]).bytes()?;
        let mut fields = out.strip_suffix(b"\n").unwrap_or(&out).split(|byte| *byte == 0);
        let seconds =
            fields.next().and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0);
        let mut text = || harmless(fields.next().unwrap_or_default()).replace('\n', " ");
        let (author, subject) = (text(), text());
        let trailer = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            let (name, value) = text.split_once('\u{1}')?;
            Some((harmless(name.as_bytes()), harmless(value.as_bytes())))
        };
        let trailers = fields.filter_map(trailer).take(MAX_TRAILERS).collect();
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        Ok(CommitFacts { time, author, subject, trailers })
    }

    /// Who signed `commit`, where that is one of `signers`.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(&self, commit: &CommitId, signers: &Signers) -> Result<Signed, SignatureError> {
        let is_ssh = match self.signature_kind(commit)? {
            Some(kind) => kind == "ssh",
            None => return Err(SignatureError::Unsigned),
        };
        let counts = if is_ssh { signers.allowed_signers.is_some() } else { signers.gnupg_home.is_some() };
        if !counts {
            return Err(SignatureError::Untrusted { key: None });
        }
        let format = ["--format=%G?", "%GF", "%GS"].join(FIELD);
        let nothing = PathBuf::from("/dev/null");
        let mut allowed = std::ffi::OsString::from("gpg.ssh.allowedSignersFile=");
        allowed.push(signers.allowed_signers.as_ref().unwrap_or(&nothing));
        let look = self.command(["log", "-1", "--no-show-signature", "--no-color", &format]);
        let look = look.args(["--end-of-options", commit.as_str(), "--"]);
        // Only the program for the kind that was judged is ever started.
        let programs = if is_ssh {
            ["gpg.program=false", "gpg.openpgp.program=false", "gpg.ssh.program=ssh-keygen"]
        } else {
            ["gpg.program=gpg", "gpg.openpgp.program=gpg", "gpg.ssh.program=false"]
        };
        let look = programs.into_iter().fold(look, |look, program| look.setting(program));
        let look = look
            .setting("gpg.x509.program=false")
            .setting("gpg.ssh.revocationFile=")
            .setting("gpg.minTrustLevel=undefined")
            .setting_of(allowed)
            .env("GNUPGHOME", signers.gnupg_home.as_ref().unwrap_or(&nothing));
        let out = look.bytes()?;
        judge(&out, is_ssh)
    }

    /// `ssh` or `openpgp`, by the header that git will look at: a commit may bear one more for repositories of the
    /// other kind of ids. None where it has none.
    fn signature_kind(&self, commit: &CommitId) -> Result<Option<&'static str>, GitError> {
        let object = self.command(["cat-file", "commit", commit.as_str()]).bytes()?;
        let mut header = object.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        let signature = header.find_map(|line| line.strip_prefix(commit.signature_header().as_bytes()));
        Ok(signature.map(|text| if text.starts_with(b"-----BEGIN SSH") { "ssh" } else { "openpgp" }))
    }
}

/// What git found out: a letter, a fingerprint and a name.
fn judge(out: &[u8], is_ssh: bool) -> Result<Signed, SignatureError> {
    let mut fields = out.strip_suffix(b"\n").unwrap_or(out).split(|byte| *byte == 0);
    let mut text = || harmless(fields.next().unwrap_or_default()).replace('\n', " ");
    let (letter, key, by) = (text(), text(), text());
    let known = (!key.is_empty()).then(|| key.clone());
    match letter.as_str() {
        "G" => Ok(Signed { by, key }),
        // A key of a folder that holds only keys that count needs no trust of GnuPG's own. An ssh key without a
        // principal is nobody's.
        "U" if !is_ssh => Ok(Signed { by, key }),
        "B" => Err(SignatureError::Broken),
        "N" => Err(SignatureError::Unsigned),
        "U" | "E" | "X" | "Y" | "R" => Err(SignatureError::Untrusted { key: known }),
        other => {
            let said = Said::new(format!("`{other}` is no answer about a signature").as_bytes(), None);
            Err(GitError::Failed { verb: "log".to_owned(), said }.into())
        }
    }
}
