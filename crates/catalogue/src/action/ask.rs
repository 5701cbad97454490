//! Tells "it is not there" from "nobody answered", for tools whose exit code does not.
//!
//! kubectl and argocd end with the same code when an object is missing and when the server is down.
//! The first means false, the second is an error that must never lead to a run. The server's own
//! words on standard error tell them apart, so these checks run through a fixed script, which takes
//! the command as arguments: nothing of a catalogue is ever part of the script's text.

use super::command::Command;
use super::{probe, process};
use taskmaster_core::action::{Probe, ProcessSpec};

/// Exit 0 stays 0; "not there" is 1; `$1` is what exit code 1 means otherwise; the rest stays.
const KUBECTL: &str = r#"one=$1; shift
exec 3>&1
if said=$("$@" 2>&1 1>&3 3>&-); then code=0; else code=$?; fi
printf '%s\n' "$said" >&2
case $code:$said in
  0:*) exit 0 ;;
  *'(NotFound)'*|*'no matches for kind'*|*"doesn't have a resource type"*) exit 1 ;;
  *'timed out waiting for the condition'*|*'condition not met'*|*'no matching resources found'*) exit 1 ;;
  1:*) exit "$one" ;;
esac
exit "$code""#;

/// The same for argocd, whose server hides missing applications behind "permission denied".
const ARGOCD: &str = r#"one=$1; shift
exec 3>&1
if said=$("$@" 2>&1 1>&3 3>&-); then code=0; else code=$?; fi
printf '%s\n' "$said" >&2
case $code:$said in
  0:*) exit 0 ;;
  *'code = NotFound'*|*'code = PermissionDenied'*) exit 1 ;;
  1:*) exit "$one" ;;
esac
exit "$code""#;

/// What exit code 1 of the asked command means, where its words do not say "not there".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum One {
    /// No: `kubectl diff` found a difference.
    False,
    /// Something went wrong.
    Error,
}

fn asked(script: &str, one: One, command: ProcessSpec) -> ProcessSpec {
    let one = match one {
        One::False => "1",
        One::Error => "2",
    };
    let argv = command.argv.clone();
    let mut asked = Command::new(&["sh", "-c", script, "ask", one]).args(argv).build();
    asked.env = command.env;
    asked.cwd = command.cwd;
    asked.stdin = command.stdin;
    asked.capture = command.capture;
    // The words are compared, so they must not be translated.
    asked.env.insert("LC_ALL".to_owned(), taskmaster_core::action::Value::Plain("C".to_owned()));
    asked
}

/// A probe by kubectl.
pub(crate) fn ask_kubectl(one: One, command: ProcessSpec) -> Probe {
    probe(process("check", asked(KUBECTL, one, command)), vec![1])
}

/// A probe by argocd.
pub(crate) fn ask_argocd(command: ProcessSpec) -> Probe {
    probe(process("check", asked(ARGOCD, One::Error, command)), vec![1])
}

/// The program that such a script runs: it must be on PATH too.
pub(crate) fn asked_tool(argv: &[String]) -> Option<&str> {
    match argv {
        [shell, flag, script, name, _, tool, ..]
            if shell == "sh" && flag == "-c" && name == "ask" && (script == KUBECTL || script == ARGOCD) =>
        {
            Some(tool)
        }
        _ => None,
    }
}
