//! References from tasks to requirements.

use crate::draft::Draft;
use crate::ids::Ids;
use std::collections::{BTreeMap, HashMap};

/// Requirements that all sections named by tasks may stand for together.
const MOST_REFERENCES: usize = 1_000_000;

/// Finds requirements by id, section number, or number among the acceptance criteria.
pub(crate) struct References<'d> {
    draft: &'d Draft,
    ids: &'d Ids,
    by_id: HashMap<String, usize>,
    by_section: BTreeMap<&'d str, Vec<usize>>,
    criteria: HashMap<usize, Vec<usize>>,
    room: usize,
}

impl<'d> References<'d> {
    /// Indexes the requirements.
    pub(crate) fn new(draft: &'d Draft, ids: &'d Ids) -> Self {
        let mut references = Self {
            draft,
            ids,
            by_id: HashMap::new(),
            by_section: BTreeMap::new(),
            criteria: HashMap::new(),
            room: MOST_REFERENCES,
        };
        for (at, requirement) in draft.requirements.iter().enumerate() {
            references.by_id.insert(ids.requirements[at].to_lowercase(), at);
            if let Some(number) = &requirement.number {
                references.by_section.entry(number).or_default().push(at);
            }
            if requirement.acceptance {
                references.criteria.entry(requirement.source).or_default().push(at);
            }
        }
        references
    }

    /// Ids for what can be found, the text as written for the rest; each once.
    pub(crate) fn resolve(&mut self, written: &[String], source: usize) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let mut resolved = Vec::new();
        for reference in written {
            let named = self.named(reference, source);
            let names: Vec<String> = if named.is_empty() || named.len() > self.room {
                vec![reference.clone()]
            } else {
                self.room -= named.len();
                named.into_iter().map(|at| self.ids.requirements[at].clone()).collect()
            };
            resolved.extend(names.into_iter().filter(|name| seen.insert(name.clone())));
        }
        resolved
    }

    fn named(&self, reference: &str, source: usize) -> Vec<usize> {
        let bare = reference.trim().trim_start_matches('#').trim_end_matches('.');
        if let Some(at) = self.by_id.get(&bare.to_lowercase()) {
            return vec![*at];
        }
        if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let below = format!("{bare}.");
            let after = format!("{bare}/");
            let own = self.by_section.get(bare).into_iter();
            let inner = self.by_section.range(below.as_str()..after.as_str()).map(|(_, found)| found);
            let found: Vec<usize> = own.chain(inner).flatten().copied().take(self.room + 1).collect();
            if !found.is_empty() {
                return found;
            }
        }
        let criteria = self.criteria.get(&source).map_or(&[][..], Vec::as_slice);
        if bare.eq_ignore_ascii_case("all") {
            return criteria.iter().copied().take(self.room + 1).collect();
        }
        let range = bare.split_once(['-', '–']).unwrap_or((bare, bare));
        let (Ok(first), Ok(last)) = (range.0.trim().parse(), range.1.trim().parse::<usize>()) else {
            return Vec::new();
        };
        let numbers = first..=last.min(criteria.len().max(first));
        numbers.filter_map(|number| self.criterion(number, source, criteria)).take(self.room + 1).collect()
    }

    /// A criterion by its number: the one of this text that is called so, else by its place in the
    /// text, else the one that is called so elsewhere.
    fn criterion(&self, number: usize, source: usize, criteria: &[usize]) -> Option<usize> {
        let named = ["ac", "ac-"].iter().find_map(|prefix| self.by_id.get(&format!("{prefix}{number}")));
        let own = named.filter(|at| self.draft.requirements[**at].source == source);
        own.or_else(|| criteria.get(number.checked_sub(1)?)).or(named).copied()
    }
}
