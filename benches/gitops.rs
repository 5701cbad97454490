//! A sync from Git: its own work without changes, from a push to its end, and ten thousand of them.
//!
//! Each figure stands beside a bare limit of the same run: the `git fetch` that finds nothing new. An argument keeps
//! those figures whose name contains it; `SYNCS=N` sets how many make the long loop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_taskmaster");
const TASKS: usize = 1_000;
const SECRET: &str = "of the bench";

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let all: [(&str, fn()); 3] = [
        ("unchanged: a sync of 1,000 tasks without changes", unchanged),
        ("push: from a webhook to the end of the sync", push),
        ("loop: memory and descriptors over many syncs", long_loop),
    ];
    for (name, bench) in all {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            println!("{name}");
            bench();
        }
    }
}

/// A repository and a place that follows it.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new(tasks: usize) -> Self {
        let scene = Self { dir: tempfile::tempdir().expect("a folder") };
        for folder in ["origin/tasks", "place", "home"] {
            std::fs::create_dir_all(scene.path(folder)).expect("a folder");
        }
        scene.git(&["init", "--quiet", "--initial-branch=main"]);
        let mut prd = "# Many\n".to_owned();
        let mut catalogue = "tasks:\n".to_owned();
        for number in 0..tasks {
            if number % 50 == 0 {
                prd.push_str(&format!("\n## Phase {}: P{}\n\n", number / 50 + 1, number / 50));
            }
            prd.push_str(&format!("- [ ] Prepare thing {number} of the platform\n"));
            catalogue.push_str(&format!(
                "  p{}/prepare-thing-{number}-of-the-platform: {{run: {{exec: [\"true\"]}}}}\n",
                number / 50
            ));
        }
        std::fs::write(scene.path("origin/prd.md"), prd).expect("a file");
        std::fs::write(scene.path("origin/tasks/local.yaml"), catalogue).expect("a file");
        std::fs::write(scene.path("place/secret"), SECRET).expect("a file");
        scene.save("first");
        scene
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=b", "-c", "user.email=b@example.org"]).args(args);
        git.env("HOME", self.path("home")).current_dir(self.path("origin"));
        assert!(git.status().is_ok_and(|status| status.success()), "git {args:?}");
    }

    fn save(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn taskmaster(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let origin = self.path("origin").to_string_lossy().into_owned();
        command.args(["sync", "--repo", &origin, "--path", "prd.md", "--name", "bench"]).args(args);
        command.env("HOME", self.path("home")).current_dir(self.path("place"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn once(&self) {
        assert!(self.taskmaster(&["--once"]).status().is_ok_and(|status| status.success()));
    }

    fn looping(&self, more: &[&str]) -> Looping {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let address = format!("127.0.0.1:{port}");
        let serve = ["--listen", &address, "--webhook-secret", "file:secret"];
        let child = self.taskmaster(&[&serve, more].concat()).spawn().expect("it starts");
        let looping = Looping { child, address };
        looping.wait_for(1);
        looping
    }

    /// The bare limit: a fetch that finds nothing new, by the same git in the same mirror.
    fn bare_fetch(&self) -> Duration {
        let mirror = self.path("place/.taskmaster/sync/bench/repo");
        let began = Instant::now();
        let mut git = Command::new("git");
        git.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", "refs/heads/main"]);
        git.env("HOME", self.path("home")).env("GIT_DIR", &mirror).current_dir(&mirror);
        assert!(git.status().is_ok_and(|status| status.success()));
        began.elapsed()
    }
}

/// A loop at work; killed when dropped.
struct Looping {
    child: Child,
    address: String,
}

impl Looping {
    fn ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn status(&self) -> Option<serde_json::Value> {
        let answer = self.ask("GET /status HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let body = answer.split_once("\r\n\r\n")?.1;
        Some(serde_json::from_str::<serde_json::Value>(body).ok()?["syncs"][0].clone())
    }

    fn syncs(&self) -> u64 {
        self.status().and_then(|status| status["syncs"]["synced"].as_u64()).unwrap_or(0)
    }

    /// Returns once so many syncs ended well.
    fn wait_for(&self, syncs: u64) {
        while self.syncs() < syncs {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn ring(&self, number: usize) {
        let request = format!(
            "POST /webhook HTTP/1.1\r\nHost: bench\r\nX-Gitlab-Token: {SECRET}\r\nX-Gitlab-Event: Push Hook\r\n\
             Idempotency-Key: {number}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let answer = self.ask(&request).unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    /// A number of `/proc/PID/status`, in KiB.
    fn kib(&self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn unchanged() {
    let scene = Scene::new(TASKS);
    scene.once();
    let looping = scene.looping(&["--interval", "1h"]);
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for number in 0..15 {
        bare.push(scene.bare_fetch().as_secs_f64() * 1e3);
        let before = looping.syncs();
        looping.ring(number);
        looping.wait_for(before + 1);
        let took = looping.status().and_then(|status| status["duration_ms"].as_u64()).unwrap_or_default();
        whole.push(took as f64);
    }
    let (whole, bare) = (median(whole), median(bare));
    let own = whole - bare;
    println!("  whole {whole:7.1} ms   bare git fetch {bare:7.1} ms   own {own:7.1} ms (wanted: under 200)");
    let mb = |name: &str| looping.kib(name) as f64 * 1024.0 / 1e6;
    println!(
        "  peak memory {:.1} MB (wanted: under 30), of which {:.1} MB are pages of the program's own file",
        mb("VmHWM:"),
        mb("RssFile:")
    );
}

fn push() {
    let scene = Scene::new(10);
    scene.once();
    let looping = scene.looping(&["--interval", "1h"]);
    let catalogue = std::fs::read_to_string(scene.path("origin/tasks/local.yaml")).expect("the catalogue");
    let mut took = Vec::new();
    for number in 0..10 {
        let edited = catalogue.replacen("[\"true\"]", &format!("[\"true\", \"{number}\"]"), 1);
        std::fs::write(scene.path("origin/tasks/local.yaml"), edited).expect("a file");
        scene.save(&format!("edit {number}"));
        let before = looping.syncs();
        let began = Instant::now();
        looping.ring(number);
        looping.wait_for(before + 1);
        took.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let longest = took.iter().copied().fold(0.0, f64::max);
    println!(
        "  median {:7.1} ms   longest {longest:7.1} ms (wanted: under 2000 and the task's own time, which is nothing)",
        median(took)
    );
}

fn long_loop() {
    let syncs: u64 = std::env::var("SYNCS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let scene = Scene::new(100);
    scene.once();
    let ledger = |path: &Path| -> u64 {
        let files = std::fs::read_dir(path.join(".taskmaster")).into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .filter(|meta| meta.is_file())
            .map(|meta| meta.len())
            .sum()
    };
    let looping = scene.looping(&["--interval", "1h"]);
    let began = Instant::now();
    let look = || (looping.kib("VmRSS:"), looping.descriptors(), ledger(&scene.path("place")));
    let (mut done, mut early) = (looping.syncs(), look());
    for number in 0..syncs {
        looping.ring(number as usize);
        done += 1;
        looping.wait_for(done);
        if number == syncs / 10 {
            early = look();
        }
    }
    let ((early, early_fds, early_bytes), (late, late_fds, late_bytes)) = (early, look());
    let each = began.elapsed().as_secs_f64() * 1e3 / syncs as f64;
    println!("  {syncs} syncs, {each:.1} ms each");
    println!("  memory after a tenth {early} KiB, at the end {late} KiB, peak {} KiB", looping.kib("VmHWM:"));
    println!("  descriptors after a tenth {early_fds}, at the end {late_fds}");
    println!("  ledger after a tenth {early_bytes} bytes, at the end {late_bytes} bytes");
}
