//! Syncs as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::human;
use crate::report::sync_words;
use crate::report::view::{SyncHealth, SyncStatusView, SyncView};

/// How syncs stand, as text.
pub(crate) fn sync_status(view: &SyncStatusView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    view.syncs.iter().for_each(|one| sync(&mut sheet, one));
    if view.syncs.is_empty() {
        sheet.paragraph(&[], "No sync has begun here.", Style::Plain);
    }
    sheet.finish()
}

/// A sync in a report: what one needs to know, without its history.
pub(super) fn brief(sheet: &mut Sheet, one: &SyncView) {
    sheet.heading("Sync");
    head(sheet, one);
}

fn style(health: SyncHealth) -> Style {
    match health {
        SyncHealth::Healthy => Style::Green,
        SyncHealth::Progressing => Style::Blue,
        SyncHealth::Degraded => Style::Red,
        SyncHealth::Paused => Style::Yellow,
        SyncHealth::Unknown => Style::Magenta,
    }
}

fn sync(sheet: &mut Sheet, sync: &SyncView) {
    sheet.gap();
    head(sheet, sync);
    for (place, entry) in sync.history.iter().enumerate() {
        let name = if place == 0 { "history" } else { "" };
        let lead = format!("  {name:<13}{}  ", human::time(entry.at));
        sheet.paragraph(&[(Style::Muted, &lead)], &sync_words::entry(entry), Style::Muted);
    }
}

fn head(sheet: &mut Sheet, sync: &SyncView) {
    let lead = format!("{} {} ", sync_words::sign(sync.health), human::line(&sync.name));
    sheet.paragraph(&[(style(sync.health), &lead)], sync.health.name(), style(sync.health));
    for (name, value) in sync_words::facts(sync) {
        sheet.paragraph(&[(Style::Muted, &format!("  {name:<13}"))], &value, Style::Plain);
    }
}
