//! A platform kept true from a Git server over smart HTTP, from its first commit to its last.

use super::super::cli::sandbox;
use super::origin::Origin;
use serde_json::{Value, json};
use taskmaster_testkit::{Sandbox, until};

pub(super) const PRD: &str = "# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";
pub(super) const TASKS: &str = "tasks:
  a/one: {check: {exec: [test, -e, one]}, run: {exec: [touch, one]}, undo: {exec: [rm, -f, one]}}
  a/two: {run: {shell: 'echo two >>two'}, undo: {exec: [rm, -f, two]}}
";

/// A sync's place, and the repository that it follows.
pub(crate) struct Shop {
    pub(crate) origin: Origin,
    pub(crate) here: Sandbox,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let origin = Origin::new();
        origin.commit(&[("prd.md", PRD), ("tasks/local.yaml", TASKS)], "a shop");
        Self { origin, here: sandbox() }
    }

    /// The arguments of a sync.
    pub(crate) fn line(&self, more: &str) -> String {
        format!("sync --repo {} --path prd.md {more}", self.origin.url())
    }

    /// One sync, which ends with `code`; how it stands then.
    #[track_caller]
    pub(super) fn sync(&self, more: &str, code: i32) -> Value {
        let done = self.here.run(&self.line(&format!("--once -o json {more}"))).code(code);
        let view = done.json();
        view["syncs"][0].clone()
    }

    /// A file in the sync's tree.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        self.here.read(&format!(".taskmaster/sync/origin/tree/{name}"))
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.here.path().join(".taskmaster/sync/origin/tree").join(name)).unwrap();
    }

    /// `sync status` as it is now.
    #[track_caller]
    pub(super) fn status(&self) -> Value {
        self.here.run("sync status -o json").code(0).json()["syncs"][0].clone()
    }

    /// The number of runs so far.
    pub(super) fn runs(&self) -> usize {
        self.here.run("history -o json").code(0).json()["runs"].as_array().unwrap().len()
    }

    /// `id: state` of every task in the report.
    pub(super) fn reported(&self) -> Vec<(String, String)> {
        let report = self.here.run("report -o json").code(0).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let tasks = report["tasks"].as_array().unwrap().clone();
        tasks.iter().map(|task| (text(&task["id"]), text(&task["state"]))).collect()
    }
}

pub(super) fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn a_value_that_is_wanted_no_more_is_taken_back_alone() {
    let shop = Shop::new();
    let catalogue = |values: &str| {
        let file = "'two-{{ matrix.for }}'";
        format!(
            "{}  a/two: {{matrix: {{for: [{values}]}}, run: {{exec: [touch, {file}]}}, undo: {{exec: [rm, -f, {file}]}}}}\n",
            TASKS.split("  a/two").next().unwrap()
        )
    };
    shop.origin.commit(&[("tasks/local.yaml", &catalogue("eu, us, ap"))], "three");
    shop.sync("", 0);
    let there = || ["eu", "us", "ap"].map(|name| shop.read(&format!("two-{name}")).is_some());
    assert_eq!(there(), [true; 3]);
    // The document is the same: which cells there were stands in the catalogue of the commit that made them.
    shop.origin.commit(&[("tasks/local.yaml", &catalogue("eu, ap"))], "no us");
    let left = shop.sync("", 0);
    assert_eq!(left["left"], json!([{ "id": "a/two/us", "title": "a/two/us", "can_be_undone": true }]));
    shop.origin.commit(&[("tasks/local.yaml", &catalogue("eu"))], "no ap");
    let pruned = shop.sync("--prune", 0);
    assert_eq!((there(), &pruned["left"]), ([true, false, false], &json!([])));
    assert_eq!(shop.sync("--prune", 0)["left"], json!([]));
}

#[test]
fn a_place_follows_its_repository() {
    let shop = Shop::new();

    // The first commit: all of it is done.
    let first = shop.sync("", 0);
    assert_eq!((&first["health"], &first["last_result"]["result"]), (&json!("healthy"), &json!("synced")));
    assert_eq!(first["commit"]["id"], json!(shop.origin.head()));
    assert_eq!(shop.read("two").as_deref(), Some("two\n"));
    assert_eq!(shop.reported(), pairs(&[("a/one", "completed"), ("a/two", "completed")]));

    // Nothing new: nothing runs, nothing is recorded but that somebody looked.
    let again = shop.sync("", 0);
    assert_eq!((shop.runs(), again["history"].as_array().unwrap().len()), (1, 1));
    assert_eq!(again["syncs"], json!({ "synced": 2 }));

    // A new task is executed, and only that.
    let three = format!("{PRD}- [ ] Three\n");
    let catalogue = format!("{TASKS}  a/three: {{run: {{exec: [touch, three]}}}}\n");
    shop.origin.commit(&[("prd.md", &three), ("tasks/local.yaml", &catalogue)], "a third task");
    shop.sync("", 0);
    assert_eq!((shop.read("three").as_deref(), shop.read("two").as_deref()), (Some(""), Some("two\n")));
    let run = shop.here.run("history -o json").code(0).json()["runs"][0].clone();
    assert_eq!(run["counts"], json!({ "completed": 1 }), "the run is of the new task alone");
    assert_eq!(run["options"]["commit"], json!(shop.origin.head()));

    // A line of the catalogue is edited: what it says runs again, the rest stays.
    let german = catalogue.replace("echo two", "echo zwei");
    shop.origin.commit(&[("tasks/local.yaml", &german)], "in German");
    shop.sync("", 0);
    assert_eq!(shop.read("two").as_deref(), Some("two\nzwei\n"));
    assert_eq!(shop.here.run("history -o json").json()["runs"][0]["counts"], json!({ "completed": 1 }));

    // A task is removed: shown, and undone only when that is asked for.
    let without = three.replace("- [ ] Two\n", "");
    let unbound: String =
        german.lines().filter(|line| !line.contains("a/two")).map(|l| format!("{l}\n")).collect();
    shop.origin.commit(&[("prd.md", &without), ("tasks/local.yaml", &unbound)], "no two");
    let left = shop.sync("", 0);
    assert_eq!(left["left"], json!([{ "id": "a/two", "title": "Two", "can_be_undone": true }]));
    assert!(shop.read("two").is_some());
    let text = shop.here.run("sync status").code(0).stdout;
    assert!(text.contains("left behind  a/two Two: gone from the document, --prune takes it back"), "{text}");
    let pruned = shop.sync("--prune", 0);
    assert_eq!((shop.read("two"), &pruned["left"]), (None, &json!([])));
    assert_eq!(pruned["commit"]["id"], json!(shop.origin.head()), "the tree came forward again");
    assert!(!shop.read("prd.md").unwrap().contains("Two"));

    // The world is broken by hand: found, and healed only when that is asked for.
    shop.remove("one");
    assert_eq!(shop.sync("", 0)["drifted"], json!(0), "nobody asked");
    let broken = shop.sync("--check", 31);
    assert_eq!((&broken["drifted"], &broken["health"]), (&json!(1), &json!("degraded")));
    assert_eq!(shop.read("one"), None);
    let report = shop.here.run("report").code(0).stdout;
    assert!(report.contains("2 done; 1 drifted since") && report.contains("Needs attention"), "{report}");
    let report = shop.here.run("report -o json").code(0).json();
    assert_eq!((&report["summary"]["success"], &report["summary"]["drifted"]), (&json!(false), &json!(1)));
    assert_eq!(report["sync"]["health"], json!("degraded"));
    let healed = shop.sync("--self-heal", 0);
    assert_eq!((&healed["drifted"], shop.read("one").as_deref()), (&json!(0), Some("")));
    let history = shop.here.run("drift --history -o json").code(0).json();
    assert_eq!(history["episodes"][0]["end"], json!("repaired"));

    // A commit is reverted: what it brought is undone, what it took is there again.
    shop.origin.commit(&[("prd.md", &three), ("tasks/local.yaml", &german)], "two again");
    shop.sync("--prune", 0);
    assert_eq!(shop.read("two").as_deref(), Some("zwei\n"));
    shop.origin.commit(&[("prd.md", &without), ("tasks/local.yaml", &unbound)], "Revert \"two again\"");
    shop.sync("--prune", 0);
    assert_eq!(shop.read("two"), None);

    // A document that cannot be: the last good one stays in force, and everybody is told.
    let good = shop.origin.head();
    let cycle = format!("{without}- [ ] Five (depends on: Six)\n- [ ] Six (depends on: Five)\n");
    let bad = shop.origin.commit(&[("prd.md", &cycle)], "a cycle");
    let refused = shop.sync("", 10);
    assert_eq!((&refused["commit"]["id"], &refused["refused"]["id"]), (&json!(good), &json!(bad)));
    assert_eq!(
        (&refused["health"], &refused["last_result"]["result"]),
        (&json!("degraded"), &json!("refused"))
    );
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("prd.md:") && reason.contains("a/five"), "{reason}");
    assert!(!shop.read("prd.md").unwrap().contains("Five"), "it was never checked out");
    assert_eq!(shop.reported(), pairs(&[("a/one", "completed"), ("a/three", "completed")]));

    // And what is mended comes into force again.
    shop.origin.commit(&[("prd.md", &without)], "no cycle");
    let mended = shop.sync("", 0);
    assert_eq!((&mended["refused"], &mended["health"]), (&Value::Null, &json!("healthy")));
    shop.here.run("audit").code(0);
}

#[test]
fn a_loop_follows_a_push_when_a_webhook_rings() {
    let shop = Shop::new();
    let here = &shop.here;
    here.write("secret", "knock knock");
    let mut looping =
        here.start(&shop.line("--interval 1h --listen 127.0.0.1:0 --webhook-secret file:secret"));
    until("the first sync ends", 20, || shop.read("two"));
    let next = until("the next sync is announced", 20, || shop.status()["next"].as_str().map(str::to_owned));
    assert!(next.starts_with("20"), "{next}");
    let catalogue = TASKS.replace("echo two", "echo zwei");
    shop.origin.commit(&[("tasks/local.yaml", &catalogue)], "in German");
    // Nobody rang: an hour would pass. Another terminal asks.
    here.run("sync now").code(0);
    until("the push is done", 20, || shop.read("two").filter(|text| text.contains("zwei")));
    assert!(looping.is_running());
    // It is paused: what is pushed waits.
    here.run("sync pause --message freeze").code(0);
    assert_eq!(shop.status()["health"], json!("paused"));
    // The loop has seen it: its next sync is never.
    until("it is paused", 20, || {
        shop.status()["next"].as_str().filter(|next| next.starts_with('9')).map(drop)
    });
    shop.origin.commit(&[("tasks/local.yaml", &catalogue.replace("zwei", "deux"))], "in French");
    let asked = here.run("sync now").code(0).stderr;
    assert!(asked.contains("it is paused"), "{asked}");
    let text = here.run("sync status").code(0).stdout;
    assert!(text.contains("‖ origin paused") && text.contains(": freeze"), "{text}");
    assert!(!shop.read("two").unwrap().contains("deux"));
    here.run("sync resume").code(0);
    until("what waited is done", 20, || shop.read("two").filter(|text| text.contains("deux")));
    // Ctrl-C ends it, and it says that nobody loops any more.
    let pid = rustix::process::Pid::from_raw(i32::try_from(looping.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let done = looping.wait().code(0);
    assert!(done.stderr.contains("listens on http://127.0.0.1:"), "{}", done.stderr);
    assert!(done.stderr.contains(": freeze; `taskmaster sync resume`"), "{}", done.stderr);
    assert_eq!((&shop.status()["process"], &shop.status()["next"]), (&Value::Null, &Value::Null));
}
