//! JSON, by value: names and shapes that others rely on.

use super::{environments, lists, rollouts, sample};
use serde_json::{Value, json};
use taskmaster::report::Render;
use taskmaster::report::summary::{Counts, Group, RequirementStatus};
use taskmaster_core::state::TaskState;

#[test]
fn every_view_names_itself_and_its_schema() {
    let views = [
        (lists::plan().json(), "plan"),
        (sample::platform().json(), "report"),
        (lists::task_list().json(), "tasks"),
        (lists::task().json(), "task"),
        (lists::history().json(), "history"),
        (lists::changes().json(), "changes"),
        (rollouts::under_way().json(), "rollout"),
        (rollouts::list().json(), "rollouts"),
        (rollouts::history().json(), "rollout_history"),
        (rollouts::agent().json(), "agent"),
        (environments::list().json(), "environments"),
        (environments::promotion().json(), "promotion"),
        (environments::deployments(3).json(), "deployments"),
    ];
    for (value, name) in views {
        assert_eq!(value["schema_version"], json!(1));
        assert_eq!(value["view"], json!(name));
        assert!(value["summary"].is_object(), "{name}");
    }
}

#[test]
fn a_rollout_says_what_follows_from_it() {
    let value = rollouts::under_way().json();
    assert_eq!(value["kind"], json!("local"));
    assert_eq!(value["versions"][1]["weight"], json!(25));
    let summary = &value["summary"];
    assert_eq!(summary["is_over"], json!(false));
    assert_eq!(summary["step_left_ms"], json!(40_000));
    assert_eq!((&summary["requests"], &summary["failures"]), (&json!(26_050), &json!(4)));
    assert_eq!(summary["ailing"], json!(["v4"]));
    assert_eq!(rollouts::held().json()["summary"]["waits_for_person"], json!(true));
    assert_eq!(rollouts::told()[1].json()["summary"]["is_rolled_back"], json!(true));
}

#[test]
fn a_promotion_counts_each_task_once() {
    let value = environments::promotion().json();
    assert_eq!(value["tasks"][1]["promotion"], json!("run"));
    assert_eq!(value["tasks"][8]["to"]["standing"], json!("unknown"));
    assert_eq!(
        value["summary"],
        json!({
            "total": 9, "run": 2, "completes": 1, "same": 1, "ahead": 1, "not_proved": 1, "held_back": 1,
            "only_in_one": 1, "person": 1
        })
    );
}

#[test]
fn a_figure_that_nothing_is_known_of_is_null() {
    let value = environments::deployments(1).json();
    let figures = &value["environments"][1]["figures"];
    for name in ["per_day", "lead_time", "change_failure_rate", "time_to_restore"] {
        assert_eq!(figures[name], Value::Null, "{name}");
    }
    assert_eq!(value["environments"][0]["figures"]["lead_time"]["median_ms"], json!(97_200_000));
}

#[test]
fn a_task_carries_claim_and_evidence_apart() {
    let value = sample::platform().json();
    let failed = &value["tasks"][19];
    assert_eq!(failed["claim"], json!("completed"));
    assert_eq!(failed["status"], json!("failed"));
    assert_eq!(failed["state"], json!("failed"));
    assert!(failed["reason"].as_str().unwrap().starts_with("exit code 1"));
    assert_eq!(failed["proof"], Value::Null);
    assert_eq!(failed["ref"], json!("3.6"));
    let attempts = failed["attempts"].as_array().unwrap();
    let delays: Vec<&Value> = attempts.iter().map(|attempt| &attempt["delay_ms"]).collect();
    assert_eq!(delays, [&Value::Null, &json!(2_000), &json!(4_000)]);
    assert_eq!(attempts[0]["end"]["outcome"], json!("failed"));
    assert_eq!(attempts[0]["end"]["exit_code"], json!(1));
    assert_eq!(attempts[0]["started"], json!("2026-07-04T09:08:55Z"));
    let satisfied = &value["tasks"][1];
    assert_eq!(satisfied["status"], json!("completed"));
    assert_eq!(satisfied["state"], json!("satisfied"));
    assert_eq!(satisfied["proof"]["kind"], json!("check"));
    assert_eq!(satisfied["probes"][0]["verdict"], json!("true"));
}

#[test]
fn a_sensitive_output_has_no_value() {
    let value = sample::platform().json();
    assert_eq!(
        value["tasks"][0]["outputs"],
        json!({"cluster_endpoint": {"plain": "https://127.0.0.1:6443"}, "kubeconfig": "sensitive"})
    );
}

#[test]
fn the_summary_counts_each_task_once() {
    let view = sample::platform();
    let summary = &view.json()["summary"];
    // Counted by hand from the table of fates in the sample.
    let expected = json!({
        "total": 39, "done": 22, "claimed": 1, "active": 2, "waiting": 2, "pending": 5,
        "failed": 1, "blocked": 2, "unknown": 1, "skipped": 2, "cancelled": 1
    });
    assert_eq!(summary["counts"], expected);
    assert_eq!(summary["percent"], json!(23 * 100 / 36));
    assert_eq!(summary["success"], json!(false));
    assert_eq!(summary["attempts"], json!(17 + 2 * 3 + 3 + 1 + 1 + 2));
    assert_eq!(summary["elapsed_ms"], json!(1_260_000));
    let totals: u64 =
        summary["phases"].as_array().unwrap().iter().map(|p| p["counts"]["total"].as_u64().unwrap()).sum();
    assert_eq!(totals, 39);
    let first = &summary["phases"][0];
    assert_eq!(first["success"], json!(true));
    assert_eq!(first["tasks_completed"], json!(6));
    assert_eq!(first["tasks_failed"], json!(0));
    assert_eq!(summary["phases"][2]["tasks_failed"], json!(1));
    assert_eq!(summary["phases"][2]["success"], json!(false));
}

#[test]
fn a_plan_counts_its_intents() {
    let value = lists::plan().json();
    assert_eq!(value["tasks"][7]["intent"], json!("blocked"));
    assert_eq!(value["tasks"][7]["by"], json!("delivery-controllers/task-1"));
    assert_eq!(value["tasks"][2]["intent"], json!("rerun"));
    assert_eq!(value["tasks"][2]["reason"], json!("its action changed"));
    assert_eq!(value["tasks"][0]["commands"][0]["step"], json!("run"));
    assert_eq!(
        value["summary"],
        json!({
            "total": 15, "changes": 4, "run": 1, "rerun": 2, "undo": 1, "satisfied": 2, "recorded": 2,
            "claimed": 1, "group": 1, "manual": 1, "blocked": 1, "unknown": 1, "skipped": 1, "cancelled": 1
        })
    );
}

fn counts(groups: &[(Group, usize)]) -> Counts {
    let state = |group: Group| match group {
        Group::Done => TaskState::Completed,
        Group::Claimed => TaskState::Claimed,
        Group::Active => TaskState::Checking,
        Group::Failed => TaskState::Failed { reason: String::new() },
        Group::Blocked => TaskState::Blocked { by: "x".into() },
        Group::Unknown => TaskState::Unknown { reason: String::new() },
        Group::Skipped => TaskState::Skipped { reason: String::new() },
        Group::Cancelled => TaskState::Cancelled,
        Group::Pending | Group::Waiting => TaskState::Pending,
    };
    let states: Vec<TaskState> =
        groups.iter().flat_map(|(group, n)| std::iter::repeat_n(state(*group), *n)).collect();
    Counts::of(&states)
}

#[test]
fn a_requirement_is_what_its_tasks_say() {
    use Group::{Active, Blocked, Cancelled, Claimed, Done, Failed, Pending, Skipped, Unknown};
    use RequirementStatus as S;
    let rows: [(&[(Group, usize)], S); 12] = [
        (&[], S::Untraced),
        (&[(Done, 2)], S::Met),
        (&[(Done, 1), (Claimed, 1)], S::Claimed),
        (&[(Done, 1), (Skipped, 1)], S::Partial),
        (&[(Skipped, 1), (Cancelled, 1)], S::Skipped),
        (&[(Done, 1), (Failed, 1), (Blocked, 1)], S::Failed),
        (&[(Done, 1), (Blocked, 1)], S::Blocked),
        (&[(Unknown, 1)], S::Blocked),
        (&[(Done, 1), (Pending, 1)], S::InProgress),
        (&[(Active, 1)], S::InProgress),
        (&[(Pending, 2)], S::Pending),
        (&[(Pending, 1), (Skipped, 1)], S::Pending),
    ];
    for (groups, status) in rows {
        assert_eq!(RequirementStatus::of(&counts(groups)), status, "{groups:?}");
    }
}

#[test]
fn a_percentage_is_100_only_when_all_is_done() {
    assert_eq!(counts(&[(Group::Done, 999), (Group::Pending, 1)]).percent(), Some(99));
    assert_eq!(counts(&[(Group::Done, 3), (Group::Skipped, 1)]).percent(), Some(100));
    assert_eq!(counts(&[(Group::Skipped, 1)]).percent(), None);
    assert!(counts(&[(Group::Skipped, 1)]).success());
    assert!(!counts(&[(Group::Done, 3), (Group::Blocked, 1)]).success());
}
