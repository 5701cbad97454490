//! The report's promises, checked in a browser.
//!
//! `TASKMASTER_SCREENSHOTS=folder` keeps pictures of every page at every look in that folder
//! (`make screenshots`); `TASKMASTER_REPORT=file.html` adds a real run's report to the pages.

use super::chromium::{Browser, file_url};
use super::page::{Behaviour, DESKTOP, Look, PHONE, Page};
use crate::report::{environments, platform, report};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use taskmaster::report::view::{ReportTask, ReportView};
use taskmaster_core::id::TaskId;
use taskmaster_core::state::TaskState;
use tempfile::TempDir;

/// A report in a folder of its own.
struct Written {
    folder: TempDir,
}

impl Written {
    fn new(view: &ReportView) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("report.html"), view.html()).unwrap();
        Self { folder }
    }

    fn url(&self) -> String {
        file_url(&self.folder.path().join("report.html"))
    }
}

/// The page is quiet and asked for nothing but itself.
fn assert_quiet(behaviour: &Behaviour, url: &str) {
    assert_eq!(behaviour.said, Vec::<String>::new(), "the page says something");
    assert_eq!(behaviour.requests, [url], "the page asks for something");
}

fn assert_no_overflow(page: &mut Page<'_>, look: Look) {
    let width = page.eval("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)");
    assert!(width.as_u64().unwrap() <= u64::from(look.width), "{}: {width} px wide", look.name);
}

fn assert_contrast(page: &mut Page<'_>, look: Look, least: u64) {
    // Closed details hold text too.
    page.eval("document.querySelectorAll('details').forEach(details => { details.open = true; })");
    let found = page.eval(include_str!("contrast.js"));
    assert_eq!(found["bad"], json!([]), "{look:?}");
    assert!(found["samples"].as_u64().unwrap() >= least, "{look:?}: {found}");
}

fn looks() -> [Look; 4] {
    [PHONE, PHONE.dark(), DESKTOP, DESKTOP.dark()]
}

/// Titles as the DOM holds them, in the order of the table.
fn shown_titles(page: &mut Page<'_>) -> Vec<String> {
    let titles = page.eval("[...document.querySelectorAll('tr[data-task] .name')].map(e => e.textContent)");
    titles.as_array().unwrap().iter().map(|title| title.as_str().unwrap().to_owned()).collect()
}

fn assert_complete(page: &mut Page<'_>, view: &ReportView) {
    // Marks that turn text around are shown as what they are not.
    let visible = |title: &str| title.replace(['\u{202c}', '\u{202e}'], "\u{fffd}");
    let titles: Vec<String> = view.tasks.iter().map(|task| visible(&task.title)).collect();
    assert_eq!(shown_titles(page), titles);
    let attempts: usize = view.tasks.iter().map(|task| task.attempts.len()).sum();
    assert_eq!(page.count("[data-attempt]"), attempts as u64, "a bar for each attempt");
    assert_eq!(page.count("[data-node]"), view.tasks.len() as u64, "a node for each task");
    assert_eq!(page.count("tr[data-requirement]"), view.requirements.len() as u64);
    assert_eq!(edges_shown(page), edges_wanted(view));
    assert_eq!(page.count("[data-rollout]"), view.rollouts.len() as u64);
    let metrics: usize = view.rollouts.iter().map(|rollout| rollout.metrics.len()).sum();
    assert_eq!(page.count("[data-metric]"), metrics as u64, "the evidence of each verdict");
    let drawn = view.rollouts.iter().filter(|rollout| rollout.weights.len() > 1);
    let changes: usize = drawn.map(|rollout| rollout.weights.len()).sum();
    assert_eq!(page.count("[data-share]"), changes as u64, "every change of a share");
}

/// Every edge of the picture as (dependency, task), sorted.
fn edges_shown(page: &mut Page<'_>) -> Vec<(u64, u64)> {
    let pairs = page.eval(
        "[...document.querySelectorAll('path[data-edge]')].map(e => [Number(e.dataset.from), Number(e.dataset.to)])",
    );
    let number = |value: &Value| value.as_u64().unwrap();
    let mut pairs: Vec<(u64, u64)> =
        pairs.as_array().unwrap().iter().map(|pair| (number(&pair[0]), number(&pair[1]))).collect();
    pairs.sort_unstable();
    pairs
}

/// The same from the view, by place in the document.
fn edges_wanted(view: &ReportView) -> Vec<(u64, u64)> {
    let place = |id: &TaskId| view.tasks.iter().position(|task| task.id == *id).unwrap() as u64;
    let mut pairs: Vec<(u64, u64)> =
        view.edges.iter().map(|edge| (place(&edge.dependency), place(&edge.task))).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn everything_of_a_run_is_there() {
    let mut browser = Browser::start();
    for total in [39, 300] {
        let view = report(total);
        let written = Written::new(&view);
        let mut page = browser.page();
        page.look(DESKTOP);
        page.go(&written.url());
        assert_quiet(&page.behaviour(), &written.url());
        assert_complete(&mut page, &view);
        let retried = |task: &ReportTask| task.attempts.len() > 1;
        let delays: usize =
            view.tasks.iter().filter(|task| retried(task)).map(|task| task.attempts.len() - 1).sum();
        assert_eq!(page.count("line[data-delay]"), delays as u64, "the delay before each retry");
    }
}

#[test]
fn every_look_holds_in_light_and_dark() {
    let mut browser = Browser::start();
    let written = Written::new(&platform());
    for look in looks() {
        let mut page = browser.page();
        page.look(look);
        page.go(&written.url());
        assert_no_overflow(&mut page, look);
        assert_contrast(&mut page, look, 400);
        assert_no_overflow(&mut page, look);
        assert_quiet(&page.behaviour(), &written.url());
    }
}

#[test]
fn the_page_of_deployments_holds_at_every_look() {
    let mut browser = Browser::start();
    let view = environments::deployments(12);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployments.html");
    std::fs::write(&path, view.html()).unwrap();
    let url = file_url(&path);
    for look in looks() {
        let mut page = browser.page();
        page.look(look);
        page.go(&url);
        assert_no_overflow(&mut page, look);
        assert_contrast(&mut page, look, 100);
        assert_quiet(&page.behaviour(), &url);
        assert_eq!(page.count("tr[data-run]"), 12 + 1 + 1);
        assert_eq!(page.count("tr[data-task]"), 12 * 5);
        assert_eq!(page.count("[data-figure]"), 2 * 4);
        assert_eq!(page.count("script"), 0);
    }
}

#[test]
fn hostile_text_is_only_text() {
    let mut browser = Browser::start();
    let mut view = platform();
    let hostile = "</script></style></title><script>alert(1)</script><img src=x onerror=alert(2)>\
                   <svg onload=alert(3)>\"' onclick='alert(4)' <a href=\"https://evil.example/\">";
    view.document.title = Some(hostile.to_owned());
    view.document.path = hostile.to_owned();
    view.document.owners = vec![hostile.to_owned()];
    view.environment = hostile.into();
    view.version = hostile.to_owned();
    for phase in &mut view.phases {
        phase.title = hostile.to_owned();
    }
    for task in &mut view.tasks {
        task.title = hostile.to_owned();
        task.ordinal = hostile.to_owned();
        task.owner = Some(hostile.to_owned());
        task.tags = vec![hostile.to_owned()];
        for command in &mut task.commands {
            command.line = hostile.to_owned();
        }
        for attempt in &mut task.attempts {
            attempt.tail = hostile.to_owned();
            attempt.log = Some(hostile.to_owned());
        }
    }
    for rollout in &mut view.rollouts {
        rollout.name = hostile.to_owned();
        rollout.why = Some(hostile.to_owned());
        rollout.address = Some(hostile.to_owned());
        rollout.steps.iter_mut().for_each(|step| step.words = hostile.to_owned());
        rollout.story.iter_mut().for_each(|line| line.words = hostile.to_owned());
        for version in &mut rollout.versions {
            version.revision = hostile.to_owned();
            version.trouble = Some(hostile.to_owned());
        }
        for metric in &mut rollout.metrics {
            (metric.name, metric.words) = (hostile.to_owned(), hostile.to_owned());
        }
    }
    for requirement in &mut view.requirements {
        requirement.title = hostile.to_owned();
        requirement.id = hostile.into();
    }
    let written = Written::new(&view);
    let mut page = browser.page();
    page.look(PHONE);
    page.go(&written.url());
    assert_quiet(&page.behaviour(), &written.url());
    assert_eq!(shown_titles(&mut page), vec![hostile; 39]);
    assert_eq!(page.eval("document.querySelector('h1').textContent"), json!(hostile));
    assert_eq!(page.count("script"), 1);
    assert_eq!(page.count("style"), 1);
    assert_eq!(page.count("img, iframe, object, embed, link, form[action], meta[http-equiv=refresh]"), 0);
    assert_eq!(page.count("[onclick], [onload], [onerror], [style]"), 0);
    let outside = "[...document.querySelectorAll('[href], [src]')].map(e => e.getAttribute('href') || e.src)\
                   .filter(address => !address.startsWith('#'))";
    assert_eq!(page.eval(outside), json!([]), "every link stays on the page");
    assert_no_overflow(&mut page, PHONE);
}

/// The policy alone stops what escaping would have missed: both have to fail before anything runs.
#[test]
fn the_security_policy_stops_foreign_markup() {
    let mut browser = Browser::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let smuggled = "<script>document.title='taken'</script><img src='https://evil.example/x.png'>\
                    <p id=p style='color:rgb(1,2,3)'>x</p><footer>";
    std::fs::write(&file, platform().html().replacen("<footer>", smuggled, 1)).unwrap();
    let mut page = browser.page();
    page.go(&file_url(&file));
    assert_ne!(page.eval("document.title"), json!("taken"));
    assert_ne!(page.eval("getComputedStyle(document.getElementById('p')).color"), json!("rgb(1, 2, 3)"));
    let behaviour = page.behaviour();
    assert!(behaviour.said.iter().any(|said| said.contains("Content Security Policy")), "{behaviour:?}");
    assert_eq!(behaviour.requests, [file_url(&file), "https://evil.example/x.png".to_owned()]);
    assert_eq!(behaviour.stopped, [json!("csp").to_string()], "it never leaves");
}

#[test]
fn it_reads_without_its_script() {
    let mut browser = Browser::start();
    let view = platform();
    let written = Written::new(&view);
    let mut page = browser.page();
    page.look(DESKTOP);
    page.allow_scripts(false);
    page.go(&written.url());
    page.allow_scripts(true);
    assert_complete(&mut page, &view);
    assert_eq!(page.eval("document.querySelector('#filter').checkVisibility()"), json!(false));
    assert_eq!(
        page.eval("[...document.querySelectorAll('tr[data-task]')].every(row => row.checkVisibility())"),
        json!(true)
    );
}

#[test]
fn the_table_filters_and_a_link_brings_a_row_back() {
    let mut browser = Browser::start();
    let view = platform();
    let written = Written::new(&view);
    let mut page = browser.page();
    page.look(DESKTOP);
    page.go(&written.url());
    let visible =
        "[...document.querySelectorAll('tr[data-task]')].filter(row => row.checkVisibility()).length";
    assert_eq!(page.eval(visible), json!(39));
    page.eval("document.querySelector('[data-group=failed].toggle').click()");
    assert_eq!(page.eval(visible), json!(1));
    assert_eq!(page.eval("document.querySelector('#f-count').textContent"), json!("1 of 39 tasks"));
    page.eval("document.querySelector('[data-group=blocked].toggle').click()");
    assert_eq!(page.eval(visible), json!(3));
    // The first task is neither failed nor blocked: following a link to it clears the filter.
    page.eval("new Promise(done => { addEventListener('hashchange', done); location.hash = '#t0'; })");
    assert_eq!(page.eval(visible), json!(39));
    let type_text = "(text => { const input = document.querySelector('#f-text'); input.value = text; \
                     input.dispatchEvent(new Event('input', { bubbles: true })); })";
    page.eval(&format!("{type_text}('ALERT')"));
    let with_alert = view.tasks.iter().filter(|task| task.title.to_lowercase().contains("alert")).count();
    assert_eq!(page.eval(visible), json!(with_alert));
    page.eval(&format!("{type_text}('')"));
    page.eval("(select => { select.value = '3'; select.dispatchEvent(new Event('input', { bubbles: true })); })(document.querySelector('#f-phase'))");
    assert_eq!(page.eval(visible), json!(3), "the fourth phase has three tasks");
    page.eval("document.querySelector('#filter [type=reset]').click()");
    assert_eq!(page.eval(visible), json!(39));
    assert_quiet(&page.behaviour(), &written.url());
}

#[test]
fn the_scheme_button_wins_over_the_system() {
    let mut browser = Browser::start();
    let written = Written::new(&platform());
    let mut page = browser.page();
    page.look(DESKTOP);
    page.go(&written.url());
    let background = "getComputedStyle(document.body).backgroundColor";
    let light = page.eval(background);
    page.eval("document.querySelector('#scheme').click()");
    let dark = page.eval(background);
    assert_ne!(light, dark);
    page.look(DESKTOP.dark());
    assert_eq!(page.eval(background), dark);
    page.eval("document.querySelector('#scheme').click()");
    assert_eq!(page.eval(background), light, "light was chosen on a dark system");
}

/// A long table shows a page of its rows; the filter, the buttons and links find the others.
fn pages_turn(page: &mut Page<'_>, tasks: u64) {
    let place = "document.querySelector('#p-place').textContent";
    let first = "document.querySelector('tr[data-task]').id";
    let ids = "[...document.querySelectorAll('tr[data-task]')].map(row => row.dataset.task)";
    assert_eq!(page.count("tr[data-task]"), 500);
    assert_eq!(page.eval(place), json!(format!("1 to 500 of {tasks}")));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..tasks / 500 {
        let shown = page.eval(ids);
        seen.extend(shown.as_array().unwrap().iter().map(ToString::to_string));
        page.eval("document.querySelector('#p-on').click()");
    }
    assert_eq!(seen.len() as u64, tasks, "every task is on a page");
    assert_eq!(page.eval("document.querySelector('#p-on').disabled"), json!(true));
    page.eval("new Promise(done => { addEventListener('hashchange', done); location.hash = '#t0'; })");
    assert_eq!(page.eval(first), json!("t0"), "a link leads to another page");
    page.eval("document.querySelector('[data-group=failed].toggle').click()");
    let failed = page.eval("document.querySelector('[data-group=failed].toggle b').textContent");
    let failed: u64 = failed.as_str().unwrap().parse().unwrap();
    assert!(failed > 0);
    assert_eq!(page.count("tr[data-group=failed]"), failed.min(500));
    assert_eq!(page.count("tr[data-task]:not([data-group=failed])"), 0);
    page.eval("document.querySelector('#filter [type=reset]').click()");
    assert_eq!(page.eval(place), json!(format!("1 to 500 of {tasks}")));
}

/// What the script makes of a row is what the program writes of it.
#[test]
fn rows_of_a_long_table_are_those_of_a_short_one() {
    let view = report(3_000);
    let written = Written::new(&view);
    let mut browser = Browser::start();
    let mut page = browser.page();
    page.look(DESKTOP);
    let rows = "[...document.querySelectorAll('tr[data-task]')].map(row => [row.id, row.dataset.group, \
                row.querySelector('use').getAttribute('href'), row.querySelector('svg').className.baseVal, \
                row.innerText.replaceAll(/[\\[\\]~x-]/g, '').replaceAll(/\\s+/g, ' ')])";
    page.allow_scripts(false);
    page.go(&written.url());
    page.allow_scripts(true);
    assert_eq!(page.eval("document.querySelector('#pages').checkVisibility()"), json!(false));
    let written_rows = page.eval(rows);
    page.go(&written.url());
    assert_eq!(page.eval(rows), written_rows);
    assert_quiet(&page.behaviour(), &written.url());
    drop(page);
    for look in looks() {
        let mut page = browser.page();
        page.look(look);
        page.go(&written.url());
        assert_no_overflow(&mut page, look);
        assert_contrast(&mut page, look, 400);
    }
}

#[test]
fn ten_thousand_tasks_stay_a_page() {
    let view = report(10_000);
    let html = view.html();
    assert!(html.len() < 8_000_000, "{} bytes", html.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, &html).unwrap();
    let mut browser = Browser::start();
    let mut page = browser.page();
    page.look(DESKTOP);
    page.go(&file_url(&file));
    assert_quiet(&page.behaviour(), &file_url(&file));
    pages_turn(&mut page, 10_000);
    let nodes = page.count("[data-node], [data-phase-node]");
    assert!((1..=400).contains(&nodes), "{nodes} nodes");
    let note = page.eval("document.querySelector('#graph .note').textContent");
    assert!(note.as_str().unwrap().contains("too big to draw every task"), "{note}");
    let lanes = page.count(".lanes a");
    assert_eq!(lanes, 400);
    // What failed is among the lanes that are drawn.
    let failed = |task: &&ReportTask| matches!(task.state, TaskState::Failed { .. });
    let first = view.tasks.iter().find(failed).unwrap();
    let selector = format!("[data-attempt='{}']", first.attempts[0].id);
    assert_eq!(page.count(&selector), 1);
    let wanted: u64 = view.edges.len() as u64;
    let shown = page.eval(
        "[...document.querySelectorAll('[data-edge]')].length + \
         [...document.querySelectorAll('[data-bundle]')].reduce((sum, e) => sum + Number(e.dataset.bundle), 0)",
    );
    assert!(note.as_str().unwrap().contains(&format!("{shown} of {wanted} dependencies")), "{note}");
}

/// By the browser's own accessibility tree.
#[test]
fn it_can_be_read_aloud_and_walked_by_keyboard() {
    let mut browser = Browser::start();
    let view = platform();
    let written = Written::new(&view);
    let mut page = browser.page();
    page.look(DESKTOP);
    page.go(&written.url());
    // Rows out of sight are told to readers by the browser, but not to its tools.
    page.stretch(DESKTOP);
    let tree = page.accessible();
    let count = |role: &str| tree.iter().filter(|(found, _)| found == role).count();
    assert_eq!((count("main"), count("banner"), count("navigation")), (1, 1, 1));
    for role in ["link", "button", "image", "region", "table", "combobox", "searchbox", "graphics-document"] {
        let nameless: Vec<_> =
            tree.iter().filter(|(found, name)| found == role && name.trim().is_empty()).collect();
        assert_eq!(nameless, Vec::<&(String, String)>::new(), "{role}");
    }
    assert!(count("link") > 39 * 2, "the graph and the lists link to the rows");
    for (r, n) in
        tree.iter().filter(|(r, _)| r == "rowheader" || r == "columnheader" || r == "cell" || r == "row")
    {
        eprintln!("{r}: {}", n.chars().take(30).collect::<String>());
    }
    // The rows are laid out as a grid; they must stay rows of a table for those who do not see it.
    assert_eq!(
        count("rowheader"),
        6 + 24 + 4 + 4 + 8,
        "phases, requirements and their headings, claims, versions"
    );
    let rollouts = 4 + 8;
    assert_eq!(
        count("row"),
        (1 + 6 + 39) + (1 + 4 + 24) + 5 + 4 + rollouts,
        "tasks, requirements, claims, runs"
    );
    assert!(count("cell") >= 39 * 7, "{} cells", count("cell"));
    let levels = page.eval("[...document.querySelectorAll('h1,h2,h3,h4')].filter(e => e.checkVisibility()).map(e => Number(e.tagName[1]))");
    let levels: Vec<u64> = levels.as_array().unwrap().iter().map(|level| level.as_u64().unwrap()).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "no level is left out: {levels:?}");
    // What scrolls can be reached with Tab, or holds something that can.
    let unreachable = "[...document.querySelectorAll('*')].filter(e => /auto|scroll/.test(getComputedStyle(e).overflowX) && \
                       e.scrollWidth > e.clientWidth && e.tabIndex < 0 && !e.querySelector('a, button, summary')).length";
    assert_eq!(page.eval(unreachable), json!(0));
}

/// Pictures for people: of the sample whole, or of a real run's report by section.
#[test]
fn pictures_are_taken_where_a_folder_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let named = std::env::var_os("TASKMASTER_SCREENSHOTS").map(PathBuf::from);
    let folder = named.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(folder).unwrap();
    let mut browser = Browser::start();
    let real = std::env::var_os("TASKMASTER_REPORT").map(|file| {
        std::fs::canonicalize(&file)
            .unwrap_or_else(|fault| panic!("{}: {fault}; `make demo` writes it", file.display()))
    });
    let written = Written::new(&platform());
    let url = real.as_deref().map_or(written.url(), file_url);
    let name = if real.is_some() { "report" } else { "sample" };
    for look in looks() {
        let scheme = if look.dark { "dark" } else { "light" };
        let mut page = browser.page();
        page.look(look);
        page.go(&url);
        assert_quiet(&page.behaviour(), &url);
        assert_no_overflow(&mut page, look);
        let file = |part: &str| folder.join(format!("{name}{part}-{}-{scheme}.png", look.name));
        take(&mut page, &file(""), look);
        if real.is_none() {
            page.stretch(look);
            take(&mut page, &file("-whole"), look);
            continue;
        }
        for section in ["graph", "timeline", "tasks", "requirements"] {
            if look.width == DESKTOP.width && page.count(&format!("section#{section}")) == 1 {
                page.eval(&format!("document.getElementById('{section}').scrollIntoView()"));
                page.behaviour();
                take(&mut page, &file(&format!("-{section}")), look);
            }
        }
    }
}

fn take(page: &mut Page<'_>, file: &Path, look: Look) {
    page.picture(file);
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "a picture is a PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(number(16), look.width, "as wide as the window");
    assert!(number(20) >= look.height, "at least as high");
}
