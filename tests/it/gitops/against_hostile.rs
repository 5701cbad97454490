//! Titles and files that want out of the comment.

use super::against_world::World;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

const HOSTILE: [&str; 15] = [
    "Address https://github.com/org/repo/issues/1 www.evil.invalid &12 %12",
    "Quote \"x\"] end --> click t0 \"javascript:alert(1)\"",
    "Ticks ``` and ` and ~~~ out",
    "Pipe | splits | cells",
    "Html <img src=x onerror=alert(1)> </details> <!-- --> --!>",
    "Ping @octocat and @org/team",
    "Link #123 GH-123 !123 and org/repo#5",
    "Link [x](http://evil.invalid) ![i](http://evil.invalid/p.png)",
    "Directive %%{init: {'theme': 'x'}}%% %% comment",
    "Style x fill:#f00; classDef a fill:#f00;",
    "Entities &lt;b&gt; #quot; ﬂ°°34¶ß",
    "Heading ======= underline ------",
    "Bidi \u{202e}reversed\u{202c} zero\u{200b}width",
    "Escape \u{1b}[31mred\u{1b}[0m",
    "Maths $a$ and {curly} (round) ;semi: colon",
];

fn world() -> World {
    let world = World::new();
    world.write("tasks/all.yaml", "tasks:\n  T001: {run: {exec: [first]}}\n");
    world.write("prd.md", "# Tame\n\n## Phase 1: One\n\n- [ ] T001 First\n").commit("tame");
    let tasks: String =
        HOSTILE.iter().enumerate().map(|(n, title)| format!("- [ ] T1{n:02} {title}\n")).collect();
    let phase = HOSTILE[3].replace("<!-- ", "");
    world.write(
        "prd.md",
        &format!(
            "# Wild `{}`\n\n## Phase 1: One\n\n- [ ] T001 First\n\n## Phase 2: {phase}\n\n{tasks}",
            HOSTILE[4]
        ),
    );
    let entry = |(n, title): (usize, &&str)| {
        let word = serde_json::to_string(title).unwrap();
        format!("  T1{n:02}: {{run: {{exec: [echo, {word}, \"```\\n</details>\"]}}}}\n")
    };
    let entries: String = HOSTILE.iter().enumerate().map(entry).collect();
    world.write("tasks/all.yaml", &format!("tasks:\n  T001: {{run: {{exec: [first]}}}}\n{entries}"));
    world
}

/// What a reader of Markdown makes of a comment.
struct Read {
    links: Vec<String>,
    html: Vec<String>,
    mermaid: Vec<String>,
    /// Text outside of code.
    prose: String,
    cells_in_rows: Vec<usize>,
}

fn read(markdown: &str) -> Read {
    let mut read = Read {
        links: Vec::new(),
        html: Vec::new(),
        mermaid: Vec::new(),
        prose: String::new(),
        cells_in_rows: Vec::new(),
    };
    let mut language: Option<String> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                read.links.push(dest_url.to_string());
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => language = Some(info.to_string()),
            Event::End(TagEnd::CodeBlock) => language = None,
            Event::Start(Tag::TableRow) => read.cells_in_rows.push(0),
            Event::Start(Tag::TableCell) => {
                if let Some(cells) = read.cells_in_rows.last_mut() {
                    *cells += 1;
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => read.html.push(html.trim().to_owned()),
            Event::Text(text) => match &language {
                Some(language) if language == "mermaid" => read.mermaid.push(text.to_string()),
                Some(_) => {}
                None => read.prose.push_str(&text),
            },
            _ => {}
        }
    }
    read
}

#[test]
fn no_title_breaks_out_of_the_comment() {
    let world = world();
    let comment = world.comment("prd.md --against git:main");
    let read = read(&comment);
    assert_eq!(read.links, Vec::<String>::new());
    // Only our own elements are HTML.
    let own = |html: &String| {
        let rest = html.replace("<details>", "").replace("</details>", "");
        let summary = rest.trim().strip_prefix("<summary>").and_then(|rest| rest.strip_suffix("</summary>"));
        rest.trim().is_empty()
            || rest.starts_with("<!-- taskmaster plan ")
            || ["<summary>", "</summary>"].contains(&rest.trim())
            || summary.is_some_and(|words| words.chars().all(|c| c.is_alphanumeric() || " :,".contains(c)))
    };
    let foreign: Vec<&String> = read.html.iter().filter(|html| !own(html)).collect();
    assert!(foreign.is_empty(), "{foreign:?}\n{comment}");
    assert_eq!(comment.matches("<details>").count(), read.html.join("\n").matches("<details>").count());
    // Nobody is notified and nothing is linked: a sign and what it is about are parted.
    for (at, _) in read.prose.match_indices(['@', '#']) {
        let next = read.prose[at + 1..].chars().next().unwrap();
        assert_eq!(next, '\u{200b}', "{:?}", &read.prose[at..]);
    }
    for word in ["GH-1", "!1", "://", "www.", "&1", "%1"] {
        assert!(!read.prose.contains(word), "{word}");
    }
    assert!(read.cells_in_rows.iter().all(|cells| *cells == 3), "{:?}", read.cells_in_rows);
    assert_eq!(read.cells_in_rows.len(), HOSTILE.len(), "a row for each");
    for hidden in ['\u{202e}', '\u{1b}'] {
        assert!(!comment.contains(hidden), "{hidden:?}");
    }
}

/// Every line of the picture is of a shape that we write ourselves.
#[test]
fn no_title_breaks_out_of_the_picture() {
    let comment = world().comment("prd.md --against git:main");
    let read = read(&comment);
    let picture = read.mermaid.concat();
    assert!(picture.starts_with("flowchart LR\n"), "{comment}");
    let mut nodes = 0;
    for line in picture.lines().skip(1).map(str::trim) {
        let is_label = |rest: &str| {
            let quoted =
                rest.split_once("[\"").and_then(|(name, rest)| Some((name, rest.split_once("\"]")?)));
            quoted.is_some_and(|(name, (label, class))| {
                let label = label.replace("<br/>", "");
                let inner: String = label
                    .split('#')
                    .map(|part| {
                        part.split_once(';').map_or(part, |(n, rest)| {
                            if n.bytes().all(|b| b.is_ascii_digit()) { rest } else { "\"" }
                        })
                    })
                    .collect();
                name.trim_matches(|c: char| c.is_ascii_alphanumeric() || c == '(').is_empty()
                    && inner.chars().all(|c| c.is_alphanumeric() || " .,-…:".contains(c))
                    && ["", ":::added", ":::changed", ":::removed", ":::beside"].contains(&class)
            })
        };
        let is_known = line == "end"
            || line.starts_with("classDef ")
            || line.strip_prefix("subgraph ").is_some_and(is_label)
            || is_label(line)
            || line.split(' ').all(|word| {
                let node = word.len() <= 4
                    && word[1..].bytes().all(|b| b.is_ascii_digit())
                    && "tpr".contains(&word[..1]);
                node || ["-->", "==>|new|", "-.->|gone|"].contains(&word)
            });
        assert!(is_known, "{line}\n{picture}");
        nodes += usize::from(line.contains("NEW: runs"));
    }
    assert_eq!(nodes, HOSTILE.len(), "{picture}");
}

/// Somebody who opens a pull request reads no files of the machine that compares, and none of its variables.
#[test]
fn what_is_not_in_the_repository_is_not_shown() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("all.yaml"), "password hunter2\n").unwrap();
    std::fs::write(host.path().join("prd.md"), "# hunter2\n\n## Phase 1: One\n\n- [ ] T001 First\n").unwrap();
    let link = |world: &World, target: &std::path::Path, name: &str| {
        let path = world.root().join(name);
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    let refused = |world: &World, line: &str| {
        let done = world.plan(&format!("{line} --format markdown"));
        assert!(done.stderr.contains("leads out of the repository"), "{}{}", done.stdout, done.stderr);
        assert!(!format!("{}{}", done.stdout, done.stderr).contains("hunter2"), "{}", done.stderr);
    };
    for (target, name) in [("prd.md", "prd.md"), ("all.yaml", "tasks/all.yaml"), ("", "tasks")] {
        let world = world();
        link(&world, &host.path().join(target), name);
        refused(&world, "prd.md --against git:main");
    }
    // By its words the first link stays inside; where it ends by way of the second one, it does not.
    let world = world();
    world.write("a/b/c/all.yaml", "tasks: {}\n").write("taskmaster.toml", "catalogue = \"a/b/c\"\n");
    link(&world, std::path::Path::new("../../.."), "a/b/c/up");
    let steps = "../".repeat(4);
    let far = format!("a/b/c/up/{steps}{}", host.path().join("prd.md").strip_prefix("/").unwrap().display());
    link(&world, std::path::Path::new(&far), "prd.md");
    world.git(&["checkout", "--quiet", "-b", "evil"]);
    world.commit("evil");
    refused(&world, "prd.md --against git:main..evil");
    // A variable is told by its name.
    let world = World::new();
    world.write("prd.md", "# A\n\n## Phase 1: One\n\n- [ ] T001 First\n");
    let of = |words: &str| {
        let vars = "vars:\n  t: {from_env: PLAN_TOKEN}\n  d: {from_env: PLAN_TOKEN, default: usual}\n";
        format!("{vars}tasks:\n  T001: {{run: {{exec: [echo, {words}]}}}}\n")
    };
    world.write("tasks/all.yaml", &of("first")).commit("first");
    world.write("tasks/all.yaml", &of("\"{{ vars.t }} {{ vars.d }}\""));
    let mut command = world.command("plan prd.md --against git:main --format markdown");
    let output = command.env("PLAN_TOKEN", "hunter2").output().unwrap();
    let comment = String::from_utf8(output.stdout).unwrap();
    assert!(comment.contains("<env PLAN_TOKEN> usual") && !comment.contains("hunter2"), "{comment}");
}

/// A folder that looks like a bare repository brings settings of its own, which start programs.
#[test]
fn a_repository_inside_of_the_folder_is_none() {
    let world = World::below("sub");
    world.write("prd.md", "# A\n\n## Phase 1: One\n\n- [ ] T001 First\n");
    world.write("tasks/all.yaml", "tasks:\n  T001: {run: {exec: [a]}}\n").write("taskmaster.toml", "");
    world.commit("first");
    world.write("HEAD", "ref: refs/heads/main\n").write("objects/x", "").write("refs/x", "");
    world.write("config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n");
    let done = world.plan("prd.md --against git:main");
    assert!(done.code != 0 && done.stderr.contains("is in no Git repository"), "{}", done.stderr);
}

#[test]
fn a_comment_of_any_size_fits() {
    for (tasks, length) in [(40, 3_000), (400, 200), (3_000, 60)] {
        let world = World::new();
        world.write("prd.md", "# A\n\n## Phase 1: One\n\n- [ ] T000 First\n").commit("small");
        let title = "@<&> ".repeat(length / 5);
        let phases = (0..tasks).collect::<Vec<_>>();
        let text: String = phases
            .chunks(25)
            .enumerate()
            .map(|(phase, tasks)| {
                let tasks: String =
                    tasks.iter().map(|n| format!("- [ ] T{} {title} {n}\n", n + 1000)).collect();
                format!("\n## Phase {}: P{phase}\n\n{tasks}", phase + 2)
            })
            .collect();
        world.write("prd.md", &format!("# A\n\n## Phase 1: One\n\n- [ ] T000 First\n{text}"));
        let script = "echo @octocat\\n".repeat(300);
        let entries: String = (0..tasks.min(400))
            .map(|n| format!("  T{}: {{run: {{shell: \"{script}\"}}}}\n", n + 1000))
            .collect();
        world.write("tasks/all.yaml", &format!("tasks:\n  T000: {{run: {{exec: [x]}}}}\n{entries}"));
        let comment = world.comment("prd.md --against git:main");
        assert!(comment.chars().count() <= 65_536, "{tasks}: {}", comment.chars().count());
        assert!(comment.contains("more "), "{tasks}: what is left out is counted");
        let open = read(&comment);
        assert!(open.prose.contains("2.1 "), "{tasks}");
        let html = open.html.join("\n");
        assert_eq!(html.matches("<details>").count(), html.matches("</details>").count());
    }
}
