//! Objects as they change: `kubectl get --watch`, and when each line came.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A watch that runs until it is dropped.
pub(crate) struct Watch {
    child: Child,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Watch {
    /// Watches what `kubectl get <words>` names; each change is a line of that JSON path. Returns once
    /// the first line is there.
    pub(crate) fn start(words: &str, path: &str) -> Result<Self> {
        let mut kubectl = Command::new("kubectl");
        kubectl.arg("get").args(words.split_whitespace()).arg("--watch");
        kubectl.arg(format!("-o=jsonpath={path}{{\"\\n\"}}"));
        let mut child = kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("kubectl")?;
        let lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Ok(mut kept) = kept.lock() {
                    kept.push((Instant::now(), line));
                }
            }
        });
        let watch = Self { child, seen };
        watch.until("the first answer of a watch", Duration::from_secs(10), |_| true)?;
        Ok(watch)
    }

    /// Everything seen, without lines that say the same as the one before.
    pub(crate) fn seen(&self) -> Vec<(Instant, String)> {
        let mut seen = self.seen.lock().map(|seen| seen.clone()).unwrap_or_default();
        seen.dedup_by(|later, earlier| later.1 == earlier.1);
        seen
    }

    /// When the first line came for which it holds.
    pub(crate) fn until(
        &self,
        what: &str,
        patience: Duration,
        holds: impl Fn(&str) -> bool,
    ) -> Result<Instant> {
        let began = Instant::now();
        loop {
            if let Some((at, _)) = self.seen().into_iter().find(|(_, line)| holds(line)) {
                return Ok(at);
            }
            if began.elapsed() > patience {
                let seen: Vec<String> = self.seen().into_iter().map(|(_, line)| line).collect();
                bail!("{what}: not within {} s; seen were {seen:?}", patience.as_secs());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
