//! The agent's side of its guard: what the guard holds for it.
//!
//! The agent has all of it as well: where the guard dies, the agent starts another one and hands it over.

use super::files::Files;
use super::guard;
use super::limits;
use super::passing::{Line, Word};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroizing;

/// Between two tries to start a guard.
const BREATH: Duration = Duration::from_millis(200);
/// Longest secret text.
const LONGEST: u64 = 4 << 20;

/// What the guard holds.
#[derive(Clone, Debug)]
pub struct Held {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    line: Line,
    guard: u32,
    things: BTreeMap<String, OwnedFd>,
    is_ready: bool,
    has_left: bool,
}

impl Held {
    /// Takes over what the guard holds, and stays with it.
    ///
    /// # Errors
    /// The standard input is no line to a guard.
    pub fn take_over(files: &Files) -> io::Result<Self> {
        let line = Line::from_stdin()?;
        let mut things = BTreeMap::new();
        loop {
            match line.hear()? {
                Some((Word::Hold(name), Some(thing))) => drop(things.insert(name, thing)),
                Some((Word::All, _)) => break,
                _ => return Err(io::Error::other("this is started by its guard alone")),
            }
        }
        let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        let ear = line.try_clone()?;
        let guard = u32::try_from(parent).unwrap_or_default();
        let inner = Inner { line, guard, things, is_ready: false, has_left: false };
        let held = Self { inner: Arc::new(Mutex::new(inner)) };
        let (watching, files) = (held.clone(), files.clone());
        std::thread::Builder::new().name("guard".to_owned()).spawn(move || watching.watch(&files, ear))?;
        Ok(held)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the thing of this name, once more.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn get(&self, name: &str) -> io::Result<Option<OwnedFd>> {
        self.lock().things.get(name).map(OwnedFd::try_clone).transpose()
    }

    /// Names of things that begin so.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.lock().things.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// Lets the guard hold a thing under a name, in place of what had it.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn hold(&self, name: &str, thing: impl AsFd) -> io::Result<()> {
        let thing = thing.as_fd().try_clone_to_owned()?;
        let mut inner = self.lock();
        // A guard that is gone is found so by the watch, and the next one gets all of it.
        let _ = inner.line.say(&Word::Hold(name.to_owned()), Some(thing.as_fd()));
        inner.things.insert(name.to_owned(), thing);
        Ok(())
    }

    /// Lets a text be held, in memory alone.
    ///
    /// # Errors
    /// No memory or file descriptor is left.
    pub fn hold_text(&self, name: &str, text: &[u8]) -> io::Result<()> {
        self.hold(name, crate::process::memory_file::holding(text)?)
    }

    /// A text that is held.
    ///
    /// # Errors
    /// Those of reading.
    pub fn text(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(thing) = self.get(name)? else { return Ok(None) };
        let file = File::from(thing);
        let size = file.metadata()?.len();
        if size > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut text = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or_default()]);
        // By its place: the offset is the guard's as well.
        file.read_exact_at(&mut text, 0)?;
        Ok(Some(text))
    }

    /// Lets a thing go.
    pub fn release(&self, name: &str) {
        let mut inner = self.lock();
        if inner.things.remove(name).is_some() {
            let _ = inner.line.say(&Word::Release(name.to_owned()), None);
        }
    }

    /// The doors are open: from now on a death costs no pause.
    pub fn ready(&self) {
        let mut inner = self.lock();
        inner.is_ready = true;
        let _ = inner.line.say(&Word::Ready, None);
    }

    /// Ends the guard: the agent ends on purpose.
    pub fn bye(&self) {
        let mut inner = self.lock();
        inner.has_left = true;
        let _ = inner.line.say(&Word::Bye, None);
    }

    /// Process id of the guard.
    pub fn guard(&self) -> u32 {
        self.lock().guard
    }

    /// Waits for the guard's death and starts another one, for ever.
    fn watch(&self, files: &Files, mut ear: Line) {
        let mut child: Option<Child> = None;
        loop {
            // A guard says nothing to an agent that has all.
            while let Ok(Some(_)) = ear.hear() {}
            if let Some(mut dead) = child.take() {
                let _ = dead.kill();
                let _ = dead.wait();
            }
            if self.lock().has_left {
                return;
            }
            tracing::warn!("the guard died");
            match self.start_guard(files) {
                Ok((line, started)) => {
                    ear = line;
                    child = Some(started);
                }
                Err(fault) => tracing::warn!(%fault, "no guard can be started"),
            }
            std::thread::sleep(BREATH);
        }
    }

    fn start_guard(&self, files: &Files) -> io::Result<(Line, Child)> {
        let (line, mut child) = guard::start_anew(files)?;
        limits::give_usual(child.id());
        match self.hand_over(line, child.id()) {
            Ok(ear) => Ok((ear, child)),
            Err(fault) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(fault)
            }
        }
    }

    /// Gives a guard all that there is.
    fn hand_over(&self, line: Line, guard: u32) -> io::Result<Line> {
        let ear = line.try_clone()?;
        let mut inner = self.lock();
        for (name, thing) in &inner.things {
            line.say(&Word::Hold(name.clone()), Some(thing.as_fd()))?;
        }
        if inner.is_ready {
            line.say(&Word::Ready, None)?;
        }
        line.say(&Word::All, None)?;
        (inner.line, inner.guard) = (line, guard);
        Ok(ear)
    }
}
