//! Where links lead: files of a commit come with what links among them lead to, and nothing leads out.

use super::error::GitError;
use super::tree::{TreeFault, shown};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How often links are followed to what they lead to.
const MOST_LINKS: usize = 16;

/// Has `export` write what `pathspecs` name into the folder `into`, and then what links there lead to.
///
/// # Errors
/// [`GitError::Unsafe`] where a link leads out, also by way of one that came with another export.
pub(super) fn bring(
    into: &Path,
    pathspecs: &[String],
    export: &dyn Fn(&[String]) -> Result<(), GitError>,
) -> Result<(), GitError> {
    export(pathspecs)?;
    let root = fs::canonicalize(into).map_err(|source| fault(into, source))?;
    let mut known = BTreeSet::new();
    for _ in 0..MOST_LINKS {
        let targets = links_below(&root)?.into_iter().filter_map(|link| dangling(&root, &link));
        let found: Vec<String> = targets.filter(|target| known.insert(target.clone())).collect();
        if found.is_empty() {
            break;
        }
        let found: Vec<String> = found.iter().map(|path| format!(":(top,literal){path}")).collect();
        export(&found)?;
    }
    stays_inside(&root, &root)
}

/// Refuses a file or folder that is, or holds, a link which leads out of `root`. Both are paths without links
/// up to `root`.
///
/// # Errors
/// [`GitError::Unsafe`]; those of the system.
pub fn stays_inside(root: &Path, path: &Path) -> Result<(), GitError> {
    let all = std::iter::once(path.to_owned()).chain(links_below(path)?);
    let mut out = all.filter(|path| fs::canonicalize(path).is_ok_and(|end| !end.starts_with(root)));
    out.next().map_or(Ok(()), |link| Err(refused(root, &link)))
}

/// All links below a folder, none of them followed.
fn links_below(path: &Path) -> Result<Vec<PathBuf>, GitError> {
    let mut links = Vec::new();
    let mut open = if path.is_dir() { vec![path.to_owned()] } else { Vec::new() };
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).map_err(|source| fault(&dir, source))? {
            let path = entry.map_err(|source| fault(&dir, source))?.path();
            let kind = fs::symlink_metadata(&path).map_err(|source| fault(&path, source))?.file_type();
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_symlink() {
                links.push(path);
            }
        }
    }
    Ok(links)
}

/// Where a link leads that leads to nothing yet, relative to the root.
fn dangling(root: &Path, link: &Path) -> Option<String> {
    if link.exists() {
        return None;
    }
    let to = normal(&link.parent()?.join(fs::read_link(link).ok()?));
    to.strip_prefix(root).ok().map(|to| to.to_string_lossy().into_owned())
}

fn refused(root: &Path, path: &Path) -> GitError {
    let text = |path: &Path| shown(path.as_os_str().as_bytes());
    let target = fs::read_link(path).or_else(|_| fs::canonicalize(path)).unwrap_or_default();
    TreeFault::Link { path: text(path.strip_prefix(root).unwrap_or(path)), target: text(&target) }.into()
}

/// The path without `.` and `..`, by its words alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

fn fault(path: &Path, source: std::io::Error) -> GitError {
    GitError::System { doing: format!("look at {}", path.display()), source }
}
