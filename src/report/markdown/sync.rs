//! Syncs as Markdown.

use super::escape::{cell_code, text};
use super::lists::finish;
use crate::report::human;
use crate::report::sync_words;
use crate::report::view::{SyncStatusView, SyncView};
use std::fmt::Write as _;

/// How syncs stand, as Markdown.
pub(crate) fn sync_status(view: &SyncStatusView) -> String {
    let mut out = "## Syncs\n\n".to_owned();
    if view.syncs.is_empty() {
        out.push_str("No sync has begun here.\n");
    }
    view.syncs.iter().for_each(|one| sync(&mut out, one));
    finish(&out)
}

/// A sync in a report: what one needs to know, without its history.
pub(super) fn brief(out: &mut String, sync: &SyncView) {
    let sign = sync_words::sign(sync.health);
    let _ = writeln!(out, "### {sign} {}: {}\n\n| | |\n|---|---|", text(&sync.name), sync.health.name());
    for (name, value) in sync_words::facts(sync) {
        let _ = writeln!(out, "| {name} | {} |", text(&value));
    }
    out.push('\n');
}

fn sync(out: &mut String, sync: &SyncView) {
    brief(out, sync);
    if !sync.history.is_empty() {
        out.push_str("| When | Commit | Result |\n|---|---|---|\n");
        for entry in &sync.history {
            let commit =
                entry.commit.as_deref().map_or("–".to_owned(), |id| cell_code(sync_words::short(id)));
            let result = text(&sync_words::result(&entry.result));
            let _ = writeln!(out, "| {} | {commit} | {result} |", human::time(entry.at));
        }
        out.push('\n');
    }
}
