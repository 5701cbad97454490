//! Rollouts as Markdown.

use super::escape::text;
use crate::report::view::{AgentView, RolloutHistoryView, RolloutListView, RolloutView};

/// One rollout as Markdown.
pub(crate) fn rollout(view: &RolloutView) -> String {
    format!("## {}\n", text(&view.name))
}

/// All rollouts as Markdown.
pub(crate) fn rollout_list(view: &RolloutListView) -> String {
    view.rollouts.iter().map(|row| format!("- {}\n", text(&row.name))).collect()
}

/// What was released, as Markdown.
pub(crate) fn rollout_history(view: &RolloutHistoryView) -> String {
    view.releases.iter().map(|row| format!("- {}\n", text(&row.revision))).collect()
}

/// The agent as Markdown.
pub(crate) fn agent(view: &AgentView) -> String {
    view.services.iter().map(|row| format!("- {}\n", text(&row.name))).collect()
}
