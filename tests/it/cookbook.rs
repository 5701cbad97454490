//! The recipes of `cookbook/`: each README is typed as it is printed, in a copy of its folder, and what it shows is
//! compared with what is printed; then each is run, run again and taken back without its README.
//!
//! Of a README count the blocks marked `console`: a line that begins with `$ ` is typed, what follows it is printed.
//! `…` is read as in [`crate::shown`]. A command ends with 0, unless `$ echo $?` comes next. `<!-- background -->` before
//! a block lets it go on while the next ones run, which wait until somebody is waited for; `<!-- join -->` waits for its end.

use crate::cli::{sandbox, states};
use crate::shown::assert_fits;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use taskmaster_testkit::{Sandbox, until};

/// Longest time in which a command prints nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a session prints after each command, before its exit code.
const MARK: &str = "--- ended with";

fn cookbook() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cookbook")
}

pub(crate) fn recipes() -> Vec<String> {
    let entries = fs::read_dir(cookbook()).expect("a cookbook").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A recipe in a folder of its own, and its README.
struct Recipe {
    sandbox: Sandbox,
    readme: String,
}

impl Recipe {
    fn new(name: &str) -> Self {
        Self::with(name, &[])
    }

    /// With more variables.
    fn with(name: &str, vars: &[(&str, &str)]) -> Self {
        let mut ports = Vec::new();
        // Whoever types has the program on the path.
        let program =
            Path::new(env!("CARGO_BIN_EXE_taskmaster")).parent().expect("a folder").display().to_string();
        let path = format!("{program}:{}", std::env::var("PATH").expect("a PATH"));
        let sandbox = sandbox()
            .var("PATH", path)
            .var("TASKMASTER_AGENT_IDLE", "20")
            .var("GIT_AUTHOR_NAME", "Ada")
            .var("GIT_AUTHOR_EMAIL", "ada@example.com")
            .var("GIT_COMMITTER_NAME", "Ada")
            .var("GIT_COMMITTER_EMAIL", "ada@example.com");
        let sandbox = vars.iter().fold(sandbox, |sandbox, (name, value)| sandbox.var(name, *value));
        copy(&cookbook().join(name), &sandbox.path(), &mut ports);
        let readme = sandbox.read("README.md").expect("a README");
        fs::remove_file(sandbox.path().join("README.md")).expect("it can be removed");
        Self { sandbox, readme }
    }

    /// Types the README.
    #[track_caller]
    fn follow(&self) {
        let mut here = Session::start(&self.sandbox);
        let mut beside: Option<(Session, Vec<Typed>)> = None;
        let mut count = 0;
        for step in steps(&self.readme) {
            match step {
                Step::Type(lines) => {
                    count += lines.len();
                    here.type_all(&lines);
                }
                Step::Start(lines) => {
                    count += lines.len();
                    let mut session = Session::start(&self.sandbox);
                    session.send(&lines[0].command);
                    beside = Some((session, lines));
                    let environments = ["local", "prod"];
                    let is_asked = |name: &str| {
                        let list = format!("tasks list --status waiting -o json --env {name}");
                        let listed = self.sandbox.run(&list);
                        listed.code == 0 && listed.json()["tasks"] != serde_json::json!([])
                    };
                    let waits = || environments.iter().any(|name| is_asked(name)).then_some(());
                    until("somebody is waited for", 60, waits);
                }
                Step::Join => {
                    let (mut session, lines) = beside.take().expect("something runs in the background");
                    session.expect(&lines[0], true);
                    session.type_all(&lines[1..]);
                }
            }
        }
        assert!(beside.is_none(), "what runs in the background is joined");
        assert!(count >= 3, "{count} commands");
    }

    /// A plan without a warning, a run that ends with `code`, a second one that does nothing.
    #[track_caller]
    fn runs(&self, arguments: &str, code: i32) {
        self.sandbox.run("parse --strict").code(0);
        let of_plan = arguments.replace("--no-wait", "");
        let plan = self.sandbox.run(&format!("plan --strict --commands {of_plan}")).code(0);
        assert_eq!(plan.stderr, "", "no warning");
        let first = self.sandbox.run(&format!("run -o json {arguments}")).code(code);
        assert!(first.stdout.contains("attempt.started"), "{}", first.stdout);
        let again = self.sandbox.run(&format!("run -o json {arguments}")).code(code);
        assert!(!again.stdout.contains("attempt.started"), "a second run does something: {}", again.stdout);
    }

    /// `destroy` leaves what was there before, and what is `kept`.
    #[track_caller]
    fn is_taken_back(&self, before: &BTreeSet<String>, arguments: &str, kept: &[&str]) {
        self.sandbox.run(&format!("destroy --yes {arguments}")).code(0);
        let mut left = files(&self.sandbox.path());
        left.retain(|name| !before.contains(name) && !kept.contains(&name.as_str()));
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    fn files(&self) -> BTreeSet<String> {
        files(&self.sandbox.path())
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        let _ = self.sandbox.run("agent stop --force");
    }
}

/// Files below a folder, without the ledger and Git's own.
fn files(folder: &Path) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.strip_prefix(folder).expect("below it").to_string_lossy().into_owned();
            if name == ".taskmaster" || name == ".git" {
                continue;
            }
            if entry.is_dir() {
                open.push(entry);
            } else {
                found.insert(name);
            }
        }
    }
    found
}

/// Copies a folder. Recipes run beside each other: each address of theirs becomes a free one.
fn copy(from: &Path, to: &Path, ports: &mut Vec<(String, String)>) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target, ports);
            continue;
        }
        fs::copy(&source, &target).expect("a copy");
        let text = fs::read_to_string(&target).expect("recipes are texts");
        let freed = with_free_ports(&text, ports);
        if freed != text {
            fs::write(&target, freed).expect("it can be written");
        }
    }
}

fn with_free_ports(text: &str, ports: &mut Vec<(String, String)>) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut pieces = text.split(HOST);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        let (port, rest) = piece.split_at(digits);
        let known = ports.iter().find(|(written, _)| written == port).map(|(_, free)| free.clone());
        let free = known.unwrap_or_else(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let free = listener.local_addr().expect("an address").port().to_string();
            ports.push((port.to_owned(), free.clone()));
            free
        });
        out.extend([HOST, &free, rest]);
    }
    out
}

/// A command, and what is shown of what it prints.
struct Typed {
    command: String,
    shown: String,
}

enum Step {
    Type(Vec<Typed>),
    Start(Vec<Typed>),
    Join,
}

fn steps(readme: &str) -> Vec<Step> {
    let (mut steps, mut block, mut is_background) = (Vec::new(), None::<String>, false);
    for event in Parser::new(readme) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &*info == "console" => {
                block = Some(String::new());
            }
            Event::Text(text) => block.iter_mut().for_each(|block| block.push_str(&text)),
            Event::End(TagEnd::CodeBlock) => {
                if let Some(typed) = block.take().map(|block| typed(&block)) {
                    let is_background = std::mem::take(&mut is_background);
                    steps.push(if is_background { Step::Start(typed) } else { Step::Type(typed) });
                }
            }
            Event::Html(html) => match html.trim() {
                "<!-- background -->" => is_background = true,
                "<!-- join -->" => steps.push(Step::Join),
                other => panic!("unknown comment {other}"),
            },
            _ => {}
        }
    }
    steps
}

fn typed(block: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push(Typed { command: command.to_owned(), shown: String::new() }),
            (None, Some(last)) => last.shown.extend([line, "\n"]),
            (None, None) => panic!("{line} is printed by nothing"),
        }
    }
    all
}

/// A terminal: one shell, whose folder and variables last.
struct Session {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Session {
    fn start(sandbox: &Sandbox) -> Self {
        let env = sandbox.command(["--version"]);
        let mut shell = Command::new("/bin/sh");
        shell.current_dir(sandbox.path()).env_clear();
        shell.envs(env.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut input = shell.stdin.take().expect("its input");
        writeln!(input, "exec 2>&1").expect("it reads");
        let output = BufReader::new(shell.stdout.take().expect("its output"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { shell, input, lines }
    }

    fn type_all(&mut self, all: &[Typed]) {
        for (place, typed) in all.iter().enumerate() {
            let is_asked = all.get(place + 1).is_some_and(|next| next.command == "echo $?");
            self.send(&typed.command);
            self.expect(typed, !is_asked);
        }
    }

    fn send(&mut self, command: &str) {
        // What a command would read is not the rest of the session; and `$?` is its own.
        let line =
            format!("{{ {command}\n}} < /dev/null\nended=$?; echo; echo '{MARK}' $ended; (exit $ended)");
        writeln!(self.input, "{line}").expect("it reads");
    }

    #[track_caller]
    fn expect(&mut self, typed: &Typed, must_end_well: bool) {
        let mut printed = Vec::new();
        let code = loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{}: no end\n{}", typed.command, printed.join("\n")));
            match line.strip_prefix(MARK) {
                Some(code) => break code.trim().to_owned(),
                None => printed.push(line),
            }
        };
        // The empty line before the mark is the session's, unless the last line had no end.
        if printed.last().is_some_and(String::is_empty) {
            printed.pop();
        }
        let printed = printed.join("\n");
        assert!(!must_end_well || code == "0", "`{}` ended with {code}\n{printed}", typed.command);
        assert_fits(&typed.command, &typed.shown, &printed);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[test]
fn every_recipe_is_in_the_index_and_has_what_a_recipe_has() {
    let index = fs::read_to_string(cookbook().join("README.md")).expect("an index");
    let names = recipes();
    assert_eq!(names.len(), 10, "{names:?}");
    for name in names {
        assert!(index.contains(&format!("({name}/README.md)")), "{name} is not in the index");
        let folder = cookbook().join(&name);
        let readme = fs::read_to_string(folder.join("README.md")).expect("a README");
        assert!(readme.lines().count() <= 100, "{name}: a README is short");
        for file in ["prd.md", "taskmaster.toml"] {
            assert!(folder.join(file).is_file(), "{name} has no {file}");
        }
    }
}

#[test]
fn build_test_package() {
    let recipe = Recipe::new("01-build-test-package");
    recipe.follow();
    let recipe = Recipe::new("01-build-test-package");
    let before = recipe.files();
    recipe.runs("", 0);
    let archive =
        |recipe: &Recipe| fs::read(recipe.sandbox.path().join("build/tally-1.0.tar.gz")).expect("an archive");
    let other = Recipe::new("01-build-test-package");
    other.runs("", 0);
    assert!(archive(&recipe) == archive(&other), "the same bytes everywhere");
    recipe.is_taken_back(&before, "", &[]);
}

#[test]
fn test_matrix() {
    Recipe::new("02-test-matrix").follow();
    let recipe = Recipe::new("02-test-matrix");
    let before = recipe.files();
    recipe.runs("--var speed=true", 0);
    assert_eq!(states(&recipe.sandbox)[4], ("more/test-on-a-mac".to_owned(), "skipped".to_owned()));
    recipe.is_taken_back(&before, "--var speed=true", &[]);
}

#[test]
fn flaky_download() {
    Recipe::new("03-flaky-download").follow();
    let recipe = Recipe::new("03-flaky-download");
    let before = recipe.files();
    let entries = recipe.sandbox.run("run -o json").code(0).json_lines();
    let delays: Vec<_> = entries.iter().filter_map(|entry| entry["record"]["delay_ms"].as_u64()).collect();
    assert_eq!(delays, [200, 400, 800], "{entries:?}");
    let again = recipe.sandbox.run("run -o json").code(0).stdout;
    assert!(!again.contains("attempt.started"), "{again}");
    recipe.is_taken_back(&before, "", &[]);
}

#[test]
fn secrets() {
    Recipe::new("04-secrets").follow();
    let recipe = Recipe::with("04-secrets", &[("REGISTRY_PASSWORD", "opensesame")]);
    recipe.sandbox.write("signing.key", "a-long-signing-key");
    let before = recipe.files();
    recipe.runs("", 0);
    recipe.is_taken_back(&before, "", &[]);
}

#[test]
fn database_migration() {
    Recipe::new("05-database-migration").follow();
    let recipe = Recipe::new("05-database-migration");
    let (before, data) = (recipe.files(), recipe.sandbox.read("data/customers"));
    recipe.runs("", 0);
    assert_ne!(recipe.sandbox.read("data/customers"), data);
    recipe.is_taken_back(&before, "", &["backups/before-2"]);
    assert_eq!(recipe.sandbox.read("data/customers"), data, "nobody is lost");
}

#[test]
fn environments() {
    Recipe::new("06-environments").follow();
    let recipe = Recipe::new("06-environments");
    let before = recipe.files();
    for environment in ["dev", "staging"] {
        recipe.runs(&format!("--env {environment}"), 0);
        recipe.is_taken_back(&before, &format!("--env {environment}"), &[]);
    }
    recipe.sandbox.run("run --env prod --no-wait").code(21);
    assert_eq!(recipe.sandbox.read("servers/prod/shop.conf"), None, "nobody said yes");
}

#[test]
fn service_under_test() {
    Recipe::new("07-service-under-test").follow();
    let recipe = Recipe::new("07-service-under-test");
    let before = recipe.files();
    recipe.runs("", 0);
    recipe.is_taken_back(&before, "", &[]);
    let services = recipe.sandbox.run("agent status -o json").code(0).json();
    assert_eq!(services["services"], serde_json::json!([]), "{services}");
}

#[test]
fn canary() {
    Recipe::new("08-canary").follow();
    let recipe = Recipe::new("08-canary");
    let before = recipe.files();
    recipe.runs("", 0);
    recipe.is_taken_back(&before, "", &[]);
}

#[test]
fn configuration_from_git() {
    Recipe::new("09-configuration-from-git").follow();
    let recipe = Recipe::with("09-configuration-from-git", &[("CONFIG_ROOT", "etc")]);
    let before = recipe.files();
    recipe.runs("", 0);
    recipe.sandbox.write("etc/motd", "mine\n");
    recipe.sandbox.run("drift").code(31);
    recipe.sandbox.run("run").code(0);
    recipe.sandbox.run("drift").code(0);
    recipe.is_taken_back(&before, "", &[]);
}

#[test]
fn release_checklist() {
    Recipe::new("10-release-checklist").follow();
    let recipe = Recipe::new("10-release-checklist");
    let before = recipe.files();
    let mut session = Session::start(&recipe.sandbox);
    let init = "git init --quiet . && git add . && git commit --quiet --message One".to_owned();
    session.type_all(&[Typed { command: init, shown: String::new() }]);
    recipe.runs("--no-wait", 21);
    assert_eq!(recipe.sandbox.read("CHANGELOG").as_deref(), Some("Version 1.1\n- One\n"));
    recipe.is_taken_back(&before, "", &[]);
}
