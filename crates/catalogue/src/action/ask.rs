//! Tells "it is not there" from "nobody answered", for tools whose exit code does not.
//!
//! kubectl and argocd end with the same code when an object is missing and when the server is down.
//! The first means false, the second is an error that must never lead to a run. The server's own
//! words on standard error tell them apart.

use super::{probe, process};
use taskmaster_core::action::{Probe, ProcessSpec, Value};

const KUBECTL: &[&str] = &[
    "(NotFound)",
    "no matches for kind",
    "doesn't have a resource type",
    "timed out waiting for the condition",
    "condition not met",
    "no matching resources found",
];

/// Argo CD's server hides missing applications behind "permission denied".
const ARGOCD: &[&str] = &["code = NotFound", "code = PermissionDenied"];

/// What exit code 1 of the asked command means, where its words do not say "not there".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum One {
    /// No: `kubectl diff` found a difference.
    False,
    /// Something went wrong.
    Error,
}

fn asked(words: &[&str], one: One, mut command: ProcessSpec) -> Probe {
    // The words are compared, so they must not be translated.
    command.env.insert("LC_ALL".to_owned(), Value::Plain("C".to_owned()));
    let false_codes = if one == One::False { vec![1] } else { Vec::new() };
    let false_words = words.iter().map(|&words| words.to_owned()).collect();
    Probe { false_words, ..probe(process("check", command), false_codes) }
}

/// A probe by kubectl.
pub(crate) fn ask_kubectl(one: One, command: ProcessSpec) -> Probe {
    asked(KUBECTL, one, command)
}

/// A probe by argocd.
pub(crate) fn ask_argocd(command: ProcessSpec) -> Probe {
    asked(ARGOCD, One::Error, command)
}
