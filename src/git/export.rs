//! Files of a commit, written into a folder: a part of a checkout, without an index.
//!
//! They are written as the commit has them, without conversion of line ends and without filters. What
//! could lead out of the folder is refused before anything is written; links are made last, so that
//! nothing is ever written through one.

use super::blobs::{self, Receiver};
use super::command::Command;
use super::commit::CommitId;
use super::error::GitError;
use super::tree::{Entries, Entry, Kind, Links, MAX_LINKS, MAX_TARGET, too_many};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

/// Most files of one export.
pub const MAX_FILES: usize = 100_000;
/// Most bytes of one export.
pub const MAX_BYTES: u64 = 1 << 30;

/// Makes commands of one repository.
pub(super) type Commands<'c> = dyn Fn(&[&str]) -> Command<'c> + 'c;

/// Writes the files of `commit` that `pathspecs` name below `into`. One that names nothing is no fault;
/// no pathspec at all names nothing, `.` names everything.
pub(super) fn export<S: AsRef<str>>(
    commands: &Commands<'_>,
    commit: &CommitId,
    pathspecs: &[S],
    into: &Path,
) -> Result<(), GitError> {
    make_folder(into)?;
    if pathspecs.is_empty() {
        return Ok(());
    }
    let entries = entries(commands, commit, pathspecs)?;
    let (links, files): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.kind == Kind::Link);
    let targets = targets(commands, &links)?;
    for entry in &entries {
        make_way(into, entry.as_path())?;
    }
    let mut writer = Writer { into, files: files.iter(), file: None, written: 0 };
    blobs::read(
        commands(&blobs::BATCH).at_most(MAX_BYTES + (MAX_FILES as u64) * 128),
        files.iter().map(|entry| entry.object.as_str()),
        &mut writer,
    )?;
    for (entry, target) in links.iter().zip(targets) {
        let path = into.join(entry.as_path());
        symlink(target, &path).map_err(|source| fault("make the link", &path, source))?;
    }
    Ok(())
}

/// What is chosen, each looked at by itself.
fn entries<S: AsRef<str>>(
    commands: &Commands<'_>,
    commit: &CommitId,
    pathspecs: &[S],
) -> Result<Vec<Entry>, GitError> {
    let mut reader = Entries::default();
    let mut found = Vec::new();
    let list = commands(&Entries::LIST).args([commit.empty_tree(), commit.as_str(), "--"]);
    let list = list.args(pathspecs.iter().map(AsRef::as_ref));
    list.at_most(u64::MAX).records(0, |record| {
        if let Some(entry) = reader.next(record)? {
            entry.check()?;
            found.push(entry);
        }
        too_many("the number of files to export", found.len(), MAX_FILES)
    })?;
    Ok(found)
}

/// Where the links lead; refuses those that lead out.
fn targets(commands: &Commands<'_>, links: &[&Entry]) -> Result<Vec<PathBuf>, GitError> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let targets = read_links(commands, links)?;
    let mut all = Links::default();
    for (entry, target) in links.iter().zip(&targets) {
        all.add(entry.path.clone(), target.clone());
    }
    all.check()?;
    Ok(targets.into_iter().map(|target| PathBuf::from(OsString::from_vec(target))).collect())
}

/// The targets of links, in their order.
pub(super) fn read_links(commands: &Commands<'_>, links: &[&Entry]) -> Result<Vec<Vec<u8>>, GitError> {
    too_many("the number of links", links.len(), MAX_LINKS)?;
    let mut collector = Collector::default();
    if !links.is_empty() {
        let batch = commands(&blobs::BATCH).at_most(MAX_LINKS as u64 * (MAX_TARGET + 128));
        blobs::read(batch, links.iter().map(|entry| entry.object.as_str()), &mut collector)?;
    }
    Ok(collector.0)
}

fn fault(doing: &str, path: &Path, source: io::Error) -> GitError {
    GitError::System { doing: format!("{doing} {}", path.display()), source }
}

fn make_folder(path: &Path) -> Result<(), GitError> {
    fs::create_dir_all(path).map_err(|source| fault("make the folder", path, source))
}

/// Makes the folders above `path` and takes away what an earlier export left at its place. A link is never
/// gone through.
fn make_way(into: &Path, path: &Path) -> Result<(), GitError> {
    let mut here = into.to_owned();
    for part in path.parent().into_iter().flat_map(Path::components) {
        here.push(part);
        match fs::symlink_metadata(&here) {
            Ok(meta) if meta.is_dir() => continue,
            Ok(_) => fs::remove_file(&here).map_err(|source| fault("remove", &here, source))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(fault("look at", &here, source)),
        }
        fs::create_dir(&here).map_err(|source| fault("make the folder", &here, source))?;
    }
    let place = into.join(path);
    let removed = match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(&place),
        Ok(_) => fs::remove_file(&place),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(|source| fault("remove", &place, source))
}

#[derive(Default)]
struct Collector(Vec<Vec<u8>>);

impl Receiver for Collector {
    fn begin(&mut self, size: u64) -> Result<(), GitError> {
        if size > MAX_TARGET {
            return Err(GitError::TooLarge { what: "the target of a link".to_owned(), limit: MAX_TARGET });
        }
        self.0.push(Vec::new());
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        if let Some(last) = self.0.last_mut() {
            last.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), GitError> {
        Ok(())
    }
}

/// Writes contents to files, one after the other.
struct Writer<'w> {
    into: &'w Path,
    files: std::slice::Iter<'w, &'w Entry>,
    file: Option<(File, PathBuf)>,
    written: u64,
}

impl Receiver for Writer<'_> {
    fn begin(&mut self, size: u64) -> Result<(), GitError> {
        self.written += size;
        if self.written > MAX_BYTES {
            return Err(GitError::TooLarge { what: "the export".to_owned(), limit: MAX_BYTES });
        }
        let Some(entry) = self.files.next() else { return Ok(()) };
        let path = self.into.join(entry.as_path());
        let mode = if entry.kind == Kind::Program { 0o777 } else { 0o666 };
        let opened = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        self.file = Some((opened.map_err(|source| fault("write", &path, source))?, path));
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        file.write_all(bytes).map_err(|source| fault("write", path, source))
    }

    fn end(&mut self) -> Result<(), GitError> {
        self.file = None;
        Ok(())
    }
}
