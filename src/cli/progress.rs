//! Progress of a run: live lines on a terminal, plain lines elsewhere, NDJSON with `-o json`.

use super::ci;
use crate::app::way_on::{Place, way_on};
use crate::exec::ports::Observer;
use crate::report::clean_lines;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::time::Duration;
use taskmaster_core::action::Policy;
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::id::{AttemptId, TaskId, TaskKey};
use taskmaster_core::journal::{Entry, Outcome, Record, Verdict};
use taskmaster_core::plan::Plan;
use taskmaster_core::retry::as_expected;
use taskmaster_core::state::{TaskState, WaitFor};
use taskmaster_core::text::count;

/// Lines of a log that are shown where it does not fold.
const SHOWN: usize = 8;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Bars that are drawn again in place.
    Live,
    /// A line an event, on standard error.
    Plain,
    /// An entry of the ledger a line, on standard output.
    Ndjson,
    /// Nothing.
    Quiet,
}

/// Shows what happens in a run.
pub(crate) struct Progress {
    style: Style,
    color: bool,
    tasks: HashMap<TaskKey, Line>,
    ids: HashMap<TaskId, TaskKey>,
    /// Attempts at work.
    attempts: HashMap<AttemptId, AtWork>,
    phases: BTreeMap<String, (usize, usize)>,
    done: usize,
    bars: Option<Bars>,
    /// What the command that moves a task on needs; none where such a command is not told.
    place: Option<Place>,
}

struct Line {
    label: String,
    phase: String,
    ended: bool,
    /// The state that was told last: what a person sets comes twice, from who set it and from this run.
    told: Option<TaskState>,
    started: Option<Timestamp>,
    bar: Option<ProgressBar>,
    policy: Policy,
}

#[derive(Default)]
struct AtWork {
    label: String,
    /// It takes back.
    undo: bool,
    /// What is expected of it.
    policy: Policy,
    started: Option<Timestamp>,
}

/// The end of an attempt's log.
struct Log<'a> {
    name: String,
    tail: &'a str,
    from: Timestamp,
    to: Timestamp,
}

struct Bars {
    multi: MultiProgress,
    total: ProgressBar,
}

impl Observer for Progress {
    fn stopping(&mut self, wishes: u32, at_work: usize) {
        let what = count(at_work, "task", "tasks");
        let words = match wishes {
            1 if at_work == 0 => "Stopping.".to_owned(),
            1 => format!("Stopping when {what} at work ends. Once more stops it now."),
            2 => format!("Stopping {what} at work. Once more kills."),
            _ => "Killing what is still at work.".to_owned(),
        };
        self.say(&words);
    }

    fn entry(&mut self, entry: &Entry) {
        self.show(entry);
    }

    fn output(&mut self, task: &TaskId, last_line: &str) {
        let Some(line) = self.ids.get(task).and_then(|key| self.tasks.get(key)) else { return };
        if let Some(bar) = &line.bar {
            bar.set_message(one_line(last_line));
        }
    }

    fn note(&mut self, task: &TaskId, text: &str) {
        self.say(&format!("  {task}: {}", one_line(text)));
    }

    fn tick(&mut self) {}
}

impl Progress {
    /// One that shows nothing.
    pub(crate) fn silent() -> Self {
        Self::new(Style::Quiet, false)
    }

    /// Nothing is shown until the run begins.
    pub(crate) fn new(style: Style, color: bool) -> Self {
        Self {
            style,
            color,
            tasks: HashMap::new(),
            ids: HashMap::new(),
            attempts: HashMap::new(),
            phases: BTreeMap::new(),
            done: 0,
            bars: None,
            place: None,
        }
    }

    /// Tells with what waits for a person also the whole command, which is that of `place`.
    pub(crate) fn at(&mut self, place: Place) {
        self.place = Some(place);
    }

    fn show(&mut self, entry: &Entry) {
        if self.style == Style::Ndjson {
            let line = crate::report::json::line(entry).unwrap_or_default();
            // A reader that went away does not stop a run.
            let _ = writeln!(std::io::stdout(), "{}", ci::harmless_json(&line));
            return;
        }
        match &entry.record {
            Record::RunStarted { plan, .. } => self.begin(plan),
            Record::TaskState { key, id, to, .. } => self.state(key, id, to, entry.at),
            Record::AttemptStarted { attempt, key, undo, .. } => {
                self.attempt_started(attempt, key, *undo, entry.at);
            }
            Record::AttemptEnded { attempt, end, tail, diagnosis, .. } => {
                self.attempt_ended(attempt, end, tail, diagnosis, entry.at);
            }
            Record::ProbeEnded { key, verdict, diagnosis, .. } => {
                if let Verdict::Error { message } = verdict {
                    let label = self.label(key);
                    self.say(&format!("  check   {label}: {}", one_line(message)));
                }
                self.diagnosis(diagnosis);
            }
            Record::RetryScheduled { key, attempt, delay_ms, reason, .. } => {
                let label = self.label(key);
                let delay = duration(*delay_ms);
                self.say(&format!("  retry   {label}: attempt {attempt} in {delay} ({})", one_line(reason)));
            }
            Record::RunEnded { .. } => self.finish(),
            _ => {}
        }
    }

    fn begin(&mut self, plan: &Plan) {
        for task in &plan.tasks {
            self.phases.entry(task.phase.to_string()).or_default().1 += 1;
            let label = format!("{:<6} {}", task.ordinal, one_line(&task.title));
            let (phase, policy) = (task.phase.to_string(), task.policy.clone());
            let line = Line { label, phase, ended: false, told: None, started: None, bar: None, policy };
            self.ids.insert(task.id.clone(), task.key.clone());
            self.tasks.insert(task.key.clone(), line);
        }
        if self.style == Style::Live {
            let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let total = multi.add(ProgressBar::new(plan.tasks.len() as u64));
            total.set_style(style("{bar:24.green} {pos}/{len} tasks  {elapsed_precise}  {wide_msg}"));
            total.enable_steady_tick(Duration::from_millis(200));
            self.bars = Some(Bars { multi, total });
        }
        self.say(&format!(
            "Running {} in {} ({})",
            count(plan.tasks.len(), "task", "tasks"),
            count(self.phases.len(), "phase", "phases"),
            plan.environment
        ));
    }

    fn state(&mut self, key: &TaskKey, id: &TaskId, to: &TaskState, at: Timestamp) {
        // Nobody is told of it; what a person sets while it is pending becomes ready before this run takes it over.
        if *to == TaskState::Ready {
            return;
        }
        let label = self.label(key);
        let busy =
            matches!(to, TaskState::Checking | TaskState::Running { .. } | TaskState::Verifying { .. });
        let Some(task) = self.tasks.get_mut(key) else { return };
        let is_told = !busy && task.told.as_ref() == Some(to);
        task.told = Some(to.clone());
        if is_told {
            return;
        }
        if busy {
            task.started.get_or_insert(at);
            self.show_busy(key, to);
            return;
        }
        let took = task.started.take().map(|since| at.duration_since(since).as_millis());
        if let Some(bar) = task.bar.take() {
            bar.finish_and_clear();
        }
        if to.is_final() && !task.ended {
            task.ended = true;
            self.done += 1;
            let phase = task.phase.clone();
            if let Some((done, _)) = self.phases.get_mut(&phase) {
                *done += 1;
            }
        }
        self.show_total();
        if let Some((sign, word, why)) = words(to, self.place.as_ref(), id) {
            let took = took.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
            let took = took.map_or_else(String::new, |ms| format!("  {}", duration(ms)));
            let why = if why.is_empty() { String::new() } else { format!("  ({})", one_line(&why)) };
            self.say(&format!("{sign} {word:<9} {label}{took}{why}"));
        }
    }

    fn show_busy(&mut self, key: &TaskKey, to: &TaskState) {
        let Some(task) = self.tasks.get_mut(key) else { return };
        let word = match to {
            TaskState::Running { number, .. } if *number > 1 => format!("attempt {number}"),
            state => state.name().to_owned(),
        };
        let Some(bars) = &self.bars else {
            if matches!(to, TaskState::Running { .. }) {
                let line = format!("▶ {word:<9} {}", task.label);
                self.say(&line);
            }
            return;
        };
        let bar = task.bar.get_or_insert_with(|| {
            let bar = bars.multi.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix}  {elapsed}  {wide_msg:.dim}"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_prefix(format!("{word:<9} {}", task.label));
        bar.set_message("");
    }

    fn show_total(&self) {
        let Some(bars) = &self.bars else { return };
        bars.total.set_position(self.done as u64);
        let open = self.phases.iter().find(|(_, (done, all))| *done > 0 && done < all);
        let open = open.or_else(|| self.phases.iter().find(|(_, (done, all))| done < all));
        bars.total
            .set_message(open.map_or_else(String::new, |(id, (done, all))| format!("{id} {done}/{all}")));
    }

    fn attempt_started(&mut self, attempt: &AttemptId, key: &TaskKey, undo: bool, at: Timestamp) {
        if undo {
            self.say(&format!("▶ {:<9} {}", "undoing", self.label(key)));
        }
        // What is expected of a task is not expected of its way back.
        let policy = self.tasks.get(key).filter(|_| !undo).map(|task| task.policy.clone());
        let at_work =
            AtWork { label: self.label(key), undo, policy: policy.unwrap_or_default(), started: Some(at) };
        self.attempts.insert(attempt.clone(), at_work);
    }

    fn attempt_ended(
        &mut self,
        attempt: &AttemptId,
        end: &Outcome,
        tail: &str,
        diagnosis: &Diagnosis,
        at: Timestamp,
    ) {
        let AtWork { label, undo, policy, started } = self.attempts.remove(attempt).unwrap_or_default();
        if let Some(words) = as_expected(&policy, end) {
            return self.say(&format!("  ended   {label}: {words}"));
        }
        let log = Log { name: format!("log_{attempt}"), tail, from: started.unwrap_or(at), to: at };
        self.ending(&label, undo, end, &log);
        self.diagnosis(diagnosis);
    }

    /// Tells how an attempt ended that is no success, or took something back.
    fn ending(&self, label: &str, undo: bool, end: &Outcome, log: &Log<'_>) {
        let Outcome::Failed { message, .. } = end else {
            if undo && *end == Outcome::Succeeded {
                self.say(&format!("✓ {:<9} {label}", "undone"));
            }
            return;
        };
        self.say(&format!("  failed  {label}: {}", one_line(message)));
        self.log(label, log);
    }

    /// The last lines of a log; more of them where they fold.
    fn log(&self, label: &str, log: &Log<'_>) {
        let lines: Vec<&str> = log.tail.lines().collect();
        let folds = self.style == Style::Plain && lines.len() > SHOWN;
        let folds = folds && ci::fold(&log.name, &format!("log of {}", one_line(label)), log.from);
        let skipped = if folds { 0 } else { lines.len().saturating_sub(SHOWN) };
        for line in &lines[skipped..] {
            self.say(&format!("    | {line}"));
        }
        if folds {
            ci::unfold(&log.name, log.to);
        }
    }

    fn diagnosis(&self, known: &Diagnosis) {
        for (word, line) in known.lines() {
            self.say(&format!("    {word}: {}", one_line(&line)));
        }
    }

    fn finish(&mut self) {
        if let Some(bars) = self.bars.take() {
            bars.total.finish_and_clear();
        }
    }

    fn label(&self, key: &TaskKey) -> String {
        self.tasks.get(key).map_or_else(|| key.to_string(), |task| task.label.clone())
    }

    fn say(&self, line: &str) {
        // Titles, reasons and output are somebody else's words.
        let line = &clean_lines(line).join("\n");
        match (self.style, &self.bars) {
            (Style::Live, Some(bars)) => {
                let _ = bars.multi.println(self.paint(line));
            }
            (Style::Live | Style::Plain, _) => {
                let _ = writeln!(std::io::stderr(), "{}", ci::harmless(&self.paint(line)));
            }
            (Style::Ndjson | Style::Quiet, _) => {}
        }
    }

    fn paint(&self, line: &str) -> String {
        let code = match line.chars().next() {
            _ if !self.color => return line.to_owned(),
            Some('✓') => "32",
            Some('✗' | '‽') => "31",
            Some('!' | '?') => "33",
            Some('-' | '×' | '▶' | ' ') => "2",
            _ => return line.to_owned(),
        };
        format!("\u{1b}[{code}m{line}\u{1b}[0m")
    }
}

/// Sign, word and reason of a state that is worth a line.
fn words(state: &TaskState, place: Option<&Place>, id: &TaskId) -> Option<(char, &'static str, String)> {
    Some(match state {
        TaskState::Completed => ('✓', "done", String::new()),
        TaskState::Satisfied => ('✓', "true", "already so".to_owned()),
        TaskState::Claimed => ('*', "claimed", "marked done in the document".to_owned()),
        TaskState::Failed { reason } => ('✗', "failed", reason.clone()),
        TaskState::Blocked { by } => ('!', "blocked", format!("by {by}")),
        TaskState::Unknown { reason } => ('‽', "unknown", reason.clone()),
        TaskState::Skipped { reason } => ('-', "skipped", reason.clone()),
        TaskState::Cancelled => ('×', "cancelled", String::new()),
        TaskState::Waiting { on: WaitFor::Approval { message } } => ('?', "approve", message.clone()),
        TaskState::Waiting { on: WaitFor::Manual } => {
            let whole = place.and_then(|place| way_on(place, id, state, true));
            let command = whole.unwrap_or_else(|| "taskmaster tasks set".to_owned());
            ('?', "manual", format!("set it with `{command}`"))
        }
        TaskState::Waiting { on: WaitFor::Retry { .. } }
        | TaskState::Pending
        | TaskState::Ready
        | TaskState::Checking
        | TaskState::Running { .. }
        | TaskState::Verifying { .. } => return None,
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// One line without control characters, so that a task's output cannot draw on the terminal.
fn one_line(text: &str) -> String {
    clean_lines(text.trim()).join(" ").chars().take(300).collect()
}

/// `850 ms`, `3.2 s`, `4 min 05 s`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => format!("{} min {:02} s", ms / 60_000, ms / 1_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [0, 999, 1_200, 59_999, 245_000].map(duration),
            ["0 ms", "999 ms", "1.2 s", "60.0 s", "4 min 05 s"]
        );
    }

    #[test]
    fn output_cannot_draw_on_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\n\u{202e}c\u{7}\n"), "ab \u{fffd}c\u{fffd}");
    }
}
