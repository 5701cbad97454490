//! Where a report stands, as a flowchart: phases around their tasks, arrows from what is waited for.
//!
//! GitHub and GitLab draw no flowchart beyond Mermaid's own bounds, and nothing in a text may raise them.
//! So a graph with too many tasks or arrows is drawn by its phases, and of too many phases the first.

use super::label::label;
use crate::report::html::implied;
use crate::report::human;
use crate::report::summary::{Counts, Group};
use crate::report::view::{PhaseView, ReportTask, ReportView};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use taskmaster_core::id::{PhaseId, TaskId};

/// Mermaid's `maxEdges`: it refuses to draw more.
const MOST_EDGES: usize = 500;
/// Mermaid's `maxTextSize`, in UTF-16 units.
const LONGEST: usize = 50_000;
/// More nodes are no picture any more.
const MOST_NODES: usize = 400;

/// How nodes look. What they are is said in words, too.
const CLASSES: &str = "  classDef done fill:#e4f5ec,stroke:#157046,color:#19212c
  classDef claimed fill:#e2f3f4,stroke:#0e6a74,color:#19212c,stroke-dasharray:5 3
  classDef active fill:#e6effc,stroke:#1f5cc0,color:#19212c,stroke-width:2px
  classDef waiting fill:#f0eafb,stroke:#6a3fbb,color:#19212c,stroke-width:2px
  classDef failed fill:#fdebe9,stroke:#b3261e,color:#19212c,stroke-width:3px
  classDef unknown fill:#fae9f4,stroke:#9a2470,color:#19212c,stroke-width:3px
  classDef blocked fill:#fbf0dd,stroke:#855000,color:#19212c
  classDef pending fill:#f1f3f6,stroke:#566170,color:#19212c
  classDef skipped fill:#f1f3f6,stroke:#566170,color:#566170,stroke-dasharray:2 3
  classDef cancelled fill:#f1f3f6,stroke:#566170,color:#566170,stroke-dasharray:2 3
  classDef drifted fill:#fdebe9,stroke:#b3261e,color:#19212c,stroke-dasharray:5 3
";

/// The flowchart: of tasks, else of phases.
pub(in crate::report) fn report(view: &ReportView) -> String {
    let graph = Graph::new(view);
    if let Some(picture) = graph.tasks().filter(|picture| fits(picture)) {
        return picture;
    }
    let mut shown = graph.filled.len().min(MOST_NODES);
    loop {
        match graph.phases(shown).filter(|picture| fits(picture)) {
            Some(picture) => return picture,
            // One phase always fits.
            None => shown /= 2,
        }
    }
}

fn fits(picture: &str) -> bool {
    picture.encode_utf16().count() <= LONGEST
}

struct Graph<'a> {
    view: &'a ReportView,
    /// Tasks by the place of their phase; one more holds those whose phase is not listed.
    members: Vec<Vec<usize>>,
    /// Phases with tasks of their own, in document order.
    filled: Vec<usize>,
    phase_of: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn new(view: &'a ReportView) -> Self {
        let places = places(view);
        let phase_of: Vec<usize> = view
            .tasks
            .iter()
            .map(|task| places.get(&task.phase).copied().unwrap_or(view.phases.len()))
            .collect();
        let mut members = vec![Vec::new(); view.phases.len() + 1];
        phase_of.iter().enumerate().for_each(|(task, &phase)| members[phase].push(task));
        let filled = (0..members.len()).filter(|&phase| !members[phase].is_empty()).collect();
        Self { view, members, filled, phase_of }
    }

    /// Dependency and task of every edge.
    fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        let index: HashMap<&TaskId, usize> =
            self.view.tasks.iter().enumerate().map(|(place, task)| (&task.id, place)).collect();
        let place = move |id: &TaskId| index.get(id).copied();
        self.view.edges.iter().filter_map(move |edge| Some((place(&edge.dependency)?, place(&edge.task)?)))
    }

    /// Every task; none where that would be too much.
    fn tasks(&self) -> Option<String> {
        if self.view.tasks.len() > MOST_NODES {
            return None;
        }
        let edges = reduced(self.view.tasks.len(), self.edges().collect())?;
        let mut out = "flowchart TD\n".to_owned();
        let children = children(self.view);
        for &phase in &children[self.view.phases.len()] {
            self.subgraph(&mut out, &children, phase, 1);
        }
        self.nodes(&mut out, self.view.phases.len(), 1);
        for (from, to) in edges {
            let _ = writeln!(out, "  t{from} --> t{to}");
        }
        out.push_str(CLASSES);
        Some(out)
    }

    fn subgraph(&self, out: &mut String, children: &[Vec<usize>], phase: usize, depth: usize) {
        if !self.is_filled(children, phase) {
            return;
        }
        let indent = "  ".repeat(depth);
        let title = label(&human::phase(&self.view.phases[phase]));
        let _ = writeln!(out, "{indent}subgraph p{phase}[\"{title}\"]");
        self.nodes(out, phase, depth + 1);
        for &inner in &children[phase] {
            self.subgraph(out, children, inner, depth + 1);
        }
        let _ = writeln!(out, "{indent}end");
    }

    fn is_filled(&self, children: &[Vec<usize>], phase: usize) -> bool {
        !self.members[phase].is_empty()
            || children[phase].iter().any(|&inner| self.is_filled(children, inner))
    }

    fn nodes(&self, out: &mut String, phase: usize, depth: usize) {
        for &place in &self.members[phase] {
            let task = &self.view.tasks[place];
            let (class, word) = look(task);
            let name = label(&format!("{} {}", task.ordinal, task.title));
            let _ = writeln!(out, "{}t{place}[\"{name}<br/>{word}\"]:::{class}", "  ".repeat(depth));
        }
    }

    /// The first phases, as a node each; none where their arrows are too many.
    fn phases(&self, shown: usize) -> Option<String> {
        let shown_ones = &self.filled[..shown];
        let node: HashMap<usize, usize> =
            shown_ones.iter().enumerate().map(|(node, &phase)| (phase, node)).collect();
        let ends = |(from, to): (usize, usize)| Some((*node.get(&from)?, *node.get(&to)?));
        let between = self.edges().map(|(from, to)| (self.phase_of[from], self.phase_of[to]));
        let pairs: BTreeSet<(usize, usize)> =
            between.filter_map(ends).filter(|(from, to)| from != to).collect();
        let edges = reduced(shown, pairs.into_iter().collect())?;
        let mut out = "flowchart TD\n".to_owned();
        let left_out = self.filled.len() - shown;
        if left_out > 0 {
            let _ = writeln!(out, "  %% {} left out", human::count(left_out, "phase", "phases"));
        }
        for (number, &phase) in shown_ones.iter().enumerate() {
            let title = label(&self.view.phases.get(phase).map_or("Other tasks".to_owned(), human::phase));
            let (class, words) = self.sum(phase);
            let _ = writeln!(out, "  n{number}[\"{title}<br/>{words}\"]:::{class}");
        }
        for (from, to) in edges {
            let _ = writeln!(out, "  n{from} --> n{to}");
        }
        out.push_str(CLASSES);
        Some(out)
    }

    /// What a phase looks like as one node: the group that matters most, and how many tasks are in each.
    fn sum(&self, phase: usize) -> (&'static str, String) {
        let counts = Counts::of(self.members[phase].iter().map(|&task| &self.view.tasks[task].state));
        let present: Vec<Group> = Group::ALL.into_iter().filter(|&group| counts.get(group) > 0).collect();
        let words: Vec<String> =
            present.iter().map(|&group| format!("{} {}", counts.get(group), group.name())).collect();
        let first = WORST_FIRST.into_iter().find(|group| present.contains(group));
        (first.map_or("pending", Group::name), words.join(", "))
    }
}

/// Which group gives a whole phase its look.
const WORST_FIRST: [Group; 10] = [
    Group::Failed,
    Group::Unknown,
    Group::Waiting,
    Group::Active,
    Group::Blocked,
    Group::Pending,
    Group::Claimed,
    Group::Done,
    Group::Skipped,
    Group::Cancelled,
];

/// Class and word of a task.
fn look(task: &ReportTask) -> (&'static str, &'static str) {
    match task.drifted {
        Some(_) => ("drifted", "drifted"),
        None => (Group::of(&task.state).name(), task.state.name()),
    }
}

/// Edges without those that a longer way says already; none where they are too many still.
fn reduced(nodes: usize, edges: Vec<(usize, usize)>) -> Option<Vec<(usize, usize)>> {
    let implied = implied(nodes, &edges);
    let needed: Vec<_> = edges.into_iter().zip(implied).filter(|(_, implied)| !implied).collect();
    (needed.len() <= MOST_EDGES).then(|| needed.into_iter().map(|(edge, _)| edge).collect())
}

fn places(view: &ReportView) -> HashMap<&PhaseId, usize> {
    view.phases.iter().enumerate().map(|(place, phase)| (&phase.id, place)).collect()
}

/// The phases inside each phase, and at the end those that are inside none.
fn children(view: &ReportView) -> Vec<Vec<usize>> {
    let places = places(view);
    let around = |phase: &PhaseView| phase.parent.as_ref().and_then(|id| places.get(id).copied());
    let mut children = vec![Vec::new(); view.phases.len() + 1];
    for (place, phase) in view.phases.iter().enumerate() {
        children[around(phase).unwrap_or(view.phases.len())].push(place);
    }
    children
}
