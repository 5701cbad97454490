//! Drift as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::drift_summary::{self, DriftSummary};
use crate::report::human::{self, Names};
use crate::report::view::{DriftFinding, DriftHistoryView, DriftTask, DriftView};

/// So many of the tasks behind one are named.
const NAMED: usize = 5;

/// A look for drift as text.
pub(crate) fn drift(view: &DriftView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    let facts = [
        view.document.path.clone(),
        format!("environment {}", view.environment),
        format!("asked at {}", human::time(view.generated)),
    ];
    sheet.facts("", &facts, Style::Muted);
    sheet.gap();
    let names = Names::new(view.ordinals.iter().map(|(id, ordinal)| (id, ordinal.as_str())));
    drift_summary::worth_telling(view).for_each(|told| task(&mut sheet, told, &names));
    sheet.gap();
    let style = if view.drifted().next().is_some() { Style::Red } else { Style::Green };
    let style = if view.errors().next().is_some() { Style::Magenta } else { style };
    sheet.paragraph(&[], &DriftSummary::of(view).sentence(), style);
    sheet.facts("", &drift_summary::unasked(view), Style::Muted);
    if let Some(next) = &view.next {
        sheet.paragraph(&[(Style::Muted, "→ ")], next, Style::Blue);
    }
    sheet.finish()
}

fn task(sheet: &mut Sheet, task: &DriftTask, names: &Names<'_>) {
    let (sign, style, words) = match &task.finding {
        DriftFinding::Drifted { since } => {
            ("≠", Style::Red, format!("no longer so since {}", human::time(*since)))
        }
        DriftFinding::Error { message } => ("?", Style::Magenta, format!("cannot be told: {message}")),
        DriftFinding::True => ("=", Style::Green, "as it should be".to_owned()),
    };
    let lead = format!("  {sign} {} ", human::line(&task.ordinal));
    sheet.paragraph(&[(style, &lead)], &task.title, Style::Plain);
    let facts = [task.id.to_string(), words, format!("done {}", human::time(task.done))];
    sheet.facts("      ", &facts, Style::Muted);
    sheet.commands("      ", &task.check);
    if !task.behind.is_empty() {
        let named = &task.behind[..task.behind.len().min(NAMED)];
        let more = task.behind.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!("{}{more}", names.list(named, ", "));
        sheet.paragraph(&[(Style::Muted, "      behind it: ")], &text, Style::Muted);
    }
}

/// Times of drift as text.
pub(crate) fn drift_history(view: &DriftHistoryView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    sheet.gap();
    for episode in &view.episodes {
        let (words, ms) = drift_summary::ended(episode, view.generated);
        let title = episode.title.as_deref().unwrap_or(episode.id.as_str());
        sheet.paragraph(&[(Style::Muted, &format!("{}  ", human::time(episode.found)))], title, Style::Plain);
        let facts = [episode.id.to_string(), words, human::duration(ms)];
        sheet.facts("                      ", &facts, Style::Muted);
    }
    if view.episodes.is_empty() {
        sheet.paragraph(&[], "No drift was found yet.", Style::Plain);
    }
    sheet.gap();
    sheet.paragraph(&[], &format!("environment {}", view.environment), Style::Muted);
    sheet.finish()
}
