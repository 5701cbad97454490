//! Every text view at every width, with whatever people write in titles and ids: no line is wider than the terminal,
//! no word is taken apart that fits a line, and nothing is lost.

use super::{environments, lists, rollouts, sample};
use jiff::SignedDuration;
use proptest::prelude::*;
use std::collections::BTreeMap;
use taskmaster::report::view::{
    Area, CommitView, DoctorView, DriftEnd, DriftEpisode, DriftFinding, DriftHistoryView, DriftTask,
    DriftView, FindingView, LeftView, RefusedView, SyncEntryView, SyncHealth, SyncStatusView, SyncView,
    Unasked,
};
use taskmaster::report::{Render, TextOptions};
use taskmaster_core::id::TaskId;
use taskmaster_core::sync::SyncResult;
use unicode_width::UnicodeWidthStr;

const WIDTHS: [usize; 4] = [40, 60, 80, 120];

/// Texts that views are filled with.
#[derive(Clone, Debug)]
struct Texts {
    /// Of one word.
    id: String,
    title: String,
    message: String,
}

/// A view, and what it must show whole: its words, or for a word that is wider than the terminal all its characters.
type Filled = (&'static str, Box<dyn Render>, Vec<String>);

fn filled(texts: &Texts) -> Vec<Filled> {
    let Texts { id, title, message } = texts;
    let all = || vec![id.clone(), title.clone(), message.clone()];
    let titled = || vec![title.clone()];
    vec![
        ("plan", Box::new(plan(texts)), vec![title.clone(), message.clone()]),
        ("report", Box::new(report(texts)), titled()),
        ("tasks", Box::new(tasks(texts)), vec![id.clone(), title.clone()]),
        ("task", Box::new(task(texts)), all()),
        ("history", Box::new(history(texts)), titled()),
        ("drift", Box::new(drift(texts)), all()),
        ("drift-history", Box::new(drift_history(texts)), vec![id.clone(), title.clone()]),
        ("sync", Box::new(sync(texts)), all()),
        ("rollout", Box::new(rollout(texts)), vec![id.clone(), message.clone()]),
        ("rollouts", Box::new(rollout_list(texts)), vec![id.clone()]),
        ("deployments", Box::new(deployments(texts)), titled()),
        ("environments", Box::new(locked(texts)), vec![message.clone()]),
        ("doctor", Box::new(doctor(texts)), all()),
    ]
}

fn plan(texts: &Texts) -> taskmaster::report::view::PlanView {
    let mut view = lists::plan();
    view.tasks[2].title.clone_from(&texts.title);
    view.tasks[2].id = TaskId::new(&texts.id);
    view.warnings[0].message.clone_from(&texts.message);
    view
}

fn report(texts: &Texts) -> taskmaster::report::view::ReportView {
    let mut view = sample::platform();
    view.tasks[19].title.clone_from(&texts.title);
    view.phases[0].title.clone_from(&texts.title);
    view
}

fn tasks(texts: &Texts) -> taskmaster::report::view::TaskListView {
    let mut view = lists::task_list();
    view.tasks[1].title.clone_from(&texts.title);
    view.tasks[1].id = TaskId::new(&texts.id);
    view
}

fn task(texts: &Texts) -> taskmaster::report::view::TaskView {
    let mut view = lists::task();
    view.task.title.clone_from(&texts.title);
    view.task.id = TaskId::new(&texts.id);
    view.task.next = None;
    view.details = vec![texts.message.clone()];
    view
}

fn history(texts: &Texts) -> taskmaster::report::view::HistoryView {
    let mut view = lists::history();
    view.document.title = Some(texts.title.clone());
    view
}

fn drift(texts: &Texts) -> DriftView {
    let finding = DriftFinding::Error { message: texts.message.clone() };
    let task = DriftTask {
        id: TaskId::new(&texts.id),
        ordinal: "1.1".to_owned(),
        title: texts.title.clone(),
        phase: "a".into(),
        line: 3,
        kind: None,
        finding,
        done: sample::began(),
        run: None,
        check: Vec::new(),
        behind: vec![TaskId::new(&texts.id)],
    };
    DriftView {
        generated: sample::began(),
        document: sample::document(),
        environment: "local".into(),
        tasks: vec![task],
        unasked: Unasked { without_check: 2, changed: 1 },
        next: Some("taskmaster run prd.md".to_owned()),
        ordinals: Vec::new(),
    }
}

fn drift_history(texts: &Texts) -> DriftHistoryView {
    let episode = |end| DriftEpisode {
        id: TaskId::new(&texts.id),
        title: Some(texts.title.clone()),
        found: sample::began(),
        end,
    };
    DriftHistoryView {
        generated: sample::began() + SignedDuration::from_hours(2),
        document: sample::document(),
        environment: "local".into(),
        episodes: vec![
            episode(DriftEnd::Open),
            episode(DriftEnd::Repaired { at: sample::began(), run: None }),
        ],
    }
}

fn sync(texts: &Texts) -> SyncStatusView {
    let at = sample::began();
    let refused = || SyncResult::Refused { reasons: vec![texts.message.clone()] };
    let one = SyncView {
        name: texts.id.clone(),
        health: SyncHealth::Degraded,
        repository: "https://git.example.com/a/very/long/path/to/the/repository.git".to_owned(),
        git_ref: "main".to_owned(),
        environment: "local".into(),
        document: None,
        path: Some("prd/platform.md".to_owned()),
        tree: "/srv/taskmaster/.taskmaster/sync/main/tree".to_owned(),
        commit: Some(CommitView {
            id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            time: Some(at),
            subject: texts.title.clone(),
            revision: Some(3),
            since: at,
        }),
        refused: Some(RefusedView {
            id: "fedcba98".repeat(5),
            reasons: vec![texts.message.clone()],
            since: at,
        }),
        paused: None,
        began: None,
        last_result: Some(refused()),
        last: Some(at),
        duration_ms: 1200,
        last_success: Some(at),
        next: Some(at),
        process: Some(4711),
        failures: 2,
        syncs: BTreeMap::from([("synced".to_owned(), 2)]),
        drifted: 1,
        left: vec![LeftView { id: TaskId::new(&texts.id), title: texts.title.clone(), can_be_undone: true }],
        waiting: vec![TaskId::new(&texts.id)],
        notes: vec![texts.message.clone()],
        history: vec![SyncEntryView {
            at,
            commit: Some("0123456789".to_owned()),
            result: refused(),
            run: None,
        }],
    };
    SyncStatusView { generated: at, syncs: vec![one] }
}

fn rollout(texts: &Texts) -> taskmaster::report::view::RolloutView {
    let mut view = rollouts::held();
    view.versions[0].revision.clone_from(&texts.id);
    view.versions[0].trouble = Some(texts.message.clone());
    view
}

fn rollout_list(texts: &Texts) -> taskmaster::report::view::RolloutListView {
    let mut view = rollouts::list();
    view.rollouts[0].name.clone_from(&texts.id);
    view
}

fn deployments(texts: &Texts) -> taskmaster::report::view::DeploymentsView {
    let mut view = environments::deployments(4);
    view.environments[0].tasks[0].title = Some(texts.title.clone());
    view
}

fn locked(texts: &Texts) -> taskmaster::report::view::EnvironmentListView {
    let mut view = environments::list();
    view.environments[1].lock.as_mut().unwrap().message = Some(texts.message.clone());
    view
}

fn doctor(texts: &Texts) -> DoctorView {
    DoctorView {
        generated: sample::began(),
        version: "0.1.0".to_owned(),
        root: "/srv".to_owned(),
        state_dir: "/srv/.taskmaster".to_owned(),
        environment: "local".into(),
        document: None,
        findings: vec![
            FindingView::problem(Area::Tools, &texts.id, &texts.message, &texts.title),
            FindingView::warning(Area::State, "room", "512 MiB free", "free some"),
            FindingView::ok(Area::Clock, "time", "2026-07-04T09:00:00Z"),
        ],
    }
}

/// Ids that are long, titles of any script, emoji of several characters and words without an end.
fn texts() -> impl Strategy<Value = Texts> {
    let words = prop_oneof![
        4 => "[a-z]{1,12}",
        2 => "[\u{4e00}-\u{4e40}]{1,30}",
        1 => Just("👩\u{200d}👩\u{200d}👧".to_owned()),
        1 => Just("🇩🇪🚀✔\u{fe0f}".to_owned()),
        1 => "[a-z]{1,9}(-[a-z]{1,9}){0,12}",
        1 => "[A-Za-z]{40,90}",
        1 => Just("e\u{301}".repeat(9)),
    ];
    let title = prop::collection::vec(words, 1..9).prop_map(|words| words.join(" "));
    let id = "[a-z]{1,9}([-/][a-z0-9]{1,12}){0,9}";
    (id, title.clone(), title).prop_map(|(id, title, message)| Texts { id, title, message })
}

/// All that can be seen, without the spaces between.
fn seen(text: &str) -> String {
    text.split_whitespace().collect()
}

fn check(name: &str, view: &dyn Render, shows: &[String], width: usize) -> Result<(), TestCaseError> {
    let shown = view.text(TextOptions { width, colour: false });
    for line in shown.lines().filter(|line| !line.contains(" $ ")) {
        prop_assert!(line.width() <= width, "{} at {}: {} columns: {}", name, width, line.width(), line);
    }
    // What stands beside a word in brackets or before a comma sticks to it.
    let words: Vec<&str> = shown.split_whitespace().collect();
    let everything = seen(&shown);
    for text in shows {
        prop_assert!(everything.contains(&seen(text)), "{} at {} lost {:?}:\n{}", name, width, text, shown);
        // The deepest text begins at column 22.
        let is_narrow = |word: &&str| word.width() == word.chars().filter(|c| *c != '\u{301}').count();
        for word in text.split(' ').filter(is_narrow).filter(|word| word.width() <= width - 24) {
            let is_whole = words.iter().any(|shown| shown.contains(word));
            prop_assert!(is_whole, "{} at {} took {:?} apart:\n{}", name, width, word, shown);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_view_fits_and_loses_nothing(texts in texts()) {
        for (name, view, shows) in filled(&texts) {
            for width in WIDTHS {
                check(name, view.as_ref(), &shows, width)?;
            }
        }
    }

    #[test]
    fn colour_says_nothing_that_words_do_not(texts in texts()) {
        for (name, view, _) in filled(&texts) {
            let plain = view.text(TextOptions { width: 60, colour: false });
            let coloured = view.text(TextOptions { width: 60, colour: true });
            prop_assert!(!plain.contains('\u{1b}'), "{} has none without", name);
            prop_assert_eq!(super::faces::strip(&coloured), plain, "{}", name);
        }
    }
}

#[test]
fn two_findings_that_differ_in_health_differ_without_colour() {
    let shown = |finding: FindingView| {
        let mut view = doctor(&Texts { id: "x".into(), title: "y".into(), message: "z".into() });
        view.findings = vec![finding];
        let text = view.text(TextOptions { width: 80, colour: false });
        text.lines().take(2).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shown(FindingView::ok(Area::Git, "git", "found")), "Git\n  ✓ git: found");
    assert_eq!(shown(FindingView::warning(Area::Git, "git", "found", "h")), "Git\n  ! git: warning: found");
    assert_eq!(shown(FindingView::problem(Area::Git, "git", "found", "h")), "Git\n  ✗ git: problem: found");
}
