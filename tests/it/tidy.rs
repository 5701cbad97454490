//! The house rules that a compiler does not know: who may import whom, how long a file and a
//! function may be, where the clock is read, and that every test file is part of the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// What each module of the program may import from the program's other modules.
const MODULES: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("crash", &[]),
    ("read", &[]),
    ("process", &["clock", "crash"]),
    ("git", &["clock", "crash", "process"]),
    ("store", &["clock", "crash"]),
    ("exec", &["clock", "process", "read"]),
    ("report", &[]),
    ("config", &["read"]),
    ("deliver", &["clock", "process", "read"]),
    ("agent", &["clock", "deliver", "process", "read"]),
    (
        "app",
        &[
            "agent", "clock", "config", "crash", "deliver", "exec", "git", "process", "read", "report",
            "store",
        ],
    ),
    ("web", &["app", "clock", "report"]),
    (
        "cli",
        &["agent", "app", "clock", "config", "deliver", "exec", "git", "process", "report", "store", "web"],
    ),
];

/// What each crate and module may import from the workspace's crates.
const CRATES: &[(&str, &[&str])] = &[
    ("crates/core", &[]),
    ("crates/prd", &["taskmaster_core"]),
    ("crates/delivery", &[]),
    ("crates/kube-api", &["taskmaster_core"]),
    ("crates/catalogue", &["taskmaster_core", "taskmaster_delivery", "taskmaster_kube_api"]),
    ("crates/testkit", &["taskmaster_core"]),
    ("apps/sample-api", &[]),
    ("tests/cluster", &[]),
    ("tests/e2e", &["taskmaster_git_server"]),
    ("tests/experiment", &[]),
    ("tests/git-server", &[]),
    ("tests/simulate", &["taskmaster_delivery"]),
    ("src/clock", &[]),
    ("src/crash", &[]),
    ("src/read", &[]),
    ("src/process", &["taskmaster_core"]),
    ("src/git", &["taskmaster_core"]),
    ("src/store", &["taskmaster_core"]),
    ("src/exec", &["taskmaster_core"]),
    ("src/report", &["taskmaster_core"]),
    ("src/config", &["taskmaster_core", "taskmaster_delivery"]),
    ("src/web", &["taskmaster_core"]),
    ("src/deliver", &["taskmaster_core", "taskmaster_delivery", "taskmaster_kube_api"]),
    ("src/agent", &["taskmaster_core", "taskmaster_delivery"]),
    (
        "src/app",
        &[
            "taskmaster_catalogue",
            "taskmaster_core",
            "taskmaster_delivery",
            "taskmaster_kube_api",
            "taskmaster_prd",
        ],
    ),
    ("src/cli", &["taskmaster_catalogue", "taskmaster_core", "taskmaster_kube_api", "taskmaster_prd"]),
];

const KIT: &str = "taskmaster_testkit";
const MAX_FILE_LINES: usize = 800;
const MAX_FUNCTION_LINES: usize = 100;
const CLOCKS: [&str; 4] = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "Instant::now("];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `src/exec/driver.rs` belongs to `src/exec`, `crates/core/src/x.rs` to `crates/core`.
fn owner(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["crates" | "apps" | "tests", name, "src", ..] => Some(format!("{}/{name}", parts[0])),
        ["src", "main.rs" | "lib.rs"] => None,
        ["src", module, ..] => Some(format!("src/{}", module.trim_end_matches(".rs"))),
        _ => None,
    }
}

/// Every path that names another module of the crate or another crate of the workspace.
#[derive(Default)]
struct Imports {
    modules: BTreeSet<String>,
    crates: BTreeSet<String>,
    long_functions: Vec<(String, usize)>,
}

impl Imports {
    fn note(&mut self, first: &str, second: Option<&str>) {
        if first.starts_with("taskmaster_") {
            self.crates.insert(first.to_owned());
        }
        if let ("crate", Some(second)) = (first, second) {
            self.modules.insert(second.to_owned());
        }
    }

    fn note_tree(&mut self, prefix: Option<&str>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                let name = path.ident.to_string();
                match prefix {
                    Some(first) => self.note(first, Some(&name)),
                    None => self.note_tree(Some(&name), &path.tree),
                }
                if prefix.is_none() {
                    self.note(&name, None);
                }
            }
            syn::UseTree::Name(name) => self.note_leaf(prefix, &name.ident.to_string()),
            syn::UseTree::Rename(name) => self.note_leaf(prefix, &name.ident.to_string()),
            syn::UseTree::Glob(_) => {}
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.note_tree(prefix, item)),
        }
    }

    fn note_leaf(&mut self, prefix: Option<&str>, name: &str) {
        match prefix {
            Some(first) => self.note(first, Some(name)),
            None => self.note(name, None),
        }
    }

    fn measure(&mut self, name: &syn::Ident, whole: proc_macro2::Span) {
        let lines = whole.end().line - whole.start().line + 1;
        if lines > MAX_FUNCTION_LINES {
            self.long_functions.push((name.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_tree(None, &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names = path.segments.iter().map(|s| s.ident.to_string());
        if let Some(first) = names.next() {
            self.note(&first, names.next().as_deref());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, item.span());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, item.span());
        syn::visit::visit_impl_item_fn(self, item);
    }
}

/// What is wrong with one file, in words. `path` is relative to the root.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        faults.push(format!("{path}: {lines} lines, at most {MAX_FILE_LINES}"));
    }
    let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut imports = Imports::default();
    imports.visit_file(&parsed);
    for (name, lines) in &imports.long_functions {
        faults.push(format!("{path}: function {name} has {lines} lines, at most {MAX_FUNCTION_LINES}"));
    }
    let Some(owner) = owner(path) else { return faults };
    let crates: BTreeMap<_, _> = CRATES.iter().copied().collect();
    match crates.get(owner.as_str()) {
        None => faults.push(format!("{path}: {owner} is not in the import table of tests/it/tidy.rs")),
        Some(allowed) => {
            // The tests' kit is for tests alone: cargo lets nothing else have it.
            let is_wrong = |name: &&String| name.as_str() != KIT && !allowed.contains(&name.as_str());
            let wrong = imports.crates.iter().filter(is_wrong);
            faults.extend(wrong.map(|name| format!("{path}: {owner} may not import {name}")));
        }
    }
    if let Some(module) = owner.strip_prefix("src/") {
        let table: BTreeMap<_, _> = MODULES.iter().copied().collect();
        let allowed = table.get(module).copied().unwrap_or_default();
        let known = imports.modules.iter().filter(|name| table.contains_key(name.as_str()));
        let wrong = known.filter(|name| *name != module && !allowed.contains(&name.as_str()));
        faults.extend(wrong.map(|name| format!("{path}: {module} may not import {name}")));
    }
    let reads_clock = CLOCKS.iter().any(|clock| text.contains(clock));
    if owner.starts_with("src/") && owner != "src/clock" && reads_clock {
        faults.push(format!("{path}: reads a clock; only src/clock.rs does"));
    }
    faults
}

#[test]
fn imports_sizes_and_clocks_hold() {
    let mut all = Vec::new();
    let dirs = ["src", "crates", "apps", "tests", "benches"].map(|dir| root().join(dir));
    for dir in dirs.iter().filter(|dir| dir.is_dir()) {
        for file in rust_files(dir) {
            let path = file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            all.extend(faults(&path, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(all.is_empty(), "the house rules are broken:\n{}", all.join("\n"));
}

/// Each drawing is named where its states are declared and compared with them by a test; no name leads nowhere.
#[test]
fn drawings_of_states_are_cited_and_proved() {
    let page = fs::read_to_string(root().join("docs/state-machines.md")).unwrap();
    let sections =
        page.split("\n## ").skip(1).filter(|section| section.contains("```mermaid\nstateDiagram-v2"));
    let drawn: BTreeSet<&str> = sections.filter_map(|section| section.lines().next()).collect();
    let sources: String = ["src", "crates"]
        .iter()
        .flat_map(|dir| rust_files(&root().join(dir)))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let cited =
        |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect::<String>();
    let cited: BTreeSet<String> = sources.split("docs/state-machines.md#").skip(1).map(cited).collect();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    assert_eq!(cited, drawn.iter().map(|heading| anchor(heading)).collect());
    let unproved: Vec<_> =
        drawn.iter().filter(|heading| !sources.contains(&format!("drawing::edges(\"{heading}\")"))).collect();
    assert!(drawn.len() >= 8 && unproved.is_empty(), "no test reads the drawings of {unproved:?}");
}

#[test]
fn a_wrong_import_is_found() {
    let wrong = [
        ("src/store/x.rs", "use crate::exec::Driver;"),
        ("src/exec/x.rs", "fn f() { crate::store::Store::open() }"),
        ("src/report/x.rs", "use taskmaster_prd::parse;"),
        ("src/process/x.rs", "use crate::{clock, app};"),
        ("crates/core/src/x.rs", "use taskmaster_prd as prd;"),
        ("crates/prd/src/x.rs", "use {taskmaster_catalogue::load, std::fs};"),
        ("src/exec/x.rs", "fn f() { std::time::Instant::now(); }"),
        ("src/novelty/x.rs", ""),
        ("tests/e2e/src/x.rs", "use taskmaster_core::plan::Plan;"),
    ];
    for (path, text) in wrong {
        assert_eq!(faults(path, text).len(), 1, "{path}: {text}");
    }
    assert_eq!(
        faults("src/exec/x.rs", "use crate::process::Child; use taskmaster_core::plan::Plan;").len(),
        0
    );
    let long = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(MAX_FUNCTION_LINES));
    assert_eq!(faults("src/exec/x.rs", &long).len(), 1);
    assert_eq!(faults("src/exec/x.rs", &"\n".repeat(MAX_FILE_LINES + 1)).len(), 1);
}

#[test]
fn every_test_file_is_listed() {
    let dir = root().join("tests/it");
    for file in rust_files(&dir) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let parent = file.parent().unwrap();
        let lister = match (name.as_str(), parent == dir) {
            ("main", true) => continue,
            ("mod", _) => parent.parent().unwrap().join(if parent.parent().unwrap() == dir {
                "main.rs"
            } else {
                "mod.rs"
            }),
            (_, true) => dir.join("main.rs"),
            (_, false) => parent.join("mod.rs"),
        };
        let listed =
            if name == "mod" { parent.file_name().unwrap().to_string_lossy().into_owned() } else { name };
        let text = fs::read_to_string(&lister).unwrap_or_else(|e| panic!("{}: {e}", lister.display()));
        let found = text
            .lines()
            .any(|line| line.trim().trim_start_matches("pub(crate) ") == format!("mod {listed};"));
        assert!(found, "{} is not listed in {}", file.display(), lister.display());
    }
}
