//! Words of a look at this place, and what its findings come to.

use super::human;
use super::view::{Area, DoctorView, Health};
use serde::Serialize;

/// Numbers of a look.
#[derive(Serialize)]
pub(super) struct DoctorSummary {
    health: Health,
    ok: usize,
    warnings: usize,
    problems: usize,
}

impl DoctorSummary {
    pub(super) fn of(view: &DoctorView) -> Self {
        let count = |health| view.findings.iter().filter(|finding| finding.health == health).count();
        Self {
            health: view.health(),
            ok: count(Health::Ok),
            warnings: count(Health::Warning),
            problems: count(Health::Problem),
        }
    }

    /// `2 problems, 1 warning, 9 ok`
    pub(super) fn sentence(&self) -> String {
        let problems = human::count(self.problems, "problem", "problems");
        let warnings = human::count(self.warnings, "warning", "warnings");
        format!("{problems}, {warnings}, {} ok", self.ok)
    }
}

pub(super) fn area(area: Area) -> &'static str {
    match area {
        Area::Settings => "Settings",
        Area::Document => "Document",
        Area::Tools => "Tools",
        Area::Git => "Git",
        Area::State => "State directory",
        Area::Ledger => "Ledger",
        Area::Agent => "Agent",
        Area::Clock => "Clock",
        Area::Terminal => "Terminal",
    }
}

pub(super) fn sign(health: Health) -> char {
    match health {
        Health::Ok => '✓',
        Health::Warning => '!',
        Health::Problem => '✗',
    }
}

/// The word that a finding begins with; a sign alone would be the only one to say it.
pub(super) fn word(health: Health) -> &'static str {
    match health {
        Health::Ok => "",
        Health::Warning => "warning: ",
        Health::Problem => "problem: ",
    }
}
