//! kubectl, as a child of this process. It shares our process group, so it ends when we are stopped; but
//! for what opens and closes gates, which a Ctrl-C must not tear off.

use serde_json::Value;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use taskmaster_core::cause;
use taskmaster_core::tool::Tool;
use taskmaster_kube_api::{Event, Patch, Subresource, one_line};

/// Longest time of one request.
pub(super) const REQUEST_TIMEOUT: &str = "20s";
/// Longest name of an object.
const MAX_NAME: usize = 253;

/// Where an object is.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Context of the kubeconfig.
    pub context: Option<String>,
    /// Path of the kubeconfig.
    pub kubeconfig: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
}

/// Why kubectl gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum KubectlError {
    /// It could not be started.
    #[error("kubectl cannot be started: {0}")]
    Start(std::io::Error),
    /// It ended with a fault.
    #[error("kubectl {verb} {object}: {said}")]
    Said {
        /// Its verb.
        verb: String,
        /// The object.
        object: String,
        /// Its own words.
        said: String,
    },
    /// What is to be named is no name, and might be taken for an option.
    #[error("`{name}` is no name of an object")]
    Name {
        /// What stands there.
        name: String,
    },
    /// Its output is no JSON.
    #[error("kubectl {verb} {object} printed something else than JSON: {why}")]
    NoJson {
        /// Its verb.
        verb: String,
        /// The object.
        object: String,
        /// What is wrong with it.
        why: serde_json::Error,
    },
}

impl KubectlError {
    fn says(&self, words: &[&str]) -> bool {
        matches!(self, Self::Said { said, .. } if words.iter().any(|word| cause::says(said, word)))
    }

    /// The server knows no such object, or no such subresource.
    pub fn is_not_found(&self) -> bool {
        self.says(&["(NotFound)"])
    }

    /// There is no such object or no such kind of objects (yet).
    pub fn is_absent(&self) -> bool {
        // A server that does not answer knows no kinds either.
        self.says(&["(NotFound)", "no matches for kind", "doesn't have a resource type"])
            && !self.is_silence()
    }

    /// What was asked for was not looked at, whoever says so.
    fn is_silence(&self) -> bool {
        self.says(&cause::silent_words(Tool::Rollout))
    }

    /// Nobody answered.
    pub fn is_unanswered(&self) -> bool {
        self.is_silence() && !self.says(&["Error from server", "logged in to the server"])
    }

    /// The user may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.says(&["(Forbidden)"])
    }

    /// The same may be answered otherwise in a moment.
    pub fn is_trouble(&self) -> bool {
        (self.is_silence() || matches!(self, Self::NoJson { .. })) && self.is_passing()
    }

    /// What was to be changed is as it was.
    pub fn did_nothing(&self) -> bool {
        !matches!(self, Self::Said { .. }) || self.says(&["(NotFound)", "(Forbidden)", "(Unauthorized)"])
    }

    /// It speaks of an object of this kind.
    pub fn is_about(&self, resource: &str) -> bool {
        match self {
            Self::Said { object, .. } | Self::NoJson { object, .. } => {
                object.split('/').next() == Some(resource)
            }
            Self::Start(_) | Self::Name { .. } => false,
        }
    }

    /// Somebody else changed the object meanwhile.
    pub fn is_conflict(&self) -> bool {
        // A test of a list of operations that does not hold is told by the server as a whole request that
        // is invalid; an object that would be invalid is told by its kind and name.
        self.says(&[
            "(Conflict)",
            "(Invalid)",
            "request is invalid",
            "test operation",
            "testing value",
            "testing path",
        ])
    }

    /// It can be tried again.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Said { .. } | Self::NoJson { .. })
            && !self.says(&["(Forbidden)", "(Unauthorized)"])
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let hints: [(&[&str], &str); 4] = [
            (
                &["no matches for kind", "doesn't have a resource type"],
                "install its controller with its custom resources first",
            ),
            (&["(NotFound)"], "look at name, namespace and context"),
            (&["(Forbidden)", "(Unauthorized)"], "look at the rights of the kubeconfig's user"),
            (
                &["refused", "no such host", "Unable to connect", "deadline"],
                "look whether the cluster answers: kubectl cluster-info",
            ),
        ];
        match self {
            Self::Start(_) => return Some("put kubectl on PATH"),
            Self::Name { .. } => {
                return Some("a name is of small letters, digits, `-` and `.`, at most 253 of them");
            }
            Self::Said { .. } | Self::NoJson { .. } => {}
        }
        hints.iter().find(|(words, _)| self.says(words)).map(|(_, hint)| *hint)
    }
}

/// kubectl with the settings of a cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    settings: Vec<String>,
}

impl Kubectl {
    /// With these settings.
    pub fn new(cluster: &Cluster) -> Self {
        let flag =
            |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("--{name}={value}"));
        let settings = [
            flag("context", &cluster.context),
            flag("kubeconfig", &cluster.kubeconfig),
            flag("namespace", &cluster.namespace),
            Some(format!("--request-timeout={REQUEST_TIMEOUT}")),
        ];
        Self { settings: settings.into_iter().flatten().collect() }
    }

    fn call(&self, verb: &str, object: &str, arguments: &[&str]) -> Result<Vec<u8>, KubectlError> {
        self.call_with(verb, object, arguments, None)
    }

    fn call_with(
        &self,
        verb: &str,
        object: &str,
        arguments: &[&str],
        body: Option<&str>,
    ) -> Result<Vec<u8>, KubectlError> {
        let mut command = Command::new("kubectl");
        command.arg(verb).args(arguments).args(&self.settings).env("LC_ALL", "C");
        if body.is_some() {
            command.process_group(0);
        }
        let output = output(&mut command, body).map_err(KubectlError::Start)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = one_line(String::from_utf8_lossy(&output.stderr).trim());
        let said = if said.is_empty() { output.status.to_string() } else { said };
        Err(KubectlError::Said { verb: verb.to_owned(), object: object.to_owned(), said })
    }

    fn json(&self, object: &str, arguments: &[&str]) -> Result<Value, KubectlError> {
        let output = self.call("get", object, arguments)?;
        serde_json::from_slice(&output).map_err(|why| KubectlError::NoJson {
            verb: "get".to_owned(),
            object: object.to_owned(),
            why,
        })
    }

    /// An object.
    pub(super) fn get(&self, resource: &str, name: &str) -> Result<Value, KubectlError> {
        check_name(name)?;
        self.json(&format!("{resource}/{name}"), &[resource, name, "--output=json"])
    }

    /// All objects of a kind.
    pub(super) fn all(&self, resource: &str) -> Result<Value, KubectlError> {
        self.json(resource, &[resource, "--output=json"])
    }

    /// Objects with these labels.
    pub(super) fn list(&self, resource: &str, selector: &str) -> Result<Value, KubectlError> {
        let selector = format!("--selector={selector}");
        self.json(resource, &[resource, &selector, "--output=json"])
    }

    /// Sends a patch.
    pub(super) fn patch(&self, resource: &str, name: &str, patch: &Patch) -> Result<(), KubectlError> {
        check_name(name)?;
        let kind = format!("--type={}", patch.kind.word());
        let body = format!("--patch={}", patch.body);
        let mut arguments = vec![resource, name, &kind, &body];
        if patch.subresource == Subresource::Status {
            arguments.push("--subresource=status");
        }
        self.call("patch", &format!("{resource}/{name}"), &arguments).map(drop)
    }

    /// What the API server leads to a service, or to anything else that is no object.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<(), KubectlError> {
        let raw = format!("--raw={path}");
        self.call_with("create", path, &[&raw, "--filename=-"], Some(&body.to_string())).map(drop)
    }

    /// The command that posts the same, for a shell.
    pub(super) fn line(&self, path: &str, body: &Value) -> String {
        let raw = format!("--raw={path}");
        let words = ["kubectl", "create", &raw, "--filename=-"].into_iter();
        let settings = self.settings.iter().map(String::as_str);
        let settings = settings.filter(|setting| !setting.starts_with("--request-timeout"));
        let body = body.to_string();
        format!("printf %s {} | {}", shell_words::quote(&body), shell_words::join(words.chain(settings)))
    }

    /// The events of an object, oldest first; none where they cannot be had.
    pub(super) fn events(&self, kind: &str, name: &str) -> Vec<Event> {
        let field = format!("--field-selector=involvedObject.kind={kind},involvedObject.name={name}");
        let arguments = ["events", &field, "--sort-by=.lastTimestamp", "--output=json"];
        self.json("events", &arguments).map(|list| Event::from_list(&list)).unwrap_or_default()
    }
}

/// True for what Kubernetes names objects by: small letters, digits, `-` and `.`, with a letter or digit at both
/// ends. Names stand in objects that others write, and kubectl takes one that begins with `-` for an option.
pub fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= MAX_NAME
        && text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.chars().all(|c| is_plain(c) || matches!(c, '-' | '.'))
}

fn check_name(name: &str) -> Result<(), KubectlError> {
    if is_name(name) { Ok(()) } else { Err(KubectlError::Name { name: one_line(name) }) }
}

/// Runs it to its end; what it is given is short enough for any pipe.
fn output(command: &mut Command, body: Option<&str>) -> std::io::Result<Output> {
    let stdin = if body.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let (Some(mut pipe), Some(body)) = (child.stdin.take(), body) {
        // One that does not read to the end has said why on standard error.
        let _ = pipe.write_all(body.as_bytes());
    }
    child.wait_with_output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_options() {
        let long = "a".repeat(253);
        assert!(["web", "0", "web-1.shop", long.as_str()].into_iter().all(is_name));
        let more = "a".repeat(254);
        let others =
            ["", "-A", "--kubeconfig=x", "web-", ".web", "web.", "Web", "web_1", "a b", "a/b", "w\u{e4}"];
        assert!(!others.into_iter().chain([more.as_str()]).any(is_name));
    }

    #[test]
    fn who_answered_and_who_did_not() {
        let said = |said: &str| KubectlError::Said {
            verb: "get".to_owned(),
            object: "rollouts.argoproj.io/web".to_owned(),
            said: said.to_owned(),
        };
        for (words, expected) in [
            ("Unable to connect to the server: dial tcp: i/o timeout", (true, false, true)),
            ("Error from server (InternalError): etcdserver: leader changed", (false, false, true)),
            ("Error from server (Forbidden): no", (false, false, false)),
            ("Error from server: admission webhook \"a\" denied the request: no", (false, false, false)),
            ("Error from server (NotFound): x \"web\" not found", (false, true, false)),
            ("error: the server doesn't have a resource type \"x\"", (false, true, false)),
            ("error: the plugin \"x\" not found", (false, false, false)),
        ] {
            let error = said(words);
            assert_eq!((error.is_unanswered(), error.is_absent(), error.is_trouble()), expected, "{words}");
        }
    }
}
