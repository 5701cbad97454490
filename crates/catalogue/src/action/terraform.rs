//! `terraform`: init, plan to a file, apply of exactly that plan.

use super::command::Command;
use super::{Parts, Renderer, probe, process};
use crate::decode::{Literal, Many, Map, Millis, Text, record};
use crate::model::{Tree, ValueSpec};
use serde_json::Value as Json;
use std::path::Path;
use taskmaster_core::action::{Probe, ProcessSpec, Step, Value};
use taskmaster_core::text::slug;

record! {
    "a terraform action"
    /// Terraform in one folder. The check is `plan -detailed-exitcode`, the undo `destroy`, and the
    /// outputs those of the configuration (sensitive ones are secrets).
    #[schemars(rename = "Terraform")]
    pub(crate) struct TerraformSpec {
        /// Folder of the configuration, relative to the project's root.
        dir: Text,
        /// Workspace; made where it does not exist.
        workspace: Option<Text>,
        /// Files of variables, relative to `dir`.
        #[schemars(default)]
        var_files: Many<Text>,
        /// Variables. Secrets go by `TF_VAR_…`, lists and mappings as JSON.
        #[schemars(default)]
        vars: Map<Tree>,
        /// Addresses to which plan and destroy are limited.
        #[schemars(default)]
        targets: Many<Text>,
        /// Settings of the backend, by key.
        #[schemars(default)]
        backend_config: Map<Text>,
        /// Set the backend up; `false` leaves it out.
        backend: Option<bool> = true,
        /// Folder with provider plugins, relative to the project's root, for machines without network.
        plugin_dir: Option<Text>,
        /// Take newer modules and providers within their constraints.
        #[schemars(default)]
        upgrade: bool,
        /// Operations at the same time.
        parallelism: Option<u32>,
        /// How long to wait for the state's lock.
        lock_timeout: Option<Millis>,
        /// Program to run, such as `tofu`.
        program: Option<Literal> = "terraform",
        /// Added to the inherited environment.
        #[schemars(default)]
        env: Map<ValueSpec>,
    }
}

impl TerraformSpec {
    /// Renders it.
    pub(crate) fn render(&self, r: &Renderer<'_>) -> Parts {
        let terraform = Rendering::new(self, r);
        let plan = format!("-out={}", terraform.plan_file);
        let mut run = terraform.prepare();
        run.push(process("plan", terraform.planning("plan").arg(plan).build()));
        run.push(process("apply", terraform.apply()));
        let mut undo = terraform.prepare();
        undo.push(process("destroy", terraform.planning("destroy").arg("-auto-approve").build()));
        let output = terraform.command(&["output", "-json", "-no-color"]).capture().build();
        Parts {
            run,
            check: Some(terraform.check()),
            undo,
            terraform_output: Some(process("output", output)),
            locks: vec![format!("terraform:{}", terraform.dir)],
        }
    }
}

/// The texts of one action, rendered once.
struct Rendering {
    program: String,
    dir: String,
    workspace: Option<String>,
    init: Vec<String>,
    parallelism: Option<String>,
    planning: Vec<String>,
    env: Vec<(String, Value)>,
    plan_file: String,
}

impl Rendering {
    fn new(spec: &TerraformSpec, r: &Renderer<'_>) -> Self {
        let mut env: Vec<(String, Value)> =
            vec![("TF_IN_AUTOMATION".to_owned(), Value::Plain("1".to_owned()))];
        let mut vars = Vec::new();
        for (name, tree) in spec.vars.iter() {
            match secret_value(tree, r) {
                Some(secret) => env.push((format!("TF_VAR_{}", name.text), secret)),
                None => vars.push(format!("-var={}={}", name.text, plain(&r.tree(tree)))),
            }
        }
        env.extend(r.values(&spec.env));
        let parallelism = spec.parallelism.map(|n| format!("-parallelism={n}"));
        let mut planning: Vec<String> = parallelism.iter().cloned().collect();
        planning.extend(spec.lock_timeout.map(|t| format!("-lock-timeout={}", t.go())));
        planning.extend(r.arguments(spec.var_files.iter()).iter().map(|file| format!("-var-file={file}")));
        planning.extend(vars);
        planning.extend(r.arguments(spec.targets.iter()).iter().map(|target| format!("-target={target}")));
        let facts = &r.facts;
        let plan_file =
            format!("{}/{}.{}.tfplan", facts.state_dir, slug(facts.id.as_str()), slug(&facts.environment));
        Self {
            program: spec.program.as_ref().map_or("terraform", |program| &program.text).to_owned(),
            dir: r.name(&spec.dir),
            workspace: spec.workspace.as_ref().map(|workspace| r.name(workspace)),
            init: init_flags(spec, r),
            parallelism,
            planning,
            env,
            plan_file,
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let words = words.iter().map(|word| (*word).to_owned());
        Command::new(&[&self.program]).arg(format!("-chdir={}", self.dir)).args(words).envs(self.env.clone())
    }

    fn prepare(&self) -> Vec<Step> {
        let init = self.command(&["init", "-input=false", "-no-color"]).args(self.init.clone()).build();
        let mut steps = vec![process("init", init)];
        if let Some(workspace) = &self.workspace {
            let select = self.command(&["workspace", "select", "-no-color", "-or-create=true"]);
            steps.push(process("workspace", select.arg(workspace).build()));
        }
        steps
    }

    /// `plan` or `destroy` with everything that decides what they see.
    fn planning(&self, verb: &str) -> Command {
        self.command(&[verb, "-input=false", "-no-color"]).args(self.planning.clone())
    }

    /// A saved plan holds variables and targets already, and asks nobody.
    fn apply(&self) -> ProcessSpec {
        let apply = self.command(&["apply", "-input=false", "-no-color"]).args(self.parallelism.clone());
        apply.arg(&self.plan_file).build()
    }

    fn check(&self) -> Probe {
        let plan = self.planning("plan").arg("-detailed-exitcode").build();
        Probe { prepare: self.prepare(), ..probe(process("check", plan), vec![2]) }
    }
}

fn init_flags(spec: &TerraformSpec, r: &Renderer<'_>) -> Vec<String> {
    let mut flags = Vec::new();
    if spec.backend == Some(false) {
        flags.push("-backend=false".to_owned());
    }
    for (key, value) in spec.backend_config.iter() {
        flags.push(format!("-backend-config={}={}", key.text, r.argument(value)));
    }
    // `-chdir` comes before it: what is relative would be so to the configuration.
    let plugins = r.setting(spec.plugin_dir.as_ref()).map(|dir| Path::new(&r.facts.project).join(dir));
    flags.extend(plugins.map(|dir| format!("-plugin-dir={}", dir.display())));
    if spec.upgrade {
        flags.push("-upgrade".to_owned());
    }
    flags
}

/// The value of a variable that is secret or holds a secret: it must not become an argument.
fn secret_value(tree: &Tree, r: &Renderer<'_>) -> Option<Value> {
    match tree {
        Tree::Secret(secret) => Some(Value::Secret(r.secret(secret))),
        Tree::Text(text) if r.holds_secret(text) => Some(r.text(text)),
        _ => None,
    }
}

/// As `-var` reads it: texts as they are, all else in JSON, which is HCL too.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
