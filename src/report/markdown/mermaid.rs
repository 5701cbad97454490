//! The changed tasks among their neighbours as a Mermaid flowchart.
//!
//! Foreign text stands in quoted labels only, and there every character that is neither a letter, a digit
//! nor plain punctuation is written as its number. So nothing ends a label, a line or the fence around it,
//! and nothing is markup, a directive or a comment of Mermaid.

use crate::report::difference_words as words;
use crate::report::human;
use crate::report::view::{DifferenceView, NodeView};
use std::collections::HashMap;
use std::fmt::Write as _;
use taskmaster_core::difference::around::{PhaseRest, Role, TieFate};

/// Longest title in a node, in characters.
const LONGEST: usize = 60;

/// How nodes look. What they are is said in words, too.
const CLASSES: &str = "  classDef added fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px
  classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
  classDef removed fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:2px,stroke-dasharray:5 3
  classDef beside fill:#f6f8fa,stroke:#8c959f,color:#1f2328
";

/// The picture; none where nothing in it changed.
pub(super) fn picture(view: &DifferenceView) -> Option<String> {
    let picture = &view.picture;
    if picture.nodes.is_empty() {
        return None;
    }
    let mut out = "flowchart LR\n".to_owned();
    let verbs: HashMap<_, _> =
        view.tasks.iter().map(|task| (&task.name.id, words::verb(&task.effect))).collect();
    for (place, phase) in picture.phases.iter().enumerate() {
        let inside: Vec<(usize, &NodeView)> =
            picture.nodes.iter().enumerate().filter(|(_, node)| node.phase == phase.phase).collect();
        let title = title_of(view, phase);
        if inside.is_empty() {
            let tasks = human::count(phase.others, "task", "tasks");
            let _ = writeln!(out, "  p{place}[\"{title}<br/>{tasks}\"]:::beside");
            continue;
        }
        let _ = writeln!(out, "  subgraph p{place}[\"{title}\"]");
        for (number, node) in inside {
            let verb = verbs.get(&node.name.id).copied();
            let _ = writeln!(out, "    t{number}[\"{}\"]:::{}", words_of(node, verb), class(node.role));
        }
        if phase.others > 0 {
            let others = human::count(phase.others, "other task", "other tasks");
            let _ = writeln!(out, "    r{place}([\"{others}\"]):::beside");
        }
        out.push_str("  end\n");
    }
    for line in &picture.lines {
        let arrow = match line.fate {
            TieFate::Kept => "-->",
            TieFate::Gained => "==>|new|",
            TieFate::Lost => "-.->|gone|",
        };
        let _ = writeln!(out, "  t{} {arrow} t{}", line.dependency, line.task);
    }
    for (place, phase) in picture.phases.iter().enumerate() {
        for before in &phase.after {
            let _ = writeln!(out, "  p{before} --> p{place}");
        }
    }
    out.push_str(CLASSES);
    Some(out)
}

/// What found no room in the picture, in a line.
pub(super) fn left_out(view: &DifferenceView) -> Option<String> {
    let picture = &view.picture;
    let changed = picture.changed_left_out;
    let changed = (changed > 0).then(|| human::count(changed, "changed task", "changed tasks"));
    let others = picture.others_left_out;
    let others = (others > 0).then(|| human::count(others, "other task", "other tasks"));
    let left: Vec<String> = changed.into_iter().chain(others).collect();
    (!left.is_empty()).then(|| format!("Left out of the picture: {}.", left.join(" and ")))
}

fn class(role: Role) -> &'static str {
    match role {
        Role::Added => "added",
        Role::Removed => "removed",
        Role::Changed => "changed",
        Role::Neighbour => "beside",
    }
}

fn title_of(view: &DifferenceView, phase: &PhaseRest) -> String {
    let known = view.phases.iter().find(|known| known.id == phase.phase);
    label(&known.map_or_else(|| phase.phase.to_string(), human::phase))
}

fn words_of(node: &NodeView, verb: Option<&str>) -> String {
    let name = match node.role {
        Role::Removed => label(&node.name.title),
        _ => label(&format!("{} {}", node.name.ordinal, node.name.title)),
    };
    let word = match (node.role, verb) {
        (Role::Neighbour, _) => return name,
        (Role::Added, Some(verb)) => format!("NEW: {verb}"),
        (Role::Removed, Some(verb)) => format!("REMOVED: {verb}"),
        (_, Some("changed") | None) => "CHANGED".to_owned(),
        (_, Some(verb)) => format!("CHANGED: {verb}"),
    };
    format!("{name}<br/>{word}")
}

/// Foreign text for a quoted label.
fn label(foreign: &str) -> String {
    let line = human::line(foreign);
    let mut shown: Vec<char> = line.chars().take(LONGEST + 1).collect();
    if shown.len() > LONGEST {
        shown.truncate(LONGEST - 1);
        shown.push('…');
    }
    let mut out = String::new();
    for c in shown {
        let is_plain = c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '…');
        match c {
            // The letters that Mermaid stands in for a number's sign with.
            'ﬂ' => out.push_str("fl"),
            c if is_plain => out.push(c),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn nothing_ends_a_label() {
        assert_eq!(label("Deploy v1.2, then-wait"), "Deploy v1.2, then-wait");
        assert_eq!(label("a\"]:::x\n```"), "a#34;#93;#58;#58;#58;x #96;#96;#96;");
        assert_eq!(label("%%{init}%% <b>@me #1"), "#37;#37;#123;init#125;#37;#37; #60;b#62;#64;me #35;1");
        assert_eq!(label("ﬂ°°60¶ß"), "fl#176;#176;60#182;ß");
        assert_eq!(label(&"x".repeat(80)).chars().count(), 60);
        assert_eq!(label("設定 ünï"), "設定 ünï");
    }
}
