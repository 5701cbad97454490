//! Rollouts as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::view::{AgentView, RolloutHistoryView, RolloutListView, RolloutView};

/// One rollout as text.
pub(crate) fn rollout(view: &RolloutView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], &view.name, Style::Bold);
    sheet.finish()
}

/// All rollouts as text.
pub(crate) fn rollout_list(view: &RolloutListView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    view.rollouts.iter().for_each(|row| sheet.paragraph(&[], &row.name, Style::Plain));
    sheet.finish()
}

/// What was released, as text.
pub(crate) fn rollout_history(view: &RolloutHistoryView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    view.releases.iter().for_each(|row| sheet.paragraph(&[], &row.revision, Style::Plain));
    sheet.finish()
}

/// The agent as text.
pub(crate) fn agent(view: &AgentView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    view.services.iter().for_each(|row| sheet.paragraph(&[], &row.name, Style::Plain));
    sheet.finish()
}
