//! `taskmaster rollout` on a Rollout and on a Canary, each in a namespace and a thread of its own: Flagger
//! looks every ten seconds only, and others have work to do meanwhile. What they tell is kept, and shown
//! when they are waited for.

use crate::run::{check, command, kubectl, output, taskmaster};
use crate::scenario::{given, then};
use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a person does with an object.
type Verbs = fn(&Person) -> Result<()>;

/// A scenario that goes on beside others.
pub(crate) struct Aside {
    name: &'static str,
    thread: JoinHandle<Result<()>>,
    told: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn begin(world: &mut World) -> Result<()> {
    given("a Rollout, a Canary with gates of Flagger's load tester, and a person for each");
    const BOTH: [(&str, &str, Verbs); 2] =
        [("Argo Rollouts", "verbs", rollout), ("Flagger", "verbs-canary", canary)];
    for (name, namespace, scenario) in BOTH {
        let folder = world.scratch.path().join(namespace);
        fs::create_dir_all(&folder)?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let person = Person { namespace, folder, image: world.image.clone(), told: told.clone() };
        let thread = std::thread::spawn(move || scenario(&person));
        world.verbs.push(Aside { name, thread, told });
    }
    Ok(())
}

pub(crate) fn ended(world: &mut World) -> Result<()> {
    given("the verbs that were begun beside the others");
    let all = std::mem::take(&mut world.verbs);
    ensure!(!all.is_empty(), "they were not begun");
    let mut faults = Vec::new();
    for aside in all {
        let ended = aside.thread.join();
        println!("    {}", aside.name);
        let told = aside.told.lock().map(|told| told.clone()).unwrap_or_default();
        told.iter().for_each(|line| println!("    {line}"));
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => faults.push(format!("{}: {fault:#}", aside.name)),
            Err(_) => faults.push(format!("{}: it panicked", aside.name)),
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    then("each of them holds");
    kubectl("delete namespace verbs verbs-canary --wait=false")?;
    Ok(())
}

/// Who gives verbs, in a namespace.
struct Person {
    namespace: &'static str,
    folder: PathBuf,
    image: String,
    told: Arc<Mutex<Vec<String>>>,
}

/// What a verb came to.
struct Ended {
    code: Option<i32>,
    view: Value,
    said: String,
}

impl Person {
    fn tell(&self, word: &str, text: &str) {
        if let Ok(mut told) = self.told.lock() {
            told.push(format!("  {word:5} {text}"));
        }
    }

    /// `taskmaster rollout <line>` in the namespace, however it ends.
    fn asks(&self, line: &str) -> Result<Ended> {
        let line = format!("rollout {line} -n {} -o json", self.namespace);
        let ended = output(&mut taskmaster(&self.folder, &line))?;
        let view = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        Ok(Ended { code: ended.status.code(), view, said: format!("{line}: {said}") })
    }

    /// The same with this exit code.
    fn gets(&self, line: &str, code: i32) -> Result<Value> {
        let ended = self.asks(line)?;
        ensure!(ended.code == Some(code), "{:?} instead of {code}: {}{}", ended.code, ended.said, ended.view);
        Ok(ended.view)
    }

    /// A refusal that says these words.
    fn is_refused(&self, line: &str, words: &[&str]) -> Result<()> {
        let ended = self.asks(line)?;
        ensure!(ended.code == Some(2), "{:?}: {}", ended.code, ended.said);
        ensure!(words.iter().all(|word| ended.said.contains(word)), "{}", ended.said);
        Ok(())
    }

    /// Looks at the object until it is so.
    fn until(&self, object: &str, seconds: u64, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let began = Instant::now();
        loop {
            let ended = self.asks(&format!("status {object}"))?;
            if is_so(&ended.view) {
                return Ok(ended.view);
            }
            if began.elapsed() > Duration::from_secs(seconds) {
                bail!("{object}: not within {seconds} s: {}{}", ended.said, ended.view);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn applies(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        kubectl(&format!("apply -f {}", path.display())).map(drop)
    }

    /// `spec.template` of a pod of the demo service.
    fn template(&self, version: &str) -> String {
        format!(
            "{{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: web, image: \"{}:{version}\", args: [--host=0.0.0.0], ports: [{{containerPort: 8080}}], readinessProbe: {{httpGet: {{path: /health/ready, port: 8080}}, periodSeconds: 1}}}}]}}}}",
            self.image
        )
    }
}

fn text<'v>(view: &'v Value, path: &str) -> &'v str {
    view.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// The version of this role in a view.
fn version<'v>(view: &'v Value, role: &str) -> Option<&'v Value> {
    view["versions"].as_array()?.iter().find(|version| version["role"] == role)
}

const ANALYSIS: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: ones, namespace: verbs}
spec:
  metrics:
    - name: ones
      count: 2
      interval: 1s
      successCondition: result[0] == 1
      provider: {prometheus: {address: "http://prometheus.monitoring.svc:9090", query: "vector(1)"}}
"#;

fn rollout(person: &Person) -> Result<()> {
    person.tell("given", "a Rollout with a pause, an analysis and another pause; v1 serves");
    kubectl("create namespace verbs")?;
    person.applies(
        "rollout.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: web, namespace: verbs}}\nspec:\n  replicas: 3\n  selector: {{matchLabels: {{app: web}}}}\n  strategy: {{canary: {{steps: [{{setWeight: 34}}, {{pause: {{}}}}, {{analysis: {{templates: [{{templateName: ones}}]}}}}, {{pause: {{}}}}]}}}}\n  template: {}\n---\n{ANALYSIS}",
            person.template("v1")
        ),
    )?;
    person.until("web", 60, |view| view["phase"] == "completed").context("v1 is healthy")?;
    let image = |version: &str| format!("--image web={}:{version}", person.image);
    let at_pause = |step: u64| {
        person.until("rollout/web", 60, |view| view["held"]["by"] == "step" && view["step"] == step)
    };

    person.tell("when", "v2 is asked for");
    person.gets(&format!("start web {}", image("v2")), 0)?;
    let view = at_pause(1)?;
    person.tell("then", "it waits for a person at the first pause, with one pod of three");
    ensure!(text(&view, "/kind") == "rollout" && text(&view, "/native") == "Paused", "{view}");
    let has_a_third = |view: &Value| version(view, "canary").is_some_and(|new| new["weight"] == 33);
    let view = person.until("rollout/web", 30, has_a_third)?;
    let new = version(&view, "canary").context("no canary")?;
    ensure!(new["pods"]["available"] == 1 && text(new, "/label").ends_with(":v2"), "{new}");
    ensure!(person.gets("pause rollout/web --wait --timeout 1s", 21)?["held"]["by"] == "person", "not held");

    person.tell("when", "somebody who has paused it there lets it go on");
    person.until("rollout/web", 20, |view| view["held"]["by"] == "person" && view["phase"] == "analyzing")?;
    person.gets("resume rollout/web", 0)?;
    let view = at_pause(3)?;
    person.tell("then", "the pause does not begin anew; the analysis passed, and is still told");
    let metric = &view["metrics"][0];
    ensure!(metric["name"] == "ones" && metric["verdict"] == "passed" && metric["sample"] == 2, "{metric}");
    ensure!(metric["recent"] == serde_json::json!([1.0, 1.0]), "{metric}");

    person.tell("when", "it is promoted");
    let view = person.gets("promote rollout/web --wait --timeout 90s", 0)?;
    person.tell("then", "v2 is the stable version");
    let stable = version(&view, "stable").context("no stable version")?;
    ensure!(text(stable, "/label").ends_with(":v2") && stable["weight"] == 100, "{stable}");
    person.gets("promote rollout/web", 0).context("twice")?;
    person.is_refused("abort rollout/web", &["nothing to abort", "`undo`"])?;

    person.tell("when", "v3 is asked for and given up");
    person.gets(&format!("start rollout/web {}", image("v3")), 0)?;
    at_pause(1)?;
    person.gets("abort rollout/web --wait --timeout 60s", 0)?;
    person.tell("then", "it is told as taken back, and says what helps");
    let view = person.gets("status rollout/web", 50)?;
    ensure!(view["phase"] == "rolled_back" && text(&view, "/why").contains("aborted"), "{view}");
    person.is_refused("promote rollout/web", &["the rollout is aborted", "`retry`"])?;
    person.is_refused(&format!("start rollout/web {}", image("v3")), &["`retry` starts it again"])?;

    person.tell("when", "it is tried again and promoted to the end");
    person.gets("retry rollout/web", 0)?;
    at_pause(1)?;
    person.gets("promote rollout/web --full --wait --timeout 90s", 0)?;
    way_back(person)
}

fn way_back(person: &Person) -> Result<()> {
    person.tell("then", "the history has three releases");
    let history = person.gets("history rollout/web", 0)?;
    let releases = history["releases"].as_array().context("no releases")?;
    let labels: Vec<&str> = releases.iter().map(|release| text(release, "/label")).collect();
    ensure!(
        labels.len() == 3 && labels.iter().zip(["v3", "v2", "v1"]).all(|(label, tag)| label.ends_with(tag)),
        "{history}"
    );
    ensure!(releases[0]["is_stable"] == true && releases[0]["number"] == 3, "{history}");

    person.tell("when", "somebody goes back to the first one");
    person.gets("undo rollout/web --to 1", 0)?;
    person.until("rollout/web", 60, |view| view["held"]["by"] == "step")?;
    person.gets("promote rollout/web --full --wait --timeout 90s", 0)?;
    person.tell("then", "it serves again, under a new number");
    let image = kubectl("-n verbs get rollout web -o jsonpath={.spec.template.spec.containers[0].image}")?;
    ensure!(image.ends_with(":v1"), "{image}");
    let history = person.gets("history web", 0)?;
    ensure!(history["releases"][0]["number"] == 4, "{history}");
    person.is_refused("undo rollout/web --to 99", &["there is no revision 99"])?;
    let list = person.gets("list", 0)?;
    ensure!(list["rollouts"].as_array().is_some_and(|all| all.len() == 1), "{list}");
    Ok(())
}

/// The load tester, and a canary that asks it.
const GATES: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: tester, namespace: verbs-canary}
spec:
  replicas: 1
  selector: {matchLabels: {app: tester}}
  template:
    metadata: {labels: {app: tester}}
    spec:
      containers:
        - name: tester
          image: ghcr.io/fluxcd/flagger-loadtester:0.31.0
          args: [-port=8080, -log-level=info]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: tester, namespace: verbs-canary}
spec:
  selector: {app: tester}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: web, namespace: verbs-canary}
spec:
  provider: kubernetes
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  progressDeadlineSeconds: 60
  service: {port: 80, targetPort: 8080}
  analysis:
    interval: 10s
    threshold: 2
    iterations: 1
    webhooks:
      - {name: begin, type: confirm-rollout, url: "http://tester.verbs-canary/gate/check"}
      - {name: promote, type: confirm-promotion, url: "http://tester.verbs-canary/gate/check"}
      - {name: back, type: rollback, url: "http://tester.verbs-canary/rollback/check"}
"#;

/// Whether a gate of the load tester says yes.
fn is_open(gate: &str) -> Result<bool> {
    let path = format!("/api/v1/namespaces/verbs-canary/services/tester:80/proxy/{gate}/check");
    let body = std::env::temp_dir().join(format!("taskmaster-e2e-gate-{}.json", std::process::id()));
    fs::write(&body, "{\"name\":\"web\",\"namespace\":\"verbs-canary\"}")?;
    let mut ask = command(&format!("kubectl create --raw={path} -f {}", body.display()));
    let answer = output(&mut ask)?;
    fs::remove_file(&body)?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success() || said.contains("Forbidden"), "{said}");
    Ok(answer.status.success())
}

fn canary(person: &Person) -> Result<()> {
    person.tell(
        "given",
        "a Canary that asks a person before it begins, before it promotes, and whether to go back",
    );
    kubectl("create namespace verbs-canary")?;
    person.applies(
        "web.yaml",
        &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: verbs-canary}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  template: {}\n",
            person.template("v1")
        ),
    )?;
    person.applies("gates.yaml", GATES)?;
    kubectl("-n verbs-canary rollout status deployment/tester --timeout=60s")?;
    let view = person.until("web", 120, |view| view["native"] == "Initialized")?;
    ensure!(view["kind"] == "canary" && view["phase"] == "completed", "{view}");
    let image = |version: &str| format!("--image web={}:{version}", person.image);
    let waits = |native: &str| {
        person.until("canary/web", 90, |view| view["held"]["by"] == "gate" && view["native"] == native)
    };

    person.tell("when", "v2 is asked for");
    let view = person.gets(&format!("start canary/web {}", image("v2")), 0)?;
    person.tell("then", "it is under way although Flagger has not looked yet, and then it waits for a yes");
    ensure!(view["phase"] == "initializing", "{view}");
    let view = waits("Waiting")?;
    ensure!(text(&view, "/held/words").contains("begin"), "{view}");
    ensure!(!is_open("gate")?, "the gate is open");

    person.tell("when", "a person says yes");
    let view = person.gets("promote canary/web", 0)?;
    person.tell("then", "it goes on, and the gate is closed again");
    ensure!(view["native"] != "Waiting", "{view}");
    ensure!(!is_open("gate")?, "the gate is open");
    let view = waits("WaitingPromotion")?;
    ensure!(text(&view, "/held/words").contains("promote"), "{view}");

    person.tell("when", "somebody pauses it");
    let view = person.gets("pause canary/web", 0)?;
    person.tell("then", "it stands still, and a yes means nothing until it goes on");
    ensure!(view["held"]["by"] == "person", "{view}");
    person.is_refused("promote canary/web", &["the canary is suspended", "`resume`"])?;
    person.gets("resume canary/web", 0)?;

    person.tell("when", "a person says yes to the promotion");
    person.gets("promote canary/web --wait --timeout 120s", 0)?;
    person.tell("then", "v2 is the primary");
    let primary = kubectl(
        "-n verbs-canary get deployment web-primary -o jsonpath={.spec.template.spec.containers[0].image}",
    )?;
    ensure!(primary.ends_with(":v2"), "the primary runs {primary}");
    given_up(person, &image("v3"))
}

fn given_up(person: &Person, image: &str) -> Result<()> {
    person.tell("when", "v3 is asked for, begins, and is given up");
    person.gets(&format!("start canary/web {image}"), 0)?;
    person.until("canary/web", 90, |view| view["native"] == "Waiting")?;
    person.is_refused("abort canary/web", &["has not been confirmed"])?;
    person.gets("promote canary/web", 0)?;
    let view = person.gets("abort canary/web", 0)?;
    person.tell("then", "it is taken back, and the gate that did it is closed again");
    ensure!(view["native"] == "Failed" && view["phase"] == "rolled_back", "{view}");
    person.gets("status canary/web", 50)?;
    ensure!(!is_open("rollback")?, "every later version would be taken back");
    person.tell("then", "what Flagger has not is refused with what does it");
    person.is_refused("undo canary/web", &["has no `undo`", "`start` an earlier image"])?;
    person.is_refused("retry canary/web", &["has no `retry`", "deployment/web"])?;
    let history = person.gets("history canary/web", 0)?;
    ensure!(history["releases"][0]["outcome"] == "rolled_back", "{history}");
    check(&mut taskmaster(&person.folder, "rollout list -n verbs-canary"))?;
    Ok(())
}
