//! The demo's catalogues, held to their word.
//!
//! For every task that has a check, the check is asked before the work (no), after it (yes), and
//! once more after its result was broken by hand (no). The catalogue is rendered by the library and
//! its processes are run here, without the engine, so the two do not vouch for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use taskmaster_catalogue::{Bound, Inputs, OperatingSystem, SourceText, load};
use taskmaster_core::action::{Action, Invocation, Probe, ProcessSpec, Step, Value, When};
use taskmaster_core::document::Document;
use taskmaster_core::id::{EnvironmentName, TaskId};
use taskmaster_prd::{Options, parse};

const CATALOGUES: [&str; 3] = ["tasks/local.yaml", "tasks/shared.yaml", "tasks/kind.yaml"];

/// How each result is broken: a file in the work folder, and what is done to it.
const SABOTAGE: [(&str, &str, Damage); 25] = [
    ("cluster", "terraform/cluster.tfstate", Damage::Remove),
    (
        "infrastructure/point-the-host-names-at-the-ingress",
        "hosts",
        Damage::Swap("127.0.0.1 canary", "10.0.0.1 canary"),
    ),
    ("blue-green-releases/create-the-blue-green-namespace", "k8s/blue-green/namespace.yaml", Damage::Remove),
    (
        "blue-green-releases/write-the-blue-green-rollout",
        "k8s/blue-green/rollout.yaml",
        Damage::Swap("/health/ready", "/"),
    ),
    (
        "blue-green-releases/add-the-active-and-preview-services",
        "k8s/blue-green/services.yaml",
        Damage::Swap("name: blue-green-preview", "name: preview"),
    ),
    (
        "blue-green-releases/route-the-active-and-preview-hosts",
        "k8s/blue-green/ingress.yaml",
        Damage::Swap("name: blue-green-active", "name: other"),
    ),
    (
        "blue-green-releases/register-the-blue-green-application-with-argo-cd",
        "gitops/argocd/blue-green.yaml",
        Damage::Swap("selfHeal: true", "selfHeal: false"),
    ),
    (
        "blue-green-releases/package-the-blue-green-chart",
        "charts/blue-green-app/values.yaml",
        Damage::Swap("tag: v1", "tag: v2"),
    ),
    ("canary-releases/create-the-canary-namespace", "k8s/canary/namespace.yaml", Damage::Append("# mine\n")),
    (
        "canary-releases/write-the-canary-rollout",
        "k8s/canary/rollout.yaml",
        Damage::Swap("setWeight: 10", "setWeight: 90"),
    ),
    (
        "canary-releases/add-the-stable-and-canary-services",
        "k8s/canary/services.yaml",
        Damage::Swap("app: canary", "app: other"),
    ),
    ("canary-releases/split-the-traffic-at-the-ingress", "k8s/canary/ingress.yaml", Damage::Remove),
    (
        "canary-releases/write-the-analysis-template-for-prometheus",
        "k8s/canary/analysis.yaml",
        Damage::Swap(">= 0.95", ">= 0.05"),
    ),
    (
        "canary-releases/register-the-canary-application-with-argo-cd",
        "gitops/charts/canary-app/values.yaml",
        Damage::Swap("tag: v1", "tag: v9"),
    ),
    ("canary-releases/package-the-canary-chart", "packages/canary-app.tgz", Damage::Append("x")),
    (
        "task-management/read-tasks-from-a-prd",
        "tasks/platform.json",
        Damage::Swap("Install Prometheus", "Install nothing"),
    ),
    (
        "task-management/track-tasks-and-report-progress",
        "rehearsal/report.html",
        Damage::Swap("Fetch the parts", ""),
    ),
    ("task-management/carry-out-tasks-and-keep-a-log", "rehearsal/made/shed", Damage::Remove),
    (
        "documentation-and-automation/write-the-setup-guide",
        "docs/setup.md",
        Damage::Swap("taskmaster plan", "taskmaster scheme"),
    ),
    (
        "documentation-and-automation/write-the-blue-green-guide",
        "docs/blue-green.md",
        Damage::Swap("../k8s/", "../k9s/"),
    ),
    (
        "documentation-and-automation/write-the-canary-guide",
        "docs/canary.md",
        Damage::Append("\n```sh\ntaskmaster dance\n```\n"),
    ),
    (
        "documentation-and-automation/write-the-troubleshooting-guide",
        "docs/troubleshooting.md",
        Damage::Remove,
    ),
    (
        "documentation-and-automation/collect-the-common-commands-in-a-makefile",
        "Makefile",
        Damage::Swap("status:", "state:"),
    ),
    (
        "documentation-and-automation/script-the-recurring-chores",
        "bin/rollback.sh",
        Damage::Swap("revert", "reset"),
    ),
    (
        "documentation-and-automation/show-how-ci-delivers",
        "ci/deliver.yaml",
        Damage::Swap("make release", "make status"),
    ),
];

#[derive(Clone, Copy)]
enum Damage {
    Remove,
    Append(&'static str),
    Swap(&'static str, &'static str),
}

impl Damage {
    fn inflict(self, file: &Path) {
        match self {
            Self::Remove => fs::remove_file(file).unwrap(),
            Self::Append(text) => {
                let mut bytes = fs::read(file).unwrap();
                bytes.extend_from_slice(text.as_bytes());
                fs::write(file, bytes).unwrap();
            }
            Self::Swap(from, to) => {
                let text = fs::read_to_string(file).unwrap();
                assert!(text.contains(from), "{} does not hold `{from}`", file.display());
                fs::write(file, text.replace(from, to)).unwrap();
            }
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The demo service beside the program under test: both are built with the workspace.
fn sample_api() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_taskmaster")).with_file_name("sample-api");
    assert!(path.is_file(), "{} is missing: test the whole workspace, or build it first", path.display());
    path
}

fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

fn document() -> Document {
    let text = fs::read_to_string(root().join("prd/platform.md")).unwrap();
    let parsed = parse(&text, &Options::default());
    assert_eq!(parsed.diagnostics, [], "the PRD of the demo is without fault");
    parsed.document
}

fn bind(document: &Document, environment: &str, vars: &BTreeMap<String, String>, state_dir: &Path) -> Bound {
    let texts = CATALOGUES.map(|name| fs::read_to_string(root().join(name)).unwrap());
    let sources: Vec<SourceText<'_>> =
        CATALOGUES.iter().zip(&texts).map(|(name, text)| SourceText { name, text }).collect();
    let loaded = load(&sources);
    assert_eq!(loaded.diagnostics, [], "the catalogues are without fault");
    let bound = loaded.catalogue.bind(&Inputs {
        document,
        document_path: "prd/platform.md",
        environment: &EnvironmentName::new(environment),
        vars,
        env_vars: Some(&|_| None),
        tool_on_path: &on_path,
        os: OperatingSystem::Linux,
        project_root: root().to_str().unwrap(),
        state_dir: state_dir.to_str().unwrap(),
        program: env!("CARGO_BIN_EXE_taskmaster"),
        outputs: &std::sync::Arc::default(),
        allow_inline: false,
    });
    assert_eq!(bound.diagnostics, [], "the catalogues fit the PRD");
    assert_eq!(bound.document_diagnostics, []);
    assert_eq!(bound.unbound, [], "every task is bound in {environment}");
    bound
}

/// Tasks in an order that respects every edge.
fn in_order(document: &Document) -> Vec<TaskId> {
    let mut left: Vec<TaskId> = document.tasks.iter().map(|task| task.id.clone()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let done: BTreeSet<&TaskId> = order.iter().collect();
        let free = |id: &TaskId| document.edges.iter().all(|e| e.task != *id || done.contains(&e.dependency));
        let next = left.iter().position(free).expect("a document without cycles");
        order.push(left.remove(next));
    }
    order
}

/// Runs a process as a catalogue describes it; its exit code, and what it said.
fn spawn(process: &ProcessSpec) -> (i32, String) {
    let mut command = Command::new(&process.argv[0]);
    command.args(&process.argv[1..]).current_dir(root().join(process.cwd.as_deref().unwrap_or("")));
    for (name, value) in &process.env {
        match value {
            Value::Plain(value) => command.env(name, value),
            other => panic!("the demo needs no secrets, but {name} is {other:?}"),
        };
    }
    assert_eq!(process.stdin, None, "{:?}", process.argv);
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{:?}: {error}", process.argv));
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

fn process(step: &Step) -> &ProcessSpec {
    match &step.invocation {
        Invocation::Process(process) => process,
        other => panic!("the local demo runs processes alone, not {other:?}"),
    }
}

fn perform(task: &TaskId, steps: &[Step]) {
    for step in steps {
        let (code, said) = spawn(process(step));
        assert_eq!(code, 0, "{task}, {}:\n{said}", step.name);
    }
}

/// What a check answers. Anything but yes and no fails the test: a check must be able to tell.
fn ask(task: &TaskId, probe: &Probe) -> bool {
    perform(task, &probe.prepare);
    assert_eq!(probe.output, [], "checks of the local demo answer by their exit code");
    let (code, said) = spawn(process(&probe.decide));
    let (yes, no) = (probe.true_codes.contains(&code), probe.false_codes.contains(&code));
    assert!(yes || no, "the check of {task} cannot tell, it ends with {code}:\n{said}");
    yes
}

fn actions(bound: &Bound) -> BTreeMap<&TaskId, &Action> {
    let included = bound.bindings.iter().filter(|(_, binding)| binding.when == When::Include);
    included.filter_map(|(id, binding)| Some((id, binding.action.as_ref()?))).collect()
}

#[test]
fn every_check_of_the_local_demo_tells_done_from_undone_and_broken() {
    fs::create_dir_all(root().join("out")).unwrap();
    let work = tempfile::Builder::new().prefix("demo-").tempdir_in(root().join("out")).unwrap();
    let relative = work.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let program = |path: &Path| path.to_str().unwrap().to_owned();
    let vars = BTreeMap::from([
        ("work".to_owned(), relative),
        ("sample_api".to_owned(), program(&sample_api())),
        ("taskmaster".to_owned(), env!("CARGO_BIN_EXE_taskmaster").to_owned()),
    ]);
    let document = document();
    let bound = bind(&document, "local", &vars, &work.path().join("state"));
    let actions = actions(&bound);
    fs::create_dir(work.path().join("state")).unwrap();

    let mut checked = 0;
    for id in in_order(&document) {
        let Some(action) = actions.get(&id) else { continue };
        let Some(check) = &action.check else { continue };
        let row = SABOTAGE.iter().find(|(task, ..)| *task == id.as_str());
        let (_, file, damage) = row.unwrap_or_else(|| panic!("{id} has a check, but nothing breaks it here"));
        let file = work.path().join(file);
        assert!(!ask(&id, check), "{id} is done before anything was done");
        perform(&id, &action.run);
        assert!(ask(&id, check), "{id} is not done after its work");
        let whole = fs::read(&file).unwrap();
        damage.inflict(&file);
        assert!(!ask(&id, check), "{id} passes although {} is broken", file.display());
        fs::write(&file, whole).unwrap();
        assert!(ask(&id, check), "{id} does not recover");
        checked += 1;
    }
    let skipped = ["terraform", "make"].map(|tool| (tool, on_path(tool)));
    let expected = SABOTAGE.len()
        - [1, 2].iter().zip(skipped).filter(|(_, (_, there))| !there).map(|(n, _)| n).sum::<usize>();
    assert_eq!(checked, expected, "tools on PATH: {skipped:?}");
}

#[test]
fn all_but_the_tests_have_a_check_and_at_least_twenty_do_real_work() {
    let document = document();
    let bound = bind(&document, "local", &BTreeMap::new(), Path::new("/state"));
    let actions = actions(&bound);
    assert!(actions.len() >= 33, "{} tasks are bound to work", actions.len());
    for task in document.tasks.iter().filter(|task| actions.contains_key(&task.id)) {
        let is_test = task.tags.iter().any(|tag| tag == "test");
        assert_eq!(actions[&task.id].check.is_none(), is_test, "{}", task.id);
    }
    for (id, binding) in &bound.bindings {
        if let When::Skip { reason } = &binding.when {
            assert!(reason.len() > 20, "{id} is skipped without a reason: {reason}");
        }
    }
}

#[test]
fn the_cluster_binds_every_task_to_work() {
    let document = document();
    let bound = bind(&document, "kind", &BTreeMap::new(), Path::new("/state"));
    assert_eq!(bound.bindings.len(), 39);
    let by_tool = |tool: &str| {
        let uses = |action: &Action| action.run.iter().any(|step| process(step).argv[0] == tool);
        bound.bindings.values().filter_map(|binding| binding.action.as_ref()).filter(|a| uses(a)).count()
    };
    for tool in ["terraform", "kubectl", "helm", "argocd"] {
        assert!(by_tool(tool) > 0, "nothing is done by {tool}");
    }
    let rollouts = |step: &&Step| {
        let argv = &process(step).argv;
        argv.get(1).is_some_and(|word| word == "kube-rollout")
            || argv[..].windows(2).any(|two| two == ["argo", "rollouts"])
    };
    let steps = bound.bindings.values().filter_map(|b| b.action.as_ref()).flat_map(|a| &a.run);
    assert!(steps.filter(rollouts).count() >= 10, "promotions, aborts and waits are those of Argo Rollouts");
    for (id, binding) in &bound.bindings {
        let Some(action) = &binding.action else { continue };
        let test =
            document.tasks.iter().any(|task| task.id == *id && task.tags.iter().any(|tag| tag == "test"));
        assert_eq!(action.check.is_none(), test, "{id}: all but the tests have a check");
    }
    let skipped: Vec<_> =
        bound.bindings.values().filter(|b| b.when != When::Include).map(|b| &b.task).collect();
    assert!(on_path("make") == skipped.is_empty(), "{skipped:?}");
}

#[test]
fn the_prd_is_the_plan_that_was_agreed() {
    let document = document();
    let priorities: Vec<String> =
        document.phases.iter().map(|phase| format!("{:?}", phase.priority.unwrap())).collect();
    assert_eq!(priorities, ["Critical", "High", "High", "High", "Medium", "Medium"]);
    let tasks: Vec<usize> = document
        .phases
        .iter()
        .map(|phase| document.tasks.iter().filter(|task| task.phase == phase.id).count())
        .collect();
    assert_eq!(tasks, [6, 8, 9, 3, 7, 6]);
    assert_eq!(document.requirements.len(), 42);
    let traced: BTreeSet<&str> =
        document.tasks.iter().flat_map(|task| task.requirements.iter().map(String::as_str)).collect();
    for requirement in &document.requirements {
        assert!(traced.contains(requirement.id.as_str()), "no task answers for {}", requirement.id);
    }
    assert!(document.tasks.iter().all(|task| task.mark.is_some_and(|mark| mark.character == ' ')));
}

/// Runs the local demo in folders of its own; its events, after it ended well.
fn run_demo(work: &str, state: &Path, marker: &str) -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_taskmaster"))
        .current_dir(root())
        .env("DEMO_MARKER", marker)
        .arg("--state-dir")
        .arg(state)
        .args(["run", "prd/platform.md", "--env", "local", "-o", "json", "--jobs", "2"])
        .arg(format!("--var=work={work}"))
        .arg(format!("--var=sample_api={}", sample_api().display()))
        .arg(concat!("--var=taskmaster=", env!("CARGO_BIN_EXE_taskmaster")))
        .output()
        .unwrap();
    let (events, talk) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "the demo fails:\n{talk}\n{events}");
    events.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind(events: &[serde_json::Value], prefix: &str) -> usize {
    let kind = |event: &serde_json::Value| event["record"]["kind"].as_str().unwrap_or("").to_owned();
    events.iter().filter(|event| kind(event).starts_with(prefix)).count()
}

/// Processes that inherited the marker of a run: nothing that it started can hide from this.
fn left_over(marker: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let marked = processes.filter(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(marker)
    });
    let name =
        |path: PathBuf| fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " ");
    marked.map(|process| name(process.path())).collect()
}

/// What the ledger tells of the demo's releases: how each ended, what its users met, and why the last canary was
/// taken back.
fn releases_are_in_the_report(state: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_taskmaster"))
        .current_dir(root())
        .arg("--state-dir")
        .arg(state)
        .args(["report", "prd/platform.md", "--env", "local", "-o", "json"])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let releases: Vec<(&str, &str)> = report["rollouts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rollout| {
            let started = rollout["story"][0]["words"].as_str().unwrap();
            (started.split(' ').next().unwrap(), rollout["phase"].as_str().unwrap())
        })
        .collect();
    let completed = |version| (version, "completed");
    let expected = [
        completed("v1"),
        completed("v2"),
        completed("v1"),
        completed("v2"),
        completed("v3"),
        ("v4", "rolled_back"),
        completed("v5"),
    ];
    assert_eq!(releases, expected, "{report}");
    let back = &report["rollouts"][5];
    assert!(back["why"].as_str().unwrap().starts_with("errors: "), "{back}");
    let weights = |rollout: &serde_json::Value| -> Vec<u64> {
        rollout["weights"].as_array().unwrap().iter().map(|point| point["weight"].as_u64().unwrap()).collect()
    };
    assert_eq!(weights(&report["rollouts"][4]), [0, 10, 25, 50, 75, 100], "{report}");
    assert_eq!(weights(back).last(), Some(&0), "{back}");
    for rollout in report["rollouts"].as_array().unwrap() {
        for version in rollout["versions"].as_array().unwrap() {
            let failures = version["failures"].as_u64().unwrap_or(0);
            assert!(failures == 0 || version["revision"] == "v4", "{rollout}");
        }
    }
}

#[test]
fn the_whole_demo_runs_once_and_leaves_no_process() {
    fs::create_dir_all(root().join("out")).unwrap();
    let folder = tempfile::Builder::new().prefix("demo-").tempdir_in(root().join("out")).unwrap();
    let work = folder.path().strip_prefix(root()).unwrap().join("work");
    let (work, state) = (work.to_str().unwrap(), folder.path().join("state"));
    let marker = folder.path().to_str().unwrap();

    let first = run_demo(work, &state, marker);
    assert_eq!(left_over(marker), Vec::<String>::new());
    let ended = &first.last().unwrap()["record"];
    assert_eq!((ended["kind"].as_str(), ended["exit_code"].as_i64()), (Some("run.ended"), Some(0)));
    let counts = |key: &str| ended["counts"][key].as_u64().unwrap_or(0);
    assert_eq!(counts("completed") + counts("skipped"), 39, "{ended}");
    assert!(counts("completed") >= 32, "{ended}");
    assert!(of_kind(&first, "attempt.") > 0, "attempts are told");
    for test in ["promotion", "way-back", "progressive", "load", "environments"] {
        let result = fs::read_to_string(folder.path().join(format!("work/results/{test}.json"))).unwrap();
        let result: serde_json::Value = serde_json::from_str(&result).unwrap();
        assert_eq!(result["test"], test);
    }
    releases_are_in_the_report(&state);

    let second = run_demo(work, &state, marker);
    assert_eq!(of_kind(&second, "attempt."), 0, "the second run finds everything done");
    assert_eq!(left_over(marker), Vec::<String>::new());
}
