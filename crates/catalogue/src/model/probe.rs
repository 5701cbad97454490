//! `check` and `verify`: questions about the world.

use crate::action::{
    ArgocdSpec, ExecSpec, HelmSpec, HttpRequestSpec, KubectlSpec, PrometheusSpec, RolloutActionSpec,
    ShellSpec, TerraformSpec,
};
use crate::decode::{Context, Decode, Literal, Many, Place, Text, record};
use crate::model::Tree;
use crate::yaml::Node;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;

/// A question, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct ProbeSpec {
    /// What was written.
    pub(crate) fields: ProbeFields,
    /// Where.
    pub(crate) place: Place,
}

record! {
    "a check"
    /// A question about the world: one way to ask, and how the answer is read. Exit code 0 is true,
    /// 1 is false, all others are errors unless said otherwise.
    pub(crate) struct ProbeFields {
        /// Ask a command.
        exec: Option<ExecSpec>,
        /// Ask a script.
        shell: Option<ShellSpec>,
        /// Ask a server: an accepted answer is true, another answer is false, none is an error.
        http: Option<HttpRequestSpec>,
        /// Ask Kubernetes: the built-in check of this action, or a raw command.
        kubectl: Option<Box<KubectlSpec>>,
        /// Ask Terraform: its built-in check.
        terraform: Option<Box<TerraformSpec>>,
        /// Ask Helm: the built-in check of this action, or a raw command.
        helm: Option<Box<HelmSpec>>,
        /// Ask Argo CD: the built-in check of this action, or a raw command.
        argocd: Option<Box<ArgocdSpec>>,
        /// Ask a rollout: the built-in check of this action.
        rollout: Option<Box<RolloutActionSpec>>,
        /// Ask Prometheus: once, whether the gate is open.
        prometheus: Option<Box<PrometheusSpec>>,
        /// True where all of these files or folders exist.
        file_exists: Option<Many<Text>>,
        /// Exit codes that mean true.
        true_codes: Option<Many<i32>> = 0,
        /// Exit codes that mean false; all others are errors. Built-in checks know the words of their tools besides.
        false_codes: Option<Many<i32>> = 1,
        /// What the output must hold; otherwise the answer is false.
        output: Option<Many<MatchSpec>>,
        /// With `http`: a server that does not answer is an error; `false` makes it mean false.
        unreachable: Option<bool> = true,
    }
}

record! {
    "a condition on an output"
    /// What an output must hold: everything given here.
    #[schemars(rename = "OutputCondition")]
    pub(crate) struct MatchSpec {
        /// JSON pointer into the output (`/status/phase`); the whole text where it is not given.
        pointer: Option<Literal>,
        /// Must be equal to this.
        equals: Option<Tree>,
        /// Must contain this text.
        contains: Option<Text>,
    }
}

/// Ways to ask.
pub(crate) const WAYS: [&str; 10] = [
    "exec",
    "shell",
    "http",
    "kubectl",
    "terraform",
    "helm",
    "argocd",
    "rollout",
    "prometheus",
    "file_exists",
];

impl Decode for ProbeSpec {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let fields = ProbeFields::decode(node, cx)?;
        let given = WAYS.iter().filter(|way| node.get(way).is_some_and(|n| !n.is_null())).count();
        if given != 1 {
            let message =
                if given == 0 { "this check asks nothing" } else { "this check asks in several ways" };
            let help = format!("give exactly one of {}", WAYS.join(", "));
            cx.error_with_help("schema-missing-key", node.span, message, help);
            return None;
        }
        if fields.unreachable.is_some() && fields.http.is_none() {
            cx.error("schema-value", node.span, "`unreachable` is only for `http`");
        }
        let useless = |m: &MatchSpec| m.equals.is_none() && m.contains.is_none();
        if fields.output.iter().flat_map(Many::iter).any(useless) {
            let help = "give `equals` or `contains`";
            cx.error_with_help(
                "schema-missing-key",
                node.span,
                "this condition on the output asks nothing",
                help,
            );
        }
        Some(Self { fields, place: cx.place(node.span) })
    }
}

impl JsonSchema for ProbeSpec {
    fn schema_name() -> Cow<'static, str> {
        "Probe".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ProbeFields::json_schema(generator);
        let ways: Vec<_> = WAYS.iter().map(|way| serde_json::json!({ "required": [way] })).collect();
        schema.insert("oneOf".into(), ways.into());
        schema
    }
}
