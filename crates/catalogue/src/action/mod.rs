//! Typed actions: each a pure function from its settings to steps, a check and an undo.
//!
//! Texts are rendered argument by argument, so a value never becomes two arguments, and values that
//! stand as arguments of their own may not begin with a dash. Flags are written `--flag=value`.

mod approval;
mod argocd;
mod ask;
mod command;
mod exec;
mod helm;
mod http;
mod inline;
mod kubectl;
mod kubectl_ready;
mod kubectl_verbs;
mod local_rollout;
mod probe;
mod prometheus;
mod renderer;
mod rollout;
mod service;
mod shell;
mod terraform;
mod wait;

pub(crate) use approval::ApprovalSpec;
pub(crate) use argocd::{ArgocdSettings, ArgocdSpec};
pub(crate) use exec::ExecSpec;
pub(crate) use helm::HelmSpec;
pub(crate) use http::HttpRequestSpec;
pub(crate) use inline::inline_action;
pub(crate) use kubectl::{KubeSettings, KubectlSpec};
pub(crate) use probe::render_probe;
pub(crate) use prometheus::PrometheusSpec;
pub(crate) use renderer::{Renderer, TaskFacts};
pub(crate) use rollout::RolloutActionSpec;
pub(crate) use service::ServiceSpec;
pub(crate) use shell::{ShellSpec, variable_name};
pub(crate) use terraform::TerraformSpec;
pub(crate) use wait::WaitSpec;

use crate::decode::{Context, Decode, suggestion};
use crate::yaml::Node;
use schemars::JsonSchema;
use taskmaster_core::action::{ActionKind, Invocation, Probe, ProcessSpec, Step};

/// One action.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(crate) enum ActionSpec {
    /// A command by its arguments.
    Exec(ExecSpec),
    /// A shell script; variables arrive as environment, the text is not a template.
    Shell(ShellSpec),
    /// Terraform: init, plan, apply of the saved plan.
    Terraform(Box<TerraformSpec>),
    /// Objects of Kubernetes, by kubectl: apply, delete, wait, rollouts.
    Kubectl(Box<KubectlSpec>),
    /// A release of a Helm chart.
    Helm(Box<HelmSpec>),
    /// An application of Argo CD, by its command line.
    Argocd(Box<ArgocdSpec>),
    /// What delivers progressively: on this machine, by Argo Rollouts, Argo CD and Flagger.
    Rollout(Box<RolloutActionSpec>),
    /// A service of this machine, which the agent keeps running.
    Service(ServiceSpec),
    /// An HTTP request.
    Http(Box<HttpRequestSpec>),
    /// A gate that a query of Prometheus opens.
    Prometheus(Box<PrometheusSpec>),
    /// A question to a person, who says yes.
    Approval(ApprovalSpec),
    /// A length of time to wait.
    Wait(WaitSpec),
}

const NAMES: [&str; 12] = [
    "exec",
    "shell",
    "terraform",
    "kubectl",
    "helm",
    "argocd",
    "rollout",
    "service",
    "http",
    "prometheus",
    "approval",
    "wait",
];

impl Decode for ActionSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Some([(key, value)]) = node.pairs() else {
            let help = format!("one of {}", NAMES.join(", "));
            let message = format!("expected one action by its name, found {}", node.describe());
            cx.error_with_help("schema-type", node.span, message, help);
            return None;
        };
        Some(match key.text.as_str() {
            "exec" => Self::Exec(Decode::decode(value, cx)?),
            "shell" => Self::Shell(Decode::decode(value, cx)?),
            "terraform" => Self::Terraform(Decode::decode(value, cx)?),
            "kubectl" => Self::Kubectl(Decode::decode(value, cx)?),
            "helm" => Self::Helm(Decode::decode(value, cx)?),
            "argocd" => Self::Argocd(Decode::decode(value, cx)?),
            "rollout" => Self::Rollout(Decode::decode(value, cx)?),
            "service" => Self::Service(Decode::decode(value, cx)?),
            "http" => Self::Http(Decode::decode(value, cx)?),
            "prometheus" => Self::Prometheus(Decode::decode(value, cx)?),
            "approval" => Self::Approval(Decode::decode(value, cx)?),
            "wait" => Self::Wait(Decode::decode(value, cx)?),
            unknown => {
                let message = format!("there is no action `{unknown}`");
                cx.error_with_help("schema-unknown-action", key.span, message, suggestion(unknown, &NAMES));
                return None;
            }
        })
    }
}

impl ActionSpec {
    /// Its name in a file.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::Shell(_) => "shell",
            Self::Terraform(_) => "terraform",
            Self::Kubectl(_) => "kubectl",
            Self::Helm(_) => "helm",
            Self::Argocd(_) => "argocd",
            Self::Rollout(_) => "rollout",
            Self::Service(_) => "service",
            Self::Http(_) => "http",
            Self::Prometheus(_) => "prometheus",
            Self::Approval(_) => "approval",
            Self::Wait(_) => "wait",
        }
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> ActionKind {
        match self {
            Self::Exec(_) => ActionKind::Exec,
            Self::Shell(_) => ActionKind::Shell,
            Self::Terraform(_) => ActionKind::Terraform,
            Self::Kubectl(_) => ActionKind::Kubectl,
            Self::Helm(_) => ActionKind::Helm,
            Self::Argocd(_) => ActionKind::Argocd,
            Self::Rollout(_) => ActionKind::Rollout,
            Self::Service(_) => ActionKind::Service,
            Self::Http(_) => ActionKind::Http,
            Self::Prometheus(_) => ActionKind::Prometheus,
            Self::Approval(_) => ActionKind::Approval,
            Self::Wait(_) => ActionKind::Wait,
        }
    }

    /// An approval waits outside of any process, so nothing may follow it in the same task.
    pub(crate) fn must_stand_alone(&self) -> bool {
        matches!(self, Self::Approval(_))
    }

    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        match self {
            Self::Exec(spec) => spec.render(r),
            Self::Shell(spec) => spec.render(r),
            Self::Terraform(spec) => spec.render(r),
            Self::Kubectl(spec) => spec.render(r),
            Self::Helm(spec) => spec.render(r),
            Self::Argocd(spec) => spec.render(r),
            Self::Rollout(spec) => spec.render(r),
            Self::Service(spec) => spec.render(r),
            Self::Http(spec) => spec.render(r),
            Self::Prometheus(spec) => spec.render(r),
            Self::Approval(spec) => spec.render(r),
            Self::Wait(spec) => spec.render(),
        }
    }
}

/// What one action renders to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    /// Does the work.
    pub(crate) run: Vec<Step>,
    /// Its built-in check.
    pub(crate) check: Option<Probe>,
    /// Takes it back.
    pub(crate) undo: Vec<Step>,
    /// Prints terraform outputs.
    pub(crate) terraform_output: Option<Step>,
    /// Locks that it needs besides those of the policy.
    pub(crate) locks: Vec<String>,
}

/// A step that runs a process.
pub(crate) fn process(name: &str, process: ProcessSpec) -> Step {
    Step { name: name.to_owned(), invocation: Invocation::Process(process) }
}

/// A probe that one step decides by exit codes alone.
pub(crate) fn probe(decide: Step, false_codes: Vec<i32>) -> Probe {
    Probe {
        prepare: Vec::new(),
        decide,
        true_codes: vec![0],
        false_codes,
        false_words: Vec::new(),
        error_words: Vec::new(),
        fault_words: Vec::new(),
        output: Vec::new(),
        also: Vec::new(),
    }
}
