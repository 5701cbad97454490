//! Which tool of the cluster a command is, and which cluster it means, by its arguments alone.

use crate::action::{Invocation, ProcessSpec, Step, Value};
use std::collections::BTreeMap;

/// The hidden command of taskmaster that drives rollouts.
pub const KUBE_ROLLOUT: &str = "kube-rollout";
/// The hidden command of taskmaster that applies manifests without taking fields from controllers.
pub const KUBE_APPLY: &str = "kube-apply";

/// The hidden command of taskmaster that waits for an answer of Prometheus.
pub const PROMETHEUS_GATE: &str = "prometheus-gate";
/// The variable by which that command has its token.
pub const PROMETHEUS_TOKEN: &str = "TASKMASTER_PROMETHEUS_TOKEN";
/// The beginning of the variables by which it has the values of its headers: their number follows, from 0 on.
pub const PROMETHEUS_HEADER: &str = "TASKMASTER_PROMETHEUS_HEADER_";

/// A tool whose words are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// kubectl, also by `taskmaster kube-apply`.
    Kubectl,
    /// Helm.
    Helm,
    /// Argo CD's command line.
    Argocd,
    /// Terraform, under whatever name.
    Terraform,
    /// `taskmaster kube-rollout`.
    Rollout,
}

impl Tool {
    /// The tool that these arguments run; none for programs whose words are their own.
    pub fn of(argv: &[String]) -> Option<Self> {
        let (program, first) = (argv.first()?, argv.get(1).map(String::as_str).unwrap_or_default());
        match (program.rsplit('/').next().unwrap_or(program), first) {
            (_, KUBE_ROLLOUT) => Some(Self::Rollout),
            (_, KUBE_APPLY) | ("kubectl", _) => Some(Self::Kubectl),
            ("helm", _) => Some(Self::Helm),
            ("argocd", _) => Some(Self::Argocd),
            ("terraform" | "tofu", _) => Some(Self::Terraform),
            // A program that stands in for terraform: nothing else begins so.
            _ if first.starts_with("-chdir=") => Some(Self::Terraform),
            _ => None,
        }
    }

    /// The tool of a step.
    pub fn of_step(step: &Step) -> Option<Self> {
        process(step).and_then(|process| Self::of(&process.argv))
    }
}

fn process(step: &Step) -> Option<&ProcessSpec> {
    match &step.invocation {
        Invocation::Process(process) => Some(process),
        _ => None,
    }
}

/// Where a command goes, as far as its arguments and its own environment say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Context of the kubeconfig; the current one where none is given.
    pub context: Option<String>,
    /// Path of the kubeconfig.
    pub kubeconfig: Option<String>,
    /// The command's own `KUBECONFIG`, which may be a list of paths, as the flag may not.
    pub variable: Option<String>,
    /// Namespace; the context's own where none is given.
    pub namespace: Option<String>,
}

/// The place that a step means; none where it goes to no cluster, or nobody can tell to which: what
/// talks to the server of Argo CD alone goes to no context of a kubeconfig.
pub fn place(step: &Step) -> Option<Place> {
    let process = process(step)?;
    let tool = Tool::of(&process.argv)?;
    // What stands behind `--` is for a program inside of the cluster, and kube-apply's own begins there.
    let begins = match process.argv.get(1).map(String::as_str) {
        Some(KUBE_APPLY) => process.argv.iter().position(|word| word == "--").map_or(0, |at| at + 1),
        _ => 0,
    };
    let words: Vec<&str> =
        process.argv[begins..].iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let kubeconfig = flag(&words, &["--kubeconfig"]);
    let variable = variable(&process.env, "KUBECONFIG");
    let namespace = flag(&words, &["--namespace", "-n"]);
    match tool {
        Tool::Terraform => None,
        Tool::Kubectl | Tool::Rollout => {
            let namespace = namespace.or_else(|| of_manifest(process));
            Some(Place { context: flag(&words, &["--context"]), kubeconfig, variable, namespace })
        }
        Tool::Helm => {
            Some(Place { context: flag(&words, &["--kube-context"]), kubeconfig, variable, namespace })
        }
        Tool::Argocd => argocd(&words).map(|place| Place { kubeconfig, variable, ..place }),
    }
}

fn argocd(words: &[&str]) -> Option<Place> {
    let context = flag(words, &["--kube-context"]);
    let goes = |name: &str| words.iter().any(|word| *word == name || *word == format!("{name}=true"));
    if context.is_none() && !goes("--core") && !goes("--port-forward") {
        return None;
    }
    let namespace = flag(words, &["--app-namespace", "-N", "--port-forward-namespace"]);
    let namespace = Some(namespace.unwrap_or_else(|| "argocd".to_owned()));
    Some(Place { context, namespace, ..Place::default() })
}

/// `--flag=value` or `--flag value`; the last one counts.
fn flag(words: &[&str], names: &[&str]) -> Option<String> {
    let mut found = None;
    for (at, word) in words.iter().enumerate() {
        for name in names {
            if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                found = Some(value);
            } else if word == name {
                found = words.get(at + 1).copied();
            }
        }
    }
    found.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn variable(env: &BTreeMap<String, Value>, name: &str) -> Option<String> {
    match env.get(name)? {
        Value::Plain(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// The namespace that a manifest on standard input names first.
fn of_manifest(process: &ProcessSpec) -> Option<String> {
    let Some(Value::Plain(text)) = &process.stdin else { return None };
    let manifest: serde_json::Value = serde_json::from_str(text).ok()?;
    let items = manifest.get("items").and_then(serde_json::Value::as_array);
    let objects = items.map_or_else(|| vec![&manifest], |items| items.iter().collect());
    let named = objects.iter().find_map(|object| object.pointer("/metadata/namespace")?.as_str());
    named.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(line: &str) -> Step {
        let argv = line.split_whitespace().map(str::to_owned).collect();
        let process = ProcessSpec { argv, ..ProcessSpec::default() };
        Step { name: "run".into(), invocation: Invocation::Process(process) }
    }

    #[test]
    fn tools_are_known_by_their_arguments() {
        for (line, tool) in [
            ("kubectl apply", Some(Tool::Kubectl)),
            ("/usr/local/bin/kubectl", Some(Tool::Kubectl)),
            ("/opt/taskmaster kube-apply -- kubectl apply", Some(Tool::Kubectl)),
            ("/opt/taskmaster kube-rollout argo status web", Some(Tool::Rollout)),
            ("helm list", Some(Tool::Helm)),
            ("argocd app get x", Some(Tool::Argocd)),
            ("tofu -chdir=a plan", Some(Tool::Terraform)),
            ("./terraform-1.11 -chdir=a plan", Some(Tool::Terraform)),
            ("sh -c kubectl", None),
            ("make kubectl", None),
        ] {
            assert_eq!(Tool::of_step(&step(line)), tool, "{line}");
        }
    }

    #[test]
    fn places_are_read_from_arguments() {
        let place = |context: &str, kubeconfig: &str, namespace: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Some(Place {
                context: given(context),
                kubeconfig: given(kubeconfig),
                namespace: given(namespace),
                variable: None,
            })
        };
        for (line, wanted) in [
            ("kubectl apply --context=c --kubeconfig=/k --namespace=n -f x", place("c", "/k", "n")),
            ("kubectl -n web get pods --context kind", place("kind", "", "web")),
            ("kubectl exec web --context=c -- curl --context=other", place("c", "", "")),
            ("/t kube-apply --check -- kubectl diff --context=c", place("c", "", "")),
            ("/t kube-rollout argo status web --namespace=shop", place("", "", "shop")),
            ("helm upgrade web x --kube-context=c --namespace=n", place("c", "", "n")),
            ("argocd app sync web --server=x:443", None),
            ("argocd app sync web --core", place("", "", "argocd")),
            ("argocd app get web --kube-context=c --app-namespace=team", place("c", "", "team")),
            ("terraform -chdir=x plan", None),
            ("sh -c kubectl", None),
        ] {
            assert_eq!(super::place(&step(line)), wanted, "{line}");
        }
    }

    #[test]
    fn a_manifest_and_the_environment_say_the_rest() {
        let mut one = step("kubectl apply --filename=-");
        let Invocation::Process(process) = &mut one.invocation else { panic!("a process") };
        process.stdin =
            Some(Value::Plain(r#"{"items":[{"kind":"Namespace"},{"metadata":{"namespace":"web"}}]}"#.into()));
        process.env.insert("KUBECONFIG".into(), Value::Plain("/k:/l".into()));
        let found = place(&one).expect("a place");
        assert_eq!(
            (found.namespace.as_deref(), found.variable.as_deref(), found.kubeconfig),
            (Some("web"), Some("/k:/l"), None)
        );
    }
}
