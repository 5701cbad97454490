//! `rollout`: what delivers progressively, on a cluster; on this machine see [`super::local_rollout`].
//!
//! What is the same whatever the object is like is a plain `kubectl patch`. What depends on the
//! object (the pauses that were seen, the index of a step, the place of a container, an earlier
//! template) and what waits is done by taskmaster's own hidden command, which reads the object, asks the same builder of
//! patches, and sends them by kubectl.

use super::ask::{One, ask_kubectl};
use super::command::Command;
use super::kubectl::{Cluster, KubeSettings};
use super::local_rollout::{LOCAL, LocalRollout, LocalRolloutFields};
use super::{Parts, Renderer, probe, process};
use crate::decode::{Context, Decode, Literal, Map, Millis, Text, record, required};
use crate::model::{ValueSpec, words};
use crate::yaml::{Data, Node};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use taskmaster_core::action::{OutputMatch, Probe, Step};
use taskmaster_core::tool::KUBE_ROLLOUT;
use taskmaster_kube_api::{Goal, Patch, pause_patch};

/// How long waits wait, unless said otherwise.
const WAIT: Millis = Millis(300_000);

/// A rollout action.
#[derive(Clone, Debug)]
pub(crate) enum RolloutActionSpec {
    /// Of a cluster.
    Cluster(ClusterRollout),
    /// Of this machine.
    Local(LocalRollout),
}

impl Decode for RolloutActionSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let is_local = |kind: &Node| matches!(&kind.data, Data::Scalar(word) if word.text == LOCAL);
        if node.get("kind").is_some_and(is_local) {
            return LocalRollout::decode(node, cx).map(Self::Local);
        }
        ClusterRollout::decode(node, cx).map(Self::Cluster)
    }
}

impl RolloutActionSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        match self {
            Self::Cluster(spec) => spec.render(r),
            Self::Local(spec) => spec.render(r),
        }
    }
}

/// A rollout action of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterRollout {
    fields: RolloutActionFields,
    goal: Option<Goal>,
}

record! {
    "a rollout action"
    /// A rollout: what kind of object, which one, and what is done.
    #[schemars(rename = "ClusterRollout")]
    pub(crate) struct RolloutActionFields {
        /// Which kind of object it is.
        kind: RolloutKind,
        /// Its name.
        name: Text,
        /// What is done. Kinds besides `argo` only wait.
        verb: RolloutActionVerb,
        /// Images by container, with `set_image`; `*` is every container.
        #[schemars(default)]
        image: Map<Text>,
        /// Revision to go back to, with `undo`; the one before unless given.
        to_revision: Option<u32>,
        /// What `wait` waits for: `healthy`, `paused`, `promotable` (paused, or promoted already),
        /// `degraded`, `step N` (so many are done) or `weight N` (at least);
        /// `healthy` unless given.
        r#for: Option<Literal>,
        /// Commit that an application must be compared with.
        revision: Option<Text>,
        /// How long to wait at most.
        timeout: Option<Millis> = "5m",
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
        .. settings: KubeSettings,
    }
}

words! {
    /// A kind of object.
    pub(crate) enum RolloutKind {
        /// A Rollout of Argo Rollouts.
        Argo = "argo",
        /// An AnalysisRun of Argo Rollouts.
        AnalysisRun = "analysis_run",
        /// An Application of Argo CD.
        Application = "application",
        /// A Canary of Flagger.
        Flagger = "flagger",
    }
}

words! {
    /// What is done with a rollout.
    pub(crate) enum RolloutActionVerb {
        /// Waits until it is healthy.
        Status = "status",
        /// Changes images, which begins an update.
        SetImage = "set_image",
        /// Passes one pause or one step.
        Promote = "promote",
        /// Goes to the end without steps, pauses and analysis.
        PromoteFull = "promote_full",
        /// Stops it where it is.
        Pause = "pause",
        /// Lets it go on.
        Resume = "resume",
        /// Takes the stable version back into full service.
        Abort = "abort",
        /// Starts an aborted rollout again.
        Retry = "retry",
        /// Goes back to the template of an earlier revision.
        Undo = "undo",
        /// Waits until it is as `for` says.
        Wait = "wait",
    }
}

required!(RolloutKind, RolloutActionVerb);

use RolloutActionVerb::{Abort, Pause, Promote, PromoteFull, Resume, Retry, SetImage, Status, Undo, Wait};

impl RolloutKind {
    /// As the hidden command names it.
    fn word(self) -> &'static str {
        match self {
            Self::Argo => "argo",
            Self::AnalysisRun => "analysis-run",
            Self::Application => "application",
            Self::Flagger => "flagger",
        }
    }
}

impl RolloutActionVerb {
    /// As the hidden command and the steps name it.
    fn word(self) -> &'static str {
        match self {
            Status => "status",
            SetImage => "set-image",
            Promote => "promote",
            PromoteFull => "promote-full",
            Pause => "pause",
            Resume => "resume",
            Abort => "abort",
            Retry => "retry",
            Undo => "undo",
            Wait => "wait",
        }
    }

    fn waits(self) -> bool {
        matches!(self, Status | Wait)
    }
}

impl Decode for ClusterRollout {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = RolloutActionFields::decode(node, cx)?;
        let is_argo = fields.kind == RolloutKind::Argo;
        let mut misplaced = |key: &str, is_right: bool, message: &str| {
            if let Some(value) = node.get(key).filter(|_| !is_right) {
                cx.error("schema-value", value.span, message);
            }
        };
        let verb = fields.verb;
        misplaced(
            "verb",
            is_argo || verb.waits(),
            "only a rollout of kind `argo` has verbs besides `status` and `wait`",
        );
        misplaced("image", verb == SetImage, "`image` is only for `set_image`");
        misplaced("to_revision", verb == Undo, "`to_revision` is only for `undo`");
        misplaced("for", is_argo && verb == Wait, "`for` is only for `wait` of the kind `argo`");
        misplaced("timeout", verb.waits(), "`timeout` is only for `status` and `wait`");
        misplaced(
            "revision",
            fields.kind == RolloutKind::Application,
            "`revision` is only for the kind `application`",
        );
        if verb == SetImage && fields.image.is_empty() {
            cx.error_with_help(
                "schema-missing-key",
                node.span,
                "`image` is missing",
                "write `image: {CONTAINER: IMAGE}`",
            );
        }
        let goal = fields.r#for.as_ref().map(|text| (text.place.span, text.text.parse::<Goal>()));
        let goal = match goal {
            Some((span, Err(fault))) => {
                cx.error("schema-value", span, fault.to_string());
                None
            }
            Some((_, Ok(goal))) => Some(goal),
            None => None,
        };
        Some(Self { fields, goal })
    }
}

impl ClusterRollout {
    fn render(&self, r: &Renderer<'_>) -> Parts {
        let fields = &self.fields;
        let cluster = Cluster::new(r, &fields.settings, &fields.env);
        let name = r.name(&fields.name);
        let drive = || self.driver(r, &cluster, &name);
        let step = |command: Command| vec![process(fields.verb.word(), command.build())];
        let (run, check): (Vec<Step>, Option<Probe>) = match fields.verb {
            Pause => {
                (vec![patched(&cluster, &name, &pause_patch())], Some(has(&cluster, &name, "/spec/paused")))
            }
            Abort => (step(drive()), Some(has(&cluster, &name, "/status/abort"))),
            Promote | PromoteFull | Resume | Retry => (step(drive()), None),
            Undo => (step(drive().flag("--to-revision", fields.to_revision.map(|n| n.to_string()))), None),
            SetImage => {
                let images = fields.image.iter().map(|(container, image)| {
                    let pair = format!("{}={}", container.text, r.name(image));
                    format!("--image={pair}")
                });
                let command = drive().args(images);
                (step(command.clone()), Some(asked(command.arg("--check"))))
            }
            Status | Wait => {
                let wait = |timeout: Millis| drive().arg(format!("--timeout={}", timeout.go()));
                let run = step(wait(fields.timeout.unwrap_or(WAIT)));
                (run, Some(asked(wait(Millis(0)))))
            }
        };
        Parts { run, check, ..Parts::default() }
    }

    /// Taskmaster itself, with what is the same for every verb.
    fn driver(&self, r: &Renderer<'_>, cluster: &Cluster, name: &str) -> Command {
        let fields = &self.fields;
        let command = Command::new(&[&r.facts.program, KUBE_ROLLOUT, fields.kind.word(), fields.verb.word()]);
        let goal = self.goal.map(|goal| goal.to_string());
        cluster
            .with_settings(command.arg(name))
            .flag("--for", goal)
            .flag("--revision", r.setting(fields.revision.as_ref()))
    }
}

/// `kubectl patch` of the specification of a rollout.
fn patched(cluster: &Cluster, name: &str, patch: &Patch) -> Step {
    let command = cluster
        .command(&["patch", RESOURCE])
        .arg(name)
        .arg(format!("--type={}", patch.kind.word()))
        .arg(format!("--patch={}", patch.body));
    process("spec", command.build())
}

/// With its group, since others have rollouts too.
const RESOURCE: &str = "rollouts.argoproj.io";

/// Asks whether a truth value of the rollout is set.
fn has(cluster: &Cluster, name: &str, pointer: &str) -> Probe {
    let get = cluster.command(&["get", RESOURCE]).arg(name).arg("--output=json").capture().build();
    let output = OutputMatch { pointer: Some(pointer.to_owned()), equals: Some(true.into()), contains: None };
    Probe { output: vec![output], ..ask_kubectl(One::Error, get) }
}

/// The hidden command as a question: 0 yes, 1 no, all else an error.
fn asked(command: Command) -> Probe {
    probe(process("check", command.build()), vec![1])
}

impl JsonSchema for RolloutActionSpec {
    fn schema_name() -> Cow<'static, str> {
        "Rollout".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let cluster = generator.subschema_for::<RolloutActionFields>();
        let local = generator.subschema_for::<LocalRolloutFields>();
        json_schema!({ "anyOf": [cluster, local] })
    }
}
