//! Identities. Each is a newtype, so that one cannot be passed for another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text as this kind of identity.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identity as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// Address of a phase inside its document: `infrastructure-setup`.
    PhaseId
);
text_id!(
    /// Address of a task inside its document: `T012`, `1.1` or `infrastructure-setup/install-argocd`.
    TaskId
);
text_id!(
    /// Address of a requirement inside its document: `4.1.2`, `FR-001`.
    RequirementId
);
text_id!(
    /// Identity of a document: the front matter's `id`, else its path.
    DocumentId
);
text_id!(
    /// The ledger's own identity of a task (a ULID), kept across edits of the document.
    TaskKey
);
text_id!(
    /// A ULID that names one run of the engine.
    RunId
);
text_id!(
    /// A ULID that names one attempt; children carry it as `TASKMASTER_ATTEMPT`.
    AttemptId
);
text_id!(
    /// Name of an environment: `local`, `kind`, `prod`.
    EnvironmentName
);
text_id!(
    /// A BLAKE3 hash in lower-case hexadecimal, 64 characters.
    Digest
);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }
}
