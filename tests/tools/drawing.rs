//! The drawings of docs/state-machines.md, for the tests that compare them with the code.

/// The edges of the drawing below a heading, `from --> to: words`, sorted. Those from and to the dot are left out.
pub(crate) fn edges(heading: &str) -> Vec<String> {
    let page = include_str!("../../docs/state-machines.md");
    let (_, section) = page.split_once(&format!("## {heading}\n")).expect("there is such a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let (_, drawing) = section.split_once("```mermaid\nstateDiagram-v2\n").expect("it has a drawing");
    let drawing = drawing.split("```").next().unwrap_or_default();
    let is_edge = |line: &&str| line.contains("-->") && !line.contains("[*]");
    let mut edges: Vec<String> = drawing.lines().map(str::trim).filter(is_edge).map(str::to_owned).collect();
    edges.sort();
    edges
}
