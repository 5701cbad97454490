//! Secrets: read at launch, held for one attempt, wiped afterwards.

use super::show;
use crate::process::launch::{Launch, Stdin, launch};
use crate::process::memory_file;
use crate::process::redact::Redactor;
use crate::process::show::read_at;
use crate::read::{self, MAX_SECRET};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskmaster_core::action::{Action, Invocation, Outputs, Probe, SecretRef, Step, Value};
use taskmaster_core::id::TaskId;
use zeroize::Zeroizing;

/// Time between two looks at how much a command has printed.
const WATCH: Duration = Duration::from_millis(20);

/// Why a secret cannot be had. It names the reference, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret {reference}: {why}")]
pub struct SecretError {
    /// `env:NAME`.
    pub reference: String,
    /// One line for people.
    pub why: String,
}

/// The secrets of one attempt or probe.
#[derive(Default)]
pub struct Secrets {
    values: HashMap<SecretRef, Zeroizing<String>>,
}

impl std::fmt::Debug for Secrets {
    /// Names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys().map(show::reference)).finish()
    }
}

impl Secrets {
    /// The text of a value. None where it holds a secret that was not read.
    pub fn text(&self, value: &Value) -> Option<Zeroizing<String>> {
        match value {
            Value::Plain(text) => Some(Zeroizing::new(text.clone())),
            Value::Secret(reference) => self.values.get(reference).cloned(),
            Value::Joined(parts) => {
                let mut whole = Zeroizing::new(String::new());
                for part in parts {
                    whole.push_str(&self.text(part)?);
                }
                Some(whole)
            }
        }
    }

    /// What takes these secrets out of texts; none where there are none.
    pub fn redactor(&self) -> Option<Arc<Redactor>> {
        let named = self.values.iter().map(|(name, value)| (show::reference(name), value.as_str()));
        Redactor::new(named).map(Arc::new)
    }

    /// Names of those that are too short to be taken out.
    pub fn too_short(&self) -> Vec<String> {
        let short = |value: &str| value.trim_end().len() < crate::process::redact::MIN_SECRET;
        let names = self.values.iter().filter(|(_, value)| short(value));
        names.map(|(name, _)| show::reference(name)).collect()
    }
}

/// Sensitive outputs that tasks of this run gave: known here and nowhere else.
#[derive(Default)]
pub(super) struct Vault {
    values: Mutex<HashMap<(TaskId, String), Zeroizing<String>>>,
}

impl Vault {
    pub(super) fn put(&self, task: &TaskId, name: &str, value: Zeroizing<String>) {
        let mut values = self.values.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.insert((task.clone(), name.to_owned()), value);
    }

    pub(super) fn get(&self, task: &TaskId, name: &str) -> Option<Zeroizing<String>> {
        let values = self.values.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        values.get(&(task.clone(), name.to_owned())).cloned()
    }
}

/// Every reference in a probe.
pub(super) fn references_of_probe(probe: &Probe) -> Vec<SecretRef> {
    let mut all = Vec::new();
    probe.steps().into_iter().for_each(|step| of_step(step, &mut all));
    all
}

/// Every reference in steps and, where given, in the step that reads the outputs.
pub(super) fn references_of_steps(steps: &[Step], outputs: Option<&Outputs>) -> Vec<SecretRef> {
    let mut all = Vec::new();
    steps.iter().for_each(|step| of_step(step, &mut all));
    if let Some(Outputs::Terraform(step)) = outputs {
        of_step(step, &mut all);
    }
    all
}

fn of_step(step: &Step, all: &mut Vec<SecretRef>) {
    match &step.invocation {
        Invocation::Process(spec) => {
            spec.env.values().chain(&spec.stdin).for_each(|value| of_value(value, all));
        }
        Invocation::Http(spec) => {
            spec.headers.values().chain(&spec.body).for_each(|value| of_value(value, all));
        }
        Invocation::Wait { .. } | Invocation::Approval { .. } => {}
    }
}

fn of_value(value: &Value, all: &mut Vec<SecretRef>) {
    match value {
        Value::Plain(_) => {}
        Value::Secret(reference) if all.contains(reference) => {}
        Value::Secret(reference) => all.push(reference.clone()),
        Value::Joined(parts) => parts.iter().for_each(|part| of_value(part, all)),
    }
}

/// The step by which a sensitive output of an action can be read again, if there is one.
pub(super) fn output_step(action: &Action) -> Option<&Step> {
    match &action.outputs {
        Some(Outputs::Terraform(step)) => Some(step),
        _ => None,
    }
}

/// Reads one secret outside of a run; a command that prints it is started in `project_root`.
///
/// # Errors
/// See [`SecretError`].
pub fn read_one(
    reference: &SecretRef,
    project_root: &Path,
    timeout: Duration,
) -> Result<Zeroizing<String>, SecretError> {
    let failed = |why: String| SecretError { reference: show::reference(reference), why };
    let vault = Vault::default();
    let source = Source { project_root, timeout, vault: &vault, mark: "", traceparent: None };
    let runtime = super::driver::runtime().map_err(|error| failed(error.to_string()))?;
    runtime.block_on(source.read(reference)).map_err(failed)
}

/// Where secrets are read from.
pub(super) struct Source<'a> {
    pub(super) project_root: &'a Path,
    pub(super) timeout: Duration,
    pub(super) vault: &'a Vault,
    /// Mark of processes that are started to read a secret.
    pub(super) mark: &'a str,
    /// What they are told of their span, where the run is traced.
    pub(super) traceparent: Option<(String, Zeroizing<String>)>,
}

impl Source<'_> {
    /// Reads all of them.
    pub(super) async fn resolve(&self, references: &[SecretRef]) -> Result<Secrets, SecretError> {
        let mut secrets = Secrets::default();
        for reference in references {
            let value = self.read(reference).await.map_err(|why| {
                let reference = show::reference(reference);
                SecretError { reference, why }
            })?;
            secrets.values.insert(reference.clone(), value);
        }
        Ok(secrets)
    }

    async fn read(&self, reference: &SecretRef) -> Result<Zeroizing<String>, String> {
        match reference {
            SecretRef::Env(name) => match std::env::var(name) {
                Ok(value) => Ok(Zeroizing::new(value)),
                Err(std::env::VarError::NotPresent) => Err("the variable is not set".to_owned()),
                Err(std::env::VarError::NotUnicode(_)) => Err("the variable is not UTF-8".to_owned()),
            },
            SecretRef::File(path) => {
                read::secret(&self.project_root.join(path)).map_err(|error| error.to_string())
            }
            SecretRef::Exec(argv) => self.run(argv).await,
            SecretRef::Output(task, name) => self.vault.get(task, name).ok_or_else(|| {
                "it is sensitive, so it is not stored, and nothing reads it again in this run".to_owned()
            }),
        }
    }

    async fn run(&self, argv: &[String]) -> Result<Zeroizing<String>, String> {
        let out = memory_file::empty().map_err(|error| error.to_string())?;
        let null = File::options().write(true).open("/dev/null").map_err(|error| error.to_string())?;
        let command = Launch {
            argv: argv.to_vec(),
            cwd: PathBuf::from(self.project_root),
            env: self.traceparent.clone().into_iter().collect(),
            inherits: true,
            stdin: Stdin::Null,
            attempt: self.mark.to_owned(),
            stdout: out.try_clone().map_err(|error| error.to_string())?,
            // What it says besides the value may hold the value.
            stderr: Some(null),
        };
        let mut child = launch(command).map_err(|error| error.to_string())?;
        let ended = tokio::select! {
            ended = tokio::time::timeout(self.timeout, child.wait()) => ended.ok(),
            () = grown(&out) => None,
        };
        let Some(status) = ended else {
            let _ = child.stop(Duration::from_secs(1), std::future::pending()).await;
            // Whichever it was: too much is the reason that helps.
            read_memory(&out)?;
            return Err(format!("the command did not end within {:?}", self.timeout));
        };
        let status = status.map_err(|error| error.to_string())?;
        let _ = child.sweep(Duration::from_secs(1), std::future::pending()).await;
        if !status.success() {
            return Err(format!("the command ended with {status}"));
        }
        text(read_memory(&out)?)
    }
}

/// Returns once a file holds more than a secret can have: it is in memory, and a command may print without end.
async fn grown(file: &File) {
    while file.metadata().is_ok_and(|meta| meta.len() <= MAX_SECRET) {
        tokio::time::sleep(WATCH).await;
    }
}

fn read_memory(file: &File) -> Result<Zeroizing<Vec<u8>>, String> {
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    if size > MAX_SECRET {
        return Err(format!("{size} bytes are too long for a secret"));
    }
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or_default()]);
    read_at(file, &mut bytes, 0).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Without the last line break.
fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, String> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(fault) => {
            drop(Zeroizing::new(fault.into_bytes()));
            Err("it is not UTF-8".to_owned())
        }
    }
}
