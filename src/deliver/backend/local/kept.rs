//! What is remembered of a local rollout: all that another agent needs to go on.

use super::tally::Tally;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use taskmaster_core::rollout::{MetricVerdict, RolloutFact};
use taskmaster_delivery::engine::{Migrated, Revision, Routes, State};
use taskmaster_delivery::spec::{self, Rollout, RolloutSpec, Service};
use taskmaster_delivery::time::Time;

/// Version of the form of what is kept.
pub const FORM: u32 = 1;
/// Versions that are remembered beside those that are needed.
const VERSIONS: usize = 20;
/// Points of the share over time, and lines of the story, that are remembered; the ledger has all of them.
const POINTS: usize = 500;
const LINES: usize = 200;

/// Where a rollout is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doors {
    /// Where users come.
    pub main: SocketAddr,
    /// Where the preview is.
    pub preview: Option<SocketAddr>,
    /// Where the proxy's `/metrics` is.
    #[serde(default)]
    pub metrics: Option<SocketAddr>,
}

impl Doors {
    /// Where a service wants to be reached; port 0 is any free one.
    pub fn of(service: &Service) -> Self {
        Self { main: service.listen, preview: service.preview, metrics: service.metrics }
    }

    /// The same, but any port is the one that it was before.
    #[must_use]
    pub fn as_before(self, before: Self) -> Self {
        let same = |wanted: SocketAddr, before: Option<SocketAddr>| {
            let is_same = |before: &SocketAddr| wanted.port() == 0 && before.ip() == wanted.ip();
            before.filter(is_same).unwrap_or(wanted)
        };
        Self {
            main: same(self.main, Some(before.main)),
            preview: self.preview.map(|at| same(at, before.preview)),
            metrics: self.metrics.map(|at| same(at, before.metrics)),
        }
    }
}

/// A rollout as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Version of this form.
    pub form: u32,
    /// Its name.
    pub name: String,
    /// The file, as the user named it.
    pub file: String,
    /// Digest of its text.
    pub digest: Option<String>,
    /// What stands in it.
    pub spec: RolloutSpec,
    /// Its folder.
    pub directory: PathBuf,
    /// The version that is asked for.
    pub wanted: Revision,
    /// Who asked for it.
    pub by: Option<String>,
    /// Counts what was asked for, from 1.
    pub release: u64,
    /// The last releases: their number and version.
    #[serde(default)]
    pub releases: Vec<(u64, Revision)>,
    /// Versions that may be asked for again, and those that have processes.
    pub versions: Vec<KeptVersion>,
    /// What the engine remembers.
    pub state: State,
    /// Where users go.
    pub routes: Routes,
    /// Where it is reached.
    pub doors: Doors,
    /// Seed of the dealing and key of the cookies.
    pub seed: u64,
    /// The new version's share over time: from when, and percent.
    pub weights: Vec<(Time, u32)>,
    /// The last things that happened.
    pub story: Vec<(Time, RolloutFact)>,
    /// When somebody looked, at the time of storing.
    #[serde(default)]
    pub looked: Option<Time>,
    /// When the release began.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// Its services were ended by a person, and come again only with the next start.
    pub is_stopped: bool,
    /// What was counted by the time that this was stored.
    pub tally: Tally,
    /// What was counted when the release began.
    pub at_start: Tally,
    /// What each metric said last.
    pub verdicts: BTreeMap<String, MetricVerdict>,
    /// A change of data.
    pub migration: Option<Migrated>,
}

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptVersion {
    /// Which.
    pub revision: Revision,
    /// Its number among all that ever were.
    pub number: u64,
    /// The file that it was asked for with: how it is run.
    pub spec: RolloutSpec,
    /// The folder of that file.
    pub directory: PathBuf,
}

impl Kept {
    /// Reads what was kept.
    ///
    /// # Errors
    /// It cannot be read, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let kept: Self = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        if kept.form != FORM {
            return Err(format!("it is of form {}, and this taskmaster knows {FORM}", kept.form));
        }
        Ok(kept)
    }

    /// Its specification, checked.
    ///
    /// # Errors
    /// What is wrong in it, in words; only a newer program's file can be.
    pub fn rollout(&self) -> Result<Rollout, String> {
        checked(&self.spec)
    }

    /// A version that is remembered.
    pub fn version(&self, revision: &Revision) -> Option<&KeptVersion> {
        self.versions.iter().find(|version| version.revision == *revision)
    }

    /// Takes note of a version that is asked for with this file. One that was there keeps its number.
    pub fn note_version(&mut self, revision: &Revision, spec: &RolloutSpec, directory: &std::path::Path) {
        let highest = self.versions.iter().map(|version| version.number).max().unwrap_or(0);
        let known = self.version(revision).map(|version| version.number);
        self.versions.retain(|version| version.revision != *revision);
        self.versions.push(KeptVersion {
            revision: revision.clone(),
            number: known.unwrap_or(highest + 1),
            spec: spec.clone(),
            directory: directory.to_owned(),
        });
        self.versions.sort_by_key(|version| version.number);
    }

    /// Forgets the oldest versions that nobody needs.
    pub fn forget(&mut self, needs: impl Fn(&Revision) -> bool) {
        let state = &self.state;
        let is_needed = |revision: &Revision| {
            *revision == self.wanted
                || *revision == state.revision
                || state.stable.as_ref() == Some(revision)
                || state.former.as_ref() == Some(revision)
                || state.retiring.contains_key(revision)
                || needs(revision)
        };
        let mut too_many = self.versions.len().saturating_sub(VERSIONS);
        self.versions.retain(|version| {
            let goes = too_many > 0 && !is_needed(&version.revision);
            too_many -= usize::from(goes);
            !goes
        });
        let versions = &self.versions;
        let is_kept = |revision: &Revision| versions.iter().any(|version| version.revision == *revision);
        self.tally.retain(is_kept);
        self.at_start.retain(is_kept);
        let too_many = self.releases.len().saturating_sub(POINTS);
        self.releases.drain(..too_many);
        drop_old(&mut self.weights, POINTS);
        drop_old(&mut self.story, LINES);
    }
}

/// The first one stays: it says how all began.
fn drop_old<T>(list: &mut Vec<T>, most: usize) {
    let too_many = list.len().saturating_sub(most);
    if too_many > 0 {
        list.drain(1..=too_many);
    }
}

/// A specification, checked.
///
/// # Errors
/// What is wrong in it, in words.
pub fn checked(spec: &RolloutSpec) -> Result<Rollout, String> {
    spec::check(spec).map_err(|faults| {
        let words = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.message));
        words.collect::<Vec<_>>().join("; ")
    })
}
