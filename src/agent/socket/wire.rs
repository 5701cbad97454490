//! The words of the control socket.
//!
//! A request is one line: `{"v": 1, "program": "0.1.0", "call": {"do": "view", "name": "web"}}`. Its answer
//! is one line: `{"v": 1, "program": "0.1.0", "ok": …}`, or `fault` in place of `ok`. Fields may be added
//! within a version; `stop` and `about` keep their form in all of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use taskmaster_delivery::engine::Verb;

/// Version of the protocol.
pub const VERSION: u32 = 1;
/// Longest line, with the text of a rollout and the environment of a command.
pub const LONGEST_LINE: usize = 4 << 20;

/// What a command wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Call {
    /// Who is there.
    About,
    /// Bring a version in.
    Start(Box<Start>),
    /// How a rollout is.
    View {
        /// Which.
        name: String,
    },
    /// How all of them are.
    List,
    /// Ask something of a rollout.
    Ask {
        /// Which.
        name: String,
        /// What.
        verb: Verb,
        /// Who asks, for the record.
        by: String,
    },
    /// Bring a version back that was there before.
    Undo {
        /// Which rollout.
        name: String,
        /// The version's number; the newest but one unless given.
        to: Option<u64>,
        /// Who asks, for the record.
        by: String,
    },
    /// End its services and forget it. Its events stay in the ledger.
    Remove {
        /// Which.
        name: String,
        /// Who asks, for the record.
        by: String,
    },
    /// The processes of all rollouts.
    Services,
    /// End all services, then yourself.
    Stop,
}

impl Call {
    /// True where nothing changes by it.
    pub fn is_question(&self) -> bool {
        matches!(self, Self::About | Self::View { .. } | Self::List | Self::Services)
    }

    /// True where it has the same form in all versions of the protocol.
    pub fn is_of_all_versions(&self) -> bool {
        matches!(self, Self::About | Self::Stop)
    }

    /// True where asking twice is asking once.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Ask { .. } | Self::Undo { .. })
    }
}

/// A version that is to be brought in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The rollout as it was written, checked by the sender and checked again.
    pub spec: Value,
    /// The file, as the user named it.
    pub file: String,
    /// Digest of its text.
    pub digest: Option<String>,
    /// The version.
    pub version: String,
    /// Folder of the file: paths in it are relative to it.
    pub directory: PathBuf,
    /// The environment of the command: services get it, and secrets are read from it. Never stored.
    pub environment: BTreeMap<String, String>,
    /// Who asks, for the record.
    pub by: String,
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A line that asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Version of the protocol.
    pub v: u32,
    /// Version of the program.
    pub program: String,
    /// What is wanted.
    pub call: Call,
}

impl Request {
    /// In this program's version.
    pub fn new(call: Call) -> Self {
        Self { v: VERSION, program: env!("CARGO_PKG_VERSION").to_owned(), call }
    }
}

/// A line that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Version of the protocol.
    pub v: u32,
    /// Version of the program.
    pub program: String,
    /// What was asked for, where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<Value>,
    /// Why it was not, else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Answer {
    /// In this program's version.
    pub fn new(result: Result<Value, Fault>) -> Self {
        let (ok, fault) = match result {
            Ok(value) => (Some(value), None),
            Err(fault) => (None, Some(fault)),
        };
        Self { v: VERSION, program: env!("CARGO_PKG_VERSION").to_owned(), ok, fault }
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Fault {
    /// One of a kind.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None }
    }

    /// With what helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The request cannot be understood.
    Usage,
    /// There is no rollout of the name.
    NoSuch,
    /// It means nothing now.
    Refused,
    /// Another user's.
    Stranger,
    /// Another version of the protocol.
    Version,
    /// The agent ends: another one may be asked.
    Ending,
    /// It could not be done.
    Failed,
    /// A kind that this program does not know.
    #[serde(other)]
    Other,
}

/// Who is there: the answer to [`Call::About`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Version of the program that runs.
    pub program: String,
    /// Process id of the agent.
    pub pid: u32,
    /// Process id of the guard.
    pub guard: u32,
    /// Since when this agent runs, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Agents that died before it.
    pub restarts: u64,
    /// Rollouts, by name.
    pub rollouts: Vec<String>,
    /// Processes of services.
    pub services: Vec<ServiceProcess>,
}

/// A process of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceProcess {
    /// Of which rollout.
    pub rollout: String,
    /// Of which version.
    pub version: String,
    /// Its place among the replicas of that version, from 0.
    pub replica: u32,
    /// Its process id; none while it is not running.
    pub pid: Option<u32>,
    /// Where it listens.
    pub port: u16,
    /// How it is, in a word.
    pub state: String,
    /// Times that it was started again.
    pub restarts: u32,
    /// Since when it is so, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Why it is not serving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_as_documented() {
        let shown = |call| serde_json::to_string(&Request { program: "0.1.0".into(), ..Request::new(call) });
        let view = shown(Call::View { name: "web".into() }).unwrap();
        assert_eq!(view, r#"{"v":1,"program":"0.1.0","call":{"do":"view","name":"web"}}"#);
        assert_eq!(shown(Call::Stop).unwrap(), r#"{"v":1,"program":"0.1.0","call":{"do":"stop"}}"#);
        let ask = Call::Ask { name: "web".into(), verb: Verb::PromoteFull, by: "ann".into() };
        assert!(shown(ask).unwrap().contains(r#""verb":"promote_full""#));
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let environment = BTreeMap::from([("TOKEN".to_owned(), "hunter22".to_owned())]);
        let start = Start {
            spec: Value::Null,
            file: "web.yaml".into(),
            digest: None,
            version: "v1".into(),
            directory: "/".into(),
            environment,
            by: "ann".into(),
        };
        let call = Call::Start(Box::new(start));
        assert!(!format!("{call:?}").contains("hunter22"));
    }
}
