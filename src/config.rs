//! Where the project is and how it is set: flag > `TASKMASTER_*` > `taskmaster.toml` > the user's
//! file > default. Flags are applied by the caller; this module reads the rest.

pub mod notice;
pub mod telemetry;

use crate::read::{self, ReadError};
use notice::Notice;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use telemetry::Telemetry;

/// Name of the project's file.
pub const PROJECT_FILE: &str = "taskmaster.toml";
/// Folder of catalogues where none is named.
pub const CATALOGUE: &str = "tasks";
/// Name of the state directory, beside the project's file.
pub const STATE_DIR: &str = ".taskmaster";
/// Environment where nothing else is said.
pub const DEFAULT_ENVIRONMENT: &str = "local";
/// Longest file of settings, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Which server of continuous integration is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ci {
    /// The one that says of itself that it is there.
    #[default]
    Auto,
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// None.
    Off,
}

impl std::str::FromStr for Ci {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "auto" => Ok(Self::Auto),
            "github" => Ok(Self::Github),
            "gitlab" => Ok(Self::Gitlab),
            "off" => Ok(Self::Off),
            _ => Err(()),
        }
    }
}

/// Variables that hold settings.
pub const VARIABLES: [&str; 7] = [
    "TASKMASTER_DOCUMENT",
    "TASKMASTER_ENV",
    "TASKMASTER_STATE_DIR",
    "TASKMASTER_CATALOGUE",
    "TASKMASTER_JOBS",
    "TASKMASTER_LOG_LIMIT_BYTES",
    "TASKMASTER_CI",
];

/// One layer of settings, as a file or the environment gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The PRD that commands take when none is named.
    pub document: Option<String>,
    /// The environment that commands take when none is named.
    pub environment: Option<String>,
    /// The state directory.
    pub state_dir: Option<PathBuf>,
    /// Folder of catalogues; default `tasks`.
    pub catalogue: Option<PathBuf>,
    /// Attempts and checks at work at the same time; default the number of processors.
    pub jobs: Option<usize>,
    /// Most bytes of one attempt's log.
    pub log_limit_bytes: Option<u64>,
    /// Which server of continuous integration is spoken to; default the one that is there.
    pub ci: Option<Ci>,
    /// Who is told at the end of a run.
    #[serde(default)]
    pub notify: Vec<Notice>,
    /// Contexts that look like production and may be acted on, by name or pattern.
    #[serde(default)]
    pub allow_contexts: Vec<String>,
    /// Further patterns of contexts that are production.
    #[serde(default)]
    pub production_contexts: Vec<String>,
    /// Variables for catalogues.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The file is not what it should be. The message of the reader shows line and caret.
    #[error("{} is not valid\n{}", path.display(), why.to_string().trim_end())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// Why.
        why: Box<toml::de::Error>,
    },
    /// A variable of the environment holds something else than it should.
    #[error("{name}={value} is not a {wanted}")]
    Variable {
        /// Which.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        wanted: &'static str,
    },
}

/// Whose word the project's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// That of the person who works in it.
    Own,
    /// That of whoever wrote to a repository: it names no state directory, allows no context and tells nobody.
    Fetched,
}

/// A project: its root, its state directory and its settings.
#[derive(Clone, Debug)]
pub struct Project {
    /// Folder of `taskmaster.toml`, else the Git root, else the working directory.
    pub root: PathBuf,
    /// Where the ledger and the logs are.
    pub state_dir: PathBuf,
    /// The settings of all layers.
    pub settings: Settings,
    /// Whether and where runs are traced.
    pub telemetry: Telemetry,
}

impl Settings {
    /// This layer, filled up from the one `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let mut vars = below.vars;
        vars.extend(self.vars);
        Self {
            document: self.document.or(below.document),
            environment: self.environment.or(below.environment),
            state_dir: self.state_dir.or(below.state_dir),
            catalogue: self.catalogue.or(below.catalogue),
            jobs: self.jobs.or(below.jobs),
            log_limit_bytes: self.log_limit_bytes.or(below.log_limit_bytes),
            ci: self.ci.or(below.ci),
            notify: [self.notify, below.notify].concat(),
            allow_contexts: [self.allow_contexts, below.allow_contexts].concat(),
            production_contexts: [self.production_contexts, below.production_contexts].concat(),
            vars,
        }
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = match read::whole(path, MAX_BYTES).and_then(read::text) {
            Ok(text) => text,
            Err(ReadError::System(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
        };
        toml::from_str(&text)
            .map_err(|why| ConfigError::Invalid { path: path.to_owned(), why: Box::new(why) })
    }

    /// The layer of `TASKMASTER_*`; `var` looks a variable up.
    pub fn from_environment(var: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            document: var("TASKMASTER_DOCUMENT"),
            environment: var("TASKMASTER_ENV"),
            state_dir: var("TASKMASTER_STATE_DIR").map(PathBuf::from),
            catalogue: var("TASKMASTER_CATALOGUE").map(PathBuf::from),
            jobs: parsed(var, "TASKMASTER_JOBS", "number")?,
            log_limit_bytes: parsed(var, "TASKMASTER_LOG_LIMIT_BYTES", "number")?,
            ci: parsed(var, "TASKMASTER_CI", "server (auto, github, gitlab or off)")?,
            ..Self::default()
        })
    }
}

fn parsed<T: std::str::FromStr>(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    wanted: &'static str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = var(name) else { return Ok(None) };
    match value.parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) => Err(ConfigError::Variable { name, value, wanted }),
    }
}

impl Project {
    /// Finds the project around `working_dir` and reads its layers under `flags`.
    pub fn find(
        working_dir: &Path,
        flags: Settings,
        var: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::at(find_root(working_dir), working_dir, flags, var, Trust::Own)
    }

    /// The project around `working_dir` with the flags alone: for who looks at settings that cannot be read.
    pub fn bare(working_dir: &Path, flags: Settings) -> Self {
        let root = find_root(working_dir);
        let state_dir =
            flags.state_dir.clone().map_or_else(|| root.join(STATE_DIR), |dir| working_dir.join(dir));
        Self { root, state_dir, settings: flags, telemetry: Telemetry::default() }
    }

    /// The project whose root is known, as [`Project::find`] reads it; paths of flags are relative to `working_dir`.
    pub fn at(
        root: PathBuf,
        working_dir: &Path,
        flags: Settings,
        var: &dyn Fn(&str) -> Option<String>,
        trust: Trust,
    ) -> Result<Self, ConfigError> {
        let user = user_file(var).as_deref().map_or_else(|| Ok(Settings::default()), Settings::from_file)?;
        let mut project = Settings::from_file(&root.join(PROJECT_FILE))?;
        project.state_dir = project.state_dir.map(|dir| root.join(dir));
        if trust == Trust::Fetched {
            project.state_dir = None;
            project.allow_contexts.clear();
            project.notify.clear();
        }
        let settings = flags.over(Settings::from_environment(var)?).over(project).over(user);
        let state_dir =
            settings.state_dir.clone().map_or_else(|| root.join(STATE_DIR), |dir| working_dir.join(dir));
        Ok(Self { root, state_dir, settings, telemetry: Telemetry::from_environment(var) })
    }

    /// Folder of catalogues.
    pub fn catalogue_dir(&self) -> PathBuf {
        self.root.join(self.settings.catalogue.as_deref().unwrap_or(Path::new(CATALOGUE)))
    }

    /// Attempts and checks at work at the same time.
    pub fn jobs(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.settings.jobs.unwrap_or_else(processors).max(1)
    }
}

/// The user's own file of settings.
pub fn user_file(var: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let home = || var("HOME").map(|home| Path::new(&home).join(".config"));
    Some(var("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?.join("taskmaster/config.toml"))
}

fn find_root(working_dir: &Path) -> PathBuf {
    let has = |name: &str| working_dir.ancestors().find(|dir| dir.join(name).exists());
    has(PROJECT_FILE).or_else(|| has(".git")).unwrap_or(working_dir).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(
        files: &[(&str, &str)],
        vars: &[(&str, &str)],
        flags: Settings,
    ) -> (tempfile::TempDir, Project) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let home = dir.path().join("home").to_string_lossy().into_owned();
        let var = |name: &str| {
            let given = vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            given.or_else(|| (name == "HOME").then(|| home.clone()))
        };
        let working = dir.path().join("project/deep/er");
        std::fs::create_dir_all(&working).unwrap();
        let project = Project::find(&working, flags, &var).unwrap();
        (dir, project)
    }

    #[test]
    fn layers_are_in_order() {
        let files = [
            (
                "project/taskmaster.toml",
                "document = \"a.md\"\njobs = 3\nenvironment = \"dev\"\nallow_contexts = [\"prod-a\"]\n",
            ),
            (
                "home/.config/taskmaster/config.toml",
                "document = \"z.md\"\nlog_limit_bytes = 9\nallow_contexts = [\"prod-b\"]\n",
            ),
        ];
        let flags = Settings { environment: Some("prod".into()), ..Settings::default() };
        let (dir, project) = project(&files, &[("TASKMASTER_JOBS", "5"), ("TASKMASTER_ENV", "kind")], flags);
        assert_eq!(project.root, dir.path().join("project"));
        assert_eq!(project.state_dir, dir.path().join("project/.taskmaster"));
        assert_eq!(project.settings.environment.as_deref(), Some("prod"), "flag over variable");
        assert_eq!(project.jobs(), 5, "variable over project");
        assert_eq!(project.settings.document.as_deref(), Some("a.md"), "project over user");
        assert_eq!(project.settings.log_limit_bytes, Some(9), "user over default");
        assert_eq!(project.settings.allow_contexts, ["prod-a", "prod-b"], "lists are joined");
    }

    /// Its own file names programs and addresses; the person's file is nobody else's word.
    #[test]
    fn what_was_fetched_tells_nobody() {
        let notice = |name: &str| format!("[[notify]]\nname = \"{name}\"\ncommand = [\"true\"]\n");
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("taskmaster")).unwrap();
        std::fs::write(dir.path().join("taskmaster/config.toml"), notice("own")).unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), notice("project")).unwrap();
        let var = |name: &str| (name == "XDG_CONFIG_HOME").then(|| dir.path().to_string_lossy().into_owned());
        for (trust, expected) in [(Trust::Own, &["project", "own"][..]), (Trust::Fetched, &["own"])] {
            let root = dir.path().to_owned();
            let project = Project::at(root, dir.path(), Settings::default(), &var, trust).unwrap();
            let names: Vec<_> = project.settings.notify.iter().map(|notice| notice.name.as_str()).collect();
            assert_eq!(names, expected, "{trust:?}");
        }
    }

    #[test]
    fn a_git_root_serves_without_a_project_file() {
        let (dir, project) = project(&[("project/.git/HEAD", "")], &[], Settings::default());
        assert_eq!(project.root, dir.path().join("project"));
    }

    #[test]
    fn faults_name_their_place() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT_FILE), "job = 3\n").unwrap();
        let fault = Project::find(dir.path(), Settings::default(), &|_| None).unwrap_err().to_string();
        assert!(fault.contains("taskmaster.toml") && fault.contains("job = 3"), "{fault}");
        let var = |name: &str| (name == "TASKMASTER_JOBS").then(|| "many".to_owned());
        let fault = Settings::from_environment(&var).unwrap_err().to_string();
        assert_eq!(fault, "TASKMASTER_JOBS=many is not a number");
    }
}
