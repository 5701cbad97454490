//! A repository elsewhere: made by the real git in a folder of its own, served over smart HTTP.
//!
//! Its commits have fixed times and people, so the same story gives the same ids on every machine.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use taskmaster_git_server::{Fault, Request, Server};

/// A remote with one branch, `main`.
pub(crate) struct Origin {
    dir: tempfile::TempDir,
    server: OnceLock<Server>,
    minutes: AtomicU32,
}

impl Origin {
    /// One without commits.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = Self { dir, server: OnceLock::new(), minutes: AtomicU32::new(0) };
        for folder in ["served", "work", "home"] {
            std::fs::create_dir(origin.dir.path().join(folder)).unwrap();
        }
        let bare = origin.path().to_string_lossy().into_owned();
        origin.plain_git(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main", &bare]);
        for (name, value) in [
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("http.receivepack", "true"),
            ("core.logAllRefUpdates", "false"),
        ] {
            origin.git(&["config", name, value]);
        }
        origin
    }

    /// Its address over HTTP; the server starts with the first question.
    pub(crate) fn url(&self) -> String {
        format!("{}/origin.git", self.server().url())
    }

    /// The bare repository itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("served/origin.git")
    }

    /// A folder for whatever a test needs, apart from the repository.
    pub(crate) fn scratch(&self) -> &Path {
        self.dir.path()
    }

    fn server(&self) -> &Server {
        self.server.get_or_init(|| Server::start(&self.dir.path().join("served"), self.env()))
    }

    /// What every git of a test sees: nothing of the developer's settings, and one moment later each time.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let minutes = self.minutes.fetch_add(1, Ordering::SeqCst);
        let date = format!("2026-01-01T{:02}:{:02}:00Z", minutes / 60 % 24, minutes % 60);
        let home = self.dir.path().join("home").to_string_lossy().into_owned();
        let path = std::env::var("PATH").unwrap_or_default();
        let pairs = [
            ("PATH", path.as_str()),
            ("HOME", &home),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A Developer"),
            ("GIT_AUTHOR_EMAIL", "developer@example.org"),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", "A Developer"),
            ("GIT_COMMITTER_EMAIL", "developer@example.org"),
            ("GIT_COMMITTER_DATE", &date),
            ("LC_ALL", "C"),
        ];
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Runs git in the repository, whose working tree is [`Origin::work`]; what it printed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let bare = self.path().to_string_lossy().into_owned();
        let work = self.work().to_string_lossy().into_owned();
        let place = ["--git-dir", &bare, "--work-tree", &work];
        self.plain_git(&[&place, args].concat())
    }

    fn plain_git(&self, args: &[&str]) -> String {
        String::from_utf8(self.output(args)).unwrap().trim_end().to_owned()
    }

    fn output(&self, args: &[&str]) -> Vec<u8> {
        let mut command = taskmaster_git_server::git();
        command.args(args).env_clear().envs(self.env()).current_dir(self.work());
        let output = command.output().expect("git can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {said}");
        output.stdout
    }

    /// Files as the developer has them; see [`Origin::save`].
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Writes a file of the developer, without a commit.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Commits whatever the developer's files are now, and publishes it; its id.
    pub(crate) fn save(&self, message: &str) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// The developer's files become those of the branch, with what others pushed.
    pub(crate) fn pull(&self) {
        if !self.git(&["for-each-ref", "--format=x", "refs/heads/main"]).is_empty() {
            self.git(&["reset", "--hard", "--quiet", "main"]);
        }
    }

    /// A commit that writes these files; its id.
    pub(crate) fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        self.pull();
        files.iter().for_each(|(name, text)| {
            self.write(name, text);
        });
        self.save(message)
    }

    /// A commit that removes a file or folder; its id.
    pub(crate) fn remove(&self, path: &str) -> String {
        self.pull();
        self.git(&["rm", "-r", "--quiet", "--", path]);
        self.save(&format!("remove {path}"))
    }

    /// The last commit is gone, and this one stands in its place; its id.
    pub(crate) fn force_push(&self, files: &[(&str, &str)], message: &str) -> String {
        self.git(&["reset", "--hard", "--quiet", "main~1"]);
        self.commit(files, message)
    }

    /// Id of the branch's tip.
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "main"])
    }

    /// A file as the branch has it.
    pub(crate) fn read(&self, path: &str) -> String {
        let bare = self.path().to_string_lossy().into_owned();
        String::from_utf8(self.output(&["--git-dir", &bare, "show", &format!("main:{path}")])).unwrap()
    }

    /// From now on requests whose line holds `about` meet `fault`.
    pub(crate) fn fault(&self, about: &str, fault: Fault) {
        self.server().fault(about, fault);
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        self.server().heal();
    }

    /// Returns once a request is held by a fault.
    pub(crate) fn wait_until_held(&self) {
        self.server().wait_until_held();
    }

    /// From now on `user:word` must be given: for everything, or with `git-receive-pack` for pushes.
    pub(crate) fn require(&self, pair: &str, about: &str) {
        self.server().require(pair, about);
    }

    /// What the server was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.server().requests()
    }
}
