//! `docs/faults.md` and the tests say the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/faults.md")).unwrap()
}

/// Collects the paths of test functions, as `cargo test` prints them.
struct Tests {
    module: Vec<String>,
    found: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("test")) {
            self.note(&item.sig.ident.to_string());
        }
    }

    /// Properties are inside of `proptest!`, which is no syntax of functions: their names are taken as they are.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let text = item.tokens.to_string();
        if item.path.is_ident("proptest") {
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split([' ', '(']).next());
            names.for_each(|name| self.note(name));
        }
    }
}

impl Tests {
    fn note(&mut self, name: &str) {
        let path = [self.module.clone(), vec![name.to_owned()]].concat();
        self.found.insert(path.join("::"));
    }
}

/// The tests of the files below `dir`; their paths begin with `prefix`.
fn tests_below(dir: &Path, prefix: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir_now) = open.pop() {
        for entry in std::fs::read_dir(&dir_now).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(dir).unwrap().with_extension("");
                let names = below.iter().map(|name| name.to_string_lossy().into_owned());
                let module = names.filter(|name| !["main", "mod", "lib"].contains(&name.as_str())).collect();
                let mut tests = Tests { module, found: BTreeSet::new() };
                tests.visit_file(&syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
                all.extend(tests.found.into_iter().map(|path| format!("{prefix}{path}")));
            }
        }
    }
    all
}

/// The third cell of every row: the tests that it names.
fn named(page: &str) -> Vec<(String, Vec<String>)> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| fault");
    let rows = page.lines().filter(is_row).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let last = cells.last().copied().unwrap_or_default();
        let tests = last.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (line.to_owned(), if cells.len() == 3 { tests } else { Vec::new() })
    });
    rows.collect()
}

#[test]
fn every_row_names_a_test_that_exists() {
    let mut known = tests_below(&root().join("tests/it"), "");
    known.extend(tests_below(&root().join("src"), "src/"));
    for name in ["catalogue", "delivery", "kube-api", "prd"] {
        let tests = root().join("crates").join(name).join("tests");
        known.extend(tests_below(&tests.join("it"), &format!("{name}/")));
    }
    let rows = named(&page());
    assert!(rows.len() > 60, "{} rows", rows.len());
    let empty: Vec<_> = rows.iter().filter(|(_, tests)| tests.is_empty()).collect();
    assert!(empty.is_empty(), "rows that are no three cells, or name no test: {empty:#?}");
    let wrong: Vec<_> =
        rows.iter().flat_map(|(_, tests)| tests).filter(|test| !known.contains(*test)).collect();
    assert!(wrong.is_empty(), "these tests are not there: {wrong:#?}");
}

#[test]
fn every_test_of_faults_has_a_row() {
    let named: BTreeSet<String> = named(&page()).into_iter().flat_map(|(_, tests)| tests).collect();
    let own = tests_below(&root().join("tests/it/faults"), "faults::");
    assert!(own.len() > 30, "{}", own.len());
    let missing: Vec<_> =
        own.difference(&named).filter(|test| !test.starts_with("faults::table::")).collect();
    assert!(missing.is_empty(), "not in docs/faults.md: {missing:#?}");
}
