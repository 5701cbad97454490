//! The table of `docs/mutants.md`: each fault on purpose is found by the seed and the rule that it names,
//! and the same seed finds nothing in the engine as it is.

use std::collections::BTreeSet;
use taskmaster_delivery::mutant::{Mutant, with};
use taskmaster_delivery::sim::{Ending, Report, any, run};

const DOCUMENT: &str = include_str!("../../../../docs/mutants.md");

/// Mutant, seed and rule of each line of the table.
fn table() -> Vec<(Mutant, u64, String)> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let lines: Vec<Vec<String>> = DOCUMENT
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(cells)
        .filter(|cells: &Vec<_>| cells.len() == 6)
        .collect();
    let row = |cells: &Vec<String>| {
        let name = cells[3].strip_prefix('`')?.strip_suffix('`')?;
        let mutant = Mutant::ALL.into_iter().find(|mutant| format!("{mutant:?}") == name)?;
        Some((mutant, cells[4].parse().ok()?, cells[5].clone()))
    };
    lines.iter().skip(1).map(|cells| row(cells).unwrap_or_else(|| panic!("{cells:?}"))).collect()
}

fn rule(report: &Report) -> Option<&'static str> {
    let is_stuck = matches!(report.ending, Ending::Stuck { .. });
    report.broken.as_ref().map(|broken| broken.rule).or(is_stuck.then_some("every run ends"))
}

#[test]
fn every_fault_on_purpose_is_found_as_the_document_says() {
    let table = table();
    let named: BTreeSet<_> = table.iter().map(|(mutant, ..)| format!("{mutant:?}")).collect();
    let all: BTreeSet<_> = Mutant::ALL.iter().map(|mutant| format!("{mutant:?}")).collect();
    assert_eq!(named, all);
    for (mutant, seed, expected) in table {
        let (_, spec, scenario) = any(seed);
        let found = with(mutant, || run(&spec, &scenario, seed));
        assert_eq!(rule(&found), Some(expected.as_str()), "{mutant:?}, seed {seed}");
        assert_eq!(rule(&run(&spec, &scenario, seed)), None, "seed {seed} without {mutant:?}");
    }
}
