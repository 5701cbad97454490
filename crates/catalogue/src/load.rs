//! Reads catalogue files.

use crate::api::{Loaded, SourceText};
use crate::decode::{Context, Decode};
use crate::model::File;
use crate::template::Sources;
use crate::yaml;
use std::collections::BTreeSet;
use taskmaster_core::diagnostic::{Diagnostic, Severity};
use taskmaster_core::id::EnvironmentName;
use taskmaster_core::text::LineIndex;

/// Everything that was read from catalogue files.
#[derive(Debug, Default)]
pub struct Catalogue {
    pub(crate) files: Vec<File>,
    pub(crate) sources: Sources,
    pub(crate) names: Vec<String>,
    pub(crate) lines: Vec<LineIndex>,
    /// Entries may be missing: their tasks are not to be called unbound.
    pub(crate) is_incomplete: bool,
}

/// Reads catalogue files. Never panics, never stops at the first fault.
///
/// ```
/// use taskmaster_catalogue::{SourceText, load};
/// let text = "tasks:\n  T001:\n    run: {exec: [make, build]}\n";
/// let loaded = load(&[SourceText { name: "tasks/local.yaml", text }]);
/// assert!(loaded.diagnostics.is_empty());
/// ```
pub fn load(sources: &[SourceText<'_>]) -> Loaded {
    let mut loaded = Loaded::default();
    for (source, text) in sources.iter().enumerate() {
        let file = read_file(source, text, &mut loaded.diagnostics);
        let catalogue = &mut loaded.catalogue;
        catalogue.names.push(text.name.to_owned());
        catalogue.lines.push(LineIndex::new(text.text));
        catalogue.sources.0.push(text.text.to_owned());
        catalogue.files.extend(file);
    }
    loaded.catalogue.is_incomplete = loaded.diagnostics.iter().any(|d| d.severity == Severity::Error);
    loaded
}

fn read_file(source: usize, text: &SourceText<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<File> {
    let mut found = Vec::new();
    let node = yaml::read(text.text, &mut found);
    let is_broken = !found.is_empty();
    diagnostics.extend(found.into_iter().map(|fault| fault.in_source(source)));
    let mut cx = Context { source, text: text.text, diagnostics };
    let node = match node {
        Some(node) if !node.is_null() => node,
        _ => {
            if !is_broken {
                let fault = Diagnostic::warning("schema-empty", None, "this catalogue is empty");
                cx.report(fault.help("write `tasks:` and an entry for each task"));
            }
            return None;
        }
    };
    File::decode(&node, &mut cx)
}

impl Catalogue {
    /// Environments that any file names, sorted.
    pub fn environments(&self) -> Vec<EnvironmentName> {
        let names: BTreeSet<&str> = self.files.iter().flat_map(File::environment_names).collect();
        names.into_iter().map(EnvironmentName::from).collect()
    }

    /// False where no task could give outputs, in any environment.
    pub fn gives_outputs(&self) -> bool {
        self.files.iter().flat_map(File::entries).any(|entry| entry.fields.gives_outputs())
    }

    /// `tasks/local.yaml:34`
    pub(crate) fn describe(&self, place: crate::decode::Place) -> String {
        let name = self.names.get(place.source).map_or("", String::as_str);
        let line = self.lines.get(place.source).map_or(0, |lines| lines.line(place.span.start));
        format!("{name}:{line}")
    }
}
