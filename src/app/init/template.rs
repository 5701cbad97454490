//! Templates: small documents with catalogues. `@title@`, `@document@` and `@name@` are replaced.

use crate::app::error::AppError;
use std::path::{Path, PathBuf};
use taskmaster_prd::{Options, parse};

/// What a new project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Commands with checks.
    Minimal,
    /// A service of this machine, rolled out step by step.
    Service,
    /// Manifests on a cluster.
    Kubernetes,
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("templates/", $name))
    };
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Minimal, Self::Service, Self::Kubernetes];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Service => "service",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// What it is for.
    pub fn about(self) -> &'static str {
        match self {
            Self::Minimal => "four commands with checks; runs anywhere",
            Self::Service => "a service of this machine, its versions rolled out step by step; needs python3",
            Self::Kubernetes => "manifests on a cluster; needs kubectl",
        }
    }

    /// The one that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    /// The document first.
    fn texts(self, catalogue: &Path) -> (&'static str, Vec<(PathBuf, &'static str)>) {
        let local = catalogue.join("local.yaml");
        match self {
            Self::Minimal => (text!("minimal/prd.md"), vec![(local, text!("minimal/tasks.yaml"))]),
            Self::Service => (
                text!("service/prd.md"),
                vec![
                    (local, text!("service/tasks.yaml")),
                    ("rollouts/web.yaml".into(), text!("service/rollout.yaml")),
                ],
            ),
            Self::Kubernetes => (
                text!("kubernetes/prd.md"),
                vec![
                    (catalogue.join("cluster.yaml"), text!("kubernetes/tasks.yaml")),
                    ("k8s/web.yaml".into(), text!("kubernetes/manifests.yaml")),
                ],
            ),
        }
    }

    /// Its files and their texts.
    ///
    /// # Errors
    /// The title is empty, or would be read as a part of the plan.
    pub(super) fn files(
        self,
        title: &str,
        document: &str,
        catalogue: &Path,
    ) -> Result<Vec<(PathBuf, String)>, AppError> {
        let (text, others) = self.texts(catalogue);
        let title = one_line(title);
        let prd = text.replace("@title@", &title);
        if title.is_empty() || tasks(&prd) != tasks(text) {
            let help = "choose a plain one: --title \"Web shop\"";
            return Err(AppError::usage(format!("`{title}` cannot be the title"), help));
        }
        let fill = |text: &str| {
            text.replace("@document@", &quoted(document)).replace("@name@", &quoted(&label(&title)))
        };
        let others = others.into_iter().map(|(path, text)| (path, fill(text)));
        Ok(std::iter::once((PathBuf::from(document), prd)).chain(others).collect())
    }
}

/// Ids of the tasks; nothing for a text with faults.
fn tasks(text: &str) -> Vec<String> {
    let parsed = parse(text, &Options::default());
    if !parsed.diagnostics.is_empty() {
        return Vec::new();
    }
    parsed.document.tasks.iter().map(|task| task.id.to_string()).collect()
}

fn one_line(title: &str) -> String {
    let shown: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as YAML and TOML write it: JSON is both.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name that Kubernetes takes.
fn label(title: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: Vec<String> =
        title.chars().map(plain).collect::<String>().split('-').map(str::to_owned).collect();
    let joined = words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join("-");
    let name = joined.chars().take(40).collect::<String>().trim_end_matches('-').to_owned();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name
    } else {
        format!("app-{name}").trim_end_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(title: &str) -> Result<Vec<(PathBuf, String)>, AppError> {
        Template::Kubernetes.files(title, "prd.md", Path::new("tasks"))
    }

    #[test]
    fn names_fit_kubernetes() {
        for (title, name) in [
            ("Web shop", "web-shop"),
            ("  Ein Käse -- 2! ", "ein-k-se-2"),
            ("2 fast", "app-2-fast"),
            ("設定", "app"),
            (&"a".repeat(80), &"a".repeat(40)),
        ] {
            assert_eq!(label(title), name, "{title}");
        }
    }

    #[test]
    fn a_title_is_a_title_and_nothing_else() {
        for title in
            ["Web shop", "a \"b\" 'c' \\ {{ x }} $(y) `z`", "設定 🚀", "Phase 1: Start", "one\ntwo\u{1b}[2J"]
        {
            let made = files(title).expect(title);
            assert_eq!(made.len(), 3);
            assert_eq!(tasks(&made[0].1).len(), 4, "{title}");
        }
        for title in ["", " \n", "[x] done"] {
            assert!(files(title).is_err(), "{title:?}");
        }
    }

    #[test]
    fn every_template_is_found_by_its_name() {
        for template in Template::ALL {
            assert_eq!(Template::named(template.name()), Some(template));
            let made = template.files("T", "a/b.md", Path::new("ops")).expect("it is made");
            assert_eq!(made[0].0, Path::new("a/b.md"));
            assert!(made[1].0.starts_with("ops"));
            assert!(made[1].1.contains("document: \"a/b.md\"\n"));
            let left: Vec<_> = made
                .iter()
                .filter(|(_, text)| {
                    ["@title@", "@document@", "@name@"].iter().any(|word| text.contains(word))
                })
                .collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}
