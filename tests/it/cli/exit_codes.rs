//! Every exit code by a real command, and docs/exit-codes.md, which is written from the code and from these examples.

use super::people::signal;
use super::{project, sandbox, state};
use crate::agent::service::serving_at;
use crate::shown::assert_fits;
use std::fmt::Write;
use std::process::Command;
use taskmaster::app::exit::Exit;
use taskmaster_testkit::{Running, Sandbox, until};

const TWO: &str = "# Shop\n\n## Phase 1: Release\n\n- [ ] Build\n- [ ] Ship\n";
const TASKS: &str = "\
tasks:
  release/build: {check: {file_exists: page}, run: {exec: [touch, page]}}
  release/ship: {run: {exec: [\"true\"]}}
";

/// A situation, and what a command says in it.
struct Example {
    exit: Exit,
    /// The situation, in words.
    given: &'static str,
    world: fn() -> World,
    typed: &'static str,
    /// What it prints, as [`crate::shown`] reads it.
    prints: &'static str,
}

/// A folder, and a run that is at work in it.
struct World {
    sandbox: Sandbox,
    run: Option<Running>,
}

impl World {
    /// Nothing of it goes on.
    fn end(self) {
        if let Some(run) = self.run {
            for name in ["INT", "TERM"] {
                signal(run.pid(), name);
            }
            run.wait();
        }
        if self.sandbox.path().join("web.yaml").exists() {
            self.sandbox.run("agent stop --force").code(0);
        }
    }
}

fn world(sandbox: Sandbox) -> World {
    World { sandbox, run: None }
}

/// Documents and catalogues that differ from [`TWO`] and [`TASKS`] by one text.
fn with(from: &str, to: &str) -> World {
    let (prd, tasks) = (TWO.replace(from, to), TASKS.replace(from, to));
    assert!(prd != TWO || tasks != TASKS, "{from} is not there");
    world(project(&prd, &tasks))
}

fn plain() -> World {
    world(project(TWO, TASKS))
}

fn ran() -> World {
    let world = plain();
    world.sandbox.run("run prd.md").code(0);
    world
}

/// A run at work on a task that goes on until it is stopped.
fn at_work() -> World {
    let mut world = with("[touch, page]", "[sh, -c, 'echo $$ > pid; exec sleep 60']");
    let run = world.sandbox.start("run prd.md");
    until("it is at work", 20, || world.sandbox.read("pid").filter(|pid| pid.ends_with('\n')));
    world.run = Some(run);
    world
}

/// Taskmaster and what it ran are gone at once.
fn killed() -> World {
    let mut world = with(
        "check: {file_exists: page}, run: {exec: [touch, page]}",
        "run: {exec: [sh, -c, 'echo $$ > pid; exec sleep 60']}",
    );
    let run = world.sandbox.start("run prd.md");
    let pid = until("it is at work", 20, || world.sandbox.read("pid").filter(|pid| pid.ends_with('\n')));
    run.kill();
    signal(pid.trim().parse().expect("a number"), "KILL");
    world.run = None;
    world
}

fn ledger(change: impl Fn(&std::path::Path)) -> World {
    let world = ran();
    change(&world.sandbox.path().join(".taskmaster/ledger.db"));
    world
}

fn recording() -> World {
    let sandbox = sandbox();
    for name in ["canary.yaml", "canary-faulty.json"] {
        let path = format!("{}/docs/rollouts/{name}", env!("CARGO_MANIFEST_DIR"));
        sandbox.write(name, std::fs::read(path).expect("an example"));
    }
    world(sandbox)
}

fn released() -> World {
    let sandbox = sandbox().var("TASKMASTER_AGENT_IDLE", "20");
    let service = serving_at("\"$0\"").replace('\'', "");
    sandbox.write(
        "web.yaml",
        format!(
            "name: web\nstrategy: {{canary: {{steps: [{{setWeight: 10}}, {{pause: {{duration: 1h}}}}]}}}}\n\
             service:\n  command: [sh, -c, '{service}', '{{port}}']\n  listen: 127.0.0.1:0\n"
        ),
    );
    sandbox.run("rollout start web.yaml v1 --wait").code(0);
    world(sandbox)
}

const EXAMPLES: [Example; 21] = [
    Example {
        exit: Exit::Ok,
        given: "Everything was done before.",
        world: ran,
        typed: "taskmaster run",
        prints: "Running 2 tasks in 1 phase (local)
✓ done      1.2    Ship
✓ true      1.1    Build  …  (already so)
succeeded: 1 completed, 1 satisfied in …",
    },
    Example {
        exit: Exit::Internal,
        given: "The disk on which the answer is to be written is full.",
        world: plain,
        typed: "taskmaster plan prd.md > /dev/full",
        prints: "error: cannot use standard output
  because No space left on device (os error 28)
help: free some room and repeat the command",
    },
    Example {
        exit: Exit::Usage,
        given: "A name with a slip in it.",
        world: plain,
        typed: "taskmaster plan prod.md",
        prints: "error: prod.md does not exist
help: did you mean prd.md?",
    },
    Example {
        exit: Exit::Parse,
        given: "The second task depends on one that does not exist.",
        world: || with("Ship", "Ship (depends on: Built)"),
        typed: "taskmaster parse prd.md",
        prints: "error[unknown-dependency]: no task or phase is called `Built`
 --> prd.md:6:25
  |
6 | - [ ] Ship (depends on: Built)
  |                         ^^^^^
  |
  = help: did you mean `Build`?

error: the document has errors",
    },
    Example {
        exit: Exit::Cycle,
        given: "The first task depends on the second, which depends on the first.",
        world: || {
            world(project(
                &TWO.replace("Build", "Build (depends on: Ship)")
                    .replace("Ship\n", "Ship (depends on: Build)\n"),
                TASKS,
            ))
        },
        typed: "taskmaster parse prd.md",
        prints: "error[dependency-cycle]: dependencies in a circle (lines 5, 6): release/build → release/ship → release/build
 --> prd.md:5:26
  |
5 | - [ ] Build (depends on: Ship)
  |                          ^^^^
  |                          |
  |                          line 5: `release/build` waits for `release/ship`
6 | - [ ] Ship (depends on: Build)
  |                         ----- line 6: `release/ship` waits for `release/build`
  |
  = help: delete one of these dependencies; until then none of them is in the plan

error: the document has errors",
    },
    Example {
        exit: Exit::Binding,
        given: "The catalogue uses a variable that nobody gives.",
        world: || with("[\"true\"]", "[ship, \"{{ vars.to }}\"]"),
        typed: "taskmaster plan prd.md",
        prints: "error[bind-undefined-variable]: there is no variable `to`
 --> tasks/local.yaml:3:41
  |
3 |   release/ship: {run: {exec: [ship, \"{{ vars.to }}\"]}}
  |                                         ^^^^^^^

error: the catalogue has errors",
    },
    Example {
        exit: Exit::Schema,
        given: "A key with a slip in it.",
        world: || with("run: {exec: [touch", "rum: {exec: [touch"),
        typed: "taskmaster plan prd.md",
        prints: "error[schema-unknown-key]: `rum` is not a key of a task's entry
 --> tasks/local.yaml:2:47
  |
2 |   release/build: {check: {file_exists: page}, rum: {exec: [touch, page]}}
  |                                               ^^^
  |
  = help: did you mean `run`?
…
error: the catalogue has errors",
    },
    Example {
        exit: Exit::TaskFailed,
        given: "A command that ends badly.",
        world: || with("[touch, page]", "[cp, draft, page]"),
        typed: "taskmaster run prd.md",
        prints: "Running 2 tasks in 1 phase (local)
▶ running   1.1    Build
  failed  1.1    Build: exit code 1
    | cp: cannot stat 'draft': No such file or directory
✗ failed    1.1    Build  …  (exit code 1)
! blocked   1.2    Ship  (by release/build)
failed: 1 blocked, 1 failed in …
  next: taskmaster logs release/build",
    },
    Example {
        exit: Exit::Waiting,
        given: "The second task asks for a yes.",
        world: || with("{exec: [\"true\"]}", "{approval: Ship it?}"),
        typed: "taskmaster run prd.md --no-wait",
        prints: "…
? approve   1.2    Ship  (Ship it?)
waits for a person: 1 completed, 1 waiting in …
  next: taskmaster run",
    },
    Example {
        exit: Exit::Interrupted,
        given: "A run at work, and Ctrl-C twice: the second one stops what runs.",
        world: at_work,
        typed: "taskmaster run prd.md",
        prints: "Running 2 tasks in 1 phase (local)
▶ running   1.1    Build
Stopping when 1 task at work ends. Once more stops it now.
Stopping 1 task at work. Once more kills.
interrupted: 2 pending in …",
    },
    Example {
        exit: Exit::Unknown,
        given: "The machine lost its power during the first task, which has no check.",
        world: killed,
        typed: "taskmaster run prd.md",
        prints: "Running 2 tasks in 1 phase (local)
‽ unknown   1.1    Build  (its end was lost, and it has no check)
! blocked   1.2    Ship  (by release/build)
an end is unknown: 1 blocked, 1 unknown in …
  next: taskmaster resolve release/build completed|pending",
    },
    Example {
        exit: Exit::Changes,
        given: "Nothing ran yet.",
        world: plain,
        typed: "taskmaster plan prd.md --detailed-exitcode",
        prints: "…
1. Release
  + 1.1 Build
      exec, check
  + 1.2 Ship
      exec, no check · after 1.1
…
Plan: 2 to run.",
    },
    Example {
        exit: Exit::Drift,
        given: "Everything was done, then somebody took the page away.",
        world: || {
            let world = ran();
            std::fs::remove_file(world.sandbox.path().join("page")).expect("a page");
            world
        },
        typed: "taskmaster drift",
        prints: "…
  ≠ 1.1 Build
      release/build · no longer so since …
      check $ test -e ./page
      behind it: 1.2

Of the one task that was asked: 1 drifted, 0 as they should be.
1 task without a check
→ taskmaster run",
    },
    Example {
        exit: Exit::Unreachable,
        given: "There is no repository at the address.",
        world: || world(sandbox()),
        typed: "taskmaster sync --repo /srv/git/no-such.git --path prd.md --once",
        prints: "✗ no-such degraded
  repository   /srv/git/no-such.git main
  last         … cannot be fetched: no such repository: fatal:
               '/srv/git/no-such.git' does not appear to be a git repository, …
…",
    },
    Example {
        exit: Exit::Busy,
        given: "A run is at work in another terminal.",
        world: at_work,
        typed: "taskmaster run prd.md",
        prints: "error: process … is at work here: … run prd.md
help: wait for it, follow it with `taskmaster tasks list`, or use another --state-dir",
    },
    Example {
        exit: Exit::NewerSchema,
        given: "The state directory was used by a version to come.",
        world: || {
            ledger(|file| {
                let db = rusqlite::Connection::open(file).expect("a database");
                db.pragma_update(None, "user_version", 99).expect("a version");
            })
        },
        typed: "taskmaster report",
        prints: "error: … has schema 99, this program knows …
help: use the taskmaster that wrote it, or a newer one",
    },
    Example {
        exit: Exit::Corrupt,
        given: "Something wrote over the ledger.",
        world: || ledger(|file| std::fs::write(file, "not a ledger any more\n").expect("it can be written")),
        typed: "taskmaster report",
        prints: "error: …/.taskmaster/ledger.db is damaged: it is not a SQLite database
help: nothing was changed; to begin with an empty ledger move …/ledger.db away: checks then decide what is done",
    },
    Example {
        exit: Exit::Locked,
        given: "Somebody locked the environment: `taskmaster env lock local --message \"the year is being closed\"`.",
        world: || {
            let world = plain();
            let lock = ["env", "lock", "local", "--message", "the year is being closed"];
            assert!(world.sandbox.command(lock).status().expect("it runs").success());
            world
        },
        typed: "taskmaster run prd.md",
        prints: "error: the environment local is locked by … since …: the year is being closed
help: `taskmaster env unlock local` unlocks it; ask who locked it first",
    },
    Example {
        exit: Exit::Unfit,
        given: "The catalogue says `requires: {terraform9: \"*\"}`, and there is no such program.",
        world: || with("tasks:", "requires: {terraform9: \"*\"}\ntasks:"),
        typed: "taskmaster doctor prd.md",
        prints: "…
  ✗ terraform9: problem: `terraform9` is in none of the … folders on PATH, wanted: *
    (tasks/local.yaml:1)
    → install terraform9, or put its folder on PATH
…",
    },
    Example {
        exit: Exit::RolledBack,
        given: "What a faulty version did in Prometheus, played to a rollout file.",
        world: recording,
        typed: "taskmaster rollout rehearse -f canary.yaml --from canary-faulty.json",
        prints: "web from 2025-11-21T16:00:00Z, after 105 s: rolled back: errors: canary 3.8 % errors of 212 requests
against 0.21 % of 1,904; e = 1.9e4 ≥ 2000
…",
    },
    Example {
        exit: Exit::UnderWay,
        given: "A rollout pauses for an hour, and somebody waits for a second.",
        world: released,
        typed: "taskmaster rollout start web.yaml v2 --wait --timeout 1s",
        prints: "…
▶ web v1 → v2
  canary analyzing, step 2 of 2
…",
    },
];

impl Example {
    /// Types it; the code, and what was printed.
    fn meet(&self) -> (i32, String) {
        let mut world = (self.world)();
        if self.exit == Exit::Interrupted
            && let Some(run) = world.run.take()
        {
            signal(run.pid(), "INT");
            until("it is noticed", 20, || {
                (state(&world.sandbox, "release/build") == "running").then_some(())
            });
            signal(run.pid(), "TERM");
            let ended = run.wait();
            return (ended.code, ended.stdout + &ended.stderr);
        }
        let (program, arguments) = self.typed.split_once(' ').expect("a command");
        assert_eq!(program, "taskmaster");
        let line = format!("{} {arguments} 2>&1", env!("CARGO_BIN_EXE_taskmaster"));
        // What goes to a full disk keeps its standard error.
        let line = if arguments.contains('>') {
            line.replace(" > ", " 3>&1 > ").replace("2>&1", "2>&3")
        } else {
            line
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(world.sandbox.path()).env_clear();
        let env = world.sandbox.command(["--version"]);
        shell.envs(env.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().expect("a shell");
        world.end();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Meets the examples with these codes.
#[track_caller]
fn meet(codes: std::ops::Range<u8>) {
    for example in EXAMPLES.iter().filter(|example| codes.contains(&(example.exit as u8))) {
        let (code, printed) = example.meet();
        assert_eq!(code, example.exit as i32, "{}\n{printed}", example.typed);
        eprintln!("=== {code}\n{printed}");
        assert_fits(example.typed, example.prints, &printed);
    }
}

#[test]
fn all_is_well_or_the_command_was_wrong() {
    meet(0..10);
}

#[test]
fn faults_of_documents_and_catalogues() {
    meet(10..20);
}

#[test]
fn ends_of_runs() {
    meet(20..30);
}

#[test]
fn differences() {
    meet(30..40);
}

#[test]
fn states_in_which_nothing_runs() {
    meet(40..50);
}

#[test]
fn ends_of_rollouts() {
    meet(50..60);
}

/// `UPDATE_REFERENCE=1 cargo test --test it exit_codes` writes it anew.
#[test]
fn the_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/exit-codes.md");
    let text = page();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &text).expect("it can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "docs/exit-codes.md is not current: run this test with UPDATE_REFERENCE=1");
}

fn page() -> String {
    let mut text = "\
# Exit codes

What a command ends with, for scripts and CI. The numbers are part of the contract: they do not change their meaning. A test meets each of
them by the command that is shown, and writes this page from the code.

The first digit is the kind: `1x` the document or the catalogue, `2x` a run, `3x` a difference, `4x` the state of this place, `5x` a
rollout. Where several hold, the one that hides most wins: 1, then `4x`, `1x`, 2, `2x`, `5x`, `3x`.

| Code | Name | When |
|---|---|---|
"
    .to_owned();
    for exit in Exit::ALL {
        let code = *exit as u8;
        let _ = writeln!(text, "| [{code}](#{code}) | {} | {} |", exit.name(), exit.when());
    }
    for exit in Exit::ALL {
        let example = EXAMPLES.iter().find(|example| example.exit == *exit).expect("an example for each");
        let code = *exit as u8;
        let _ = write!(
            text,
            "\n## {code}\n\n**{}.** {}\n\nWhat helps: {}\n\n",
            exit.name(),
            exit.when(),
            exit.help()
        );
        let _ = write!(text, "For example: {}\n\n", example.given);
        let _ = write!(text, "```console\n$ {}\n{}\n$ echo $?\n{code}\n```\n", example.typed, example.prints);
    }
    text
}
