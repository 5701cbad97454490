//! Whether a context of a cluster looks like production, by its name or by labels of the cluster.
//!
//! It errs on the side of asking: who means it gives the context's name once.

use crate::action::Step;
use crate::tool::{self, Place};
use std::collections::BTreeSet;

/// Parts of a name that mean production.
const WORDS: [&str; 4] = ["prod", "production", "prd", "live"];
/// Labels that tell what a cluster is for.
pub const LABELS: [&str; 3] = ["taskmaster.dev/environment", "environment", "env"];
/// Their values that mean production.
const VALUES: [&str; 3] = ["prod", "production", "live"];

/// What a project says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Contexts that may be acted on, by name or pattern.
    pub allowed: Vec<String>,
    /// Further patterns of names that mean production.
    pub production: Vec<String>,
}

impl Rules {
    /// True where the context was allowed by name.
    pub fn allows(&self, context: &str) -> bool {
        self.allowed.iter().any(|pattern| glob(pattern, context))
    }

    /// Why a name looks like production; none where it does not.
    pub fn by_name(&self, context: &str) -> Option<String> {
        if let Some(pattern) = self.production.iter().find(|pattern| glob(pattern, context)) {
            return Some(format!("its name matches `{pattern}` of production_contexts"));
        }
        let parts = context.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        let word = parts.into_iter().find(|part| WORDS.contains(&part.as_str()))?;
        Some(format!("its name holds `{word}`"))
    }
}

/// Why the labels of a namespace of the cluster look like production; none where they do not. `namespaces`
/// is what `kubectl get namespace … --output=json` prints of one or several.
pub fn by_labels(namespaces: &serde_json::Value) -> Option<String> {
    let items = namespaces.get("items").and_then(serde_json::Value::as_array);
    let all = items.map_or_else(|| vec![namespaces], |items| items.iter().collect());
    all.into_iter().find_map(|namespace| {
        let labels = namespace.pointer("/metadata/labels")?;
        let value = |label: &str| labels.get(label).and_then(serde_json::Value::as_str);
        let (label, found) = LABELS.iter().find_map(|label| {
            value(label)
                .filter(|value| VALUES.contains(&value.to_lowercase().as_str()))
                .map(|value| (label, value))
        })?;
        let name = namespace.pointer("/metadata/name").and_then(serde_json::Value::as_str).unwrap_or("?");
        Some(format!("its namespace {name} has the label {label}={found}"))
    })
}

/// Where these steps act, whatever the namespace; each place once.
pub fn clusters<'s>(steps: impl IntoIterator<Item = &'s Step>) -> BTreeSet<Place> {
    let whole = |place: Place| Place { namespace: None, ..place };
    steps.into_iter().filter_map(tool::place).map(whole).collect()
}

/// A pattern of `*` (anything) and `?` (one character) over the whole name. Bounded by the product of
/// both lengths.
fn glob(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut ends = vec![false; name.len() + 1];
    ends[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match wanted {
                '*' => ends[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && ends[at - 1],
                one => at > 0 && ends[at - 1] && name[at - 1] == one,
            };
        }
        ends = next;
    }
    ends[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_look_like_production_by_whole_parts() {
        let rules = Rules { production: vec!["eu-*-1".to_owned()], ..Rules::default() };
        for name in [
            "prod",
            "PROD",
            "kind-prod",
            "gke_shop-prod_europe",
            "arn:aws:eks:eu:1:cluster/live",
            "prd.eu",
            "a production b",
        ] {
            assert!(rules.by_name(name).is_some_and(|why| why.starts_with("its name holds")), "{name}");
        }
        assert!(rules.by_name("eu-west-1").is_some_and(|why| why.contains("production_contexts")));
        for name in [
            "kind-platform",
            "products",
            "preprod",
            "prod1",
            "delivery",
            "alive",
            "reproduction",
            "",
            "eu-west-12",
        ] {
            assert_eq!(rules.by_name(name), None, "{name}");
        }
    }

    #[test]
    fn who_means_it_says_so() {
        let rules = Rules { allowed: vec!["prod-eu".to_owned(), "test-*".to_owned()], ..Rules::default() };
        assert!(rules.allows("prod-eu") && rules.allows("test-live"));
        assert!(!rules.allows("prod-eu2") && !rules.allows("prod") && !rules.allows(""));
    }

    #[test]
    fn labels_of_the_cluster_count_too() {
        let namespace =
            |name: &str, labels: serde_json::Value| json!({ "metadata": { "name": name, "labels": labels } });
        let list = |items: Vec<serde_json::Value>| json!({ "kind": "List", "items": items });
        for (found, wanted) in [
            (
                list(vec![namespace("kube-system", json!({ "environment": "production" }))]),
                Some("its namespace kube-system has the label environment=production"),
            ),
            (
                list(vec![
                    namespace("kube-system", json!({})),
                    namespace("default", json!({ "env": "Prod" })),
                ]),
                Some("its namespace default has the label env=Prod"),
            ),
            (
                namespace("default", json!({ "taskmaster.dev/environment": "live" })),
                Some("its namespace default has the label taskmaster.dev/environment=live"),
            ),
            (list(vec![namespace("default", json!({ "environment": "test", "tier": "prod" }))]), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            assert_eq!(by_labels(&found).as_deref(), wanted, "{found}");
        }
    }

    #[test]
    fn patterns_cover_the_whole_name() {
        for (pattern, name, wanted) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("?", "é", true),
            ("", "a", false),
            ("**a**", "a", true),
        ] {
            assert_eq!(glob(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
