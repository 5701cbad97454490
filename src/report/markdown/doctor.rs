//! A look at this place as Markdown.

use super::escape::text;
use super::lists::finish;
use crate::report::doctor_words::{DoctorSummary, area, sign, word};
use crate::report::view::DoctorView;
use std::fmt::Write as _;

pub(crate) fn doctor(view: &DoctorView) -> String {
    let mut out = "## Doctor\n\n| | Area | What | Found | What to do |\n|---|---|---|---|---|\n".to_owned();
    for finding in &view.findings {
        let found = format!("{}{}", word(finding.health), finding.found);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            sign(finding.health),
            area(finding.area),
            text(&finding.subject),
            text(&found),
            finding.help.as_deref().map_or("–".to_owned(), text)
        );
    }
    let _ = writeln!(out, "\n**{}**", DoctorSummary::of(view).sentence());
    finish(&out)
}
