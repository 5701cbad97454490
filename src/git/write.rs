//! Commits of ours, made without a checkout.

use super::command::Command;
use super::commit::CommitId;
use super::error::{GitError, Said};
use super::mirror::Mirror;
use super::tree::{Kind, shown};

/// Who a commit is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// Why a commit could not be put onto another.
#[derive(Debug, thiserror::Error)]
pub enum RebaseError {
    /// Both changed the same lines.
    #[error("both changed the same lines of {}", paths.join(", "))]
    Conflict {
        /// Where.
        paths: Vec<String>,
    },
    /// It could not be tried.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Mirror {
    /// A commit after `base` in which the file at `path` holds `bytes`; its mode stays. The id of `base` itself
    /// where it holds them already.
    ///
    /// # Errors
    /// [`GitError::NoFile`] where a link or a folder stands there; those of git.
    pub fn commit_file(
        &self,
        base: &CommitId,
        path: &str,
        bytes: &[u8],
        message: &str,
        author: &Author,
    ) -> Result<CommitId, GitError> {
        let before = self.entry(base, path)?;
        let mode = match before.as_ref().map(|entry| entry.kind) {
            None | Some(Kind::File) => "100644",
            Some(Kind::Program) => "100755",
            Some(Kind::Link | Kind::Submodule) => return Err(GitError::NoFile { path: path.to_owned() }),
        };
        let object = self.command(["hash-object", "-w", "--stdin"]).input(bytes).text()?;
        if before.is_some_and(|entry| entry.object == object) {
            return Ok(base.clone());
        }
        let index = self.scratch_index()?;
        let file = index.path().join("index");
        self.command(["read-tree", base.as_str()]).env("GIT_INDEX_FILE", &file).slowly().bytes()?;
        let line = [format!("{mode} {object}\t").as_bytes(), path.as_bytes(), b"\0"].concat();
        let update = self.command(["update-index", "-z", "--index-info"]).env("GIT_INDEX_FILE", &file);
        update.input(&line).bytes()?;
        let tree = self.command(["write-tree"]).env("GIT_INDEX_FILE", &file).text()?;
        let commit = self.command(["commit-tree", "-p", base.as_str(), "-F", "-", &tree]);
        let commit = by(commit, "AUTHOR", author);
        id(&by(commit, "COMMITTER", author).input(message.as_bytes()).text()?)
    }

    /// The change of `ours`, a commit of ours after one other, made again after `new_tip`; `new_tip` itself
    /// where nothing of it is left to do.
    ///
    /// # Errors
    /// [`RebaseError::Conflict`]; those of git.
    pub fn rebase(&self, ours: &CommitId, new_tip: &CommitId) -> Result<CommitId, RebaseError> {
        let source = Source::read(self, ours)?;
        // Git looks for the base of a merge in the history, which a force push may have replaced. So it is given
        // a history of three commits in which the parent of `ours` is the base, whatever else came between.
        let plain = |tree: &str, parent: Option<&CommitId>| -> Result<CommitId, GitError> {
            let mut commit = self.command(["commit-tree", "-m", "base"]);
            if let Some(parent) = parent {
                commit = commit.args(["-p", parent.as_str()]);
            }
            let somebody = Author { name: "taskmaster".to_owned(), email: String::new() };
            let commit = by(by(commit, "AUTHOR", &somebody), "COMMITTER", &somebody);
            id(&commit.arg(tree).text()?)
        };
        let tree_of = |commit: &CommitId| format!("{commit}^{{tree}}");
        let base = plain(&tree_of(&source.parent), None)?;
        let theirs = plain(&tree_of(new_tip), Some(&base))?;
        let mine = plain(&tree_of(ours), Some(&base))?;
        let merge = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        let merge = self.remote_command(merge).args([theirs.as_str(), mine.as_str()]);
        let (code, out) = merge.answer(&[0, 1])?;
        let mut parts = out.split(|byte| *byte == 0);
        let tree = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        if code == 1 {
            let paths = parts.filter(|path| !path.is_empty()).map(shown).take(10).collect();
            return Err(RebaseError::Conflict { paths });
        }
        let now = self.command(["rev-parse", "--verify", &tree_of(new_tip)]).text()?;
        if now == tree {
            return Ok(new_tip.clone());
        }
        let commit = self.command(["commit-tree", "-p", new_tip.as_str(), "-F", "-", &tree]);
        let commit = by(by(commit, "AUTHOR", &source.author), "COMMITTER", &source.author);
        Ok(id(&commit.input(&source.message).text()?)?)
    }

    fn scratch_index(&self) -> Result<tempfile::TempDir, GitError> {
        let made = tempfile::Builder::new().prefix("tmp_index_").tempdir_in(self.dir());
        made.map_err(|source| GitError::System {
            doing: format!("write in {}", self.dir().display()),
            source,
        })
    }
}

/// A commit of ours, as it is made again.
struct Source {
    parent: CommitId,
    author: Author,
    message: Vec<u8>,
}

impl Source {
    fn read(mirror: &Mirror, commit: &CommitId) -> Result<Self, GitError> {
        let words = ["log", "-1", "--no-mailmap", "--encoding=UTF-8", "--format=%P%x00%an%x00%ae%x00%B"];
        let out = mirror.command(words).args(["--end-of-options", commit.as_str(), "--"]).bytes()?;
        let mut fields = out.strip_suffix(b"\n").unwrap_or(&out).splitn(4, |byte| *byte == 0);
        let mut text = || String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        let (parents, name, email) = (text(), text(), text());
        let why = "it comes after exactly one other";
        let no = || GitError::Name { kind: "commit that can be made again", text: commit.to_string(), why };
        Ok(Self {
            parent: parents.parse().map_err(|_| no())?,
            author: Author { name, email },
            message: fields.next().unwrap_or_default().to_vec(),
        })
    }
}

/// Git leaves out what it cannot write into a commit (`<`, `>`, line breaks).
fn by<'c>(command: Command<'c>, role: &str, author: &Author) -> Command<'c> {
    let plain = |text: &str| text.replace('\0', "");
    let name = plain(&author.name);
    let name = if name.trim().is_empty() { "taskmaster".to_owned() } else { name };
    command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), plain(&author.email))
}

fn id(text: &str) -> Result<CommitId, GitError> {
    text.trim().parse().map_err(|_| GitError::Failed {
        verb: "commit-tree".to_owned(),
        said: Said::new(text.as_bytes(), None),
    })
}
