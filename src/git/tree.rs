//! What stands in a commit's tree, and whether it is fit to be written to a disk.
//!
//! Whoever may push may put a symbolic link into the tree that leads to a file of this machine, or a
//! name that git itself would take for its own folder. Nothing of a commit is written before it was
//! looked at here.

use super::command::Command;
use super::error::{GitError, Said};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Most symbolic links of a tree.
pub const MAX_LINKS: usize = 10_000;
/// Most entries of a tree. One of a few kilobytes can hold the same folders over and over.
pub const MAX_ENTRIES: usize = 1_000_000;
/// Longest part of a path, and longest path, in bytes: systems write no longer part, and a place adds its own path.
const MAX_PART: usize = 255;
const MAX_PATH: usize = 2048;
/// Longest target of a link, in bytes: the system follows no longer one.
pub const MAX_TARGET: u64 = 4096;
/// So many links on one way; the system follows no more either.
const MAX_HOPS: usize = 40;

/// Why the files of a commit are not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// A symbolic link whose target is outside of the tree.
    #[error("the link `{path}` leads out of the repository, to `{target}`")]
    Link {
        /// Where it stands.
        path: String,
        /// What it says.
        target: String,
    },
    /// A commit of another repository.
    #[error("`{path}` is a submodule")]
    Submodule {
        /// Where it stands.
        path: String,
    },
    /// A name that no file may have.
    #[error("`{path}` is no name for a file")]
    Name {
        /// What stands there.
        path: String,
    },
}

impl TreeFault {
    /// What a person can do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Link { .. } => "let the link lead to a file of the repository, by a relative path",
            Self::Submodule { .. } => {
                "put the files themselves into the repository: submodules are not fetched"
            }
            Self::Name { .. } => {
                "give it another name: `..`, `.git` in any form, and very long ones are not taken"
            }
        }
    }
}

/// A kind of entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Program,
    Link,
    Submodule,
}

/// One entry of a tree, at any depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Id of its content.
    pub(super) object: String,
    /// Path below the tree's top, as bytes.
    pub(super) path: Vec<u8>,
}

impl Entry {
    /// The path, for the system.
    pub(super) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    /// Refuses what is never written, whatever its content is.
    pub(super) fn check(&self) -> Result<(), TreeFault> {
        let path = || shown(&self.path);
        if self.kind == Kind::Submodule {
            return Err(TreeFault::Submodule { path: path() });
        }
        let no_name = |part: &[u8]| part.len() > MAX_PART || is_forbidden(part);
        if self.path.len() > MAX_PATH || self.path.split(|byte| *byte == b'/').any(no_name) {
            return Err(TreeFault::Name { path: path().chars().take(MAX_PART).collect() });
        }
        Ok(())
    }
}

/// Puts together what `git diff-tree --raw -z` prints: a record of facts, then one with a path.
#[derive(Debug, Default)]
pub(super) struct Entries {
    facts: Option<(Kind, String)>,
}

impl Entries {
    /// Arguments that list all of `commit` against the tree without files.
    pub(super) const LIST: [&'static str; 7] =
        ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none"];

    /// The next record; an entry with every second one.
    pub(super) fn next(&mut self, record: &[u8]) -> Result<Option<Entry>, GitError> {
        match self.facts.take() {
            Some((kind, object)) => Ok(Some(Entry { kind, object, path: record.to_vec() })),
            None => {
                self.facts = Some(facts(record).ok_or_else(|| GitError::Failed {
                    verb: "diff-tree".to_owned(),
                    said: Said::new(record, None),
                })?);
                Ok(None)
            }
        }
    }
}

/// `:000000 100644 0000… 1234… A`.
fn facts(record: &[u8]) -> Option<(Kind, String)> {
    let text = std::str::from_utf8(record).ok()?;
    let mut words = text.strip_prefix(':')?.split(' ');
    let (_, mode, _, object) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some((kind(mode)?, object.to_owned()))
}

fn kind(mode: &str) -> Option<Kind> {
    Some(match mode {
        "100755" => Kind::Program,
        "120000" => Kind::Link,
        "160000" => Kind::Submodule,
        mode if mode.starts_with("100") => Kind::File,
        _ => return None,
    })
}

/// Arguments that list all of a commit as it is found. A comparison with the tree without files holds all entries
/// before it prints the first, and a few objects can unfold to more than any memory takes.
pub(super) const STREAM: [&str; 4] = ["ls-tree", "-r", "-z", "--full-tree"];

/// Gives every entry that `list` prints (see [`STREAM`]) to `each`, up to [`MAX_ENTRIES`].
pub(super) fn walk(
    list: Command<'_>,
    mut each: impl FnMut(Entry) -> Result<(), GitError>,
) -> Result<(), GitError> {
    let mut count = 0;
    list.slowly().at_most(u64::MAX).records(0, |record| {
        count += 1;
        too_many("the number of files in the repository", count, MAX_ENTRIES)?;
        let unknown = || GitError::Failed { verb: "ls-tree".to_owned(), said: Said::new(record, None) };
        each(listed(record).ok_or_else(unknown)?)
    })
}

/// `100644 blob 1234…`, a tab and the path.
fn listed(record: &[u8]) -> Option<Entry> {
    let at = record.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&record[..at]).ok()?.split(' ');
    let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
    Some(Entry { kind: kind(mode)?, object: object.to_owned(), path: record[at + 1..].to_vec() })
}

/// Refuses more than `limit`.
pub(super) fn too_many(what: &str, count: usize, limit: usize) -> Result<(), GitError> {
    if count > limit {
        return Err(GitError::TooLarge { what: what.to_owned(), limit: limit as u64 });
    }
    Ok(())
}

/// A path fit to be shown.
pub(super) fn shown(path: &[u8]) -> String {
    crate::process::show::harmless(path).replace('\n', "\u{fffd}")
}

/// True for `.`, `..`, nothing, and whatever a file system may take for `.git`: any case, with
/// characters that HFS+ leaves out, with endings that NTFS leaves out, and its short name.
pub(super) fn is_forbidden(name: &[u8]) -> bool {
    if matches!(name, b"" | b"." | b"..") {
        return true;
    }
    let text = String::from_utf8_lossy(name);
    let visible: String = text.chars().filter(|c| !is_left_out(*c)).collect();
    let stem = visible.split([':', '\\']).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

/// What HFS+ does not look at when it compares names.
fn is_left_out(character: char) -> bool {
    matches!(character,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// The symbolic links of a tree: path and target.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<Vec<u8>, Vec<u8>>);

impl Links {
    /// Remembers one.
    pub(super) fn add(&mut self, path: Vec<u8>, target: Vec<u8>) {
        self.0.insert(path, target);
    }

    /// Refuses the first that leads out of the tree, by itself or by way of others.
    pub(super) fn check(&self) -> Result<(), TreeFault> {
        match self.0.iter().find(|(path, target)| self.leads_out(path, target)) {
            None => Ok(()),
            Some((path, target)) => Err(TreeFault::Link { path: shown(path), target: shown(target) }),
        }
    }

    /// Walks as the system does: a link in the middle is followed before a `..` behind it counts.
    fn leads_out(&self, path: &[u8], target: &[u8]) -> bool {
        let mut here: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        here.pop();
        if target.starts_with(b"/") {
            return true;
        }
        let mut ahead: VecDeque<&[u8]> = target.split(|byte| *byte == b'/').collect();
        let mut hops = 0;
        while let Some(part) = ahead.pop_front() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    if here.pop().is_none() {
                        return true;
                    }
                    continue;
                }
                name => here.push(name),
            }
            let Some(next) = self.0.get(&here.join(&b'/')) else { continue };
            hops += 1;
            if next.starts_with(b"/") {
                return true;
            }
            if hops > MAX_HOPS {
                // The system gives up here as well.
                return false;
            }
            here.pop();
            for part in next.rsplit(|byte| *byte == b'/') {
                ahead.push_front(part);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(links: &[(&str, &str)]) -> Option<String> {
        let mut all = Links::default();
        links.iter().for_each(|(path, target)| all.add(path.as_bytes().to_vec(), target.as_bytes().to_vec()));
        match all.check() {
            Ok(()) => None,
            Err(TreeFault::Link { path, .. }) => Some(path),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn links_that_stay_inside() {
        for links in [
            &[("a", "b")][..],
            &[("a", ".")],
            &[("sub/a", "..")],
            &[("sub/a", "../other/./b//c")],
            &[("a", "nowhere/../b")],
            &[("a", "b"), ("b", "a")],
            &[("deep/er/a", "../../x"), ("x", "deep")],
        ] {
            assert_eq!(fault(links), None, "{links:?}");
        }
    }

    #[test]
    fn links_that_lead_out() {
        for links in [
            &[("a", "/etc/passwd")][..],
            &[("a", "..")],
            &[("sub/a", "../..")],
            &[("sub/a", "x/../../../y")],
            // By way of another: `up` is the top, so `..` behind it is above.
            &[("sub/a", "up/../secret"), ("sub/up", "..")],
            &[("a", "one/two"), ("one/two", "../../..")],
            &[("a", "b/.."), ("b", "c"), ("c", ".")],
        ] {
            assert_eq!(fault(links).as_deref(), Some(links[0].0), "{links:?}");
        }
    }

    #[test]
    fn names_that_no_file_may_have() {
        for name in [
            "..",
            ".",
            "",
            ".git",
            ".GIT",
            ".Git",
            ".git.",
            ".git ",
            ".git . .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\\x",
        ] {
            assert!(is_forbidden(name.as_bytes()), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", "git~2", "...", ".gitattributes", ".gi", "a.git", "x..y"]
        {
            assert!(!is_forbidden(name.as_bytes()), "{name:?}");
        }
    }

    #[test]
    fn a_listing_is_read() {
        let mut entries = Entries::default();
        let zero = "0".repeat(40);
        let record = format!(":000000 100755 {zero} {} A", "1".repeat(40));
        assert_eq!(entries.next(record.as_bytes()).unwrap(), None);
        let entry = entries.next(b"a\nb").unwrap().unwrap();
        assert_eq!(entry, Entry { kind: Kind::Program, object: "1".repeat(40), path: b"a\nb".to_vec() });
        assert!(entries.next(b"what is this").is_err());
        let record = format!("120000 blob {}\ta\tb", "2".repeat(40));
        let entry = Entry { kind: Kind::Link, object: "2".repeat(40), path: b"a\tb".to_vec() };
        assert_eq!(listed(record.as_bytes()), Some(entry));
        assert_eq!(listed(b"what is this"), None);
    }

    /// Links and folders in a real folder, each asked of the system itself.
    fn real(links: &[(String, String)]) -> Vec<(String, bool)> {
        let dir = tempfile::tempdir().unwrap();
        let outer = dir.path().canonicalize().unwrap();
        let top = outer.join("1/2/3/4/top");
        for sub in ["a/b/c", "a/c", "b/a"] {
            std::fs::create_dir_all(top.join(sub)).unwrap();
        }
        let mut made = Vec::new();
        for (path, target) in links {
            if std::os::unix::fs::symlink(target, top.join(path)).is_ok() {
                made.push(path.clone());
            }
        }
        let out = |path: &String| match top.join(path).canonicalize() {
            Ok(real) => Some((path.clone(), !real.starts_with(&top))),
            Err(_) => None,
        };
        made.iter().filter_map(out).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// Wherever the system finds the end of a link, it is outside exactly where we say so.
        #[test]
        fn the_system_walks_the_same_way(
            links in prop::collection::btree_map(
                prop::sample::select(vec!["x", "a/x", "a/y", "a/b/x", "b/y", "y"]).prop_map(str::to_owned),
                prop::collection::vec(prop::sample::select(vec!["..", "a", "b", "c", "x", "y", "."]), 1..5)
                    .prop_map(|parts| parts.join("/")),
                1..5,
            )
        ) {
            let links: Vec<(String, String)> = links.into_iter().collect();
            let mut all = Links::default();
            for (path, target) in &links {
                all.add(path.as_bytes().to_vec(), target.as_bytes().to_vec());
            }
            for (path, is_out) in real(&links) {
                let target = links.iter().find(|(other, _)| *other == path).map(|(_, target)| target.as_bytes());
                let says = all.leads_out(path.as_bytes(), target.unwrap());
                // A way that leaves and comes back is refused too, so only one direction is sure.
                prop_assert!(says || !is_out, "{path} of {links:?}");
            }
        }
    }
}
