//! `rollout` of the kind `local`: a rollout file on this machine, driven by the agent.
//!
//! The program runs its own commands for it: `taskmaster rollout …`, of the same state directory.

use super::command::Command;
use super::{Parts, Renderer, probe, process};
use crate::decode::{Context, Decode, Literal, Map, Millis, Text, record, required};
use crate::model::{ValueSpec, words};
use crate::yaml::Node;
use taskmaster_core::action::Probe;
use taskmaster_core::rollout::Until;

/// The word of the kind.
pub(super) const LOCAL: &str = "local";
/// How long waits wait, unless said otherwise.
const WAIT: Millis = Millis(600_000);
/// Ends of a wait that say "not so": it cannot come so far any more, it waits for a person, it was taken back, it is
/// still under way.
const NOT_SO: [i32; 4] = [20, 21, 50, 51];

/// A local rollout action.
#[derive(Clone, Debug)]
pub(crate) struct LocalRollout {
    fields: LocalRolloutFields,
    until: Option<Until>,
}

record! {
    "a local rollout action"
    /// A rollout of this machine: which one, and what is done.
    #[schemars(rename = "LocalRollout")]
    pub(crate) struct LocalRolloutFields {
        /// `local`.
        #[expect(dead_code, reason = "it was read to come here")]
        kind: LocalKind,
        /// Its name, as in its file.
        name: Text,
        /// What is done.
        verb: LocalVerb,
        /// The rollout file, with `start`.
        file: Option<Text>,
        /// The version that is asked for, with `start`.
        version: Option<Text>,
        /// Number of the version to go back to, with `undo`; the one before unless given.
        to: Option<u32>,
        /// What `wait` waits for: `over`, `held` (it waits for a person or a gate), `step N` (so many are done) or
        /// `weight N` (at least).
        r#for: Option<Literal> = "over",
        /// Wait for the end: of `start` unless `false` is given, of other verbs where `true` is.
        wait: Option<bool>,
        /// How long to wait at most.
        timeout: Option<Millis> = "10m",
        /// Added to the inherited environment: what `{env: NAME}` in the file refers to.
        #[schemars(default)]
        env: Map<ValueSpec>,
    }
}

words! {
    /// The kind of a local rollout.
    pub(crate) enum LocalKind {
        /// Of this machine.
        Local = "local",
    }
}

words! {
    /// What is done with a local rollout.
    pub(crate) enum LocalVerb {
        /// Asks for a version.
        Start = "start",
        /// Passes what it stands at.
        Promote = "promote",
        /// Goes to the end without steps and analysis.
        PromoteFull = "promote_full",
        /// Stops it where it is.
        Pause = "pause",
        /// Lets it go on.
        Resume = "resume",
        /// Takes the stable version back.
        Abort = "abort",
        /// Begins again what was taken back.
        Retry = "retry",
        /// Asks for an earlier version.
        Undo = "undo",
        /// Waits until it is as `for` says.
        Wait = "wait",
    }
}

required!(LocalKind, LocalVerb);

use LocalVerb::{Abort, Pause, Promote, PromoteFull, Resume, Retry, Start, Undo, Wait};

impl LocalVerb {
    /// As the command line has it.
    fn word(self) -> &'static str {
        match self {
            Start => "start",
            Promote | PromoteFull => "promote",
            Pause => "pause",
            Resume => "resume",
            Abort => "abort",
            Retry => "retry",
            Undo => "undo",
            Wait => "watch",
        }
    }
}

impl Decode for LocalRollout {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = LocalRolloutFields::decode(node, cx)?;
        let verb = fields.verb;
        let mut misplaced = |key: &str, is_right: bool, message: &str| {
            if let Some(value) = node.get(key).filter(|_| !is_right) {
                cx.error("schema-value", value.span, message);
            }
        };
        let waits = fields.wait.unwrap_or(verb == Start);
        misplaced("file", verb == Start, "`file` is only for `start`");
        misplaced("version", verb == Start, "`version` is only for `start`");
        misplaced("to", verb == Undo, "`to` is only for `undo`");
        misplaced("for", verb == Wait, "`for` is only for `wait`");
        misplaced("wait", verb != Wait, "`wait` is for the other verbs: this one waits");
        misplaced("timeout", verb == Wait || waits, "`timeout` is only for what waits");
        for (key, is_there) in [("file", fields.file.is_some()), ("version", fields.version.is_some())] {
            if verb == Start && !is_there {
                let message = format!("`{key}` is missing");
                cx.error_with_help(
                    "schema-missing-key",
                    node.span,
                    message,
                    "`start` takes a file and a version",
                );
            }
        }
        let until = fields.r#for.as_ref().map(|text| (text.place.span, text.text.parse::<Until>()));
        let until = match until {
            Some((span, Err(fault))) => {
                cx.error("schema-value", span, fault.to_string());
                None
            }
            Some((_, Ok(until))) => Some(until),
            None => None,
        };
        Some(Self { fields, until })
    }
}

impl LocalRollout {
    /// Renders it.
    pub(super) fn render(&self, r: &Renderer<'_>) -> Parts {
        let fields = &self.fields;
        let name = r.name(&fields.name);
        let env = || r.values(&fields.env);
        let timeout = fields.timeout.unwrap_or(WAIT);
        if fields.verb == Start {
            let (Some(file), Some(version)) = (&fields.file, &fields.version) else {
                return Parts::default();
            };
            let (file, version) = (r.name(file), r.name(version));
            let wait = fields.wait.unwrap_or(true).then_some(timeout);
            return Parts {
                run: vec![process("start", start(r, &file, &version, &name, wait).envs(env()).build())],
                // Where it is not waited for, that it was asked for is no proof of anything.
                check: wait.map(|_| serves(r, &name, &version)),
                ..Parts::default()
            };
        }
        let command = rollout(r, fields.verb.word()).arg(local(&name));
        if fields.verb == Wait {
            let watch = |timeout: Millis| {
                let until = self.until.unwrap_or(Until::Over);
                command.clone().arg(format!("--for={until}")).arg(format!("--timeout={}", timeout.go()))
            };
            return Parts {
                run: vec![process("wait", watch(timeout).build())],
                check: Some(probe(process("check", watch(Millis(0)).build()), NOT_SO.to_vec())),
                ..Parts::default()
            };
        }
        let command = command
            .switch("--full", fields.verb == PromoteFull)
            .flag("--to", fields.to.map(|number| number.to_string()));
        let command = waiting(command, fields.wait.unwrap_or(false).then_some(timeout)).envs(env());
        Parts { run: vec![process(fields.verb.word(), command.build())], ..Parts::default() }
    }
}

/// `taskmaster rollout VERB` of this state directory.
pub(super) fn rollout(r: &Renderer<'_>, verb: &str) -> Command {
    Command::new(&[&r.facts.program, "rollout", verb]).arg(format!("--state-dir={}", r.facts.state_dir))
}

/// A name that can only mean a rollout of this machine.
pub(super) fn local(name: &str) -> String {
    format!("local/{name}")
}

/// Asks for a version.
pub(super) fn start(
    r: &Renderer<'_>,
    file: &str,
    version: &str,
    name: &str,
    wait: Option<Millis>,
) -> Command {
    let command = rollout(r, "start").arg(file).arg(version).arg(format!("--name={name}"));
    waiting(command, wait)
}

fn waiting(command: Command, wait: Option<Millis>) -> Command {
    let command = command.switch("--wait", wait.is_some());
    command.flag("--timeout", wait.map(Millis::go))
}

/// Asks whether a version serves and the rollout is at rest.
pub(super) fn serves(r: &Renderer<'_>, name: &str, version: &str) -> Probe {
    let command = rollout(r, "status").arg(local(name)).arg(format!("--serves={version}"));
    probe(process("check", command.build()), vec![1])
}
