//! Faults on purpose: which seed finds each of them, and by which rule.

use crate::torture::{Torture, rule, run_all};
use anyhow::{Result, anyhow};
use taskmaster_delivery::mutant::Mutant;

/// The fault of a name.
pub(crate) fn named(name: &str) -> Result<Mutant> {
    let is_it = |mutant: &Mutant| format!("{mutant:?}").eq_ignore_ascii_case(name);
    Mutant::ALL.into_iter().find(is_it).ok_or_else(|| anyhow!("no fault on purpose is called `{name}`"))
}

/// Prints a line for each. True where every one was found.
pub(crate) fn find(seeds: u64, threads: usize) -> bool {
    let mut all_found = true;
    for mutant in Mutant::ALL {
        let torture = Torture { seeds, first: 0, mutant: Some(mutant), has_trace: false, threads };
        let (summary, worst, _) = run_all(&torture);
        match worst.as_ref().and_then(|report| rule(report).map(|rule| (report.seed, rule))) {
            Some((seed, rule)) => println!("{mutant:?}: seed {seed}, {rule}"),
            None => {
                all_found = false;
                println!("{mutant:?}: not found in {} seeds", summary.runs);
            }
        }
    }
    all_found
}
