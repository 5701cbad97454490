//! Tells "it is not there" from "nobody answered", for tools whose exit code does not.
//!
//! kubectl, helm and argocd end with the same code when an object is missing and when the server is
//! down. The first means false, the second is an error that must never lead to a run. The server's own
//! words on standard error tell them apart. They are read in this order:
//!
//! 1. words of a server that gave no answer ([`cause::silent_words`]): an error, even beside a "no",
//!    since of several objects the first may be missing and the server gone before the second;
//! 2. words that mean "no";
//! 3. words of a tool that was called wrongly, where a false exit code would say "no": an error.
//!
//! One thing cannot be told apart: the server of Argo CD answers "permission denied" for what is
//! hidden and for what is not there, so that nobody learns which. It is taken for "no": the run that
//! follows has the same rights, so it is refused too, or makes what was missing.

use super::{probe, process};
use taskmaster_core::action::{Probe, ProcessSpec, Value};
use taskmaster_core::cause;
use taskmaster_core::tool::Tool;

/// Words that mean "no".
fn false_words(tool: Tool) -> &'static [&'static str] {
    match tool {
        Tool::Kubectl => &[
            "\" not found",
            "no matches for kind",
            "doesn't have a resource type",
            "timed out waiting for the condition",
            "condition not met",
            "no matching resources found",
        ],
        Tool::Helm => &["release: not found"],
        Tool::Argocd => &["code = NotFound", "code = PermissionDenied"],
        // Their exit codes tell.
        Tool::Terraform | Tool::Rollout => &[],
    }
}

/// How a tool begins when it was called wrongly or failed itself.
fn fault_words(tool: Tool) -> &'static [&'static str] {
    match tool {
        Tool::Kubectl => {
            &["error:", "Error from server", "Unable to connect", "The connection to the server"]
        }
        Tool::Helm => &["Error:"],
        Tool::Argocd => &["level=fatal", "\"level\":\"fatal\"", "FATA["],
        Tool::Terraform | Tool::Rollout => &[],
    }
}

/// What exit code 1 of the asked command means, where its words do not say "not there".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum One {
    /// No: `kubectl diff` found a difference.
    False,
    /// Something went wrong.
    Error,
}

/// A probe by a tool.
pub(crate) fn ask(tool: Tool, one: One, mut command: ProcessSpec) -> Probe {
    // The words are compared, so they must not be translated.
    command.env.insert("LC_ALL".to_owned(), Value::Plain("C".to_owned()));
    let false_codes = if one == One::False { vec![1] } else { Vec::new() };
    let owned = |words: &[&str]| words.iter().map(|&words| words.to_owned()).collect();
    Probe {
        false_words: owned(false_words(tool)),
        error_words: owned(&cause::silent_words(tool)),
        fault_words: owned(fault_words(tool)),
        ..probe(process("check", command), false_codes)
    }
}

/// A probe by kubectl.
pub(crate) fn ask_kubectl(one: One, command: ProcessSpec) -> Probe {
    ask(Tool::Kubectl, one, command)
}

/// A probe by argocd.
pub(crate) fn ask_argocd(command: ProcessSpec) -> Probe {
    ask(Tool::Argocd, One::Error, command)
}
