//! The sync that keeps the document true.

use super::parts::{self, Page};
use crate::report::summary::Group;
use crate::report::sync_words;
use crate::report::view::SyncHealth;
use maud::{Markup, html};

/// The section; nothing where no sync does.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let Some(sync) = &page.view.sync else { return html! {} };
    html! {
        section id="sync" aria-labelledby="sync-h" {
            (parts::heading("sync-h", "Sync", &sync.name))
            article.card.{ "s-" (group(sync.health).name()) } {
                h3 { (parts::icon(group(sync.health))) " " (sync.health.name()) }
                dl.diagnosis.wide {
                    @for (name, value) in sync_words::facts(sync) {
                        div { dt { (name) } dd { (parts::foreign(&value)) } }
                    }
                }
            }
        }
    }
}

/// The colour and sign of a state that is as good.
fn group(health: SyncHealth) -> Group {
    match health {
        SyncHealth::Healthy => Group::Done,
        SyncHealth::Progressing => Group::Active,
        SyncHealth::Degraded => Group::Failed,
        SyncHealth::Paused => Group::Waiting,
        SyncHealth::Unknown => Group::Unknown,
    }
}
