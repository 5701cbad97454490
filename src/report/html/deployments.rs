//! Deployments in a time as one HTML file.

use super::page;
use super::parts;
use crate::report::environment_words as words;
use crate::report::human;
use crate::report::summary::Group;
use crate::report::view::{DeploymentRow, DeploymentsView, EnvironmentDeployments, TaskDeployments};
use maud::{Markup, html};

/// Rows of a table that are worth reading: the newest.
const MOST_ROWS: usize = 500;
/// Deployments of a task that are worth a row.
const MOST_OF_TASK: usize = 20;

/// The page.
pub(crate) fn deployments(view: &DeploymentsView) -> String {
    let title = format!("Deployments since {}", human::time(view.since));
    let body = html! {
        header { div.hero { div.what {
            h1 { (title) }
            p.meta {
                @if view.window.from > view.since { span { "the ledger began " (parts::time(view.window.from)) } }
                @for document in &view.documents { span { code { (parts::foreign(document.as_str())) } } }
                span { "generated " (parts::time(view.generated)) }
            }
        } } }
        main id="main" {
            @if view.environments.is_empty() { section { p.note { "No run in this time." } } }
            @for (at, of) in view.environments.iter().enumerate() { (environment(at, of)) }
        }
    };
    page::frame(&title, &view.version, view.generated, None, &body)
}

fn environment(at: usize, of: &EnvironmentDeployments) -> Markup {
    let id = format!("e{at}");
    html! {
        section aria-labelledby=(id) data-environment=(of.environment) {
            (parts::heading(&id, of.environment.as_str(), &words::counts(of).join(", ")))
            table role="table" aria-label="Figures" {
                tbody {
                    @for (name, value) in words::figures(&of.figures) {
                        tr { th scope="row" { (name) } td data-figure=(name) { (value) } }
                    }
                }
            }
            (runs("Deployments", &of.deployments))
            (runs("Taken back", &of.removals))
            (tasks(&of.tasks))
        }
    }
}

fn runs(heading: &str, rows: &[DeploymentRow]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h4 { (heading) }
            div.scroll {
                table role="table" aria-label=(heading) {
                    thead { tr {
                        @for name in ["Began", "Result", "Document", "Commit", "Revision", "Tasks", "Took", "Lead time", "Run"] {
                            th scope="col" { (name) }
                        }
                    } }
                    tbody { @for row in rows.iter().take(MOST_ROWS) { (run(row)) } }
                }
            }
            (older(rows.len().saturating_sub(MOST_ROWS)))
        }
    }
}

fn run(row: &DeploymentRow) -> Markup {
    let (group, word) = words::result(row.result);
    html! {
        tr data-run=(row.run) {
            td.num { (parts::time(row.started)) }
            td { (chip(group, word)) }
            td { (parts::foreign(row.document.as_str())) }
            td { (commit(row.commit.as_ref().map(|commit| commit.id.as_str()))) }
            td.num { (row.revision) }
            td.num { (row.tasks) }
            td.num { (duration(row.duration_ms)) }
            td.num { (duration(row.lead_time_ms)) }
            td { code { (row.run) } }
        }
    }
}

fn tasks(tasks: &[TaskDeployments]) -> Markup {
    html! {
        @if !tasks.is_empty() {
            h4 { "Tasks" }
            div.scroll {
                table role="table" aria-label="Tasks" {
                    thead { tr {
                        @for name in ["When", "Result", "Commit", "Revision", "Took", "Run"] { th scope="col" { (name) } }
                    } }
                    @for task in tasks.iter().take(MOST_ROWS) { (of_task(task)) }
                }
            }
            (older(tasks.len().saturating_sub(MOST_ROWS)))
        }
    }
}

fn of_task(task: &TaskDeployments) -> Markup {
    html! {
        tbody {
            tr.phase {
                th colspan="6" scope="rowgroup" {
                    (parts::foreign(task.title.as_deref().unwrap_or("no task of the document any more")))
                    small { code { (parts::foreign(task.task.as_str())) } " " (parts::foreign(task.document.as_str())) }
                }
            }
            @for row in task.deployments.iter().take(MOST_OF_TASK) {
                @let (group, word) = words::task_result(row.result);
                tr data-task=(task.task) {
                    td.num { (parts::time(row.ended.unwrap_or(row.started))) }
                    td { (chip(group, word)) }
                    td { (commit(row.commit.as_deref())) }
                    td.num { (row.revision) }
                    td.num { (duration(row.duration_ms)) }
                    td { code { (row.run) } }
                }
            }
        }
    }
}

fn chip(group: Group, word: &str) -> Markup {
    html! { span.chip.{ "s-" (group.name()) } { (parts::icon(group)) (word) } }
}

fn commit(id: Option<&str>) -> Markup {
    html! {
        @match id {
            Some(id) => code title=(id) { (parts::foreign(&words::commit(id))) },
            None => span.none { "none" },
        }
    }
}

fn duration(ms: Option<u64>) -> Markup {
    html! { @match ms { Some(ms) => (human::duration(ms)), None => span.none { "–" } } }
}

/// What a table leaves out is counted.
fn older(count: usize) -> Markup {
    html! { @if count > 0 { p.note { (count) " more: taskmaster report -o json." } } }
}
