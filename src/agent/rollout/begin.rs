//! How a rollout comes to be at work: asked for by a command, or found by an agent that was started anew.

use super::shared::{Shared, now};
use crate::agent::doors::{self, Which};
use crate::agent::gateway::Gateway;
use crate::agent::senses::Senses;
use crate::agent::service::known::Known;
use crate::agent::service::recipe::Recipe;
use crate::agent::service::replica::Event;
use crate::agent::service::supervisor::{MOST_REPLICAS, Supervisor};
use crate::agent::service::vault::Vault;
use crate::agent::socket::wire::{Fault, FaultCode, Start};
use crate::deliver::backend::local::kept::{Kept, checked};
use crate::deliver::backend::local::{Doors, Driver, Wanted};
use crate::deliver::metrics::bounds_ms;
use crate::deliver::traffic::{Limits, Settings, Sticky};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use taskmaster_delivery::engine::Revision;
use taskmaster_delivery::spec::{Rollout, RolloutSpec, Service};
use tokio::sync::mpsc;
use ulid::Ulid;

/// Longest name of a version.
const LONGEST_VERSION: usize = 128;
/// Longest name of a rollout.
const LONGEST_NAME: usize = 100;
/// Events of replicas that may wait.
const MOST_EVENTS: usize = 1024;

/// A version that is asked for, understood.
pub struct Beginning {
    /// What is wanted.
    pub wanted: Wanted,
    /// The file, checked.
    pub rollout: Rollout,
    /// How its processes are run.
    pub service: Service,
    /// Its secrets.
    pub vault: Vault,
}

impl Beginning {
    /// Understands a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(start: Start) -> Result<Self, Fault> {
        let usage = |message: String| Fault::new(FaultCode::Usage, message);
        let spec: RolloutSpec =
            serde_json::from_value(start.spec).map_err(|fault| usage(format!("the rollout: {fault}")))?;
        let rollout = checked(&spec).map_err(usage)?;
        let Some(service) = rollout.service.clone() else {
            let fault = usage(format!("{} has no `service`: nothing says how it is run here", rollout.name));
            return Err(fault.help("add `service:` to the file, or name an object of a cluster"));
        };
        check_name(&rollout.name).map_err(usage)?;
        check_version(&start.version).map_err(usage)?;
        if rollout.replicas > MOST_REPLICAS {
            return Err(usage(format!("at most {MOST_REPLICAS} replicas fit on one machine")));
        }
        let vault = Vault::new(start.environment, &start.directory);
        for (name, text) in service.env_of(&start.version) {
            vault.look_up(&text).map_err(|fault| usage(format!("service.env.{name}: {fault}")))?;
        }
        Senses::check(&rollout, &start.directory, &vault).map_err(usage)?;
        let wanted = Wanted {
            revision: Revision(start.version),
            spec,
            directory: start.directory,
            file: start.file,
            digest: start.digest,
            by: Some(start.by).filter(|by| !by.is_empty()),
        };
        Ok(Self { wanted, rollout, service, vault })
    }

    /// How the version is run.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            service: self.service.clone(),
            revision: self.wanted.revision.clone(),
            directory: self.wanted.directory.clone(),
            vault: self.vault.clone(),
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= LONGEST_NAME && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "`{}` cannot be a rollout's name here: want letters, digits, `-`, `_` and `.`",
        name.escape_debug()
    ))
}

fn check_version(version: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/+@".contains(c);
    if !version.is_empty() && version.len() <= LONGEST_VERSION && version.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "`{}` cannot be a version's name: want letters, digits and `-_.:/+@`",
        version.escape_debug()
    ))
}

/// A rollout that an agent found.
pub struct Resumed {
    /// It.
    pub driver: Driver,
    /// Its processes.
    pub replicas: Vec<Known>,
}

impl Resumed {
    /// Reads what was kept.
    ///
    /// # Errors
    /// It cannot be read, in words.
    pub fn read(kept: &str, replicas: Option<&str>) -> Result<Self, String> {
        let kept = Kept::read(kept)?;
        let replicas = match replicas {
            Some(text) => serde_json::from_str(text).map_err(|fault| fault.to_string())?,
            None => Vec::new(),
        };
        Ok(Self { driver: Driver::resume(kept)?, replicas })
    }
}

/// The parts of a rollout that is at work.
pub(super) struct Parts {
    pub(super) supervisor: Supervisor,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) gateway: Gateway,
}

impl Parts {
    pub(super) fn new(name: &str, shared: &Shared) -> Self {
        let (tell, events) = mpsc::channel(MOST_EVENTS);
        let gateway = Gateway::default();
        let supervisor = Supervisor::new(name, &shared.files, tell, gateway.in_flight());
        Self { supervisor, events, gateway }
    }
}

/// The vault of a version: what the guard holds, else what this process has.
pub(super) fn vault(shared: &Shared, rollout: &str, revision: &Revision, directory: &Path) -> Vault {
    let held = shared.held.text(&vault_name(rollout, revision)).ok().flatten();
    let environment: Option<BTreeMap<String, String>> =
        held.and_then(|text| serde_json::from_slice(&text).ok());
    match environment {
        Some(environment) => Vault::new(environment, directory),
        None => Vault::of_this_process(directory),
    }
}

/// Lets the guard hold the secrets of a version.
pub(super) fn hold_vault(shared: &Shared, rollout: &str, revision: &Revision, vault: &Vault) {
    let held = vault.to_json().map_err(std::io::Error::other);
    let held = held.and_then(|text| shared.held.hold_text(&vault_name(rollout, revision), &text));
    if let Err(fault) = held {
        tracing::warn!(rollout, %revision, %fault, "its environment is lost with this process");
    }
}

pub(super) fn vault_name(rollout: &str, revision: &Revision) -> String {
    format!("vault/{rollout}/{revision}")
}

/// The doors of a rollout, and where they are.
pub(super) struct Opened {
    pub(super) listeners: Vec<(Which, TcpListener)>,
    pub(super) at: Doors,
}

/// Opens the doors of a service; they are held only once it is sure that they are used.
pub(super) fn open_doors(shared: &Shared, name: &str, wanted: Doors) -> Result<Opened, Fault> {
    let mut listeners = Vec::new();
    let mut open = |which: Which, at: SocketAddr| {
        let opened = doors::open(&shared.held, name, which, at);
        let opened = opened.and_then(|door| door.local_addr().map(|at| (at, door)));
        let (at, door) = opened.map_err(|fault| {
            let message = format!("cannot listen on {at}: {fault}");
            let help =
                format!("choose another address, or end who has it: `ss -ltnp 'sport = :{}'`", at.port());
            Fault::new(FaultCode::Failed, message).help(help)
        })?;
        listeners.push((which, door));
        Ok(at)
    };
    let at = Doors {
        main: open(Which::Main, wanted.main)?,
        preview: wanted.preview.map(|at| open(Which::Preview, at)).transpose()?,
        metrics: wanted.metrics.map(|at| open(Which::Metrics, at)).transpose()?,
    };
    Ok(Opened { listeners, at })
}

/// Lets the guard hold doors that are used from now on.
pub(super) fn hold_doors(shared: &Shared, name: &str, doors: &Opened) {
    for (which, listener) in &doors.listeners {
        if let Err(fault) = shared.held.hold(&doors::name(name, *which), listener) {
            tracing::warn!(rollout = name, %fault, "a door is lost with this process");
        }
    }
    for which in [Which::Preview, Which::Metrics] {
        if doors.listeners.iter().all(|(there, _)| *there != which) {
            shared.held.release(&doors::name(name, which));
        }
    }
}

/// The settings of a rollout's proxy.
pub(super) fn settings(rollout: &Rollout, seed: u64) -> Settings {
    let sticky = rollout.service.as_ref().and_then(|service| service.sticky.clone());
    Settings {
        service: rollout.name.clone(),
        sticky: sticky.map(|sticky| Sticky { cookie: sticky.cookie, max_age: sticky.max_age }),
        bounds_ms: bounds_ms(&rollout.analysis),
        limits: Limits::default(),
        seed,
    }
}

/// A number that nobody guesses: it is the key of cookies.
pub(super) fn seed() -> u64 {
    let random = Ulid::generate().random();
    u64::try_from(random & u128::from(u64::MAX)).unwrap_or_default()
}

/// A rollout that was never there.
pub(super) fn fresh(shared: &Shared, beginning: &Beginning, doors: &Opened) -> Result<Driver, Fault> {
    let past = shared.past_releases(&beginning.rollout.name);
    Driver::begin(&beginning.wanted, doors.at, (seed(), past), now())
        .map_err(|why| Fault::new(FaultCode::Usage, why))
}
