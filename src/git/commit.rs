//! Names of commits.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The full id of a commit: 40 hexadecimal digits, or 64 in a repository of SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// A text that is no full id of a commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no full id of a commit: 40 or 64 hexadecimal digits are")]
pub struct NoCommitId;

impl CommitId {
    /// How many digits people are shown.
    const SHORT: usize = 10;

    /// As git writes it, in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..Self::SHORT]
    }

    /// The id of the tree without files in a repository whose ids are as long as this one.
    pub(super) fn empty_tree(&self) -> &'static str {
        match self.0.len() {
            40 => "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            _ => "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        }
    }

    /// How the header begins that git takes a signature from in a repository whose ids are as long as this one.
    pub(super) fn signature_header(&self) -> &'static str {
        if self.0.len() == 40 { "gpgsig " } else { "gpgsig-sha256 " }
    }
}

impl FromStr for CommitId {
    type Err = NoCommitId;

    fn from_str(text: &str) -> Result<Self, NoCommitId> {
        if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NoCommitId)
        }
    }
}

impl TryFrom<String> for CommitId {
    type Error = NoCommitId;

    fn try_from(text: String) -> Result<Self, NoCommitId> {
        text.parse()
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
