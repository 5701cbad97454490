//! Programs that tasks run: are they there, and in versions that will do?
//!
//! Only programs whose words are known, and those that a catalogue names under `requires`, are asked for their
//! version: whatever else is on PATH, nobody knows what it does with `--version`.

use crate::process::ask::{Question, ask};
use crate::process::launch::search_path;
use crate::report::view::{Area, FindingView, ToolView, WantedView};
use rustix::fs::Access;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use taskmaster_catalogue::Required;
use taskmaster_core::id::TaskId;
use taskmaster_core::version::Found;

/// Longest time that one program may take to tell its version.
const WITHIN: Duration = Duration::from_secs(5);
/// So much of its words is heard.
const MOST_BYTES: u64 = 64 << 10;
/// Programs that are asked at the same time.
const AT_ONCE: usize = 8;
/// Tasks that are worth naming.
const MOST_TASKS: usize = 3;

/// How programs tell their version; all others that are asked by `--version`.
const WORDS: [(&str, &[&str]); 9] = [
    ("terraform", &["version"]),
    ("tofu", &["version"]),
    ("kubectl", &["version", "--client"]),
    ("helm", &["version", "--short"]),
    ("argocd", &["version", "--client", "--short"]),
    ("git", &["--version"]),
    ("go", &["version"]),
    ("java", &["-version"]),
    ("openssl", &["version"]),
];

/// A question about a version installs nothing and asks no server for news.
const QUIET: [(&str, &str); 3] =
    [("CHECKPOINT_DISABLE", "1"), ("TFENV_AUTO_INSTALL", "false"), ("RUSTUP_AUTO_INSTALL", "0")];

/// What is wanted of a program.
#[derive(Clone, Debug, Default)]
pub(super) struct Need {
    /// Versions.
    pub(super) wanted: Vec<Required>,
    /// Tasks that run it.
    pub(super) tasks: Vec<TaskId>,
    /// Tasks that are left out because it is not there.
    pub(super) left_out: Vec<TaskId>,
}

/// Needs by the name of the program.
pub(super) type Needs = BTreeMap<String, Need>;

/// What was found of a program on PATH.
#[derive(Clone, Debug)]
enum Presence {
    /// Nothing, and why.
    Missing(String),
    /// A file.
    Here(PathBuf, Said),
}

/// What a program says of its version.
#[derive(Clone, Debug)]
enum Said {
    /// It was not asked.
    NotAsked,
    /// This.
    Version(Found),
    /// Nothing that could be read as one; how it went instead.
    Nothing(String),
}

/// Looks for programs and asks them. `root` is where they are asked: what chooses a version by the folder does so.
pub(super) fn look(needs: &Needs, root: &Path) -> Vec<FindingView> {
    let mut all = Vec::new();
    let needs: Vec<(&String, &Need)> = needs.iter().collect();
    for some in needs.chunks(AT_ONCE) {
        let found = std::thread::scope(|scope| {
            let asked = some.iter().map(|(name, need)| scope.spawn(|| presence(name, need, root)));
            let asked: Vec<_> = asked.collect();
            asked.into_iter().map(|one| one.join().ok()).collect::<Vec<_>>()
        });
        all.extend(
            some.iter().zip(found).filter_map(|((name, need), found)| Some(judge(name, need, &found?))),
        );
    }
    all
}

fn presence(name: &str, need: &Need, root: &Path) -> Presence {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let path = match search_path(name, &search, root) {
        Ok(path) => path,
        Err(fault) => return Presence::Missing(fault.to_string()),
    };
    let said = match words(name, need) {
        Some(arguments) => version(&path, &arguments, root),
        None => Said::NotAsked,
    };
    Presence::Here(path, said)
}

/// The arguments by which a program is asked; none where it is not.
fn words(name: &str, need: &Need) -> Option<Vec<String>> {
    let known = WORDS.iter().find(|(known, _)| *known == name).map(|(_, words)| *words);
    let wanted: Option<&[&str]> = (!need.wanted.is_empty()).then_some(&["--version"]);
    Some(known.or(wanted)?.iter().map(|word| (*word).to_owned()).collect())
}

fn version(program: &Path, arguments: &[String], root: &Path) -> Said {
    let question =
        Question { program, arguments, cwd: root, env: &QUIET, both: true, within: WITHIN, most: MOST_BYTES };
    match ask(&question) {
        Ok(Some(answer)) => match Found::in_words(&answer.text) {
            Some(found) => Said::Version(found),
            None => Said::Nothing(format!("`{}` names no version", arguments.join(" "))),
        },
        Ok(None) => Said::Nothing(format!("no answer within {} s", WITHIN.as_secs())),
        Err(fault) => Said::Nothing(format!("it cannot be started: {fault}")),
    }
}

fn judge(name: &str, need: &Need, found: &Presence) -> FindingView {
    let (path, said) = match found {
        Presence::Missing(why) => return missing(name, need, why),
        Presence::Here(path, said) => (path, said),
    };
    let shown = path.display().to_string();
    let mut tool = need.view();
    tool.path = Some(shown.clone());
    let finding = match said {
        Said::Version(found) => {
            tool.version = Some(found.to_string());
            match need.wanted.iter().find(|wanted| !wanted.version.accepts(found)) {
                Some(wanted) => {
                    let words =
                        format!("{found} ({shown}), but {} is wanted by {}", wanted.version, wanted.place);
                    let help = format!("install a {name} that is {}", wanted.version);
                    FindingView::problem(Area::Tools, name, words, help)
                }
                None => FindingView::ok(Area::Tools, name, format!("{found} ({shown}){}", need.wishes())),
            }
        }
        Said::Nothing(why) if need.wants_a_version() => {
            let words = format!("{why} ({shown}){}", need.wishes());
            FindingView::warning(Area::Tools, name, words, "look whether it is the program that is meant")
        }
        Said::Nothing(_) | Said::NotAsked => FindingView::ok(Area::Tools, name, shown),
    };
    FindingView { tool: Some(tool), ..finding }
}

fn missing(name: &str, need: &Need, why: &str) -> FindingView {
    let tool = Some(need.view());
    let install = format!("install {name}, or put its folder on PATH");
    let finding = if need.tasks.is_empty() && need.wanted.is_empty() {
        let found = format!("{why}: {} left out by `when`", list(&need.left_out));
        FindingView::warning(Area::Tools, name, found, format!("{install}, if they are meant to run here"))
    } else {
        let tasks = match need.tasks.as_slice() {
            [] => String::new(),
            tasks => format!("; needed by {}", list(tasks)),
        };
        FindingView::problem(Area::Tools, name, format!("{why}{}{tasks}", need.wishes()), install)
    };
    FindingView { tool, ..finding }
}

impl Need {
    fn view(&self) -> ToolView {
        let wanted = |r: &Required| WantedView { versions: r.version.to_string(), place: r.place.clone() };
        ToolView {
            wanted: self.wanted.iter().map(wanted).collect(),
            version: None,
            path: None,
            tasks: self.tasks.clone(),
        }
    }

    fn wants_a_version(&self) -> bool {
        self.wanted.iter().any(|wanted| wanted.version.to_string() != "*")
    }

    /// `, wanted: >=1.6 (tasks/local.yaml:3)`
    fn wishes(&self) -> String {
        let one = |wanted: &Required| format!("{} ({})", wanted.version, wanted.place);
        let all: Vec<String> = self.wanted.iter().map(one).collect();
        if all.is_empty() { String::new() } else { format!(", wanted: {}", all.join(" and ")) }
    }
}

fn list(tasks: &[TaskId]) -> String {
    let mut shown: Vec<String> = tasks.iter().take(MOST_TASKS).map(ToString::to_string).collect();
    if tasks.len() > MOST_TASKS {
        shown.push(format!("{} more", tasks.len() - MOST_TASKS));
    }
    shown.join(", ")
}

/// A program that is given by its path, which an earlier task may still make; none where it is there.
pub(super) fn of_path(written: &str, path: &Path, tasks: &[TaskId]) -> Option<FindingView> {
    let tasks = list(tasks);
    if !path.exists() {
        let found = format!("not there yet; run by {tasks}");
        let help = "nothing to do where a task before it makes it";
        return Some(FindingView::warning(Area::Tools, written, found, help));
    }
    let runs = path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok();
    (!runs).then(|| {
        let found = format!("not executable; run by {tasks}");
        let help = format!("chmod +x {}", shell_words::quote(&path.to_string_lossy()));
        FindingView::problem(Area::Tools, written, found, help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::Health;
    use taskmaster_core::version::Wanted;

    fn need(ranges: &[&str], tasks: &[&str], left_out: &[&str]) -> Need {
        let ids = |names: &[&str]| names.iter().map(|name| TaskId::new(*name)).collect();
        let wanted = |range: &&str| Required {
            tool: "x".to_owned(),
            version: Wanted::parse(range).unwrap(),
            place: "tasks/a.yaml:2".to_owned(),
        };
        Need { wanted: ranges.iter().map(wanted).collect(), tasks: ids(tasks), left_out: ids(left_out) }
    }

    fn told(need: &Need, found: &Presence) -> (Health, String) {
        let finding = judge("x", need, found);
        (finding.health, finding.found)
    }

    fn here(said: Said) -> Presence {
        Presence::Here("/bin/x".into(), said)
    }

    fn version(text: &str) -> Presence {
        here(Said::Version(Found::in_words(text).unwrap()))
    }

    #[test]
    fn a_program_is_judged_by_presence_and_version() {
        let missing = || Presence::Missing("`x` is in none of the 2 folders on PATH".to_owned());
        let silent = || here(Said::Nothing("`--version` names no version".to_owned()));
        use Health::{Ok, Problem, Warning};
        let cases = [
            (need(&[], &["a"], &[]), here(Said::NotAsked), Ok, "/bin/x"),
            (need(&[], &["a"], &[]), version("1.2"), Ok, "1.2.0 (/bin/x)"),
            (need(&[">=1"], &["a"], &[]), version("1.2"), Ok, "1.2.0 (/bin/x), wanted: >=1 (tasks/a.yaml:2)"),
            (
                need(&[">=1", "<1.2"], &["a"], &[]),
                version("1.2"),
                Problem,
                "1.2.0 (/bin/x), but <1.2 is wanted by tasks/a.yaml:2",
            ),
            (
                need(&[">=1"], &[], &[]),
                silent(),
                Warning,
                "`--version` names no version (/bin/x), wanted: >=1 (tasks/a.yaml:2)",
            ),
            (need(&["*"], &[], &[]), silent(), Ok, "/bin/x"),
            (
                need(&[], &["a", "b", "c", "d"], &[]),
                missing(),
                Problem,
                "`x` is in none of the 2 folders on PATH; needed by a, b, c, 1 more",
            ),
            (
                need(&["*"], &[], &[]),
                missing(),
                Problem,
                "`x` is in none of the 2 folders on PATH, wanted: * (tasks/a.yaml:2)",
            ),
            (
                need(&[], &[], &["a"]),
                missing(),
                Warning,
                "`x` is in none of the 2 folders on PATH: a left out by `when`",
            ),
        ];
        for (need, found, health, words) in cases {
            assert_eq!(told(&need, &found), (health, words.to_owned()));
        }
    }

    #[test]
    fn only_known_programs_and_those_that_are_named_are_asked() {
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("kubectl", &Need::default()), some(&["version", "--client"]));
        assert_eq!(words("kubectl", &need(&["*"], &[], &[])), some(&["version", "--client"]));
        assert_eq!(words("deploy", &need(&["*"], &[], &[])), some(&["--version"]));
        assert_eq!(words("deploy", &need(&[], &["a"], &["b"])), None);
    }
}
