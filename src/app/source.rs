//! Reads documents and catalogues from disk, bounded, with errors that name the place.

use crate::read::{self, ReadError};
use std::path::{Path, PathBuf};
use taskmaster_core::id::Digest;

/// Largest document that is read, in bytes: 32 MiB. The files of a folder have no more together. Markdown that means
/// harm takes some seventy times its size while it is read.
const MAX_BYTES: u64 = 32 << 20;
/// Largest recording: 128 MiB.
pub const MAX_RECORDING_BYTES: u64 = 128 << 20;
/// Most files of one folder.
pub const MAX_FILES: usize = 20_000;
/// Largest catalogue or rollout: a little more than what its reader takes, which says so at its place.
const MAX_YAML_BYTES: u64 = 8 << 20;

/// A text and the name it is shown under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path as the user gave it, or below the folder that they gave.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Why a text could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("{} does not exist", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
        /// A file of a like name beside it.
        nearest: Option<String>,
    },
    /// It is no text of a size that is read, or the system says no.
    #[error("cannot read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The files of a folder have more than [`MAX_BYTES`].
    #[error("the files of {} have more than {MAX_BYTES} bytes together", path.display())]
    TooMuch {
        /// Where.
        path: PathBuf,
    },
    /// A folder without a file of the wanted kind.
    #[error("{} holds no {wanted} file", path.display())]
    Empty {
        /// Where.
        path: PathBuf,
        /// `.md`, `.yaml`.
        wanted: &'static str,
    },
    /// More than [`MAX_FILES`].
    #[error("{} holds more than {MAX_FILES} files", path.display())]
    TooMany {
        /// Where.
        path: PathBuf,
    },
}

/// A document as it lies on disk.
#[derive(Clone, Debug)]
pub struct DocumentText {
    /// Path as it is remembered: relative to the project's root where it lies inside.
    pub path: String,
    /// Its file, or its files in order of their names.
    pub sources: Vec<Source>,
    /// Digest of all names and texts.
    pub digest: Digest,
}

/// Reads a PRD, or below a folder every Markdown file, the task files of task-master, and the files
/// that hold tasks in a format that is not read: the parser says so, where silence would lose them.
pub fn document(root: &Path, working_dir: &Path, path: &Path) -> Result<DocumentText, SourceError> {
    let full = working_dir.join(path);
    let sources = if full.is_dir() {
        let files = files_below(&full, is_document, true)?;
        if files.is_empty() {
            return Err(SourceError::Empty { path: path.to_owned(), wanted: ".md" });
        }
        all(working_dir, path, &files, MAX_BYTES)?
    } else {
        vec![read(&full, &path.to_string_lossy(), MAX_BYTES)?]
    };
    Ok(DocumentText { path: identity(root, &full), digest: digest(&sources), sources })
}

/// Reads every catalogue directly in a folder (what lies deeper belongs to actions); a folder that
/// does not exist holds none.
pub fn catalogues(working_dir: &Path, dir: &Path) -> Result<Vec<Source>, SourceError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let files = if dir.is_dir() { files_below(dir, is_catalogue, false)? } else { vec![dir.to_owned()] };
    all(working_dir, dir, &files, MAX_YAML_BYTES)
}

/// The files of a document, whether they can be read or not.
pub(super) fn document_files(full: &Path) -> Vec<PathBuf> {
    let within = || files_below(full, is_document, true).unwrap_or_default();
    if full.is_dir() { within() } else { vec![full.to_owned()] }
}

/// The files of [`catalogues`], whether they can be read or not.
pub(super) fn catalogue_files(dir: &Path) -> Vec<PathBuf> {
    let within = || files_below(dir, is_catalogue, false).unwrap_or_default();
    if dir.is_dir() { within() } else { vec![dir.to_owned()] }
}

/// Reads all files of a folder, each of at most `most` bytes.
fn all(working_dir: &Path, dir: &Path, files: &[PathBuf], most: u64) -> Result<Vec<Source>, SourceError> {
    let mut left = MAX_BYTES;
    let mut sources = Vec::with_capacity(files.len());
    for file in files {
        let source = read(file, &shown(working_dir, file), most)?;
        let bytes = source.text.len() as u64;
        left = left.checked_sub(bytes).ok_or_else(|| SourceError::TooMuch { path: dir.to_owned() })?;
        sources.push(source);
    }
    Ok(sources)
}

/// Digest of all names and texts of a document.
pub(super) fn digest(sources: &[Source]) -> Digest {
    if let [only] = sources {
        return Digest::of(only.text.as_bytes());
    }
    let mut all = Vec::new();
    for source in sources {
        for part in [&source.name, &source.text] {
            all.extend_from_slice(&(part.len() as u64).to_le_bytes());
            all.extend_from_slice(part.as_bytes());
        }
    }
    Digest::of(&all)
}

/// The path a document is known by: below the project's root where it can be, else absolute.
pub fn identity(root: &Path, full: &Path) -> String {
    let real = std::fs::canonicalize(full).unwrap_or_else(|_| full.to_owned());
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    real.strip_prefix(&root).unwrap_or(&real).to_string_lossy().into_owned()
}

fn shown(working_dir: &Path, file: &Path) -> String {
    file.strip_prefix(working_dir).unwrap_or(file).to_string_lossy().into_owned()
}

/// Reads one recording.
pub fn recording(working_dir: &Path, path: &Path) -> Result<Source, SourceError> {
    read(&working_dir.join(path), &path.to_string_lossy(), MAX_RECORDING_BYTES)
}

/// Reads one rollout.
pub fn rollout(working_dir: &Path, path: &Path) -> Result<Source, SourceError> {
    read(&working_dir.join(path), &path.to_string_lossy(), MAX_YAML_BYTES)
}

fn read(path: &Path, name: &str, most: u64) -> Result<Source, SourceError> {
    let text = read::given(path, most).and_then(read::text).map_err(|fault| match fault {
        ReadError::System(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            SourceError::Missing { nearest: nearest(path, Path::new(name)), path: name.into() }
        }
        source => SourceError::Read { path: name.into(), source },
    })?;
    Ok(Source { name: name.to_owned(), text })
}

/// The file beside `path` whose name is nearest, as the user would write it.
fn nearest(path: &Path, shown: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let names: Vec<String> = std::fs::read_dir(path.parent()?)
        .ok()?
        .take(MAX_FILES)
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let near = taskmaster_core::diagnostic::did_you_mean(&wanted, names.iter().map(String::as_str))?;
    Some(shown.with_file_name(near).to_string_lossy().into_owned())
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|e| endings.iter().any(|ending| e.eq_ignore_ascii_case(ending)))
}

/// `a.md`; `task_001.txt` of task-master; `tasks.json` and `todo.txt`.
fn is_document(name: &str) -> bool {
    let lower = name.to_lowercase();
    let task = lower.strip_prefix("task_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    has_ending(name, &["md", "markdown"])
        || (task && has_ending(name, &["txt"]))
        || matches!(lower.as_str(), "tasks.json" | "todo.txt")
}

fn is_catalogue(name: &str) -> bool {
    has_ending(name, &["yaml", "yml"])
}

fn files_below(dir: &Path, wanted: impl Fn(&str) -> bool, deep: bool) -> Result<Vec<PathBuf>, SourceError> {
    let mut open = vec![dir.to_owned()];
    let mut found = Vec::new();
    while let Some(dir) = open.pop() {
        let fault = |fault: std::io::Error| SourceError::Read { path: dir.clone(), source: fault.into() };
        for entry in std::fs::read_dir(&dir).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let hidden = name.starts_with('.');
            let kind = entry.file_type().map_err(fault)?;
            // A folder where a catalogue is meant is a fault, which reading it tells.
            if kind.is_dir() && deep && !hidden {
                open.push(path);
            } else if !hidden && wanted(&name) {
                found.push(path);
            }
            if found.len() > MAX_FILES {
                return Err(SourceError::TooMany { path: dir.clone() });
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    fn fault(files: &[(&str, &[u8])], path: &str) -> String {
        let dir = folder(files);
        document(dir.path(), dir.path(), Path::new(path)).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_file_names_the_nearest() {
        let dir = folder(&[("prd/platform.md", b"")]);
        let error = document(dir.path(), dir.path(), Path::new("prd/platfrom.md")).unwrap_err();
        let SourceError::Missing { nearest: Some(near), .. } = error else { panic!("{error}") };
        assert!(near.ends_with("prd/platform.md"), "{near}");
    }

    #[test]
    fn a_folder_holds_a_document_of_bounded_size() {
        assert_eq!(fault(&[("d/x.txt", b"")], "d"), "d holds no .md file");
        let dir = folder(&[("t/a.md", b"A"), ("t/b.md", b"B")]);
        for name in ["a", "b"] {
            let half = vec![b'x'; (MAX_BYTES / 2 + 1) as usize];
            std::fs::write(dir.path().join(format!("t/{name}.md")), half).unwrap();
        }
        let error = document(dir.path(), dir.path(), Path::new("t")).unwrap_err().to_string();
        assert_eq!(error, "the files of t have more than 33554432 bytes together");
    }

    #[test]
    fn a_folder_is_read_in_order_of_names() {
        let dir = folder(&[("t/b.md", b"B"), ("t/a/c.md", b"C"), ("t/.hidden.md", b"H"), ("t/n.txt", b"")]);
        let read = document(dir.path(), dir.path(), Path::new("t")).unwrap();
        let names: Vec<_> = read.sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["t/a/c.md", "t/b.md"]);
        assert_eq!(read.path, "t");
    }

    #[test]
    fn a_folder_s_other_files_of_tasks_are_not_passed_over() {
        let files =
            ["a.md", "tasks.json", "Todo.txt", "task_001.txt", "package.json", "tasks.txt", "task_x.txt"];
        let files: Vec<(String, &[u8])> = files.iter().map(|name| (format!("t/{name}"), &b""[..])).collect();
        let dir = folder(&files.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
        let read = document(dir.path(), dir.path(), Path::new("t")).unwrap();
        let names: Vec<_> = read.sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["t/Todo.txt", "t/a.md", "t/task_001.txt", "t/tasks.json"]);
    }

    #[test]
    fn catalogues_lie_directly_in_their_folder() {
        let dir = folder(&[("tasks/a.yaml", b"A"), ("tasks/templates/b.yaml", b"B"), ("tasks/c.md", b"")]);
        let read = catalogues(dir.path(), &dir.path().join("tasks")).unwrap();
        assert_eq!(read.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["tasks/a.yaml"]);
        assert!(catalogues(dir.path(), &dir.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn a_document_inside_the_project_has_a_relative_identity() {
        let dir = folder(&[("prd/a.md", b"A"), ("sub/x", b"")]);
        let read = document(dir.path(), &dir.path().join("sub"), Path::new("../prd/a.md")).unwrap();
        assert_eq!(read.path, "prd/a.md");
    }
}
