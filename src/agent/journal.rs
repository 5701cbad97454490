//! The port through which the agent remembers: `app` implements it over the ledger.
//!
//! What is kept is written whole under a key and read back by the next agent; what happened is appended for
//! ever. Both go into one transaction, before anything of it is done.

use jiff::Timestamp;
use taskmaster_core::rollout::RolloutFact;
use tokio::sync::{mpsc, oneshot};

/// Writes that may wait.
const MOST_WAITING: usize = 256;

/// A text that is kept under a key, or not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Such as `rollout/web`.
    pub key: String,
    /// What is kept; none where it is forgotten.
    pub text: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// To which rollout.
    pub rollout: String,
    /// To which of its releases.
    pub release: u64,
    /// What.
    pub fact: RolloutFact,
}

/// Remembers.
pub trait Journal: Send + 'static {
    /// Keeps and appends all of it, or nothing.
    ///
    /// # Errors
    /// Why it cannot, in words.
    fn keep(&mut self, notes: &[Note], happened: Vec<Happening>, at: Timestamp) -> Result<(), String>;

    /// All that is kept whose key begins so, in the order of the keys.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn kept(&mut self, prefix: &str) -> Result<Vec<(String, String)>, String>;
}

struct Write {
    notes: Vec<Note>,
    happened: Vec<Happening>,
    at: Timestamp,
    done: oneshot::Sender<Result<(), String>>,
}

/// A journal with a thread of its own: a write may wait for the disk, and nothing else does for it.
#[derive(Clone, Debug)]
pub struct Recorder {
    writes: mpsc::Sender<Write>,
}

impl Recorder {
    /// Begins.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(mut journal: Box<dyn Journal>) -> std::io::Result<Self> {
        let (writes, mut waiting) = mpsc::channel::<Write>(MOST_WAITING);
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            while let Some(write) = waiting.blocking_recv() {
                let result = journal.keep(&write.notes, write.happened, write.at);
                // Who asked may be gone.
                let _ = write.done.send(result);
            }
        })?;
        Ok(Self { writes })
    }

    /// Keeps and appends all of it, or nothing.
    ///
    /// # Errors
    /// Why it cannot, in words.
    pub async fn keep(
        &self,
        notes: Vec<Note>,
        happened: Vec<Happening>,
        at: Timestamp,
    ) -> Result<(), String> {
        let (done, is_done) = oneshot::channel();
        let gone = |_| "the journal is gone".to_owned();
        self.writes.send(Write { notes, happened, at, done }).await.map_err(|_| "the journal is gone")?;
        is_done.await.map_err(gone)?
    }
}
