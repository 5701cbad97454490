//! The parser beside the Markdown parser that it stands on.

use crate::timing::{compare, median, way};
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

/// Bytes of a document that are looked at.
const SIZE: usize = 10_000_000;

pub(crate) fn ratios() {
    for (name, text) in [("a checklist alone", checklist(SIZE)), ("a document", document(SIZE))] {
        println!(" {name}");
        // What must be there at the end, made without a thought: the least that any parser of this form can cost.
        let parsed = taskmaster_prd::parse(&text, &taskmaster_prd::Options::default());
        let copied = || drop(black_box(parsed.clone()));
        compare(
            7,
            vec![
                way("taskmaster", || ours(&text)),
                way("the result, copied", copied),
                way("bare", || bare(&text)),
            ],
        );
    }
}

/// The cost of a byte from 10 KB to 50 MB (a file is read up to 32 MiB); it must not grow.
pub(crate) fn linear() {
    let mut points = Vec::new();
    for size in [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 50_000_000] {
        let text = document(size);
        let rounds = (20_000_000 / size).clamp(3, 200);
        let once = || {
            let began = Instant::now();
            ours(&text);
            began.elapsed().as_secs_f64() * 1e9 / text.len() as f64
        };
        let nanoseconds = median((0..rounds).map(|_| once()));
        println!("  {:10} bytes   {nanoseconds:6.1} ns a byte", text.len());
        points.push((text.len(), nanoseconds));
    }
    if let Some(file) = std::env::var_os("PLOT") {
        std::fs::write(&file, plot(&points)).expect("the plot can be written");
    }
}

fn ours(text: &str) {
    black_box(taskmaster_prd::parse(black_box(text), &taskmaster_prd::Options::default()));
}

fn bare(text: &str) {
    let flags = pulldown_cmark::Options::ENABLE_TABLES | pulldown_cmark::Options::ENABLE_STRIKETHROUGH;
    let events = pulldown_cmark::Parser::new_ext(black_box(text), flags).into_offset_iter();
    black_box(events.fold(0, |sum, (_, range)| sum + range.len()));
}

/// Nothing but tasks, each with a detail: the most that a byte can ask for.
pub(crate) fn checklist(size: usize) -> String {
    let mut text = String::from("# Plan\n\n");
    let mut phase = 0;
    while text.len() < size {
        phase += 1;
        let _ = writeln!(text, "\n## Phase {phase}: Part {phase} (Priority: High)\n");
        for task in 0..40 {
            let _ = writeln!(text, "- [ ] Prepare thing {task} of part {phase} with `code` and **emphasis**");
            let _ = writeln!(text, "  - a detail of it, in a few words more");
        }
    }
    text
}

/// What people write: prose, tables and code around their tasks, some with an id and a dependency.
fn document(size: usize) -> String {
    let mut text = String::from("# Plan\n\nWhat is wanted, and in which order.\n");
    let mut phase = 0;
    while text.len() < size {
        phase += 1;
        let _ = writeln!(text, "\n## Phase {phase}: Part {phase} (Priority: High)\n");
        for _ in 0..3 {
            let _ = writeln!(
                text,
                "This part is about the *things* that the platform needs before anybody can use it, and about what `it` must\n\
                 not do. It was written after [a talk](https://example.org/{phase}) with those who run it, and is kept short.\n"
            );
        }
        let _ = writeln!(text, "| what | how much | why |\n|---|---|---|");
        for row in 0..6 {
            let _ = writeln!(text, "| thing {row} | {} of them | people asked for it |", row * phase);
        }
        let _ = writeln!(
            text,
            "\n```yaml\nreplicas: {phase}\nimage: registry.example.org/thing:{phase}\n```\n\n### Tasks\n"
        );
        for task in 0..8 {
            let (id, before) = (phase * 10 + task, phase * 10);
            let depends = if task > 0 { format!(" (depends on: T{before:06})") } else { String::new() };
            let _ = writeln!(text, "- [ ] T{id:06} Prepare thing {task} of part {phase}{depends}");
            let _ = writeln!(text, "  - a detail of it, in a few words more");
        }
        let _ = writeln!(text, "\n**Acceptance**:\n\n- It answers within a second\n- Nobody is woken by it");
    }
    text
}

/// A line over the sizes, each step ten times the one before.
fn plot(points: &[(usize, f64)]) -> String {
    let most = points.iter().map(|(_, cost)| *cost).fold(0.0, f64::max) * 1.2;
    let x = |size: usize| 60.0 + ((size as f64).log10() - 4.0) / 3.7 * 560.0;
    let y = |cost: f64| 250.0 - cost / most * 220.0;
    let line: Vec<String> =
        points.iter().map(|(size, cost)| format!("{:.1},{:.1}", x(*size), y(*cost))).collect();
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 300\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"300\" fill=\"#fff\"/>\n<path d=\"M60 30V250H620\" fill=\"none\" stroke=\"#888\"/>\n",
    );
    for (size, name) in [
        (10_000, "10 KB"),
        (100_000, "100 KB"),
        (1_000_000, "1 MB"),
        (10_000_000, "10 MB"),
        (50_000_000, "50 MB"),
    ] {
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"268\" text-anchor=\"middle\">{name}</text>", x(size));
    }
    for (size, cost) in points {
        let _ =
            writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#0969da\"/>", x(*size), y(*cost));
    }
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#0969da\"/>", line.join(" "));
    let _ = writeln!(
        svg,
        "<text x=\"60\" y=\"20\">nanoseconds a byte, up to {most:.0}; bytes of the document</text>\n</svg>"
    );
    svg
}
