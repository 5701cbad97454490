//! Where the harness keeps things: all of it outside the source tree.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of the harness.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    cache: PathBuf,
}

impl Home {
    /// `$TASKMASTER_CLUSTER_CACHE`, else `taskmaster/cluster` in the user's cache folder.
    pub(crate) fn new() -> Result<Self> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let user = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        let cache = set("TASKMASTER_CLUSTER_CACHE").or_else(|| Some(user()?.join("taskmaster/cluster")));
        Ok(Self { cache: cache.context("neither HOME nor TASKMASTER_CLUSTER_CACHE is set")? })
    }

    /// Sources of the tool modules.
    pub(crate) fn tools() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tools")
    }

    /// The folder of the project.
    pub(crate) fn project() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// A folder of the cache, made where it is missing.
    pub(crate) fn cache(&self, name: &str) -> Result<PathBuf> {
        made(self.cache.join(name))
    }

    /// Programs that were built, by their names, as links to the versions in use.
    pub(crate) fn bin(&self) -> PathBuf {
        self.cache.join("bin")
    }

    /// A file or folder of the running node.
    pub(crate) fn run_file(&self, name: &str) -> PathBuf {
        self.cache.join("run").join(name)
    }
}

fn made(path: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&path).with_context(|| format!("the folder {} cannot be made", path.display()))?;
    Ok(path)
}
