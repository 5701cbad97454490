//! What a look at this place finds.

use jiff::Timestamp;
use serde::Serialize;
use taskmaster_core::id::{EnvironmentName, TaskId};

/// `taskmaster doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoctorView {
    /// When it was looked at.
    pub generated: Timestamp,
    /// Version of taskmaster.
    pub version: String,
    /// Root of the project.
    pub root: String,
    /// The state directory.
    pub state_dir: String,
    /// The environment whose tools are looked for.
    pub environment: EnvironmentName,
    /// The document whose tools are looked for; none where none is known.
    pub document: Option<String>,
    /// All that was looked at.
    pub findings: Vec<FindingView>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// A run may go well, or not as wanted.
    Warning,
    /// What is meant to run cannot.
    Problem,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Files of settings and variables.
    Settings,
    /// The document and its catalogue.
    Document,
    /// Programs.
    Tools,
    /// Git.
    Git,
    /// The state directory and the disk below it.
    State,
    /// The ledger and the executor.
    Ledger,
    /// The agent and its socket.
    Agent,
    /// The clock.
    Clock,
    /// The terminal.
    Terminal,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingView {
    /// What it belongs to.
    pub area: Area,
    /// What it is: `kubectl`, `permissions`.
    pub subject: String,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do.
    pub help: Option<String>,
    /// More about a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolView>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolView {
    /// Ranges of versions, and where each is written.
    pub wanted: Vec<WantedView>,
    /// Its version, where it was asked and told one.
    pub version: Option<String>,
    /// Where it is.
    pub path: Option<String>,
    /// Tasks that run it.
    pub tasks: Vec<TaskId>,
}

/// Versions that will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WantedView {
    /// `>=1.6, <2`
    pub versions: String,
    /// `tasks/local.yaml:3`
    pub place: String,
}

impl FindingView {
    /// As it should be.
    pub fn ok(area: Area, subject: &str, found: impl Into<String>) -> Self {
        Self::new(area, subject, Health::Ok, found.into(), None)
    }

    /// Not quite.
    pub fn warning(area: Area, subject: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(area, subject, Health::Warning, found.into(), Some(help.into()))
    }

    /// Not at all.
    pub fn problem(area: Area, subject: &str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(area, subject, Health::Problem, found.into(), Some(help.into()))
    }

    fn new(area: Area, subject: &str, health: Health, found: String, help: Option<String>) -> Self {
        Self { area, subject: subject.to_owned(), health, found, help, tool: None }
    }
}

impl DoctorView {
    /// How the worst of all stands.
    pub fn health(&self) -> Health {
        self.findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok)
    }
}
