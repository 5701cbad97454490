//! A bare repository of ours: what was fetched from a remote.
//!
//! It is made whole by a rename, and whatever a killed process left in it is cleaned by the next one that
//! holds its lock. One that is damaged is thrown away and fetched anew: all that matters in it is elsewhere
//! too, but for commits of ours that were not pushed yet.
//!
//! Contents of files that no checkout needs are not fetched where the remote can leave them out.

use super::command::{Command, Git};
use super::commit::CommitId;
use super::error::GitError;
use super::export::{self, read_links};
use super::follow;
use super::lock::{Lock, beside};
use super::names;
use super::remote::Remote;
use super::tree::{Entries, Entry, Kind, Links, MAX_LINKS, STREAM, too_many, walk};
use crate::crash;
use crate::process::proc::ATTEMPT_VARIABLE;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Where the commit that was fetched last stands. Its reflog keeps all earlier ones from being collected:
/// one of them may still be in force, or be needed to undo what it brought.
const WANTED: &str = "refs/taskmaster/wanted";
/// All branches and tags, for servers that give nothing by its id.
const ALL: &[&str] =
    &["+refs/heads/*:refs/taskmaster/all/heads/*", "+refs/tags/*:refs/taskmaster/all/tags/*"];
/// A fetch that brings what it is asked for, and nothing besides.
const FETCH: [&str; 5] =
    ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
/// Settings of the repository itself.
const CONFIG: &[(&str, &str)] = &[
    ("core.logAllRefUpdates", "always"),
    ("fetch.unpackLimit", "1"),
    ("gc.reflogExpire", "never"),
    ("gc.reflogExpireUnreachable", "never"),
    ("remote.origin.promisor", "true"),
    ("remote.origin.partialCloneFilter", "blob:none"),
    ("extensions.partialClone", "origin"),
];
/// Each fetch of something new leaves a pack; so many are put together into one.
pub const MAX_PACKS: usize = 50;
/// Largest file that is read as a whole, in bytes.
pub const MAX_FILE: u64 = 128 << 20;

/// A bare repository of ours. It does one thing at a time: what is done in it at once by several threads would
/// meet each other's locks.
#[derive(Debug)]
pub struct Mirror {
    git: Git,
    dir: PathBuf,
    remote: Remote,
    lock: Lock,
}

impl Mirror {
    /// The mirror of `remote` in the folder `dir`, made or repaired where it has to be.
    ///
    /// # Errors
    /// [`GitError::Busy`] while another process works in it; those of git and the system.
    pub fn open(dir: &Path, remote: Remote) -> Result<Self, GitError> {
        Self::with(Git::new(), dir, remote)
    }

    /// The same, with a git of the caller's settings.
    ///
    /// # Errors
    /// See [`Mirror::open`].
    pub fn with(git: Git, dir: &Path, remote: Remote) -> Result<Self, GitError> {
        git.check()?;
        let dir = std::path::absolute(dir).map_err(|source| fault("find", dir, source))?;
        if let Some(parent) = dir.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(|source| fault("make the folder", parent, source))?;
        }
        let lock = Lock::take(&dir)?;
        let mirror = Self { git, dir, remote, lock };
        mirror.repair()?;
        Ok(mirror)
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it is a mirror of.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Other rights from here on, as when a token was renewed.
    pub fn set_remote(&mut self, remote: Remote) -> Result<(), GitError> {
        self.remote = remote;
        self.point()
    }

    /// A command in the mirror.
    pub(super) fn command<S: Into<std::ffi::OsString>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Command<'_> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        self.git.command(parent, args).repository(&self.dir).env(ATTEMPT_VARIABLE, self.lock.mark())
    }

    /// A command that asks the remote, or may have to: for contents that were not fetched yet.
    pub(super) fn remote_command<S: Into<std::ffi::OsString>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Command<'_> {
        self.remote.asked_by(self.command(args))
    }

    /// Makes it where it is missing or no repository; takes away what a killed git left.
    fn repair(&self) -> Result<(), GitError> {
        if !self.dir.exists() {
            return self.make("sha1");
        }
        sweep(&self.dir)?;
        // Read by git itself, in a file that a lost machine may have left empty.
        match self.command(["config", "--get", "remote.origin.url"]).answer(&[0]) {
            Ok((_, url)) if url.trim_ascii_end() == self.remote.url().as_bytes() => Ok(()),
            Ok(_) => self.point(),
            Err(error @ (GitError::Interrupted | GitError::TimedOut { .. } | GitError::NoGit)) => Err(error),
            Err(_) => self.renew(),
        }
    }

    fn point(&self) -> Result<(), GitError> {
        self.command(["config", "remote.origin.url", self.remote.url()]).bytes().map(drop)
    }

    /// Throws it away and begins anew, with nothing fetched.
    ///
    /// # Errors
    /// Those of git and the system.
    pub fn renew(&self) -> Result<(), GitError> {
        self.make("sha1")
    }

    fn make(&self, format: &str) -> Result<(), GitError> {
        let new = beside(&self.dir, "new");
        let old = beside(&self.dir, "old");
        for left in [&new, &old] {
            remove_all(left)?;
        }
        let init = ["init", "--quiet", "--bare", "--template="].map(str::to_owned);
        let init = init.into_iter().chain([format!("--object-format={format}"), "--".to_owned()]);
        let parent = self.dir.parent().unwrap_or(&self.dir);
        self.git.command(parent, init).arg(&new).bytes()?;
        for (name, value) in CONFIG
            .iter()
            .copied()
            .chain([("core.repositoryFormatVersion", "1"), ("remote.origin.url", self.remote.url())])
        {
            let set = self.git.command(parent, ["config", name, value]).repository(&new);
            set.bytes()?;
        }
        match fs::rename(&self.dir, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fault("move", &self.dir, error));
            }
            _ => {}
        }
        crash::around("make the mirror", || fs::rename(&new, &self.dir))
            .map_err(|source| fault("move", &new, source))?;
        remove_all(&old)
    }

    /// Fetches what `git_ref` names at the remote: a branch (before a tag of the same name), a tag, `HEAD`, a
    /// full `refs/…`, or a full id of a commit.
    ///
    /// # Errors
    /// [`GitError::NoRef`] where there is none; those of the way to the remote.
    pub fn fetch(&self, git_ref: &str) -> Result<CommitId, GitError> {
        match self.fetch_once(git_ref) {
            Err(error @ (GitError::TimedOut { .. } | GitError::Interrupted)) => {
                // It had to be killed, perhaps, and left its locks.
                sweep(&self.dir)?;
                Err(error)
            }
            Err(GitError::Corrupt { .. }) => {
                self.renew()?;
                self.fetch_once(git_ref)
            }
            Err(GitError::Failed { said, .. }) if said.to_string().contains("mismatched algorithms") => {
                self.make(if said.to_string().contains("server sha256") { "sha256" } else { "sha1" })?;
                self.fetch_once(git_ref)
            }
            other => other,
        }
    }

    fn fetch_once(&self, git_ref: &str) -> Result<CommitId, GitError> {
        let commit = match git_ref.parse::<CommitId>() {
            Ok(id) => self.fetch_id(&id)?,
            Err(_) => self.fetch_name(git_ref)?,
        };
        if self.packs() > MAX_PACKS {
            // What goes wrong here goes wrong again where it matters.
            let _ = self.command(["gc", "--quiet"]).setting("gc.autoDetach=false").slowly().bytes();
        }
        Ok(commit)
    }

    fn fetch_name(&self, name: &str) -> Result<CommitId, GitError> {
        names::check_ref(name)?;
        let is_full = name == "HEAD" || name.starts_with("refs/");
        let all = if is_full {
            vec![name.to_owned()]
        } else {
            vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
        };
        for full in &all {
            match self.fetch_refs(&[], &[&format!("+{full}:{WANTED}")]) {
                Err(GitError::NoRef { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    return self.wanted().ok_or_else(|| GitError::NoRef { name: name.to_owned() });
                }
            }
        }
        Err(GitError::NoRef { name: name.to_owned() })
    }

    /// A server need not give a commit by its id: then all branches and tags are fetched, one of which may
    /// come from it.
    fn fetch_id(&self, id: &CommitId) -> Result<CommitId, GitError> {
        if !self.has(id)? {
            match self.fetch_refs(&[], &[&format!("+{id}:{WANTED}")]) {
                Ok(()) => {}
                Err(GitError::NoRef { .. }) => self.fetch_refs(&["--prune"], ALL)?,
                Err(error) => return Err(error),
            }
        }
        if !self.has(id)? {
            return Err(GitError::NoRef { name: id.to_string() });
        }
        self.command(["update-ref", WANTED, id.as_str()]).bytes()?;
        Ok(id.clone())
    }

    fn fetch_refs(&self, options: &[&str], refspecs: &[&str]) -> Result<(), GitError> {
        let fetch = self.remote_command(FETCH).arg("--filter=blob:none").args(options.iter().copied());
        fetch.args(["--end-of-options", "origin"]).args(refspecs.iter().copied()).bytes().map(drop)
    }

    /// The commit that was fetched last.
    pub fn wanted(&self) -> Option<CommitId> {
        let wanted = format!("{WANTED}^{{commit}}");
        let (_, out) = self.command(["rev-parse", "--verify", "--quiet", &wanted]).answer(&[0]).ok()?;
        String::from_utf8_lossy(&out).trim().parse().ok()
    }

    fn packs(&self) -> usize {
        let is_pack = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.path().extension().is_some_and(|ending| ending == "pack"))
        };
        fs::read_dir(self.dir.join("objects/pack"))
            .map_or(0, |all| all.filter_map(|one| is_pack(one).then_some(())).count())
    }

    /// True where the commit was fetched, or made here. Asks no remote.
    ///
    /// # Errors
    /// Those of git.
    pub fn has(&self, commit: &CommitId) -> Result<bool, GitError> {
        // Any other question would be passed on to the remote.
        let words = ["rev-list", "--no-walk", "--missing=allow-any", "--quiet", "--end-of-options"];
        match self.command(words).arg(commit.as_str()).answer(&[0, 128]) {
            Ok((code, _)) => Ok(code == 0),
            Err(error) => Err(error),
        }
    }

    /// True where `older` is `newer`, or one that it comes from. A commit that is not here is nobody's.
    ///
    /// # Errors
    /// Those of git.
    pub fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, GitError> {
        if !self.has(older)? || !self.has(newer)? {
            return Ok(false);
        }
        let words = ["merge-base", "--is-ancestor", older.as_str(), newer.as_str()];
        Ok(self.command(words).answer(&[0, 1])?.0 == 0)
    }

    /// Refuses a commit whose files are not fit to be written to a disk: links that lead out, also by way of
    /// others, submodules, and names that no file may have.
    ///
    /// # Errors
    /// [`GitError::Unsafe`] with the first fault; those of git.
    pub fn check_tree(&self, commit: &CommitId) -> Result<(), GitError> {
        let mut links: Vec<Entry> = Vec::new();
        walk(self.command(STREAM).arg(commit.as_str()), |entry| {
            entry.check()?;
            if entry.kind == Kind::Link {
                links.push(entry);
            }
            too_many("the number of links in the repository", links.len(), MAX_LINKS)
        })?;
        if links.is_empty() {
            return Ok(());
        }
        let paths: Vec<String> = links.iter().filter_map(literal).collect();
        self.fetch_contents(commit, &paths)?;
        let targets =
            read_links(&|args| self.remote_command(args.iter().copied()), &links.iter().collect::<Vec<_>>())?;
        let mut all = Links::default();
        links.into_iter().zip(targets).for_each(|(entry, target)| all.add(entry.path, target));
        Ok(all.check()?)
    }

    /// Writes the files of `commit` that `pathspecs` name into the folder `into`; see [`super::export`].
    ///
    /// # Errors
    /// [`GitError::Unsafe`]; those of git, the system and the way to the remote.
    pub fn export<S: AsRef<str>>(
        &self,
        commit: &CommitId,
        pathspecs: &[S],
        into: &Path,
    ) -> Result<(), GitError> {
        let paths: Vec<String> = pathspecs.iter().map(|path| path.as_ref().to_owned()).collect();
        if !paths.is_empty() {
            self.fetch_contents(commit, &paths)?;
        }
        export::export(&|args| self.remote_command(args.iter().copied()), commit, &paths, into)
    }

    /// The same, with what links among them lead to; see [`super::follow`].
    ///
    /// # Errors
    /// See [`Mirror::export`].
    pub fn bring(&self, commit: &CommitId, pathspecs: &[String], into: &Path) -> Result<(), GitError> {
        follow::bring(into, pathspecs, &|paths| self.export(commit, paths, into))
    }

    /// The content of a file of `commit`.
    ///
    /// # Errors
    /// [`GitError::NoFile`] where there is none, or a link, or a folder; [`GitError::TooLarge`] above [`MAX_FILE`].
    pub fn read(&self, commit: &CommitId, path: &str) -> Result<Vec<u8>, GitError> {
        match self.entry(commit, path)? {
            Some(entry) if matches!(entry.kind, Kind::File | Kind::Program) => {
                self.remote_command(["cat-file", "blob", &entry.object]).at_most(MAX_FILE).bytes()
            }
            _ => Err(GitError::NoFile { path: path.to_owned() }),
        }
    }

    /// What stands at `path`, if anything but a folder does.
    pub(super) fn entry(&self, commit: &CommitId, path: &str) -> Result<Option<Entry>, GitError> {
        names::check_path(path)?;
        let pathspec = format!(":(top,literal){path}");
        let mut reader = Entries::default();
        let mut found = None;
        let list = self.command(Entries::LIST).args([commit.empty_tree(), commit.as_str(), "--", &pathspec]);
        list.records(0, |record| {
            // Where `path` is a folder, all that is in it is listed.
            found = reader.next(record)?.filter(|entry| entry.path == path.as_bytes()).or(found.take());
            Ok(())
        })?;
        Ok(found)
    }

    /// Fetches in one request the contents of those files that are not here yet. Without this git would fetch
    /// one after the other; so what cannot be asked for here is no fault.
    pub(super) fn fetch_contents(&self, commit: &CommitId, pathspecs: &[String]) -> Result<(), GitError> {
        let mut input = format!("{commit}\n--\n");
        for path in pathspecs.iter().filter(|path| !path.contains('\n')) {
            input.push_str(path);
            input.push('\n');
        }
        let mut missing = String::new();
        let list = self.command(["rev-list", "--objects", "--no-walk", "--missing=print", "--stdin"]);
        list.input(input.as_bytes()).slowly().at_most(u64::MAX).records(b'\n', |line| {
            if let Some(object) = line.strip_prefix(b"?") {
                missing.push_str(&String::from_utf8_lossy(object));
                missing.push('\n');
            }
            if missing.len() > export::MAX_FILES * 65 {
                let what = "the number of files to fetch".to_owned();
                return Err(GitError::TooLarge { what, limit: export::MAX_FILES as u64 });
            }
            Ok(())
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        let fetch = self.remote_command(FETCH).args(["--filter=blob:none", "--stdin", "origin"]);
        let fetch = fetch.setting("fetch.negotiationAlgorithm=noop");
        match fetch.input(missing.as_bytes()).bytes() {
            // An old server gives nothing by its id: then everything is fetched, once.
            Err(GitError::NoRef { .. }) => self.fetch_everything(),
            other => other.map(drop),
        }
    }

    fn fetch_everything(&self) -> Result<(), GitError> {
        let fetch = self.remote_command(FETCH).args(["--refetch", "--no-filter", "--prune", "origin"]);
        fetch.args(ALL.iter().copied()).bytes().map(drop)
    }
}

/// A pathspec that names just this entry.
fn literal(entry: &Entry) -> Option<String> {
    let path = std::str::from_utf8(&entry.path).ok()?;
    Some(format!(":(top,literal){path}"))
}

fn fault(doing: &str, path: &Path, source: io::Error) -> GitError {
    GitError::System { doing: format!("{doing} {}", path.display()), source }
}

fn remove_all(path: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault("remove", path, error)),
        _ => Ok(()),
    }
}

/// Takes away the locks and the half-written files of a git that was killed. Only under the mirror's lock,
/// when nobody works in it.
fn sweep(dir: &Path) -> Result<(), GitError> {
    let is_lock = |name: &str| name.ends_with(".lock") || name == "gc.pid";
    let is_half = |name: &str| name.starts_with("tmp_") || name.ends_with(".lock");
    remove_files(dir, 0, &|name| is_lock(name) || name.starts_with("tmp_"))?;
    for folder in ["refs", "logs"] {
        remove_files(&dir.join(folder), 16, &is_lock)?;
    }
    remove_files(&dir.join("objects"), 1, &is_half)
}

fn remove_files(dir: &Path, depth: usize, wanted: &dyn Fn(&str) -> bool) -> Result<(), GitError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|source| fault("look into", dir, source))?,
    };
    for entry in entries {
        let entry = entry.map_err(|source| fault("look into", dir, source))?;
        let kind = entry.file_type().map_err(|source| fault("look at", &entry.path(), source))?;
        let is_wanted = wanted(&entry.file_name().to_string_lossy());
        if kind.is_dir() && is_wanted {
            remove_all(&entry.path())?;
        } else if kind.is_dir() && depth > 0 {
            remove_files(&entry.path(), depth - 1, wanted)?;
        } else if is_wanted {
            fs::remove_file(entry.path()).map_err(|source| fault("remove", &entry.path(), source))?;
        }
    }
    Ok(())
}
