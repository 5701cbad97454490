//! Versions as processes of this machine, and the load that they get while a rollout is under way.

use super::check::Faults;
use super::duration;
use super::text::{Text, is_no_path, is_token, is_variable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Most words of a command, variables of an environment, versions and paths.
const MOST: usize = 1_000;
const HIGHEST_RATE: f64 = 100_000.0;

/// A service whose versions are processes of this machine, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Program and arguments; `{port}`, `{version}` and `{replica}` are replaced.
    pub command: Vec<String>,
    /// Variables of its environment, beside those of whoever starts it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// Where it runs, relative to the file; the file's own directory unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Where users come.
    pub listen: String,
    /// Where the preview is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// Where Prometheus reads what the proxy has counted, at `/metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// What tells that a replica can serve; that it takes connections unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<ReadySpec>,
    /// From the moment in which nothing is in flight any more to TERM; 1s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<duration::Text>,
    /// From TERM to KILL; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<duration::Text>,
    /// Users keep their version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<StickySpec>,
    /// What is otherwise in a version, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, VariantSpec>,
}

/// What tells that a replica can serve: at most one of `http`, `tcp` and `command`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadySpec {
    /// A path that answers with success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// It takes connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<bool>,
    /// A program that ends well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Time between two tries; 200ms unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<duration::Text>,
    /// Longest time of one; 1s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<duration::Text>,
    /// Longest time from the start to the first success; 30s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<duration::Text>,
}

/// Users keep their version by a cookie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StickySpec {
    /// Its name.
    pub cookie: String,
    /// How long; 24h unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<duration::Text>,
}

/// What is otherwise in a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VariantSpec {
    /// Program and arguments in place of the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Variables beside the service's, or in place of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// Where it runs, in place of the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

/// Requests of our own while a rollout is under way, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadSpec {
    /// Requests a second.
    pub rate: f64,
    /// What is asked for, in turn; `/` unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Longest time; as long as the rollout is under way unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<duration::Text>,
}

/// A service whose versions are processes of this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Program and arguments, before [`fill`].
    pub command: Vec<String>,
    /// Variables of its environment, before [`fill`].
    pub env: BTreeMap<String, Text>,
    /// Where it runs, relative to the file.
    pub directory: Option<String>,
    /// Where users come. Port 0 is any free one.
    pub listen: SocketAddr,
    /// Where the preview is.
    pub preview: Option<SocketAddr>,
    /// Where `/metrics` of the proxy is.
    pub metrics: Option<SocketAddr>,
    /// What tells that a replica can serve.
    pub ready: Ready,
    /// From the moment in which nothing is in flight any more to TERM.
    pub drain: Duration,
    /// From TERM to KILL.
    pub grace: Duration,
    /// Users keep their version.
    pub sticky: Option<Sticky>,
    /// What is otherwise in a version, by its name.
    pub versions: BTreeMap<String, Variant>,
}

/// What tells that a replica can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// What is tried.
    pub probe: Probe,
    /// Time between two tries.
    pub interval: Duration,
    /// Longest time of one.
    pub timeout: Duration,
    /// Longest time from the start to the first success.
    pub within: Duration,
}

/// What is tried of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A path that answers with success.
    Http(String),
    /// It takes connections.
    Tcp,
    /// A program that ends well, before [`fill`].
    Command(Vec<String>),
}

/// Users keep their version by a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Its name.
    pub cookie: String,
    /// How long.
    pub max_age: Duration,
}

/// What is otherwise in a version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Program and arguments in place of the service's.
    pub command: Option<Vec<String>>,
    /// Variables beside the service's, or in place of them.
    pub env: BTreeMap<String, Text>,
    /// Where it runs, in place of the service's.
    pub directory: Option<String>,
}

/// Requests of our own while a rollout is under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// What is asked for, in turn.
    pub paths: Vec<String>,
    /// Longest time.
    pub duration: Option<Duration>,
}

impl Service {
    /// Program and arguments of a version, before [`fill`].
    pub fn command_of(&self, version: &str) -> &[String] {
        self.versions.get(version).and_then(|variant| variant.command.as_ref()).unwrap_or(&self.command)
    }

    /// Variables of a version, before [`fill`].
    pub fn env_of(&self, version: &str) -> BTreeMap<String, Text> {
        let own = self.versions.get(version).map(|variant| variant.env.clone()).unwrap_or_default();
        self.env.clone().into_iter().chain(own).collect()
    }

    /// Where a version runs, relative to the file.
    pub fn directory_of(&self, version: &str) -> Option<&str> {
        let own = self.versions.get(version).and_then(|variant| variant.directory.as_deref());
        own.or(self.directory.as_deref())
    }
}

/// A word with `{port}`, `{version}` and `{replica}` replaced, once: what was put in is not read again.
pub fn fill(word: &str, port: u16, version: &str, replica: u32) -> String {
    let (mut filled, mut rest) = (String::with_capacity(word.len()), word);
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [
            ("{port}", port.to_string()),
            ("{version}", version.to_owned()),
            ("{replica}", replica.to_string()),
        ];
        let found = known.into_iter().find(|(mark, _)| rest.starts_with(mark));
        let (mark, value) = found.unwrap_or(("{", "{".to_owned()));
        filled.push_str(&value);
        rest = &rest[mark.len()..];
    }
    filled + rest
}

/// Checks a service.
pub(super) fn check(spec: &ServiceSpec, faults: &mut Faults) -> Option<Service> {
    command("command", &spec.command, faults);
    environment(&spec.env, faults);
    directory(spec.directory.as_deref(), faults);
    let listen = address("listen", &spec.listen, faults);
    let preview = spec.preview.as_ref().and_then(|text| address("preview", text, faults));
    let metrics = spec.metrics.as_ref().and_then(|text| address("metrics", text, faults));
    let is_taken = |at: Option<SocketAddr>, by| at.is_some_and(|at| Some(at) == by && at.port() != 0);
    for (key, at) in [("preview", preview), ("metrics", metrics)] {
        if is_taken(at, listen) {
            faults.at(key, |faults| faults.say("is where users come"));
        }
    }
    if is_taken(metrics, preview) {
        faults.at("metrics", |faults| faults.say("is where the preview is"));
    }
    let ready = faults.at("ready", |faults| ready(spec.ready.as_ref(), faults));
    let versions = versions(spec, faults);
    let service = Service {
        command: spec.command.clone(),
        env: spec.env.clone(),
        directory: spec.directory.clone(),
        listen: listen?,
        preview,
        metrics,
        ready: ready?,
        drain: faults.span("drain", spec.drain, Duration::from_secs(1)),
        grace: faults.span("grace", spec.grace, Duration::from_secs(30)),
        sticky: spec.sticky.as_ref().map(|spec| faults.at("sticky", |faults| sticky(spec, faults))),
        versions,
    };
    knows_its_port(&service, faults);
    Some(service)
}

fn command(key: &str, words: &[String], faults: &mut Faults) {
    faults.at(key, |faults| {
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            faults.say("names no program");
        }
        if words.len() > MOST {
            faults.too_many(words.len(), MOST);
        } else if words.iter().any(|word| word.contains('\0')) {
            faults.say("holds a zero byte");
        }
    });
}

fn environment(env: &BTreeMap<String, Text>, faults: &mut Faults) {
    faults.at("env", |faults| {
        if env.len() > MOST {
            return faults.too_many(env.len(), MOST);
        }
        for (name, text) in env {
            if !is_variable(name) {
                faults.say(format!("`{}` is no name of a variable", name.escape_debug()));
            }
            faults.text(name, text);
        }
    });
}

fn directory(path: Option<&str>, faults: &mut Faults) {
    if path.is_some_and(is_no_path) {
        faults.at("directory", |faults| faults.say("is no path"));
    }
}

fn address(key: &str, text: &str, faults: &mut Faults) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        faults.at(key, |faults| faults.help("is no address with a port", "such as 127.0.0.1:8080"));
    }
    address
}

fn ready(spec: Option<&ReadySpec>, faults: &mut Faults) -> Option<Ready> {
    let default = ReadySpec::default();
    let spec = spec.unwrap_or(&default);
    let probe = match (&spec.http, spec.tcp, &spec.command) {
        (Some(at), None, None) => {
            path("http", at, faults);
            Some(Probe::Http(at.clone()))
        }
        (None, None | Some(true), None) => Some(Probe::Tcp),
        (None, None, Some(words)) => {
            command("command", words, faults);
            Some(Probe::Command(words.clone()))
        }
        _ => {
            faults.say("at most one of http, `tcp: true` and command is wanted");
            None
        }
    };
    let interval = faults.time("interval", spec.interval, Duration::from_millis(200));
    let timeout = faults.time("timeout", spec.timeout, Duration::from_secs(1));
    let within = faults.time("within", spec.within, Duration::from_secs(30));
    Some(Ready { probe: probe?, interval, timeout, within })
}

fn path(key: &str, path: &str, faults: &mut Faults) {
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter.is_ascii();
    if !path.starts_with('/') || !path.chars().all(is_plain) {
        faults.at(key, |faults| faults.help("is no path", "such as /readyz"));
    }
}

fn sticky(spec: &StickySpec, faults: &mut Faults) -> Sticky {
    if !is_token(&spec.cookie) {
        faults.at("cookie", |faults| faults.say("is no name of a cookie"));
    }
    let max_age = faults.time("maxAge", spec.max_age, Duration::from_secs(24 * 3600));
    Sticky { cookie: spec.cookie.clone(), max_age }
}

fn versions(spec: &ServiceSpec, faults: &mut Faults) -> BTreeMap<String, Variant> {
    if spec.versions.len() > MOST {
        faults.at("versions", |faults| faults.too_many(spec.versions.len(), MOST));
        return BTreeMap::new();
    }
    let variant = |(name, spec): (&String, &VariantSpec)| {
        faults.at(format!("versions.{name}"), |faults| {
            if name.trim().is_empty() {
                faults.say("has no name");
            }
            if let Some(words) = &spec.command {
                command("command", words, faults);
            }
            environment(&spec.env, faults);
            directory(spec.directory.as_deref(), faults);
        });
        let VariantSpec { command, env, directory } = spec.clone();
        (name.clone(), Variant { command, env, directory })
    };
    spec.versions.iter().map(variant).collect()
}

/// Every replica has a port of its own, and something has to tell it which.
fn knows_its_port(service: &Service, faults: &mut Faults) {
    let is_told = |version: &str| {
        let env = service.env_of(version);
        let mut words = service
            .command_of(version)
            .iter()
            .map(String::as_str)
            .chain(env.values().filter_map(Text::literal));
        words.any(|word| word.contains("{port}"))
    };
    let help = "`{port}` in `command` or in a variable of `env`";
    if !is_told("") && !service.command.is_empty() {
        faults.at("command", |faults| faults.help("nothing tells a replica its port", help));
    }
    for name in service.versions.iter().filter(|(_, variant)| variant.command.is_some()).map(|(name, _)| name)
    {
        if !is_told(name) {
            faults.at(format!("versions.{name}.command"), |faults| {
                faults.help("nothing tells a replica its port", help);
            });
        }
    }
}

/// Checks the load.
pub(super) fn load(spec: &LoadSpec, has_service: bool, faults: &mut Faults) -> Load {
    if !has_service {
        faults.help("there is nothing that it could be sent to", "add `service`");
    }
    if !(spec.rate > 0.0 && spec.rate <= HIGHEST_RATE) {
        faults.at("rate", |faults| {
            faults.say(format!("{} is not above 0 and at most {HIGHEST_RATE}", spec.rate));
        });
    }
    if spec.paths.len() > MOST {
        faults.at("paths", |faults| faults.too_many(spec.paths.len(), MOST));
    } else {
        for (index, at) in spec.paths.iter().enumerate() {
            path(&format!("paths[{index}]"), at, faults);
        }
    }
    let paths = if spec.paths.is_empty() { vec!["/".to_owned()] } else { spec.paths.clone() };
    let duration = spec.duration.map(|_| faults.time("duration", spec.duration, Duration::ZERO));
    Load { rate: spec.rate, paths, duration }
}
