//! Command lines of both sides, line by line.

use crate::exec::dry_run;
use crate::report::view::{CommandsView, LineFate, LineView};
use taskmaster_core::action::{Action, HttpSpec, Invocation, OutputMatch, Part, Probe, Step};
use taskmaster_core::id::TaskId;

/// Longest command lines that are compared line by line, in lines.
const MOST_LINES: usize = 2_000;

/// What stands in these parts on both sides; a side without the action has none.
pub(super) fn changes(
    task: &TaskId,
    before: Option<&Action>,
    now: Option<&Action>,
    parts: &[Part],
) -> Vec<CommandsView> {
    let wanted = Part::ALL.into_iter().filter(|part| parts.contains(part));
    let shown = wanted.filter_map(|part| {
        let of = |action: Option<&Action>| action.map(|action| lines(task, action, part)).unwrap_or_default();
        let (old, new) = (of(before), of(now));
        let mut lines = compare(&old, &new);
        let is_silent = lines.iter().all(|line| line.fate == LineFate::Kept);
        if is_silent && before.zip(now).is_some_and(|(before, now)| part.differs(before, now)) {
            let text = "(no line of it differs: something else that belongs to it does)".to_owned();
            lines.push(LineView { fate: LineFate::Kept, text });
        }
        (!lines.is_empty()).then_some(CommandsView { part, lines })
    });
    shown.collect()
}

/// Every line of one part: what is called, with what, and what its answer must be.
fn lines(task: &TaskId, action: &Action, part: Part) -> Vec<String> {
    let mut all = Vec::new();
    for line in dry_run::of_action(task, action).iter().filter(|line| line.part == part) {
        all.extend(line.text.lines().map(str::to_owned));
        all.extend(line.cwd.iter().map(|cwd| format!("  in {cwd}")));
        let env = line.env.iter().filter(|env| !is_usual(env)).flat_map(|env| env.lines());
        all.extend(env.map(|env| format!("  with {env}")));
        let input = line.input.iter().flat_map(|input| input.lines());
        all.extend(input.map(|input| format!("  given {input}")));
    }
    match part {
        Part::Check => all.extend(action.check.as_deref().into_iter().flat_map(conditions)),
        Part::Verify => all.extend(action.verify.as_deref().into_iter().flat_map(conditions)),
        Part::Run => all.extend(action.run.iter().flat_map(accepted)),
        Part::Outputs => all.extend(outputs(action)),
        Part::Undo => {}
    }
    all
}

/// What every script gets says nothing about this one.
fn is_usual(env: &str) -> bool {
    let usual = ["TM_TASK", "TM_ENVIRONMENT", "TM_PROJECT", "TM_STATE_DIR"];
    env.split_once('=').is_some_and(|(name, _)| usual.contains(&name))
}

fn outputs(action: &Action) -> Option<String> {
    use taskmaster_core::action::Outputs;
    match &action.outputs {
        Some(Outputs::Json) => Some("  read as one JSON object".to_owned()),
        Some(Outputs::Lines) => Some("  read as lines NAME=VALUE".to_owned()),
        Some(Outputs::Terraform(_)) | None => None,
    }
}

/// What the answer of a probe must be, where it is not the usual.
fn conditions(probe: &Probe) -> Vec<String> {
    let codes = |codes: &[i32]| codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut all = Vec::new();
    if !matches!(probe.true_codes[..], [] | [0]) {
        all.push(format!("  true by exit code {}", codes(&probe.true_codes)));
    }
    if !matches!(probe.false_codes[..], [] | [1]) {
        all.push(format!("  false by exit code {}", codes(&probe.false_codes)));
    }
    all.extend(accepted(&probe.decide));
    all.extend(probe.output.iter().map(expected));
    all.extend(probe.also.iter().flat_map(conditions));
    all
}

/// Which answers a request accepts.
fn accepted(step: &Step) -> Vec<String> {
    let Invocation::Http(HttpSpec { status, expect, ca_file, .. }) = &step.invocation else {
        return Vec::new();
    };
    let range =
        |(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let ranges: Vec<String> = status.iter().map(range).collect();
    let mut all = vec![format!("  answered by {}", ranges.join(", "))];
    all.extend(expect.iter().map(expected));
    all.extend(ca_file.iter().map(|file| format!("  trusting {file}")));
    all
}

fn expected(wanted: &OutputMatch) -> String {
    let place = wanted.pointer.as_deref().unwrap_or("the answer");
    let equals = wanted.equals.iter().map(|value| format!("is {value}"));
    let contains = wanted.contains.iter().map(|text| format!("contains {text:?}"));
    let words: Vec<String> = equals.chain(contains).collect();
    format!("  where {place} {}", words.join(" and "))
}

/// The new lines among the old ones: a longest common row of lines is kept.
fn compare(old: &[String], new: &[String]) -> Vec<LineView> {
    let line = |fate| move |text: &String| LineView { fate, text: text.clone() };
    let (removed, added, kept) = (line(LineFate::Removed), line(LineFate::Added), line(LineFate::Kept));
    if old.len().max(new.len()) > MOST_LINES {
        return old.iter().map(removed).chain(new.iter().map(added)).collect();
    }
    let common = common(old, new);
    let (mut at, mut to) = (0, 0);
    let mut lines = Vec::new();
    while at < old.len() || to < new.len() {
        if at < old.len() && to < new.len() && old[at] == new[to] {
            lines.push(kept(&old[at]));
            (at, to) = (at + 1, to + 1);
        } else if to == new.len() || (at < old.len() && common[at + 1][to] >= common[at][to + 1]) {
            lines.push(removed(&old[at]));
            at += 1;
        } else {
            lines.push(added(&new[to]));
            to += 1;
        }
    }
    lines
}

/// How long the longest common row of lines is from each place of both texts on.
fn common(old: &[String], new: &[String]) -> Vec<Vec<u16>> {
    let mut longest = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            longest[at][to] = if old[at] == new[to] {
                longest[at + 1][to + 1] + 1
            } else {
                longest[at + 1][to].max(longest[at][to + 1])
            };
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(old: &str, new: &str) -> String {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let sign = |line: LineView| match line.fate {
            LineFate::Kept => line.text,
            LineFate::Added => format!("+{}", line.text),
            LineFate::Removed => format!("-{}", line.text),
        };
        compare(&lines(old), &lines(new)).into_iter().map(sign).collect()
    }

    #[test]
    fn what_is_the_same_is_kept() {
        assert_eq!(compared("abc", "abc"), "abc");
        assert_eq!(compared("abc", "axc"), "a-b+xc");
        assert_eq!(compared("", "ab"), "+a+b");
        assert_eq!(compared("ab", ""), "-a-b");
        assert_eq!(compared("abcd", "bcde"), "-abcd+e");
    }
}
