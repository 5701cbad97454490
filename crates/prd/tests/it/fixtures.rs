//! Where the documents are.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use taskmaster_prd::{Options, Parsed, SourceText, parse_many};

/// One document: its name and its texts.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) sources: Vec<(String, String)>,
    /// Where its label is, if it has one.
    pub(crate) label: Option<PathBuf>,
    /// Where its golden is.
    pub(crate) golden: PathBuf,
}

impl Document {
    pub(crate) fn texts(&self) -> Vec<SourceText<'_>> {
        self.sources.iter().map(|(name, text)| SourceText { name, text }).collect()
    }

    pub(crate) fn parse(&self) -> Parsed {
        parse_many(&self.texts(), &Options::default())
    }

    pub(crate) fn label(&self) -> Option<Value> {
        self.label.as_ref().map(|path| json(path))
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

pub(crate) fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The project's own fixtures, each with its label.
pub(crate) fn own() -> Vec<Document> {
    let mut documents = Vec::new();
    for folder in ["notation", "seeds"] {
        for path in entries(&root().join("tests/fixtures").join(folder)) {
            let name = format!("{folder}/{}", file_name(&path).trim_end_matches(".md"));
            if path.is_dir() {
                let files =
                    entries(&path).into_iter().filter(|file| file.extension().is_some_and(|e| e == "md"));
                documents.push(Document {
                    name,
                    sources: files.map(|file| (file_name(&file), text(&file))).collect(),
                    label: Some(path.join("label.json")),
                    golden: path.join("golden.json"),
                });
            } else if path.extension().is_some_and(|e| e == "md") {
                documents.push(Document {
                    name,
                    sources: vec![(file_name(&path), text(&path))],
                    label: Some(path.with_extension("label.json")),
                    golden: path.with_extension("golden.json"),
                });
            }
        }
    }
    assert!(documents.len() > 60, "the fixtures are in tests/fixtures; {} found", documents.len());
    documents
}

/// Public documents beside the repository, where somebody put them; not part of it. The variable
/// `TASKMASTER_SAMPLES` names another folder for them.
pub(crate) fn outside(folder: &str) -> Vec<Document> {
    let samples =
        std::env::var_os("TASKMASTER_SAMPLES").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = samples.join(folder);
    if !folder.is_dir() {
        eprintln!("NOT CHECKED: {} is absent", folder.display());
        return Vec::new();
    }
    let files = entries(&folder).into_iter().filter(|path| path.is_file());
    let documents: Vec<Document> = files
        .map(|path| Document {
            name: file_name(&path),
            label: corpus_label(&path),
            sources: vec![(file_name(&path), text(&path))],
            golden: PathBuf::new(),
        })
        .collect();
    eprintln!("checked: {} documents of {}", documents.len(), folder.display());
    documents
}

/// The label of a document by the hash of its bytes.
fn corpus_label(path: &Path) -> Option<PathBuf> {
    let bytes = fs::read(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let label = root().join("tests/fixtures/corpus-labels").join(format!("{hash}.json"));
    label.is_file().then_some(label)
}
