//! Images of containers, packed by hand as `docker save` would: one layer, a configuration, a list.

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands at a path in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file of this machine; links are followed.
    File(PathBuf),
    /// Words, and whether they may be executed.
    Text(String, bool),
    /// A link to that path.
    Link(String),
    /// A folder that everybody may write to.
    Folder,
}

/// An image before it is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// `registry/name:tag`.
    pub(crate) name: String,
    /// Absolute paths.
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Program and first arguments.
    pub(crate) entrypoint: Vec<String>,
    /// Number of the user that it runs as; 0 for root.
    pub(crate) user: u32,
    /// `NAME=value`.
    pub(crate) env: Vec<String>,
}

impl Image {
    /// An image that runs one program as root.
    pub(crate) fn of(name: &str, program: &Path, at: &str) -> Self {
        Self {
            name: name.to_owned(),
            entries: BTreeMap::from([(at.to_owned(), Entry::File(program.to_owned()))]),
            entrypoint: vec![at.to_owned()],
            user: 0,
            env: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
        }
    }

    /// Adds something.
    pub(crate) fn with(mut self, at: &str, entry: Entry) -> Self {
        self.entries.insert(at.to_owned(), entry);
        self
    }

    /// Adds the libraries that its programs are linked to, where the loader looks for them.
    pub(crate) fn with_libraries(mut self, search: &Path) -> Result<Self> {
        let programs: Vec<PathBuf> = self.entries.values().filter_map(Entry::file).cloned().collect();
        for program in programs {
            for (at, library) in libraries(&program, search)? {
                self.entries.entry(at).or_insert(Entry::File(library));
            }
        }
        Ok(self)
    }

    /// The archive.
    pub(crate) fn pack(&self) -> Result<Vec<u8>> {
        let layer = layer(&self.entries).with_context(|| self.name.clone())?;
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": self.env,
                "User": if self.user == 0 { String::new() } else { self.user.to_string() },
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&layer))]},
            "history": [{"created": "2026-01-01T00:00:00Z"}],
        });
        let config = serde_json::to_vec(&config)?;
        let named = format!("{}.json", hex(&config));
        let list = json!([{"Config": named, "RepoTags": [self.name], "Layers": ["layer.tar"]}]);
        let mut out = tar::Builder::new(Vec::new());
        for (name, bytes) in [(named.as_str(), &config), ("layer.tar", &layer)] {
            append(&mut out, name, bytes, 0o644)?;
        }
        append(&mut out, "manifest.json", &serde_json::to_vec(&list)?, 0o644)?;
        Ok(out.into_inner()?)
    }
}

impl Entry {
    fn file(&self) -> Option<&PathBuf> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn layer(entries: &BTreeMap<String, Entry>) -> Result<Vec<u8>> {
    let mut out = tar::Builder::new(Vec::new());
    let mut made = BTreeSet::new();
    for (at, entry) in entries {
        let name = at.trim_start_matches('/');
        for (end, _) in name.match_indices('/') {
            // A folder that is a link stays one.
            let parent = &name[..end];
            if !entries.contains_key(&format!("/{parent}")) && made.insert(parent.to_owned()) {
                folder(&mut out, parent, 0o755)?;
            }
        }
        match entry {
            Entry::Folder => folder(&mut out, name, 0o1777)?,
            Entry::Link(to) => {
                let mut header = header(tar::EntryType::Symlink, 0, 0o777);
                out.append_link(&mut header, name, to)?;
            }
            Entry::Text(text, runs) => {
                append(&mut out, name, text.as_bytes(), if *runs { 0o755 } else { 0o644 })?;
            }
            Entry::File(path) => {
                let bytes = fs::read(path).with_context(|| path.display().to_string())?;
                let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path)?.permissions());
                append(&mut out, name, &bytes, if mode & 0o111 == 0 { 0o644 } else { 0o755 })?;
            }
        }
    }
    Ok(out.into_inner()?)
}

fn header(kind: tar::EntryType, size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn folder(out: &mut tar::Builder<Vec<u8>>, name: &str, mode: u32) -> Result<()> {
    let mut header = header(tar::EntryType::Directory, 0, mode);
    Ok(out.append_data(&mut header, format!("{name}/"), std::io::empty())?)
}

fn append(out: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    let mut header = header(tar::EntryType::Regular, bytes.len() as u64, mode);
    Ok(out.append_data(&mut header, name, bytes)?)
}

/// Where a program's libraries are looked for, and the files that are found there on this machine.
fn libraries(program: &Path, search: &Path) -> Result<Vec<(String, PathBuf)>> {
    let starts_elf = fs::read(program).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"));
    if !starts_elf {
        return Ok(Vec::new());
    }
    // A static program is "not a dynamic executable", which ldd calls a failure.
    let output = Command::new("ldd").arg(program).env("LD_LIBRARY_PATH", search).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(library).collect())
}

/// One line of `ldd`: `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)` or `/lib64/ld-linux-… (0x…)`.
fn library(line: &str) -> Option<(String, PathBuf)> {
    let (name, path) = line.split_once("=>").unwrap_or(("", line));
    let path = path.split('(').next()?.trim();
    if !path.starts_with('/') {
        return None;
    }
    let at =
        if name.is_empty() { path.to_owned() } else { format!("/usr/lib/x86_64-linux-gnu/{}", name.trim()) };
    Some((at, fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(archive: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| entry.path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_layer_holds_parents_before_children_and_nothing_twice() {
        let text = |text: &str| Entry::Text(text.to_owned(), false);
        let entries = BTreeMap::from([
            ("/etc/passwd".to_owned(), text("a")),
            ("/etc/ssl/certs".to_owned(), text("b")),
            ("/tmp".to_owned(), Entry::Folder),
            ("/bin".to_owned(), Entry::Link("usr/bin".to_owned())),
        ]);
        let layer = layer(&entries).unwrap();
        assert_eq!(names(&layer), ["bin", "etc/", "etc/passwd", "etc/ssl/", "etc/ssl/certs", "tmp/"]);
    }

    #[test]
    fn an_archive_is_the_same_each_time_and_names_its_parts() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("it");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        let image = Image::of("registry.test/it:1", &program, "/it").with("/tmp", Entry::Folder);
        let archive = image.pack().unwrap();
        assert_eq!(archive, image.pack().unwrap());
        let names = names(&archive);
        assert!(names[0].len() == 69 && names[0].ends_with(".json"), "{names:?}");
        assert_eq!(names[1..], ["layer.tar", "manifest.json"]);
    }

    #[test]
    fn lines_of_ldd() {
        assert_eq!(library("\tlinux-vdso.so.1 (0x7ffd)"), None);
        assert_eq!(library("\tstatically linked"), None);
        let (at, _) = library("\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x7f)").unwrap();
        assert_eq!(at, "/usr/lib/x86_64-linux-gnu/libz.so.1");
        let (at, _) = library("\t/lib64/ld-linux-x86-64.so.2 (0x7f)").unwrap();
        assert_eq!(at, "/lib64/ld-linux-x86-64.so.2");
    }
}
