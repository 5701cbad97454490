//! What stands between two syncs: one memo of the ledger, overwritten, and who has paused it.

use crate::app::error::AppError;
use crate::app::ledger::Ledger;
use crate::clock;
use crate::store::Durability;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use taskmaster_core::id::{DocumentId, EnvironmentName, RunId, TaskId};
use taskmaster_core::sync::SyncResult;

/// A commit that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Which.
    pub commit: String,
    /// When it was made.
    pub time: Option<Timestamp>,
    /// The first line of its message.
    pub subject: String,
    /// The revision of the document that it holds.
    pub revision: Option<u64>,
    /// Since when.
    pub since: Timestamp,
}

/// A commit that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which.
    pub commit: String,
    /// Why, each in one line.
    pub reasons: Vec<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A task that is no longer in the document, and whose work is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Its last address.
    pub id: TaskId,
    /// Its last title.
    pub title: String,
    /// It can be taken back; where not it has no undo, or its commit is not known.
    pub can_be_undone: bool,
}

/// How a sync stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where is fetched from, without secrets.
    pub repository: String,
    /// Branch, tag or commit.
    pub git_ref: String,
    /// Folder of the project inside the repository.
    #[serde(default)]
    pub project: PathBuf,
    /// The environment.
    pub environment: EnvironmentName,
    /// The document, once one was accepted.
    pub document: Option<DocumentId>,
    /// Its path in the repository.
    pub path: Option<String>,
    /// The commit that is in force.
    pub in_force: Option<InForce>,
    /// The newest commit, where it is not accepted.
    pub refused: Option<Refused>,
    /// What came of the last sync.
    pub result: Option<SyncResult>,
    /// The run of it, where anything was to be done.
    pub run: Option<RunId>,
    /// When the sync that is at work began.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// When the last sync ended.
    pub last: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// When the last one ended in which the place stood at the newest commit.
    pub last_success: Option<Timestamp>,
    /// When the next one is due; none where nobody loops.
    pub next: Option<Timestamp>,
    /// Syncs in a row that failed.
    pub failures: u32,
    /// Syncs so far, by the names of their results.
    pub syncs: std::collections::BTreeMap<String, u64>,
    /// Tasks that drifted, as far as was looked.
    pub drifted: u64,
    /// Tasks whose work is left behind.
    pub left: Vec<Left>,
    /// What is worth knowing about the last sync, each in one line.
    pub notes: Vec<String>,
    /// The process that loops or is at work, with its start in clock ticks since boot.
    pub process: Option<(u32, u64)>,
}

impl Standing {
    /// Of a sync that has not begun.
    pub fn new(repository: String, git_ref: String, environment: EnvironmentName) -> Self {
        Self {
            repository,
            git_ref,
            project: PathBuf::new(),
            environment,
            document: None,
            path: None,
            in_force: None,
            refused: None,
            result: None,
            run: None,
            began: None,
            last: None,
            duration_ms: 0,
            last_success: None,
            next: None,
            failures: 0,
            syncs: Default::default(),
            drifted: 0,
            left: Vec::new(),
            notes: Vec::new(),
            process: None,
        }
    }
}

/// Who has paused a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub message: Option<String>,
}

fn key(name: &str) -> String {
    format!("sync/{name}/standing")
}

fn pause_key(name: &str) -> String {
    format!("sync/{name}/paused")
}

fn nudge_key(name: &str) -> String {
    format!("sync/{name}/nudge")
}

fn read<T: serde::de::DeserializeOwned>(ledger: &Ledger, key: &str) -> Result<Option<T>, AppError> {
    let Some((folder, _)) = key.rsplit_once('/') else { return Ok(None) };
    let memos = ledger.memos(&format!("{folder}/"))?;
    let text = memos.into_iter().find(|(found, _)| found == key).map(|(_, text)| text);
    // What a newer program wrote is as good as nothing: it is only what is shown.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn write<T: Serialize>(ledger: &mut Ledger, key: &str, value: Option<&T>) -> Result<(), AppError> {
    let text = value.map(|value| serde_json::to_string(value).unwrap_or_default());
    ledger.commit_with_memos(Vec::new(), &[(key, text.as_deref())], clock::now(), Durability::Normal)?;
    Ok(())
}

/// How a sync stands; none where it has not begun.
pub fn of(ledger: &Ledger, name: &str) -> Result<Option<Standing>, AppError> {
    read(ledger, &key(name))
}

/// The text of a standing, for the transaction in which it is written.
pub fn memo(name: &str, standing: &Standing) -> (String, String) {
    (key(name), serde_json::to_string(standing).unwrap_or_default())
}

/// The names of all syncs of the ledger.
pub fn names(ledger: &Ledger) -> Result<Vec<String>, AppError> {
    let memos = ledger.memos("sync/")?;
    let name =
        |(key, _): (String, String)| Some(key.strip_prefix("sync/")?.strip_suffix("/standing")?.to_owned());
    Ok(memos.into_iter().filter_map(name).collect())
}

/// Who has paused it.
pub fn paused(ledger: &Ledger, name: &str) -> Result<Option<Paused>, AppError> {
    read(ledger, &pause_key(name))
}

/// Pauses it, or lets it go on.
pub fn set_paused(ledger: &mut Ledger, name: &str, paused: Option<&Paused>) -> Result<(), AppError> {
    write(ledger, &pause_key(name), paused)
}

/// Asks for a sync now. A loop that sees another text than before takes it.
pub fn nudge(ledger: &mut Ledger, name: &str) -> Result<(), AppError> {
    write(ledger, &nudge_key(name), Some(&clock::now()))
}

/// When somebody asked for a sync last.
pub fn nudged(ledger: &Ledger, name: &str) -> Result<Option<Timestamp>, AppError> {
    read(ledger, &nudge_key(name))
}
