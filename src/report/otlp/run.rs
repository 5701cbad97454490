//! The span of the run, and whose story each entry belongs to.

use super::clean;
use super::task::{Over, Story, span, surround};
use super::wire::{ERROR, HAS_IS_REMOTE, IS_REMOTE, KeyValue, SERVER, Span, Status, int, text};
use crate::report::human;
use crate::report::view::TraceView;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use taskmaster_core::deployments::COMMIT;
use taskmaster_core::id::RunId;
use taskmaster_core::journal::{Entry, Record};
use taskmaster_core::plan::Plan;
use taskmaster_core::trace::{TRACEPARENT, Trace};

/// Exit code of a run whose executor was killed, as recovery records it.
const KILLED: i32 = 137;

/// The beginning of a run, as it is recorded.
struct Begun<'a> {
    at: Timestamp,
    plan: &'a Plan,
    options: &'a BTreeMap<String, String>,
}

/// The spans of a run, its own first; none where nothing is recorded of it.
pub(super) fn spans(view: &TraceView) -> Vec<Span> {
    let Some(begun) = view.entries.iter().find_map(|entry| begun(entry, &view.run)) else {
        return Vec::new();
    };
    let around = begun.options.get(TRACEPARENT).and_then(|text| text.parse().ok());
    let trace = Trace::new(view.run.clone(), around);
    let mut stories: Vec<Story<'_>> =
        begun.plan.tasks.iter().map(|task| Story::new(task, begun.plan, &trace)).collect();
    let last = tell(view, begun.plan, &mut stories).max(begun.at);
    let end = view.entries.iter().find_map(|entry| ended(entry, &view.run));
    let over = match &end {
        Some(_) => Over::Ended,
        None if view.is_live => Over::Not,
        None => Over::Killed,
    };
    let at = end.map_or(last, |(at, ..)| at);
    let tasks: Vec<Span> = stories.into_iter().flat_map(|story| story.finish(at, over)).collect();
    let mut root = span(&trace, trace.root(), trace.around(), String::new(), (begun.at, at));
    root.kind = SERVER;
    if trace.around().is_some() {
        root.flags |= HAS_IS_REMOTE | IS_REMOTE;
    }
    for task in &tasks {
        surround(&mut root, (task.start_time_unix_nano, task.end_time_unix_nano));
    }
    describe(&mut root, view, &begun, end.map(|(_, code, counts)| (code, counts)));
    std::iter::once(root).chain(tasks).collect()
}

fn begun<'a>(entry: &'a Entry, wanted: &RunId) -> Option<Begun<'a>> {
    match &entry.record {
        Record::RunStarted { run, plan, options, .. } if run == wanted => {
            Some(Begun { at: entry.at, plan, options })
        }
        _ => None,
    }
}

fn ended<'a>(entry: &'a Entry, wanted: &RunId) -> Option<(Timestamp, i32, &'a BTreeMap<String, u64>)> {
    match &entry.record {
        Record::RunEnded { run, exit_code, counts } if run == wanted => Some((entry.at, *exit_code, counts)),
        _ => None,
    }
}

/// Gives every entry of the run to the story that it belongs to. Returns the time of the last of them.
fn tell<'a>(view: &'a TraceView, plan: &'a Plan, stories: &mut [Story<'a>]) -> Timestamp {
    let keys: HashMap<&str, usize> =
        plan.tasks.iter().enumerate().map(|(place, task)| (task.key.as_str(), place)).collect();
    let mut attempts: HashMap<&str, usize> = HashMap::new();
    let mut last = Timestamp::MIN;
    for entry in &view.entries {
        let place = match &entry.record {
            Record::TaskState { run: Some(run), key, .. }
            | Record::ProbeEnded { run: Some(run), key, .. }
            | Record::RetryScheduled { run, key, .. }
            | Record::ApprovalGiven { run, key, .. }
            | Record::AttemptStarted { run, key, .. }
                if *run == view.run =>
            {
                keys.get(key.as_str()).copied()
            }
            Record::AttemptEnded { attempt, .. } | Record::AttemptSpawned { attempt, .. } => {
                attempts.get(attempt.as_str()).copied()
            }
            _ => None,
        };
        let Some(place) = place else { continue };
        if let Record::AttemptStarted { attempt, .. } = &entry.record {
            attempts.insert(attempt.as_str(), place);
        }
        last = last.max(entry.at);
        stories[place].take(entry);
    }
    last
}

fn describe(
    root: &mut Span,
    view: &TraceView,
    begun: &Begun<'_>,
    end: Option<(i32, &BTreeMap<String, u64>)>,
) {
    let option = |name: &str| begun.options.get(name).filter(|value| !value.is_empty());
    let action = match (option("destroy"), option("sync")) {
        (Some(_), _) => "DESTROY",
        (None, Some(_)) => "SYNC",
        (None, None) => "RUN",
    };
    let title = clean(&view.title);
    root.name = format!("{action} {title}");
    root.attributes = vec![
        text("cicd.pipeline.action.name", action),
        text("cicd.pipeline.name", title),
        text("cicd.pipeline.run.id", view.run.as_str()),
        text("deployment.environment.name", clean(begun.plan.environment.as_str())),
        text("taskmaster.document.id", clean(begun.plan.document.as_str())),
        int("taskmaster.plan.number", begun.plan.number),
    ];
    let named =
        [("vcs.ref.head.revision", COMMIT), ("vcs.ref.head.name", "ref"), ("taskmaster.sync.name", "sync")];
    let named = named.into_iter().filter_map(|(name, value)| Some(text(name, clean(option(value)?))));
    root.attributes.extend(named);
    if end.is_none() && view.is_live {
        root.attributes.push(text("cicd.pipeline.run.state", "executing"));
        return;
    }
    if let Some((code, counts)) = end {
        root.attributes.push(int("process.exit.code", code));
        let counts = counts.iter().map(|(state, count)| int(&format!("taskmaster.tasks.{state}"), *count));
        root.attributes.extend(counts);
    }
    conclude(root, end.map_or(KILLED, |(code, _)| code));
}

/// What its exit code means for a run.
fn conclude(root: &mut Span, code: i32) {
    let (result, fault): (&str, Option<&str>) = match code {
        0 => ("success", None),
        // The conventions know no run that waits for a person, and allow a word of one's own.
        21 => ("waiting", None),
        22 => ("cancellation", None),
        23 => ("error", Some("unknown_end")),
        KILLED => ("error", Some("killed")),
        20 => ("failure", Some("task_failed")),
        _ => ("failure", Some("_OTHER")),
    };
    root.attributes.push(text("cicd.pipeline.result", result));
    if let Some(fault) = fault {
        let message = if code == KILLED { "its executor was killed" } else { human::exit_code(code) };
        fail(&mut root.attributes, &mut root.status, fault, message);
    }
}

/// Says of a span that it went wrong.
pub(super) fn fail(
    attributes: &mut Vec<KeyValue>,
    status: &mut Option<Status>,
    fault: impl Into<String>,
    message: impl Into<String>,
) {
    attributes.push(text("error.type", fault));
    *status = Some(Status { code: ERROR, message: message.into() });
}
