//! A look at this place as text.

use super::sheet::{Sheet, Style, TextOptions};
use crate::report::doctor_words::{DoctorSummary, area, sign, word};
use crate::report::human;
use crate::report::view::{DoctorView, FindingView, Health};

pub(crate) fn doctor(view: &DoctorView, options: TextOptions) -> String {
    let mut sheet = Sheet::new(options);
    let mut last = None;
    for finding in &view.findings {
        if last != Some(finding.area) {
            sheet.heading(area(finding.area));
            last = Some(finding.area);
        }
        show(&mut sheet, finding);
    }
    sheet.gap();
    sheet.paragraph(&[], &DoctorSummary::of(view).sentence(), Style::Bold);
    sheet.finish()
}

fn show(sheet: &mut Sheet, finding: &FindingView) {
    let lead = format!("  {} ", sign(finding.health));
    let text = format!("{}: {}{}", finding.subject, word(finding.health), finding.found);
    sheet.paragraph(&[(style(finding.health), &lead)], &text, Style::Plain);
    let help: Vec<String> = finding.help.iter().flat_map(|help| human::lines(help)).collect();
    for line in help {
        sheet.paragraph(&[(Style::Muted, "    → ")], &line, Style::Blue);
    }
}

fn style(health: Health) -> Style {
    match health {
        Health::Ok => Style::Green,
        Health::Warning => Style::Yellow,
        Health::Problem => Style::Red,
    }
}
