//! A difference as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::difference_summary::DifferenceSummary;
use crate::report::difference_words as words;
use crate::report::human::{self, Names};
use crate::report::view::{DifferenceView, LineFate, TaskDifferenceView};
use taskmaster_core::difference::model::Effect;

/// The difference as text.
pub(crate) fn difference(view: &DifferenceView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    sheet.paragraph(&[], view.document.name(), Style::Bold);
    let environment = format!("environment {}", view.environment);
    sheet.facts("", &[view.document.path.clone(), environment, words::ends(view)], Style::Muted);
    if view.is_new_document {
        sheet.paragraph(&[], "The document is new: nothing of it was done yet.", Style::Plain);
    }
    let cautions = words::cautions(view);
    if !cautions.is_empty() {
        sheet.gap();
    }
    for caution in cautions {
        sheet.paragraph(&[(Style::Red, "! ")], &caution, Style::Plain);
    }
    let names = Names::new(view.tasks.iter().map(|task| (&task.name.id, task.name.ordinal.as_str())));
    let mut tasks: Vec<&TaskDifferenceView> = view.tasks.iter().collect();
    tasks.sort_by_key(|task| words::rank(&task.effect));
    if !tasks.is_empty() {
        sheet.heading("What happens");
    }
    tasks.iter().for_each(|told| task(&mut sheet, told, &names));
    dependencies(&mut sheet, view);
    super::lists::diagnostics(&mut sheet, &view.findings);
    sheet.gap();
    let sentence = format!("{}.", DifferenceSummary::of(view).sentence(view));
    sheet.paragraph(&[(Style::Bold, "Plan: ")], &sentence, Style::Plain);
    sheet.finish()
}

fn style(effect: &Effect) -> Style {
    match effect {
        Effect::Runs { .. } => Style::Green,
        Effect::RunsAgain { .. } | Effect::MayRunAgain { .. } | Effect::Waits { .. } => Style::Yellow,
        Effect::Undone | Effect::Stays => Style::Red,
        _ => Style::Muted,
    }
}

fn task(sheet: &mut Sheet, task: &TaskDifferenceView, names: &Names<'_>) {
    let lead = format!("  {} ", words::sign(&task.effect));
    sheet.paragraph(&[(style(&task.effect), &lead)], &words::called(task), Style::Plain);
    let why = words::why(task, names);
    let said = match task.effect {
        Effect::Nothing => why,
        _ => format!("{}: {why}", words::verb(&task.effect)),
    };
    sheet.paragraph(&[(Style::Plain, "    ")], &said, Style::Muted);
    for part in &task.commands {
        for line in &part.lines {
            let (sign, style) = match line.fate {
                LineFate::Kept => (' ', Style::Plain),
                LineFate::Added => ('+', Style::Green),
                LineFate::Removed => ('-', Style::Red),
            };
            let lead = format!("      {:<7} {sign} ", part.part.name());
            sheet.verbatim(&lead, &human::lines(&line.text).join(" "), style);
        }
    }
}

fn dependencies(sheet: &mut Sheet, view: &DifferenceView) {
    let reordered = words::reordered(view);
    if view.gained.is_empty() && view.lost.is_empty() && reordered.is_none() {
        return;
    }
    sheet.heading("Dependencies");
    for tie in &view.gained {
        sheet.paragraph(&[(Style::Green, "  + ")], &words::tie(tie, true), Style::Plain);
    }
    for tie in &view.lost {
        sheet.paragraph(&[(Style::Red, "  - ")], &words::tie(tie, false), Style::Plain);
    }
    if let Some(line) = reordered {
        sheet.paragraph(&[(Style::Muted, "  ~ ")], &line, Style::Plain);
    }
}
