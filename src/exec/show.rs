//! How commands, requests and ends are shown to people: secrets by reference, one line each.

use crate::process::show::harmless;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use taskmaster_core::action::{HttpSpec, Invocation, ProcessSpec, SecretRef, Step, Value};

/// `env:NAME`, `file:PATH`, `exec:COMMAND`, `output:TASK.NAME`.
pub fn reference(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("env:{name}"),
        SecretRef::File(path) => format!("file:{path}"),
        SecretRef::Exec(argv) => format!("exec:{}", shell_words::join(argv)),
        SecretRef::Output(task, name) => format!("output:{task}.{name}"),
    }
}

/// A value with `<secret env:NAME>` in the place of secrets.
pub fn value(value: &Value) -> String {
    match value {
        Value::Plain(text) => text.clone(),
        Value::Secret(secret) => format!("<secret {}>", reference(secret)),
        Value::Joined(parts) => parts.iter().map(self::value).collect(),
    }
}

/// What a step does, in one line that a shell would understand (for a process).
pub fn step(step: &Step) -> String {
    match &step.invocation {
        Invocation::Process(spec) => argv(&spec.argv),
        Invocation::Http(spec) => request(spec),
        Invocation::Wait { duration_ms } => format!("wait {}", duration(*duration_ms)),
        Invocation::Approval { message } => format!("ask: {}", line(message)),
    }
}

/// An argv quoted for a shell, so that it can be pasted.
pub fn argv(argv: &[String]) -> String {
    // `--name=value` is safe as it is everywhere but in front, where it would set a variable.
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    let quoted = |(place, word): (usize, &String)| {
        if place > 0 && !word.is_empty() && word.chars().all(is_safe) {
            word.clone()
        } else {
            shell_words::quote(word).into_owned()
        }
    };
    line(&argv.iter().enumerate().map(quoted).collect::<Vec<_>>().join(" "))
}

/// The variables that a process gets, quoted for a shell.
pub fn environment(spec: &ProcessSpec) -> Vec<String> {
    let quoted = |text: String| shell_words::quote(&text).into_owned();
    spec.env.iter().map(|(name, given)| format!("{name}={}", line(&quoted(value(given))))).collect()
}

fn request(spec: &HttpSpec) -> String {
    format!("{} {}", line(&spec.method), line(&spec.url))
}

/// Nothing that a terminal obeys.
fn line(text: &str) -> String {
    harmless(text.as_bytes())
}

/// `1.5 s`, `200 ms`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// `exit code 3`, `ended by SIGKILL`.
pub fn exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by {}", signal_name(signal)),
        (None, None) => "ended without an exit code".to_owned(),
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}
