//! The images as containerd keeps them, unpacked once for each set of images.
//!
//! What containerd has written of an image it never writes again, so a node shares those files with
//! the kept store by links; only the databases are copied.

use crate::home::Home;
use crate::images::{self, Packed};
use crate::run;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A set of images, and where it is kept.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) images: Vec<Packed>,
    kept: PathBuf,
}

impl Store {
    /// Packs what is missing.
    pub(super) fn of(home: &Home) -> Result<Self> {
        let images = images::pack(home)?;
        let mut hasher = blake3::Hasher::new();
        for image in &images {
            hasher.update(image.archive.as_os_str().as_encoded_bytes());
        }
        let kept = home.cache("stores")?.join(&hasher.finalize().to_hex()[..16]);
        Ok(Self { images, kept })
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept.exists()
    }

    /// Gives a new node what is kept.
    pub(super) fn lay_out(&self, containerd: &Path) -> Result<()> {
        if self.is_kept() { link(&self.kept, containerd) } else { Ok(()) }
    }

    /// Keeps what a containerd that has been stopped has unpacked. Others that were kept go: their
    /// images are packed from programs that are no longer used.
    pub(super) fn keep(&self, containerd: &Path) -> Result<()> {
        let folder = self.kept.parent().unwrap_or(&self.kept);
        for old in fs::read_dir(folder)?.flatten() {
            fs::remove_dir_all(old.path())?;
        }
        let new = self.kept.with_extension("new");
        link(containerd, &new)?;
        Ok(fs::rename(new, &self.kept)?)
    }
}

fn link(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    run::check(Command::new("cp").arg("-al").arg(from).arg(to))?;
    for database in databases(to)? {
        let copy = database.with_extension("copy");
        fs::copy(&database, &copy)?;
        fs::rename(copy, database)?;
    }
    Ok(())
}

/// Files that containerd changes in place: databases, below the folders of its plugins.
fn databases(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for plugin in fs::read_dir(folder)?.flatten() {
        for file in fs::read_dir(plugin.path()).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|extension| extension == "db") {
                found.push(file.path());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_copied_and_the_rest_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("snapshots/1")).unwrap();
        fs::write(from.join("snapshots/meta.db"), "one").unwrap();
        fs::write(from.join("snapshots/1/layer"), "layer").unwrap();
        link(&from, &to).unwrap();
        fs::write(to.join("snapshots/meta.db"), "two").unwrap();
        assert_eq!(fs::read_to_string(from.join("snapshots/meta.db")).unwrap(), "one");
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        assert_eq!(inode(&from.join("snapshots/1/layer")), inode(&to.join("snapshots/1/layer")));
    }
}
