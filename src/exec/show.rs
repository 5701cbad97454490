//! How commands, requests and ends are shown to people: secrets by reference, one line each.

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

/// Nothing that a terminal obeys, and nothing left out: what is not seen is what would be run.
fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            _ if is_unseen(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Controls, marks that turn the reading direction, and characters of no width.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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

#[cfg(test)]
mod tests {
    use super::argv;

    fn shown(words: &[&str]) -> String {
        argv(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_shown_as_people_write_them() {
        assert_eq!(shown(&["helm", "--kube-context=kind", "a b", ""]), "helm --kube-context=kind 'a b' ''");
        assert_eq!(shown(&["A=b", "it's"]), "'A=b' 'it'\\''s'");
    }

    #[test]
    fn nothing_of_a_command_can_be_hidden() {
        let script = "echo hello \u{1b}]x; touch pwned; : \u{7}";
        assert_eq!(shown(&["sh", "-c", script]), "sh -c 'echo hello \\u{1b}]x; touch pwned; : \\u{7}'");
        assert_eq!(shown(&["a\u{202e}b\u{200b}\r\u{e0041}"]), "a\\u{202e}b\\u{200b}\\u{d}\\u{e0041}");
        assert_eq!(shown(&["sh", "-c", "a\nb"]), "sh -c 'a\nb'");
    }
}
