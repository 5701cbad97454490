//! Inputs of the fuzz targets, for tests that run the same checks.

use std::path::Path;

/// The inputs of a target: those that we wrote, whose names say what is made of them, and those that were kept of
/// what fuzzing found, whose names begin with `kept-`.
///
/// # Panics
/// Where there are none.
pub fn fuzz_inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut inputs = Vec::new();
    for (folder, prefix) in [("seeds", ""), ("kept", "kept-")] {
        for entry in std::fs::read_dir(fuzz.join(folder).join(target)).into_iter().flatten() {
            let path = entry.expect("a folder can be read").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            inputs.push((format!("{prefix}{name}"), std::fs::read(&path).expect("a file can be read")));
        }
    }
    assert!(!inputs.is_empty(), "no inputs for the fuzz target {target}");
    inputs.sort();
    inputs
}
