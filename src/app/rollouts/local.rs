//! Rollouts of this machine: a client of the agent.
//!
//! A question starts no agent where nothing is to run: what was kept answers it then.

use super::error::RolloutError;
use super::model::{Ask, Backend, Named, StartFile, StartRequest};
use super::story;
use crate::agent::files::Files;
use crate::agent::picture::Picture;
use crate::agent::socket::client::{Client, ClientError};
use crate::agent::socket::wire::{About, Call, Fault, FaultCode, Start};
use crate::app::agent;
use crate::app::error::AppError;
use crate::app::tasks::person;
use crate::app::workspace::Workspace;
use crate::clock;
use crate::deliver::backend::local::{Driver, Kept, Seen};
use crate::report::view::{
    AgentProcess, AgentView, ReplicaView, RolloutHistoryView, RolloutKind, RolloutListView, RolloutRow,
    RolloutView, ServiceView,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_core::id::Digest;
use taskmaster_delivery::engine::Verb;
use taskmaster_delivery::time::Time;

/// Time between two looks of a watch.
const PACE: Duration = Duration::from_millis(250);

/// The agent of this state directory as a backend.
///
/// # Errors
/// The path of the state directory cannot be made absolute.
pub fn backend(workspace: &Workspace) -> Result<Box<dyn Backend>, AppError> {
    Ok(Box::new(Local::new(workspace)?))
}

/// The agent of a state directory.
pub struct Local {
    workspace: Workspace,
    client: Client,
}

impl Local {
    /// That of a project.
    ///
    /// # Errors
    /// The path of the state directory cannot be made absolute.
    pub fn new(workspace: &Workspace) -> Result<Self, AppError> {
        let client = Client::new(agent::files(workspace)?);
        Ok(Self { workspace: workspace.clone(), client })
    }

    /// Its files.
    pub fn files(&self) -> &Files {
        self.client.files()
    }

    /// What was kept, by name; nothing where nothing ever ran.
    fn kept(&self) -> Result<BTreeMap<String, Kept>, AppError> {
        let Some(ledger) = self.workspace.ledger_if_any()? else { return Ok(BTreeMap::new()) };
        let all = ledger.memos("rollout/")?.into_iter().filter_map(|(_, text)| Kept::read(&text).ok());
        Ok(all.map(|kept: Kept| (kept.name.clone(), kept)).collect())
    }

    /// What was kept and cannot be read, each with its reason.
    fn unreadable(&self) -> Result<Vec<String>, AppError> {
        let Some(ledger) = self.workspace.ledger_if_any()? else { return Ok(Vec::new()) };
        let why = |(key, text): (String, String)| {
            let name = key.strip_prefix("rollout/").unwrap_or(&key).to_owned();
            Kept::read(&text).err().map(|why| format!("{name}: {why}"))
        };
        Ok(ledger.memos("rollout/")?.into_iter().filter_map(why).collect())
    }

    /// Asks a question that changes nothing. Nothing where no agent is needed to answer it.
    fn question<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, AppError> {
        match self.client.ask(call.clone()) {
            Ok(answer) => return Ok(Some(answer)),
            Err(fault) if is_no_answer(&fault) => {}
            Err(fault) => return Err(of_client("status", fault)),
        }
        let is_wanted = self.kept()?.values().any(|kept| !kept.is_stopped);
        if !is_wanted {
            return Ok(None);
        }
        self.client.ask_started(call).map(Some).map_err(|fault| of_client("status", fault))
    }

    fn order(&self, verb: &'static str, call: &Call) -> Result<RolloutView, AppError> {
        self.client.ask_started(call).map_err(|fault| of_client(verb, fault))
    }

    /// The agent and what it owns; starts none.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn agent(&self) -> Result<AgentView, AppError> {
        let about: Option<About> = match self.client.ask(Call::About) {
            Ok(about) => Some(about),
            Err(fault) if is_no_answer(&fault) => None,
            Err(fault) => return Err(of_client("status", fault)),
        };
        let views: Vec<RolloutView> = match about {
            Some(_) => self.client.ask(Call::List).unwrap_or_default(),
            None => self.kept()?.values().filter_map(|kept| at_rest(kept).ok()).collect(),
        };
        let address =
            |name: &str| views.iter().find(|view| view.name == name).and_then(|view| view.address.clone());
        let mut services: BTreeMap<String, ServiceView> = BTreeMap::new();
        for process in about.iter().flat_map(|about| &about.services) {
            let service = services.entry(process.rollout.clone()).or_insert_with(|| ServiceView {
                name: process.rollout.clone(),
                address: address(&process.rollout),
                replicas: Vec::new(),
            });
            service.replicas.push(ReplicaView {
                version: process.version.clone(),
                number: process.replica,
                state: process.state.clone(),
                pid: process.pid,
                port: Some(process.port).filter(|port| *port != 0),
                since: Timestamp::from_millisecond(process.since_ms).ok(),
                restarts: u64::from(process.restarts),
                trouble: process.why.clone(),
            });
        }
        Ok(AgentView {
            generated: clock::now(),
            state_dir: self.files().dir().display().to_string(),
            agent: about.map(|about| AgentProcess {
                pid: about.pid,
                version: about.program,
                since: Timestamp::from_millisecond(about.since_ms).unwrap_or(Timestamp::UNIX_EPOCH),
                restarts: about.restarts,
                log: self.files().log().display().to_string(),
            }),
            services: services.into_values().collect(),
            rollouts: views.iter().map(RolloutRow::of).collect(),
        })
    }

    /// Ends all services and the agent. True where there was anything to end.
    ///
    /// # Errors
    /// Something is under way and `force` is not given; or the agent cannot be asked.
    pub fn stop(&self, force: bool) -> Result<bool, AppError> {
        let views: Vec<RolloutView> = match self.client.ask::<serde_json::Value>(Call::List) {
            // One of another version cannot say it, and is to go.
            Err(ClientError::Fault(fault)) if fault.code == FaultCode::Version => Vec::new(),
            _ => self.question(&Call::List)?.unwrap_or_default(),
        };
        let is_under_way = |view: &&RolloutView| !view.phase.is_over() && view.native.is_none();
        let busy: Vec<&str> = views.iter().filter(is_under_way).map(|view| view.name.as_str()).collect();
        if !busy.is_empty() && !force {
            let help =
                "wait for their end, abort them, or add --force: the next start goes on where they were";
            return Err(AppError::usage(format!("under way: {}", busy.join(", ")), help));
        }
        match self.client.ask::<serde_json::Value>(Call::Stop) {
            Ok(_) => {
                self.client.wait_for_end();
                Ok(true)
            }
            Err(ClientError::Fault(fault)) if fault.code == FaultCode::Ending => {
                self.client.wait_for_end();
                Ok(true)
            }
            Err(ClientError::Absent | ClientError::Lost) => Ok(false),
            Err(fault) => Err(of_client("stop", fault)),
        }
    }

    /// The last lines of the logs of a service: each with its version and number.
    ///
    /// # Errors
    /// There is none of this name, or a log cannot be read.
    pub fn service_logs(
        &self,
        service: &str,
        version: Option<&str>,
        replica: Option<u32>,
        lines: usize,
    ) -> Result<Vec<(String, String)>, AppError> {
        let folder = self.files().service_logs(service);
        let fault = |source| AppError::Io { path: folder.clone(), source };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(AppError::usage(
                    format!("no service {service} was ever started here"),
                    "see `agent status`",
                ));
            }
            Err(error) => return Err(fault(error)),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_log_of(name, version, replica))
            .collect();
        names.sort();
        let read = |name: String| {
            let text = crate::process::show::tail_of(&folder.join(&name), lines, 4 << 20).map_err(fault)?;
            Ok((name.trim_end_matches(".log").to_owned(), text))
        };
        names.into_iter().map(read).collect()
    }
}

/// `v1-0.log`: version and number.
fn is_log_of(name: &str, version: Option<&str>, replica: Option<u32>) -> bool {
    let Some(stem) = name.strip_suffix(".log") else { return false };
    let (of, number) = stem.rsplit_once('-').unwrap_or((stem, ""));
    let is_version = version.is_none_or(|version| crate::agent::files::file_name(version) == of);
    is_version && replica.is_none_or(|replica| number.parse() == Ok(replica))
}

impl Backend for Local {
    fn start(&self, request: &StartRequest) -> Result<RolloutView, AppError> {
        match request {
            StartRequest::File(file) => self.order("start", &Call::Start(Box::new(start(file)?))),
            StartRequest::Images { name, .. } => Err(RolloutError::Unsupported {
                verb: "start --image",
                what: name.to_string(),
                help: "give the rollout file and a version".to_owned(),
            }
            .into()),
        }
    }

    fn view(&self, name: &Named) -> Result<RolloutView, AppError> {
        if let Some(view) = self.question(&Call::View { name: name.name.clone() })? {
            return Ok(view);
        }
        let kept = self.kept()?;
        match kept.get(&name.name) {
            Some(kept) => at_rest(kept),
            None => Err(no_such(&name.name, kept.keys())),
        }
    }

    fn list(&self) -> Result<RolloutListView, AppError> {
        let views: Option<Vec<RolloutView>> = self.question(&Call::List)?;
        let mut unreadable = self.unreadable()?;
        let views = match views {
            Some(views) => views,
            None => {
                let kept = self.kept()?;
                let read = |kept: &Kept| at_rest(kept).map_err(|fault| format!("{}: {fault}", kept.name));
                let (good, bad): (Vec<_>, Vec<_>) = kept.values().map(read).partition(Result::is_ok);
                unreadable.extend(bad.into_iter().filter_map(Result::err));
                good.into_iter().filter_map(Result::ok).collect()
            }
        };
        Ok(RolloutListView {
            generated: clock::now(),
            place: "this machine".to_owned(),
            rollouts: views.iter().map(RolloutRow::of).collect(),
            unreadable,
        })
    }

    fn history(&self, name: &Named) -> Result<RolloutHistoryView, AppError> {
        let now = clock::now();
        let entries = match self.workspace.ledger_if_any()? {
            Some(ledger) => ledger.rollout(&name.name)?,
            None => Vec::new(),
        };
        let releases = story::history(&story::releases(&entries, now), &name.name);
        if releases.is_empty() {
            return Err(no_such(&name.name, self.kept()?.keys()));
        }
        Ok(RolloutHistoryView {
            generated: now,
            kind: RolloutKind::Local,
            name: name.name.clone(),
            namespace: None,
            releases,
            note: None,
        })
    }

    fn ask(&self, name: &Named, ask: Ask) -> Result<RolloutView, AppError> {
        let (name, by) = (name.name.clone(), person());
        let verb = match ask {
            Ask::Promote { full: false } => Verb::Promote,
            Ask::Promote { full: true } => Verb::PromoteFull,
            Ask::Pause => Verb::Pause,
            Ask::Resume => Verb::Resume,
            Ask::Abort => Verb::Abort,
            Ask::Retry => Verb::Retry,
            Ask::Undo { to } => return self.order("undo", &Call::Undo { name, to, by }),
        };
        self.order(ask.word(), &Call::Ask { name, verb, by })
    }

    fn remove(&self, name: &Named) -> Result<(), AppError> {
        let call = Call::Remove { name: name.name.clone(), by: person() };
        let done: Result<serde_json::Value, ClientError> = self.client.ask_started(&call);
        done.map(drop).map_err(|fault| of_client("remove", fault))
    }

    fn pace(&self) -> Duration {
        PACE
    }
}

fn start(file: &StartFile) -> Result<Start, AppError> {
    let mut diagnostics = Vec::new();
    let spec = taskmaster_catalogue::plain(&file.text, &mut diagnostics).map(|(value, _)| value);
    let spec =
        spec.ok_or_else(|| AppError::usage("this rollout is empty", "write `name:` and `strategy:`"))?;
    let text = |value: std::ffi::OsString| value.into_string().ok();
    // What is no text cannot be sent, and is nobody's secret.
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
    Ok(Start {
        spec,
        file: file.path.display().to_string(),
        digest: Some(Digest::of(file.text.as_bytes()).as_str().to_owned()),
        version: file.version.clone(),
        directory: std::path::absolute(&file.directory)
            .map_err(|source| AppError::Io { path: file.directory.clone(), source })?,
        environment: environment.collect(),
        by: person(),
    })
}

/// True where there is no agent, or where it died or ended just now.
fn is_no_answer(fault: &ClientError) -> bool {
    match fault {
        ClientError::Absent | ClientError::Lost => true,
        ClientError::Io { source, .. } => source.kind() != std::io::ErrorKind::PermissionDenied,
        ClientError::Fault(fault) => fault.code == FaultCode::Ending,
        ClientError::NotStarted { .. } | ClientError::Unreadable(_) => false,
    }
}

/// A rollout that no agent steps, as it was kept.
fn at_rest(kept: &Kept) -> Result<RolloutView, AppError> {
    let driver =
        Driver::resume(kept.clone()).map_err(|why| RolloutError::Failed { why, help: String::new() })?;
    let seen = Seen { counted: kept.tally.clone(), ..Seen::default() };
    let bounds = crate::deliver::metrics::bounds_ms(&driver.rollout().analysis);
    Ok(agent::view(&Picture {
        driver: &driver,
        seen: &seen,
        replicas: &[],
        hooks: &[],
        mute: &[],
        recent: &BTreeMap::new(),
        bounds_ms: &bounds,
        is_loaded: false,
        fault: None,
        now: Time(clock::now().as_millisecond()),
    }))
}

fn no_such<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> AppError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = match known.as_slice() {
        [] => "start one: taskmaster rollout start FILE VERSION".to_owned(),
        known => format!("there is {}", known.join(", ")),
    };
    RolloutError::no_such(name, " on this machine", help).into()
}

fn of_client(verb: &'static str, fault: ClientError) -> AppError {
    let what = "the agent".to_owned();
    let fault = match fault {
        ClientError::Fault(fault) => return of_fault(verb, fault).into(),
        ClientError::Lost => RolloutError::Unreachable {
            what,
            why: fault.to_string(),
            help: "look what became of it: taskmaster rollout list".to_owned(),
        },
        ClientError::NotStarted { .. } => RolloutError::Failed {
            why: fault.to_string(),
            help: "see all of it: taskmaster agent logs".to_owned(),
        },
        ClientError::Io { source, path } => RolloutError::Unreachable {
            what,
            why: format!("{source} ({})", path.display()),
            help: "see what it says: taskmaster agent logs".to_owned(),
        },
        ClientError::Absent | ClientError::Unreadable(_) => {
            RolloutError::Unreachable { what, why: fault.to_string(), help: String::new() }
        }
    };
    fault.into()
}

fn of_fault(verb: &'static str, fault: Fault) -> RolloutError {
    let (why, help) = (fault.message, fault.help.unwrap_or_default());
    match fault.code {
        FaultCode::NoSuch => RolloutError::NoSuch { why, help },
        FaultCode::Usage | FaultCode::Refused => RolloutError::Refused { verb, why, help },
        FaultCode::Ending => RolloutError::Unreachable { what: "the agent".to_owned(), why, help },
        FaultCode::Stranger | FaultCode::Version | FaultCode::Failed | FaultCode::Other => {
            RolloutError::Failed { why, help }
        }
    }
}
