//! Who is told at the end of a run, as settings say it.

use serde::Deserialize;
use std::time::Duration;
use taskmaster_core::scheduler::RunEnd;
use taskmaster_delivery::spec::Text;

/// So long is the whole of a notice given where nothing else is said.
const DEFAULT_TIMEOUT: u16 = 10;

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Notice {
    /// Its name, for people.
    pub name: String,
    /// How it is told.
    pub target: Target,
    /// Of which ends; of all where there is none.
    pub on: Vec<RunEnd>,
    /// It gets so long for all its tries.
    pub timeout: Duration,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By a POST to this address, signed where there is a key.
    Webhook {
        /// Where.
        url: Text,
        /// Signs it.
        secret: Option<Text>,
    },
    /// By a program that reads it on standard input.
    Command(Vec<String>),
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    url: Option<Text>,
    secret: Option<Text>,
    command: Option<Vec<String>>,
    #[serde(default)]
    on: Vec<RunEnd>,
    timeout_seconds: Option<u16>,
}

impl TryFrom<Written> for Notice {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let target = match (written.url, written.command, written.secret) {
            (Some(url), None, secret) => Target::Webhook { url, secret },
            (None, Some(_), Some(_)) => {
                return Err("a `secret` signs what goes to a `url`, not to a `command`");
            }
            (None, Some(argv), None) if argv.first().is_some_and(|program| !program.is_empty()) => {
                Target::Command(argv)
            }
            (None, Some(_), None) => return Err("`command` is a program and its arguments, as a list"),
            _ => return Err("a notice has either a `url` or a `command`"),
        };
        if written.name.trim().is_empty() {
            return Err("a notice needs a `name`");
        }
        let seconds = written.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT);
        if !(1..=300).contains(&seconds) {
            return Err("`timeout_seconds` is between 1 and 300");
        }
        let timeout = Duration::from_secs(seconds.into());
        Ok(Self { name: written.name, target, on: written.on, timeout })
    }
}
