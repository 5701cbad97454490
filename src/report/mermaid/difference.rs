//! The changed tasks among their neighbours as a Mermaid flowchart.

use super::label::label;
use crate::report::difference_words as words;
use crate::report::human;
use crate::report::view::{DifferenceView, NodeView};
use std::collections::HashMap;
use std::fmt::Write as _;
use taskmaster_core::difference::around::{PhaseRest, Role, TieFate};

/// How nodes look. What they are is said in words, too.
const CLASSES: &str = "  classDef added fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px
  classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px
  classDef removed fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:2px,stroke-dasharray:5 3
  classDef beside fill:#f6f8fa,stroke:#8c959f,color:#1f2328
";

/// The picture; none where nothing in it changed.
pub(in crate::report) fn picture(view: &DifferenceView) -> Option<String> {
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
pub(in crate::report) fn left_out(view: &DifferenceView) -> Option<String> {
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
