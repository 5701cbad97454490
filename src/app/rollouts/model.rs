//! The verbs, and who performs them.

use super::error::RolloutError;
use crate::app::error::AppError;
use crate::report::view::{RolloutHistoryView, RolloutKind, RolloutListView, RolloutView};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Who drives rollouts of some kinds. Every method asks anew; nothing is remembered between two of them.
pub trait Backend {
    /// Asks for a version. What is under way is overtaken.
    ///
    /// # Errors
    /// The request fits no rollout, or it could not be brought to its driver.
    fn start(&self, request: &StartRequest) -> Result<RolloutView, AppError>;

    /// A rollout as it is now.
    ///
    /// # Errors
    /// There is none of this name, or its driver cannot be reached.
    fn view(&self, name: &Named) -> Result<RolloutView, AppError>;

    /// All rollouts.
    ///
    /// # Errors
    /// Their driver cannot be reached.
    fn list(&self) -> Result<RolloutListView, AppError>;

    /// What was released.
    ///
    /// # Errors
    /// As [`Backend::view`].
    fn history(&self, name: &Named) -> Result<RolloutHistoryView, AppError>;

    /// Does what a person asks; answers what came of it so far.
    ///
    /// # Errors
    /// As [`Backend::view`]; or the verb means nothing now, or nothing to this kind of rollout.
    fn ask(&self, name: &Named, ask: Ask) -> Result<RolloutView, AppError>;

    /// Ends a service and forgets its rollout.
    ///
    /// # Errors
    /// As [`Backend::ask`].
    fn remove(&self, name: &Named) -> Result<(), AppError> {
        Err(RolloutError::Unsupported {
            verb: "remove",
            what: name.to_string(),
            help: "delete the object with `kubectl delete`".to_owned(),
        }
        .into())
    }

    /// Shows `look` the rollout again and again until that says `false`: at once, at every change, and at
    /// least every two seconds, so that what stands in it about time stays true.
    ///
    /// # Errors
    /// As [`Backend::view`], where that lasts: a driver that does not answer for a moment is asked again.
    fn watch(&self, name: &Named, look: &mut dyn FnMut(&RolloutView) -> bool) -> Result<(), AppError> {
        let mut faults = 0;
        loop {
            match self.view(name) {
                Ok(view) => {
                    faults = 0;
                    if !look(&view) {
                        return Ok(());
                    }
                }
                Err(fault) if faults >= MAX_FAULTS || !is_passing(&fault) => return Err(fault),
                Err(_) => faults += 1,
            }
            std::thread::sleep(self.pace());
        }
    }

    /// Time between two looks of [`Backend::watch`].
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// So many looks in a row may fail before a watch gives up.
const MAX_FAULTS: u32 = 5;

fn is_passing(fault: &AppError) -> bool {
    matches!(fault, AppError::Delivery(RolloutError::Unreachable { .. } | RolloutError::Troubled { .. }))
}

/// What a person may ask of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Passes what it stands at.
    Promote {
        /// To the end, without steps and analysis.
        full: bool,
    },
    /// Stops it where it is.
    Pause,
    /// Lets it go on.
    Resume,
    /// Takes the stable version back.
    Abort,
    /// Begins again what was taken back.
    Retry,
    /// Asks for an earlier version.
    Undo {
        /// Its number; the one before unless given.
        to: Option<u64>,
    },
}

impl Ask {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Promote { .. } => "promote",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::Undo { .. } => "undo",
        }
    }
}

/// Images by container; `*` is every container.
pub type Images = BTreeMap<String, String>;

/// A version that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartRequest {
    /// Of a rollout file, on this machine.
    File(StartFile),
    /// Of an object of a cluster.
    Images {
        /// The object.
        name: Named,
        /// Its images.
        images: Images,
    },
}

/// A version of a rollout file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFile {
    /// Where it was read, as the user wrote it.
    pub path: PathBuf,
    /// What is written there; checked already.
    pub text: String,
    /// Its folder, whole: paths in the file begin here.
    pub directory: PathBuf,
    /// The version.
    pub version: String,
}

/// A rollout by its name, and its kind where that is written: `web`, `rollout/web`, `canary/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Its kind, where it is written.
    pub kind: Option<RolloutKind>,
    /// Its name.
    pub name: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            None => (None, text),
            Some(("rollout", name)) => (Some(RolloutKind::Rollout), name),
            Some(("canary", name)) => (Some(RolloutKind::Canary), name),
            Some(("local", name)) => (Some(RolloutKind::Local), name),
            Some((kind, _)) => {
                return Err(format!(
                    "`{kind}` is no kind of rollout: want rollout/NAME, canary/NAME or NAME"
                ));
            }
        };
        // As Kubernetes names objects; it keeps out options of kubectl and paths as well.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || name.len() > MAX_NAME || !name.chars().all(is_plain) {
            return Err("want a name of letters, digits, `-`, `_` and `.`".to_owned());
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

/// Longest name of a rollout, as of objects of Kubernetes.
const MAX_NAME: usize = 253;

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            None => f.write_str(&self.name),
            Some(RolloutKind::Local) => write!(f, "local/{}", self.name),
            Some(RolloutKind::Rollout) => write!(f, "rollout/{}", self.name),
            Some(RolloutKind::Canary) => write!(f, "canary/{}", self.name),
        }
    }
}
