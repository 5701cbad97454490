//! Finds and starts Chromium, and ends it again.

use super::devtools::Connection;
use super::page::Page;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

const FLAGS: [&str; 16] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox", // containers run as root, where the sandbox cannot be made
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage", // a container's /dev/shm is small
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
];

/// A running browser with a profile of its own. Dropping it ends it.
pub(crate) struct Browser {
    connection: Connection,
    child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; panics with a hint where there is none.
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (input, output) = (profile.path().join("in"), profile.path().join("out"));
        for fifo in [&input, &output] {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        // Chromium reads commands on descriptor 3 and answers on 4; a shell puts the two there.
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(r#"in=$1 out=$2; shift 2; exec "$@" 3<"$in" 4>"$out""#)
            .arg("sh")
            .args([&input, &output])
            .arg(find())
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(profile.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        // Both sides open the first pipe, then the second, so neither waits for ever.
        let writer = OpenOptions::new().write(true).open(&input).unwrap();
        let reader = File::open(&output).unwrap();
        let mut connection = Connection::new(writer, reader);
        if let Err(fault) = connection.call("Browser.getVersion", &json!({}), None) {
            child.kill().unwrap();
            child.wait().unwrap();
            let said = std::fs::read_to_string(profile.path().join("stderr")).unwrap_or_default();
            panic!("chromium does not answer: {fault}\n{said}");
        }
        Self { connection, child, _profile: profile }
    }

    /// Opens an empty page.
    pub(crate) fn page(&mut self) -> Page<'_> {
        Page::open(&mut self.connection)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.connection.close() {
            // It did not go by itself: it is ours, by its process id.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The browser's program: `TASKMASTER_CHROMIUM`, else the first known name on the path.
fn find() -> PathBuf {
    if let Some(named) = std::env::var_os("TASKMASTER_CHROMIUM") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = candidates.into_iter().find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "these tests need Chromium, and none is on the path. Run tests/tools/chromium.sh (make test does), \
             or name one in TASKMASTER_CHROMIUM"
        )
    })
}

/// A file's address.
pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}
