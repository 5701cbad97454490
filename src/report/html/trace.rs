//! Requirements traced to tasks, and claims held against evidence.

use super::parts::{self, Page};
use super::tasks::claim;
use crate::report::human;
use crate::report::summary::{Group, RequirementStatus};
use crate::report::view::{DiagnosticView, ProofKind, ReportTask, RequirementView};
use maud::{Markup, html};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::Claim;

/// A matrix with more columns than this is a list of tasks instead.
const MOST_COLUMNS: usize = 8;

/// The requirements; nothing where the document has none.
pub(super) fn requirements(page: &Page<'_>) -> Markup {
    let all = &page.view.requirements;
    if all.is_empty() {
        return html! {};
    }
    let phases: Vec<usize> =
        (0..=page.view.phases.len()).filter(|&phase| page.tasks_of(phase).next().is_some()).collect();
    let matrix = phases.len() <= MOST_COLUMNS;
    html! {
        section id="requirements" aria-labelledby="requirements-h" {
            (parts::heading("requirements-h", "Requirements", &tally(page)))
            (strip(page))
            div.scroll {
                table.matrix role="table" aria-labelledby="requirements-h" {
                    thead role="rowgroup" {
                        tr role="row" {
                            th scope="col" role="columnheader" { "Requirement" }
                            th scope="col" role="columnheader" { "Status" }
                            th scope="col" role="columnheader" { "Claim" }
                            @if matrix {
                                @for &phase in &phases { th.ph scope="col" role="columnheader" { (parts::foreign(&page.phase_title(phase))) } }
                            } @else { th scope="col" role="columnheader" { "Tasks" } }
                        }
                    }
                    tbody role="rowgroup" {
                        @for (at, requirement) in all.iter().enumerate() {
                            @if let Some(heading) = heading(all, at) {
                                tr.phase role="row" { th colspan=(3 + if matrix { phases.len() } else { 1 }) scope="rowgroup" role="rowheader" { (parts::foreign(heading)) } }
                            }
                            (row(page, at, requirement, matrix.then_some(&phases)))
                        }
                    }
                }
            }
        }
    }
}

/// The heading above a requirement, where it is another than before.
fn heading(all: &[RequirementView], at: usize) -> Option<&str> {
    let heading = all[at].heading.as_deref()?;
    let before = at.checked_sub(1).and_then(|before| all[before].heading.as_deref());
    (before != Some(heading)).then_some(heading)
}

fn tally(page: &Page<'_>) -> String {
    let count = |status| page.summary.requirements.iter().filter(|of_it| of_it.status == status).count();
    let met = count(RequirementStatus::Met);
    format!("{met} of {} met with evidence", page.view.requirements.len())
}

/// One square for each requirement.
fn strip(page: &Page<'_>) -> Markup {
    let squares = page.view.requirements.iter().zip(&page.summary.requirements).enumerate();
    html! {
        ul.strip aria-label="Requirements at a glance" {
            @for (at, (requirement, of_it)) in squares {
                li { a.{ "f-" (look(of_it.status).name()) } href={ "#r" (at) } title={ (requirement.id) " " (requirement.title) " (" (of_it.status.name()) ")" } {
                    span.sr { (requirement.id) " " (of_it.status.name()) }
                } }
            }
        }
    }
}

/// The group whose look a status has.
fn look(status: RequirementStatus) -> Group {
    match status {
        RequirementStatus::Met => Group::Done,
        RequirementStatus::Claimed | RequirementStatus::Partial => Group::Claimed,
        RequirementStatus::Failed => Group::Failed,
        RequirementStatus::Blocked => Group::Blocked,
        RequirementStatus::InProgress => Group::Active,
        RequirementStatus::Pending => Group::Pending,
        RequirementStatus::Skipped => Group::Skipped,
        RequirementStatus::Untraced => Group::Unknown,
    }
}

fn row(page: &Page<'_>, at: usize, requirement: &RequirementView, phases: Option<&Vec<usize>>) -> Markup {
    let status = page.summary.requirements[at].status;
    let group = look(status);
    let of_phase = |phase: usize| {
        let inside = |id: &&_| page.index.get(*id).is_some_and(|&task| page.phase_of(task) == phase);
        requirement.tasks.iter().filter(inside).collect::<Vec<_>>()
    };
    html! {
        tr role="row" id={ "r" (at) } tabindex="-1" data-requirement=(requirement.id) {
            th scope="row" role="rowheader" { b.ord { (requirement.id) } " " (parts::foreign(&requirement.title)) }
            td role="cell" data-label="Status" { span.chip.{ "s-" (group.name()) } { (parts::icon(group)) (status.name()) } }
            td role="cell" data-label="Claim" { (claim(requirement.claim)) }
            @match phases {
                Some(phases) => {
                    @for &phase in phases {
                        @let tasks = of_phase(phase);
                        td.cell role="cell" data-label=[(!tasks.is_empty()).then(|| page.phase_title(phase))] {
                            @for id in tasks { (parts::link(page, id)) " " }
                        }
                    }
                }
                None => td.cell role="cell" data-label="Tasks" { @for id in &requirement.tasks { (parts::link(page, id)) " " } },
            }
        }
    }
}

/// What a task's state rests on, for the cross table.
const PROOFS: [Option<ProofKind>; 7] = [
    Some(ProofKind::Check),
    Some(ProofKind::Verify),
    Some(ProofKind::ExitCode),
    Some(ProofKind::Subtasks),
    Some(ProofKind::Person),
    Some(ProofKind::Mark),
    None,
];
const CLAIMS: [Claim; 4] = [Claim::Completed, Claim::InProgress, Claim::Pending, Claim::Cancelled];

/// Claims against evidence, and where they disagree.
pub(super) fn claims(page: &Page<'_>) -> Markup {
    let count = |claim: Claim, proof: Option<ProofKind>| {
        let same = |task: &&ReportTask| task.claim == claim && task.proof.as_ref().map(|p| p.kind) == proof;
        page.view.tasks.iter().filter(|task| has_mark(task)).filter(same).count()
    };
    let broken = disagreements(page, |task| {
        task.claim == Claim::Completed && !matches!(Group::of(&task.state), Group::Done | Group::Claimed)
    });
    let ahead = disagreements(page, |task| {
        matches!(task.claim, Claim::Pending | Claim::InProgress) && Group::of(&task.state) == Group::Done
    });
    let bare = disagreements(page, |task| Group::of(&task.state) == Group::Claimed);
    html! {
        section id="claims" aria-labelledby="claims-h" {
            (parts::heading("claims-h", "Claims and evidence", "what the marks say, and what is proved"))
            div.split.even {
                div.scroll {
                    table.cross aria-label="Tasks by claim and by evidence" {
                        thead { tr {
                            th scope="col" { "Marked" }
                            @for proof in PROOFS { th scope="col" { (proof.map_or("none", human::proof)) } }
                        } }
                        tbody { @for claim in CLAIMS { tr {
                            th scope="row" { (human::claim(claim)) }
                            @for proof in PROOFS { @let n = count(claim, proof); td.num.zero[n == 0] { (n) } }
                        } } }
                    }
                }
                dl.gaps {
                    (gap(page, "Marked done, but not done", "The mark is wrong, or the work was undone.", &broken))
                    (gap(page, "Marked done, nothing proves it", "Bind a check, or accept the word.", &bare))
                    (gap(page, "Done and proved, but not marked", "taskmaster run --write-back sets the marks.", &ahead))
                }
            }
        }
    }
}

fn disagreements(page: &Page<'_>, differs: impl Fn(&ReportTask) -> bool) -> Vec<usize> {
    let tasks = page.view.tasks.iter().enumerate();
    tasks.filter(|(_, task)| has_mark(task) && differs(task)).map(|(at, _)| at).collect()
}

/// A cell of a matrix claims nothing: the mark is that of its task.
fn has_mark(task: &ReportTask) -> bool {
    task.matrix.is_empty()
}

fn gap(page: &Page<'_>, name: &str, help: &str, tasks: &[usize]) -> Markup {
    const MOST: usize = 60;
    html! {
        dt { b { (tasks.len()) } " " (name) }
        dd {
            @if !tasks.is_empty() { small { (help) } }
            div { @for &at in tasks.iter().take(MOST) { (parts::link(page, &page.view.tasks[at].id)) " " } }
            @if tasks.len() > MOST { small { "and " (tasks.len() - MOST) " more" } }
        }
    }
}

/// Findings about the document and the catalogue; nothing where there are none.
pub(super) fn findings(page: &Page<'_>) -> Markup {
    const MOST: usize = 200;
    let mut all: Vec<&DiagnosticView> = page.view.diagnostics.iter().collect();
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if all.is_empty() {
        return html! {};
    }
    html! {
        section id="findings" aria-labelledby="findings-h" {
            (parts::heading("findings-h", "Findings", &human::count(all.len(), "finding", "findings")))
            ul.findings { @for finding in all.iter().take(MOST) { (finding_of(finding)) } }
            @if all.len() > MOST { p.note { (all.len() - MOST) " more are not shown." } }
        }
    }
}

fn finding_of(finding: &DiagnosticView) -> Markup {
    let (word, class) = match finding.severity {
        Severity::Error => ("error", "s-failed"),
        Severity::Warning => ("warning", "s-blocked"),
        Severity::Note => ("note", "s-active"),
    };
    html! {
        li {
            p { span.chip.{ (class) } { (word) } " " (parts::foreign(&finding.message)) " " code { (finding.code) } }
            @if let Some(place) = human::place(finding) { p.sub { code { (parts::foreign(&place)) } } }
            @if let Some(help) = &finding.help { p.sub { "help: " (parts::foreign(help)) } }
        }
    }
}
