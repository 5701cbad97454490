//! The files of a side: the working tree as it lies there, or those of a commit.

use super::export::{Export, literal, slashed};
use super::target::Ends;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::config::{ConfigError, PROJECT_FILE, Project, Settings, Trust};
use crate::git::follow::{normal, stays_inside};
use crate::git::repository::Repository;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Where the project lies in its repository, and what is asked about.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    repository: Repository,
    /// The project's root, below that of the repository; empty where they are the same.
    project: PathBuf,
    /// The document as named, below the project's root.
    pub(super) document: Option<PathBuf>,
}

/// The files of one side.
#[derive(Debug)]
pub(super) enum Tree {
    /// As they lie there.
    Working(Repository, Box<Workspace>),
    /// As a commit has them.
    Commit(Box<Export>),
}

impl Layout {
    /// Looks for the repository around the project.
    pub(super) fn of(workspace: &Workspace, document: Option<&Path>) -> Result<Self, AppError> {
        let real = |path: &Path| {
            std::fs::canonicalize(path).map_err(|source| AppError::Io { path: path.to_owned(), source })
        };
        let root = real(&workspace.project.root)?;
        let repository = Repository::around(&root)?;
        let outside = || {
            let message = format!("the project {} is not inside of the repository", root.display());
            AppError::usage(message, "compare from where taskmaster.toml and document are in the repository")
        };
        let project = root.strip_prefix(repository.root()).map_err(|_| outside())?.to_owned();
        let document = document.map(|named| -> Result<PathBuf, AppError> {
            let full = normal(&real(&workspace.working_dir)?.join(named));
            let inside = full.strip_prefix(&root).map(Path::to_owned);
            let linked = || real(&full).ok()?.strip_prefix(&root).map(Path::to_owned).ok();
            inside.ok().or_else(linked).ok_or_else(|| {
                let message = format!("{} is not inside of the project", named.display());
                AppError::usage(message, "a commit holds the files of its repository only")
            })
        });
        Ok(Self { repository, project, document: document.transpose()? })
    }

    /// The repository.
    pub(super) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Both sides.
    pub(super) fn trees(&self, workspace: &Workspace, ends: &Ends) -> Result<(Tree, Tree), AppError> {
        let commit = |id| Export::new(&self.repository, id).map(|export| Tree::Commit(Box::new(export)));
        let head = match &ends.head {
            Some(head) => commit(head)?,
            None => Tree::Working(self.repository.clone(), Box::new(workspace.clone())),
        };
        Ok((commit(&ends.base)?, head))
    }

    /// A path of the project as a pathspec; none where it lies outside of the repository.
    fn pathspec(&self, tree: &Tree, path: &Path) -> Option<String> {
        let full = normal(&tree.project(self).join(path));
        // A path that is set as an absolute one names the user's own tree on both sides.
        let below = full.strip_prefix(tree.root()).or_else(|_| full.strip_prefix(self.repository.root()));
        below.ok().map(slashed)
    }

    /// The pathspec of a glob, read by Git as the globs of a catalogue are read: `*` stays in its folder.
    /// None where it leads out of the repository, about which commits say nothing.
    pub(super) fn glob(&self, pattern: &str) -> Option<String> {
        let project: String = slashed(&self.project).chars().flat_map(escaped).collect();
        let mut below = PathBuf::from(project);
        for part in Path::new(pattern.trim_start_matches('/')).components() {
            match part {
                Component::ParentDir if !below.pop() => return None,
                Component::Normal(name) => below.push(name),
                _ => {}
            }
        }
        let below = slashed(&below);
        (!below.is_empty()).then(|| format!(":(glob){below}"))
    }

    /// A file of the project, by its path below the root of the repository.
    pub(super) fn below_root(&self, path: &str) -> PathBuf {
        normal(&self.project.join(path))
    }
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let is_special = matches!(c, '*' | '?' | '[' | ']' | '\\');
    is_special.then_some('\\').into_iter().chain([c])
}

impl Tree {
    fn root(&self) -> &Path {
        match self {
            Self::Working(repository, _) => repository.root(),
            Self::Commit(export) => export.root(),
        }
    }

    /// The project's root on this side.
    pub(super) fn project(&self, layout: &Layout) -> PathBuf {
        self.root().join(&layout.project)
    }

    fn bring(&self, paths: &[String]) -> Result<(), AppError> {
        match self {
            Self::Working(..) => Ok(()),
            Self::Commit(export) => export.bring(paths),
        }
    }

    /// The project with the settings of this side. Its working directory is its root, so that every place
    /// is named in the same way wherever the command was given.
    pub(super) fn workspace(&self, layout: &Layout) -> Result<Workspace, AppError> {
        let root = self.project(layout);
        let project = match self {
            Self::Working(_, workspace) => Project { root: root.clone(), ..workspace.project.clone() },
            Self::Commit(_) => {
                self.bring_file(layout, Path::new(PROJECT_FILE))?;
                let io = |source| AppError::Io { path: root.clone(), source };
                std::fs::create_dir_all(&root).map_err(io)?;
                let var = |name: &str| std::env::var(name).ok();
                let found = Project::at(root.clone(), &root, Settings::default(), &var, Trust::Own);
                found.map_err(|fault| invalid(fault, &root))?
            }
        };
        let mut workspace = Workspace { working_dir: root, project, known_as: None };
        let catalogue = workspace.project.catalogue_dir();
        let below = layout.pathspec(self, &catalogue).ok_or_else(|| {
            let message = format!("the catalogue {} is not inside of the repository", catalogue.display());
            AppError::usage(message, "a commit holds the files of its repository only")
        })?;
        self.bring_file(layout, &catalogue)?;
        workspace.project.settings.catalogue = Some(self.relative(layout, &below));
        Ok(workspace)
    }

    /// The path of the document, below the project's root, as settings name it.
    pub(super) fn inside(&self, layout: &Layout, path: &Path) -> Result<PathBuf, AppError> {
        let below = layout.pathspec(self, path).map(|below| self.relative(layout, &below));
        below.filter(|path| !path.starts_with("..")).ok_or_else(|| {
            let message = format!("{} is not inside of the project", path.display());
            AppError::usage(message, "a commit holds the files of its repository only")
        })
    }

    /// A path below the repository's root as one below the project's, by steps upwards where it must be.
    fn relative(&self, layout: &Layout, below: &str) -> PathBuf {
        match Path::new(below).strip_prefix(&layout.project) {
            Ok(inside) => inside.to_owned(),
            Err(_) => layout.project.components().map(|_| "..").collect::<PathBuf>().join(below),
        }
    }

    /// Brings one file or folder of the project. Nothing is read by a link that leads out of the repository: its
    /// words would be shown to whoever reads the comparison.
    pub(super) fn bring_file(&self, layout: &Layout, path: &Path) -> Result<(), AppError> {
        if let Self::Working(repository, _) = self {
            return Ok(stays_inside(repository.root(), &self.project(layout).join(path))?);
        }
        let paths: Vec<String> = layout.pathspec(self, path).iter().map(|path| literal(path)).collect();
        self.bring(&paths)
    }

    /// Brings the files that globs match. On the working tree, says which of them can be part of a commit, by
    /// their paths below the root of the repository: what is built there is not.
    pub(super) fn bring_inputs(
        &self,
        layout: &Layout,
        globs: &BTreeSet<&String>,
    ) -> Result<Option<BTreeSet<PathBuf>>, AppError> {
        let paths: Vec<String> = globs.iter().filter_map(|glob| layout.glob(glob)).collect();
        self.bring(&paths)?;
        match self {
            Self::Working(repository, _) => Ok(Some(repository.listed(&paths)?)),
            Self::Commit(_) => Ok(None),
        }
    }
}

/// A fault in the settings of a commit, without the folder that they happened to lie in.
fn invalid(fault: ConfigError, root: &Path) -> AppError {
    match fault {
        ConfigError::Invalid { path, why } => {
            let path = path.strip_prefix(root).map(Path::to_owned).unwrap_or(path);
            AppError::Config(ConfigError::Invalid { path, why })
        }
        fault => AppError::Config(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(project: &str) -> Layout {
        let dir = std::env::current_dir().unwrap();
        Layout { repository: Repository::around(&dir).unwrap(), project: project.into(), document: None }
    }

    #[test]
    fn globs_are_found_from_the_root_of_the_repository() {
        let glob = |project: &str, pattern: &str| layout(project).glob(pattern);
        assert_eq!(glob("", "infra/**/*.tf").as_deref(), Some(":(glob)infra/**/*.tf"));
        assert_eq!(glob("apps/a[1]", "./x/*").as_deref(), Some(":(glob)apps/a\\[1\\]/x/*"));
        assert_eq!(glob("apps/a", "../shared/*").as_deref(), Some(":(glob)apps/shared/*"));
        assert_eq!(glob("apps", "../../etc/*"), None);
        assert_eq!(glob("", "../etc/passwd"), None);
        assert_eq!(layout("apps/a").below_root("../x/y"), Path::new("apps/x/y"));
    }

    #[test]
    fn special_letters_of_a_folder_mean_themselves() {
        let text: String = "a[1]*".chars().flat_map(escaped).collect();
        assert_eq!(text, "a\\[1\\]\\*");
    }
}
