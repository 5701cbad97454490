//! What people type, and what it names.

use super::*;
use crate::build::{document, phase, task};

fn sample() -> Document {
    let mut rollout = phase(Some("2"), "Progressive Rollout");
    rollout.id = "rollout".into();
    let mut canary = phase(Some("1"), "Rollout of the canary");
    canary.parent = Some("rollout".into());
    let phases = vec![
        phase(Some("1"), "Infrastructure Setup"),
        rollout,
        canary,
        phase(Some("3"), "Testing & Validation"),
        phase(None, "Testing again"),
    ];
    let mut parent = task("rollout", "Ship it");
    parent.id = "T001".into();
    let mut child = task("rollout", "Ship the canary");
    child.parent = Some("T001".into());
    let tasks = vec![
        task("infrastructure-setup", "Install Argo CD"),
        task("infrastructure-setup", "Install Argo Rollouts"),
        parent,
        child,
        task("testing-validation", "Measure the latency"),
    ];
    document(phases, tasks)
}

/// The id of the phase that a word names, or the ids of the candidates.
fn phase_named(query: &str) -> Result<String, (bool, Vec<String>)> {
    let document = sample();
    let found = find_phase(&document, query);
    found.map(|i| document.phases[i].id.as_str().to_owned()).map_err(told)
}

fn task_named(query: &str) -> Result<String, (bool, Vec<String>)> {
    let document = sample();
    let found = find_task(&document, query);
    found.map(|i| document.tasks[i].id.as_str().to_owned()).map_err(told)
}

fn told(error: SelectError) -> (bool, Vec<String>) {
    (error.ambiguous, error.candidates.into_iter().map(|candidate| candidate.id).collect())
}

#[test]
fn phases_by_id_number_title_and_word() {
    let rows = [
        ("rollout", "rollout"),
        ("3", "testing-validation"),
        ("Phase 2", "rollout"),
        ("Infrastructure Setup", "infrastructure-setup"),
        ("infrastructure-setup", "infrastructure-setup"),
        ("infrastructure", "infrastructure-setup"),
        ("INFRA", "infrastructure-setup"),
        ("validation", "testing-validation"),
        ("canary", "rollout-of-the-canary"),
        (" progressive ", "rollout"),
        ("test again", "testing-again"),
    ];
    for (query, wanted) in rows {
        assert_eq!(phase_named(query), Ok(wanted.to_owned()), "{query}");
    }
}

#[test]
fn a_match_that_holds_the_others_is_meant() {
    // Both phases are about the roll-out, and one holds the other.
    assert_eq!(phase_named("roll"), Ok("rollout".to_owned()));
    assert_eq!(task_named("ship"), Ok("T001".to_owned()));
}

#[test]
fn several_matches_are_listed() {
    let both = vec!["testing-validation".to_owned(), "testing-again".to_owned()];
    assert_eq!(phase_named("testing"), Err((true, both)));
    let ones = vec!["infrastructure-setup".to_owned(), "rollout-of-the-canary".to_owned()];
    assert_eq!(phase_named("1"), Err((true, ones)));
    let document = sample();
    let error = find_task(&document, "install argo").unwrap_err();
    assert_eq!(error.to_string(), "more than one task matches `install argo`");
    assert_eq!(error.candidates[0].number.as_deref(), Some("1.1"));
    assert_eq!(error.candidates[0].title, "Install Argo CD");
    assert_eq!(error.did_you_mean, None);
}

#[test]
fn tasks_by_id_ordinal_slug_and_word() {
    let rows = [
        ("T001", "T001"),
        ("1.2", "infrastructure-setup/install-argo-rollouts"),
        ("infrastructure-setup/install-argo-cd", "infrastructure-setup/install-argo-cd"),
        ("install-argo-cd", "infrastructure-setup/install-argo-cd"),
        ("cd", "infrastructure-setup/install-argo-cd"),
        ("latency", "testing-validation/measure-the-latency"),
        ("meas lat", "testing-validation/measure-the-latency"),
    ];
    for (query, wanted) in rows {
        assert_eq!(task_named(query), Ok(wanted.to_owned()), "{query}");
    }
}

#[test]
fn no_match_lists_what_there_is_and_the_nearest() {
    let document = sample();
    let error = find_phase(&document, "infrastrcture").unwrap_err();
    assert_eq!((error.ambiguous, error.candidates.len()), (false, 5));
    assert_eq!(error.did_you_mean.as_deref(), Some("infrastructure-setup"));
    let error = find_phase(&document, "!").unwrap_err();
    assert_eq!((error.to_string().as_str(), error.did_you_mean), ("no phase matches `!`", None));
    let many =
        (0..40).map(|i| task("p", &format!("Deploy service {i}"))).chain([task("p", "Sweep")]).collect();
    let many = crate::build::document(Vec::new(), many);
    let error = find_task(&many, "sweeep").unwrap_err();
    assert_eq!((error.candidates.len(), error.candidates[0].id.as_str()), (10, "p/sweep"));
}

#[test]
fn everything_is_meant_where_nothing_is_said() {
    assert!(Selection::default().is_all());
    assert!(!Selection { from: Some("a".to_owned()), ..Selection::default() }.is_all());
}

#[test]
fn subtasks_come_with_their_parent() {
    let document = sample();
    let dag = Dag::new(&vec![Vec::new(); document.tasks.len()]).unwrap();
    let parent = Selection { tasks: vec!["T001".to_owned()], ..Selection::default() };
    assert_eq!(parent.members(&document, &dag).unwrap(), [false, false, true, true, false]);
    let child = Selection { tasks: vec!["ship-the-canary".to_owned()], ..Selection::default() };
    assert_eq!(child.members(&document, &dag).unwrap(), [false, false, false, true, false]);
    let both = Selection { phases: vec!["infra".to_owned()], ..child };
    assert_eq!(both.members(&document, &dag).unwrap(), [true, true, false, true, false]);
}

#[test]
fn a_run_begins_at_what_is_named_more_strictly() {
    let start = |query: &str| {
        let mut document = sample();
        document.tasks[0].title = "Read about rollout".to_owned();
        document.phases.push(phase(Some("9"), "Nothing to do"));
        find_start(&document, query).map_err(|error| (error.sought, error.ambiguous))
    };
    assert_eq!(start("rollout"), Ok(2), "the id of a phase before a word of a task");
    assert_eq!(start("latency"), Ok(4));
    assert_eq!(start("1.2"), Ok(1));
    assert_eq!(start("Phase 3"), Ok(4));
    assert_eq!(start("nothing"), Err((Sought::Task, false)), "a phase without tasks begins nowhere");
    assert_eq!(start("the"), Err((Sought::Task, true)));
}
