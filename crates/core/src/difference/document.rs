//! What changed about one task in the document, besides what its matching tells.

use super::model::Change;
use crate::document::Task;

pub(super) fn changes(before: &Task, now: &Task, found: &[Change]) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.status != now.status && !found.contains(&Change::Reopened) {
        changes.push(Change::Marked { from: before.status, to: now.status });
    }
    if before.optional != now.optional {
        changes.push(Change::Optional { now: now.optional });
    }
    changes
}
