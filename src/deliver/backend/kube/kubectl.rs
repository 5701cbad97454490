//! kubectl, as a child of this process. It shares our process group, so it ends when we are stopped.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use taskmaster_core::cause;
use taskmaster_core::tool::Tool;
use taskmaster_kube_api::{Event, Patch, Subresource, one_line};

/// Longest time of one request.
pub(super) const REQUEST_TIMEOUT: &str = "20s";
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
        self.says(&["\" not found", "no matches for kind", "doesn't have a resource type"])
            && !self.is_silence()
    }

    /// Nobody answered.
    pub fn is_silence(&self) -> bool {
        self.says(&cause::silent_words(Tool::Rollout))
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
        if matches!(self, Self::Start(_)) {
            return Some("put kubectl on PATH");
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

    /// The events of an object, oldest first; none where they cannot be had.
    pub(super) fn events(&self, kind: &str, name: &str) -> Vec<Event> {
        let field = format!("--field-selector=involvedObject.kind={kind},involvedObject.name={name}");
        let arguments = ["events", &field, "--sort-by=.lastTimestamp", "--output=json"];
        self.json("events", &arguments).map(|list| Event::from_list(&list)).unwrap_or_default()
    }
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
