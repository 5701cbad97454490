//! `check` and `verify` as written in an entry.

use super::ask::{One, ask};
use super::http::output_match;
use super::{Parts, Renderer, process};
use crate::action::command::Command;
use crate::decode::Many;
use crate::model::ProbeSpec;
use taskmaster_core::action::{Invocation, Probe, Step};
use taskmaster_core::tool::Tool;

/// What a server that does not answer counts as, among exit codes.
const NO_ANSWER: i32 = 2;

/// Renders a question.
pub(crate) fn render_probe(spec: &ProbeSpec, r: &Renderer<'_>) -> Option<Probe> {
    let fields = &spec.fields;
    let mut probe = base(spec, r)?;
    if let Some(codes) = &fields.true_codes {
        probe.true_codes = codes.0.clone();
    }
    if let Some(codes) = &fields.false_codes {
        probe.false_codes = codes.0.clone();
        // Who says what a code means says it of every end with that code, but of no silence.
        probe.fault_words.clear();
    }
    if fields.unreachable == Some(false) {
        probe.false_codes.push(NO_ANSWER);
    }
    if let Some(both) = probe.true_codes.iter().find(|code| probe.false_codes.contains(code)) {
        let message = format!("the exit code {both} means both true and false");
        r.error("bind-check", spec.place, message, "give each code one meaning");
    }
    if let Some(conditions) = &fields.output {
        probe.output.extend(conditions.iter().map(|condition| output_match(condition, r)));
    }
    if !probe.output.is_empty()
        && let Invocation::Process(process) = &mut probe.decide.invocation
    {
        process.capture = true;
    }
    Some(probe)
}

fn base(spec: &ProbeSpec, r: &Renderer<'_>) -> Option<Probe> {
    let fields = &spec.fields;
    if let Some(exec) = &fields.exec {
        return Some(single(exec.step(r)));
    }
    if let Some(shell) = &fields.shell {
        return Some(single(shell.step(r)));
    }
    if let Some(http) = &fields.http {
        return Some(single(http.step(r)));
    }
    if let Some(files) = &fields.file_exists {
        return Some(single(files_exist(files, r)));
    }
    if let Some(kubectl) = &fields.kubectl {
        return built_in(spec, r, kubectl.render(r), kubectl.is_raw());
    }
    if let Some(helm) = &fields.helm {
        return built_in(spec, r, helm.render(r), helm.is_raw());
    }
    if let Some(argocd) = &fields.argocd {
        return built_in(spec, r, argocd.render(r), argocd.is_raw());
    }
    if let Some(rollout) = &fields.rollout {
        return built_in(spec, r, rollout.render(r), false);
    }
    if let Some(prometheus) = &fields.prometheus {
        return built_in(spec, r, prometheus.render(r), false);
    }
    fields.terraform.as_ref().and_then(|terraform| built_in(spec, r, terraform.render(r), false))
}

fn single(mut decide: Step) -> Probe {
    decide.name = "check".to_owned();
    super::probe(decide, vec![1])
}

/// A raw command of a tool whose words are known: exit code 1 means no, unless it says that nobody
/// answered, or that it was called wrongly.
fn raw(decide: Step) -> Probe {
    match (Tool::of_step(&decide), decide.invocation) {
        (Some(tool), Invocation::Process(process)) => ask(tool, One::False, process),
        (_, invocation) => single(Step { invocation, name: decide.name }),
    }
}

/// `test -e a -a -e b`; one program, no shell.
fn files_exist(files: &Many<crate::decode::Text>, r: &Renderer<'_>) -> Step {
    let mut command = Command::new(&["test"]);
    for (index, file) in files.iter().enumerate() {
        let path = r.path(file);
        // A path that begins with a dash or is a bracket would be read as an operator of `test`.
        let path = if path.starts_with(['/', '.']) { path } else { format!("./{path}") };
        command = command.args((index > 0).then(|| "-a".to_owned())).arg("-e").arg(path);
    }
    process("check", command.build())
}

/// The check that an action brings along; a raw command is the question itself.
fn built_in(spec: &ProbeSpec, r: &Renderer<'_>, parts: Parts, is_raw: bool) -> Option<Probe> {
    if is_raw {
        return parts.run.into_iter().next().map(raw);
    }
    if parts.check.is_none() {
        let help = "ask by `exec`, `shell`, `http` or raw `args`";
        r.error("bind-check", spec.place, "this action brings no check along", help);
    }
    parts.check
}
