//! Flowcharts of reports. That Mermaid itself draws them is tried by hand (docs/reports.md); here every
//! line must be of a shape that it is known to draw.

use super::sample;
use std::collections::{BTreeMap, BTreeSet};
use taskmaster::report::view::ReportView;
use taskmaster_core::id::TaskId;

/// What a picture shows.
#[derive(Default)]
struct Picture {
    /// Label and class by name.
    nodes: BTreeMap<String, (String, String)>,
    subgraphs: Vec<String>,
    edges: Vec<(String, String)>,
    comments: Vec<String>,
}

/// Panics on a line of any other shape.
fn read(text: &str) -> Picture {
    assert!(text.encode_utf16().count() <= 50_000, "Mermaid draws no longer text");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart TD"));
    let (mut picture, mut open, mut classes) = (Picture::default(), 0_usize, BTreeSet::new());
    for line in lines.map(str::trim) {
        if line == "end" {
            open = open.checked_sub(1).expect("a subgraph is open");
        } else if let Some(rest) = line.strip_prefix("subgraph ") {
            open += 1;
            picture.subgraphs.push(node(rest).1);
        } else if let Some(comment) = line.strip_prefix("%% ") {
            picture.comments.push(comment.to_owned());
        } else if let Some(rest) = line.strip_prefix("classDef ") {
            classes.insert(rest.split(' ').next().unwrap().to_owned());
        } else if let Some((from, to)) = line.split_once(" --> ") {
            picture.edges.push((from.to_owned(), to.to_owned()));
        } else {
            let (left, class) = line.rsplit_once(":::").expect("a node has a class");
            let (name, label) = node(left);
            let known = picture.nodes.insert(name, (label, class.to_owned()));
            assert!(known.is_none(), "a node stands once: {line}");
        }
    }
    assert_eq!(open, 0, "every subgraph ends");
    assert!(picture.nodes.values().all(|(_, class)| classes.contains(class)));
    let is_node = |name: &String| picture.nodes.contains_key(name);
    assert!(picture.edges.iter().all(|(from, to)| is_node(from) && is_node(to)));
    assert!(picture.edges.len() <= 500, "Mermaid draws no more arrows");
    picture
}

/// `name["label"]`, where nothing in the label could end it.
fn node(text: &str) -> (String, String) {
    let (name, rest) = text.split_once("[\"").unwrap_or_else(|| panic!("a label: {text}"));
    let label = rest.strip_suffix("\"]").unwrap_or_else(|| panic!("a whole label: {text}"));
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
    for part in label.replace("<br/>", "").split('#').skip(1) {
        let (number, _) = part.split_once(';').expect("a number ends");
        assert!(number.parse::<u32>().is_ok(), "{part}");
    }
    let plain = |c: char| c.is_alphanumeric() || " .,-…#;".contains(c);
    let inner = label.replace("<br/>", "");
    assert!(inner.chars().all(plain), "{label}");
    (name.to_owned(), shown(label))
}

/// A label as a reader sees it.
fn shown(label: &str) -> String {
    let mut parts = label.split('#');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        text.push(char::from_u32(number.parse().unwrap()).unwrap());
        text.push_str(rest);
    }
    text
}

/// What waits for what, however many steps away.
fn closure(edges: impl Iterator<Item = (String, String)>) -> BTreeSet<(String, String)> {
    let mut after: BTreeMap<String, Vec<String>> = BTreeMap::new();
    edges.for_each(|(from, to)| after.entry(from).or_default().push(to));
    let mut all = BTreeSet::new();
    for start in after.keys() {
        let mut open = vec![start.clone()];
        while let Some(node) = open.pop() {
            for next in after.get(&node).into_iter().flatten() {
                if all.insert((start.clone(), next.clone())) {
                    open.push(next.clone());
                }
            }
        }
    }
    all
}

#[test]
fn every_task_stands_in_its_phase_with_its_state() {
    let picture = read(&sample::platform().mermaid());
    assert_eq!(picture.nodes.len(), 39);
    assert_eq!(picture.subgraphs.len(), 6);
    assert_eq!(picture.subgraphs[2], "3. Blue-green delivery");
    let node = |place: usize| picture.nodes[&format!("t{place}")].clone();
    let row = |label: &str, class: &str| (label.to_owned(), class.to_owned());
    assert_eq!(node(0), row("1.1 Provision the cluster with Terraform<br/>completed", "done"));
    assert_eq!(node(9), row("2.4 Lock the default project down<br/>claimed", "claimed"));
    assert_eq!(node(19), row("3.6 Measure dropped requests during the switch<br/>failed", "failed"));
    assert_eq!(node(25), row("4.3 Pause for approval at fifty percent<br/>waiting", "waiting"));
    assert_eq!(
        node(13).0,
        "2.8 Check <script>alert('the controller')</script> \"health\"…<br/>completed",
        "a long title is cut"
    );
}

/// Arrows that a longer way says already are left out, and nothing else is.
#[test]
fn the_arrows_say_what_waits_for_what() {
    let view = sample::platform();
    let picture = read(&view.mermaid());
    let place = |id: &TaskId| format!("t{}", view.tasks.iter().position(|task| task.id == *id).unwrap());
    let written = view.edges.iter().map(|edge| (place(&edge.dependency), place(&edge.task)));
    assert_eq!(closure(picture.edges.clone().into_iter()), closure(written));
    assert!(picture.edges.len() < view.edges.len(), "some are implied");
    for left_out in 0..picture.edges.len() {
        let mut fewer = picture.edges.clone();
        fewer.remove(left_out);
        assert_ne!(closure(fewer.into_iter()), closure(picture.edges.clone().into_iter()), "each is needed");
    }
}

#[test]
fn no_title_breaks_the_picture() {
    let titles = [
        "end",
        "\"]; end",
        "a[b](c){d}",
        "```",
        "`x`",
        "a|b|c",
        "x --> y",
        "%% x",
        "%%{init: {}}%%",
        "subgraph a",
        "click t0 \"javascript:alert(1)\"",
        "a\nb",
        "\u{202e}a",
        "\u{200f}b",
        "#quot;",
        "ﬂ°°34¶ß",
        "<b>x</b>",
        "",
        "a:::failed",
        "classDef x fill:#f00",
        "\u{1b}[31m",
        "o",
        "x",
        "graph",
        "style t0 fill:#f00",
        "a;b",
        "@{ shape: x }",
    ];
    for title in titles {
        let mut view = sample::platform();
        view.tasks.iter_mut().for_each(|task| task.title = title.to_owned());
        view.phases.iter_mut().for_each(|phase| phase.title = title.to_owned());
        let picture = read(&view.mermaid());
        assert_eq!((picture.nodes.len(), picture.subgraphs.len()), (39, 6), "{title:?}");
    }
}

#[test]
fn a_phase_stands_inside_the_phase_around_it() {
    let mut view = sample::platform();
    view.phases[1].parent = Some(view.phases[0].id.clone());
    view.phases[2].parent = Some(view.phases[1].id.clone());
    let text = view.mermaid();
    assert_eq!(read(&text).nodes.len(), 39);
    let depth = |title: &str| text.lines().find(|line| line.contains(title)).unwrap().find('s').unwrap();
    let titles = ["1. Foundations", "2. Delivery controllers", "3. Blue-green", "4. Canary"];
    assert_eq!(titles.map(depth), [2, 4, 6, 2]);
}

/// The sample with as many tasks in each of so many phases.
fn large(phases: usize, each: usize) -> ReportView {
    let mut view = sample::report(phases * each);
    let phase = |number: usize| {
        let id = format!("phase-{number}").as_str().into();
        let title = format!("A phase with a rather long title, {number}");
        taskmaster::report::view::PhaseView { id, title, number: None, ..view.phases[0].clone() }
    };
    view.phases = (0..phases).map(phase).collect();
    for (place, task) in view.tasks.iter_mut().enumerate() {
        task.phase = format!("phase-{}", place / each).as_str().into();
    }
    view
}

#[test]
fn a_large_graph_is_drawn_by_its_phases() {
    let view = large(20, 50);
    let picture = read(&view.mermaid());
    assert_eq!((picture.nodes.len(), picture.subgraphs.len()), (20, 0));
    let (label, class) = &picture.nodes["n0"];
    assert!(label.starts_with("A phase with a rather long title, 0<br/>"), "{label}");
    assert_eq!((label.ends_with("48 done, 2 waiting"), class.as_str()), (false, "done"), "{label}");
    let chain: BTreeSet<_> = closure(picture.edges.into_iter());
    assert!(chain.contains(&("n0".to_owned(), "n19".to_owned())), "phases follow each other");
    assert_eq!(picture.comments, Vec::<String>::new());
    let huge = read(&large(1_500, 2).mermaid());
    assert!((100..=400).contains(&huge.nodes.len()), "{}", huge.nodes.len());
    assert_eq!(huge.comments, [format!("{} phases left out", 1_500 - huge.nodes.len())]);
}
