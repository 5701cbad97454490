//! `Requires: T001` is a dependency, `Requires: Docker` is prose: which of the two was meant.
//!
//! A name that is found is a dependency, and nobody asks here. What is not found is an error only
//! where it was surely meant as a name: a slip must not lose an order, nor prose become an error.

use crate::draft::Draft;
use crate::fields::bare;
use crate::headings;
use crate::ids::Ids;
use crate::names::without_task;
use crate::scan::dotted_digits;
use crate::tokens::names_a_kind;
use std::collections::HashSet;
use taskmaster_core::diagnostic::is_slip;

/// Pieces that are compared with every name; beyond, only their form counts.
const MOST_COMPARED: usize = 1_000;
/// Names that they are compared with.
const MOST_NAMES: usize = 20_000;
/// Names whose length in bytes differs by more cannot be one slip apart.
const WIDEST_SLIP: usize = 4;

/// Tells names that are missing from prose.
pub(crate) struct Prerequisites<'d> {
    /// Letters before the digits of explicit ids, in lower case.
    series: HashSet<String>,
    names: Vec<&'d str>,
    compared: usize,
}

impl<'d> Prerequisites<'d> {
    /// Learns what a document names.
    pub(crate) fn new(draft: &'d Draft, ids: &'d Ids) -> Self {
        let explicit = draft.tasks.iter().filter_map(|task| task.fields.id.as_ref());
        let titles = draft.tasks.iter().map(|task| task.fields.title.as_str());
        let phases = draft.phases.iter().map(|phase| phase.title.as_str());
        Self {
            series: explicit.filter_map(|(_, id)| series(&id.text)).collect(),
            names: ids
                .tasks
                .iter()
                .map(String::as_str)
                .chain(titles)
                .chain(phases)
                .take(MOST_NAMES)
                .collect(),
            compared: 0,
        }
    }

    /// True where a piece that names nothing was meant to: it has the form of a number, an id of
    /// this document or a phase, or is one slip away from a name.
    pub(crate) fn is_reference(&mut self, piece: &str) -> bool {
        let name = bare(piece);
        let number = |text: &str| dotted_digits(text).is_some_and(|(_, rest)| rest.is_empty());
        number(without_task(name))
            || headings::phase(name).is_some_and(|(_, rest)| rest.is_empty())
            || names_a_kind(name)
            || series(name).is_some_and(|series| self.series.contains(&series))
            || self.is_near(name)
    }

    fn is_near(&mut self, name: &str) -> bool {
        self.compared += 1;
        let like = |known: &&&str| known.len().abs_diff(name.len()) <= WIDEST_SLIP;
        self.compared <= MOST_COMPARED && self.names.iter().filter(like).any(|known| is_slip(name, known))
    }
}

/// `t` of `T-12`, `proj` of `PROJ-12`; none of what is no word with a number.
fn series(name: &str) -> Option<String> {
    let letters = name.len() - name.trim_start_matches(char::is_alphabetic).len();
    let (word, number) = name.split_at(letters);
    let digits = number.trim_start_matches('-');
    let fits = letters > 0 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    fits.then(|| word.to_lowercase())
}
