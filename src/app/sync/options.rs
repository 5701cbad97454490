//! What a sync is told.

use super::write_back::WriteBackOptions;
use crate::app::error::AppError;
use crate::app::plan::Request;
use crate::config::{Project, Settings, Trust};
use crate::exec::secret::read_one;
use crate::git::history::Signers;
use crate::git::remote::{Access, Remote};
use std::path::{Path, PathBuf};
use std::time::Duration;
use taskmaster_core::action::SecretRef;
use taskmaster_core::id::EnvironmentName;
use taskmaster_core::sync::Pace;
use taskmaster_core::window::Window;

/// By what right a repository is fetched. A secret is a reference until it is needed, so that one that is renewed
/// elsewhere is taken as it is then.
#[derive(Clone, Debug, Default)]
pub enum Right {
    /// What git itself finds.
    #[default]
    None,
    /// A token of the server.
    Token {
        /// Its user, where the server wants one.
        username: Option<String>,
        /// Where it is found.
        token: SecretRef,
    },
    /// A key for ssh.
    SshKey {
        /// Its file.
        file: PathBuf,
        /// The hosts that are trusted.
        known_hosts: Option<PathBuf>,
    },
}

/// Longest time in which a secret is read.
const SECRET_TIMEOUT: Duration = Duration::from_secs(30);

impl SyncOptions {
    /// The repository, with secrets as they are now.
    pub fn remote(&self, root: &Path) -> Result<Remote, AppError> {
        let access = match self.right.clone() {
            Right::None => Access::None,
            Right::SshKey { file, known_hosts } => Access::SshKey { file, known_hosts },
            Right::Token { username, token } => {
                Access::Token { username, token: read_one(&token, root, SECRET_TIMEOUT)? }
            }
        };
        Ok(Remote::new(&self.url, access)?)
    }
}

/// What a sync is told.
pub struct SyncOptions {
    /// Its name: one of a state directory has it.
    pub name: String,
    /// Where is fetched from.
    pub url: String,
    /// By what right.
    pub right: Right,
    /// Longest time that one command of git may take which asks the server.
    pub git_timeout: Duration,
    /// Branch, tag or commit.
    pub git_ref: String,
    /// Folder of the project inside the repository.
    pub project: PathBuf,
    /// Document, environment, variables and what may be done.
    pub request: Request,
    /// Take back what was removed.
    pub prune: bool,
    /// Do again what drifted.
    pub self_heal: bool,
    /// Ask the checks of what was done.
    pub check: bool,
    /// Who must have signed a commit; nobody must where there are none.
    pub signers: Option<Signers>,
    /// When something may be changed.
    pub windows: Vec<Window>,
    /// How often the loop looks.
    pub pace: Pace,
    /// Attempts and checks at work at the same time.
    pub jobs: Option<usize>,
    /// After a failure, go on with what does not depend on it.
    pub keep_going: bool,
    /// End instead of waiting for a person.
    pub no_wait: bool,
    /// Write marks of the document back.
    pub write_back: Option<WriteBackOptions>,
}

/// Where a sync keeps what.
#[derive(Clone, Debug)]
pub struct SyncPlace {
    /// `STATE/sync/NAME`.
    pub dir: PathBuf,
}

impl SyncPlace {
    /// Of a sync by its name.
    pub fn new(state_dir: &Path, name: &str) -> Self {
        Self { dir: state_dir.join("sync").join(name) }
    }

    /// The bare mirror.
    pub fn mirror(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// The one checkout.
    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }
}

/// Longest name of a sync.
const LONGEST_NAME: usize = 64;

/// A name that is fit for a folder, a key and a label; else why not.
pub fn checked_name(name: &str) -> Result<String, AppError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let good = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(fits)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good {
        return Ok(name.to_owned());
    }
    let help = "lower case letters, digits, `-`, `_` and `.`, at most 64, a letter or digit first: --name";
    Err(AppError::usage(format!("`{name}` cannot be the name of a sync"), help))
}

/// The name of a sync that was given none: that of its repository.
pub fn name_of(url: &str) -> String {
    let end = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let end = end.strip_suffix(".git").unwrap_or(end).to_lowercase();
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = end.chars().map(fits).take(LONGEST_NAME).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { "sync".to_owned() } else { name.to_owned() }
}

/// The project that a tree of the repository holds. It keeps its state where the sync does.
pub fn project_in(
    tree: &Path,
    folder: &Path,
    jobs: Option<usize>,
    outer: &Project,
) -> Result<Project, AppError> {
    let flags = Settings {
        state_dir: Some(outer.state_dir.clone()),
        jobs,
        log_limit_bytes: outer.settings.log_limit_bytes,
        ..Settings::default()
    };
    // An empty folder would leave a slash at the end of paths that stand in actions.
    let root = if folder.as_os_str().is_empty() { tree.to_owned() } else { tree.join(folder) };
    let var = |name: &str| std::env::var(name).ok();
    Ok(Project::at(root.clone(), &root, flags, &var, Trust::Fetched)?)
}

/// The environment that is synced: named, else the one of the outer project.
pub fn environment_of(options: &SyncOptions, project: &Project) -> EnvironmentName {
    let named = options.request.environment.as_deref();
    let configured = project.settings.environment.as_deref();
    EnvironmentName::from(named.or(configured).unwrap_or(crate::config::DEFAULT_ENVIRONMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_named_after_its_repository() {
        for (url, name) in [
            ("https://git.example.com/team/Platform.git", "platform"),
            ("git@example.com:team/shop.git", "shop"),
            ("/srv/git/a b.git/", "a-b"),
            ("https://example.com/x/_.git", "sync"),
            ("ssh://host/~me/über", "ber"),
        ] {
            assert_eq!(name_of(url), name, "{url}");
            assert!(checked_name(&name_of(url)).is_ok(), "{url}");
        }
        for bad in ["", "a/b", "..", "A", "-a", &"a".repeat(65)] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }
}
