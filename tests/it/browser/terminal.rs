//! What a terminal shows, as pictures for the README: of its own example, planned and run for real.
//!
//! `TASKMASTER_SCREENSHOTS=folder` keeps them (`make screenshots`).

use super::chromium::{Browser, file_url};
use super::page::Look;
use crate::cli::{project, readme};
use std::path::PathBuf;

const SCREEN: Look = Look { name: "terminal", width: 900, height: 400, dark: true };

/// The sixteen colours of a terminal, as far as taskmaster uses them.
const COLOURS: [(&str, &str); 6] = [
    ("31", "#ff7b72"),
    ("32", "#7ee787"),
    ("33", "#e3b341"),
    ("34", "#79c0ff"),
    ("35", "#d2a8ff"),
    ("36", "#76e3ea"),
];

#[test]
fn a_plan_and_a_run_are_seen_as_a_terminal_shows_them() {
    let scratch = tempfile::tempdir().unwrap();
    let named = std::env::var_os("TASKMASTER_SCREENSHOTS").map(PathBuf::from);
    let folder = named.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(folder).unwrap();
    let text = readme::text();
    let sandbox = project(&readme::block(&text, "markdown"), &readme::block(&text, "yaml"));
    sandbox.run("parse prd.md").code(0);
    let plan = sandbox.run("plan --color always").code(0).stdout;
    let run = sandbox.run("run --color always --no-wait").code(21).stderr;
    let mut browser = Browser::start();
    for (name, command, shown) in
        [("plan", "taskmaster plan", plan), ("run", "taskmaster run --no-wait", run)]
    {
        assert!(shown.contains("\u{1b}["), "{name} has colours: {shown:?}");
        let file = scratch.path().join(format!("{name}.html"));
        std::fs::write(&file, page(command, &shown)).unwrap();
        let mut page = browser.page();
        page.look(SCREEN);
        page.go(&file_url(&file));
        let seen = page.eval("document.querySelector('pre').innerText");
        let seen = seen.as_str().unwrap();
        assert!(seen.contains("Make the folder") && !seen.contains('\u{1b}'), "{seen}");
        let height = page.eval("Math.ceil(document.querySelector('pre').getBoundingClientRect().height)");
        let height = u32::try_from(height.as_u64().unwrap()).unwrap();
        page.look(Look { height, ..SCREEN });
        let picture = folder.join(format!("{name}.png"));
        page.picture(&picture);
        assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"), "a picture is a PNG");
    }
}

/// A page that looks like a terminal.
fn page(command: &str, shown: &str) -> String {
    format!(
        "<!doctype html><meta charset=utf-8><style>body{{margin:0;background:#0d1117}}pre{{margin:0;padding:16px 20px;color:#e6edf3;\
         font:14px/1.45 'DejaVu Sans Mono',monospace}}b{{font-weight:600}}.dim{{opacity:.65}}</style><pre>$ {command}\n{}</pre>",
        spans(shown)
    )
}

/// Text with escape sequences as HTML: colours, bold and dim, until they are reset.
fn spans(text: &str) -> String {
    let mut html = String::new();
    let mut open = 0;
    let mut parts = text.split("\u{1b}[");
    html.push_str(&escaped(parts.next().unwrap_or_default()));
    for part in parts {
        let (codes, rest) = part.split_once('m').expect("an escape sequence that sets a look");
        for code in codes.split(';') {
            let colour = COLOURS.iter().find(|(known, _)| *known == code).map(|(_, colour)| *colour);
            match (code, colour) {
                ("" | "0" | "22" | "39", _) => html.push_str(&"</span>".repeat(std::mem::take(&mut open))),
                ("1", _) => html.push_str("<span style='font-weight:700'>"),
                ("2" | "90", _) => html.push_str("<span class=dim>"),
                (_, Some(colour)) => html.push_str(&format!("<span style='color:{colour}'>")),
                _ => panic!("the look {code} is not known here"),
            }
            open += usize::from(!matches!(code, "" | "0" | "22" | "39"));
        }
        html.push_str(&escaped(rest));
    }
    html + &"</span>".repeat(open)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
