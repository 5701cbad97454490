//! The whole table of states and events, written by hand.

use super::*;

fn attempt() -> AttemptId {
    AttemptId::new("01A")
}

/// Every state, in the order of the table's rows.
fn states() -> Vec<TaskState> {
    let reason = || "why".to_owned();
    vec![
        TaskState::Pending,
        TaskState::Ready,
        TaskState::Checking,
        TaskState::Running { attempt: attempt(), number: 2 },
        TaskState::Verifying { attempt: attempt(), number: 2 },
        TaskState::Waiting { on: WaitFor::Approval { message: "go?".to_owned() } },
        TaskState::Waiting { on: WaitFor::Manual },
        TaskState::Waiting { on: WaitFor::Retry { attempt: 3, until_ms: 9 } },
        TaskState::Completed,
        TaskState::Satisfied,
        TaskState::Claimed,
        TaskState::Failed { reason: reason() },
        TaskState::Blocked { by: TaskId::new("a") },
        TaskState::Unknown { reason: reason() },
        TaskState::Skipped { reason: reason() },
        TaskState::Cancelled,
    ]
}

/// Every event, in the order of the table's columns.
fn events() -> Vec<TaskEvent> {
    use TaskEvent as E;
    let reason = || "why".to_owned();
    let set = |to| E::Set { to };
    vec![
        E::DependenciesMet,
        E::DependencyFailed { by: TaskId::new("b") },
        E::Unblocked,
        E::Recalled { state: TaskState::Completed },
        E::Recalled { state: TaskState::Failed { reason: reason() } },
        E::MarkTaken,
        E::CheckStarted,
        E::CheckTrue,
        E::ApprovalNeeded { message: "go?".to_owned() },
        E::PersonNeeded,
        E::Approved,
        E::AttemptStarted { attempt: attempt(), number: 2 },
        E::VerifyStarted,
        E::Done,
        E::Failed { reason: reason() },
        E::RetryScheduled { attempt: 3, until_ms: 9 },
        E::RetryDue,
        E::Lost { reason: reason() },
        E::PutBack,
        set(TaskState::Completed),
        set(TaskState::Skipped { reason: reason() }),
        set(TaskState::Cancelled),
        set(TaskState::Pending),
        set(TaskState::Ready),
        set(TaskState::Claimed),
    ]
}

/// One letter a state; `.` is an illegal pair. Waiting: `w` approval, `m` manual, `y` retry.
const LETTERS: &str = "prcRVwmyCSLFBUKX";

/// Rows are states in the order of `LETTERS`; columns are the events above:
/// met, failed dependency, unblocked, recalled completed, recalled failed, mark, check started,
/// check true, approval, person, approved, attempt, verify, done, failed, retry, due, lost, back,
/// and set to completed, skipped, cancelled, pending, ready, claimed.
const TABLE: [&str; 16] = [
    "rB.C.L...........U.CKX...", // pending
    "......c.wm.R.C....pCKX...", // ready
    ".......Sw..R.CFy..p......", // checking
    "............VCFy.Up......", // running
    ".............CFy.Up......", // verifying
    "..........r.......pCKX...", // waiting for approval
    "..................pCKX...", // waiting for a person's work
    "................r.pCKX...", // waiting for the next try
    "....................KXp..", // completed
    "...................CKXp..", // satisfied
    "...................CKXp..", // claimed
    "...................CKXp..", // failed
    ".Bp................CKX...", // blocked
    "...................CKXp..", // unknown
    "...................C.Xp..", // skipped
    "...................CK.p..", // cancelled
];

fn letter(state: &TaskState) -> char {
    let kinds = states();
    let same = |kind: &TaskState| match (kind, state) {
        (TaskState::Waiting { on: a }, TaskState::Waiting { on: b }) => {
            std::mem::discriminant(a) == std::mem::discriminant(b)
        }
        _ => kind.name() == state.name(),
    };
    LETTERS.chars().nth(kinds.iter().position(same).unwrap()).unwrap()
}

#[test]
fn every_pair_of_state_and_event_is_as_the_table_says() {
    assert_eq!((states().len(), LETTERS.len()), (TABLE.len(), TABLE.len()));
    for (state, row) in states().iter().zip(TABLE) {
        assert_eq!(row.len(), events().len(), "{}", state.name());
        for (event, wanted) in events().iter().zip(row.chars()) {
            let found = state.next(event).as_ref().map_or('.', letter);
            assert_eq!(found, wanted, "{} + {}", state.name(), event.name());
        }
    }
}

#[test]
fn a_recorded_transition_is_legal_exactly_where_an_event_leads() {
    for (state, row) in states().iter().zip(TABLE) {
        for to in states() {
            // Running → verifying keeps its attempt, and every reason is the same here.
            let wanted = row.contains(letter(&to));
            let by_recall = *state == TaskState::Pending && to.lets_dependants_go();
            assert_eq!(state.can_become(&to), wanted || by_recall, "{} to {}", state.name(), to.name());
        }
    }
}

#[test]
fn an_attempt_cannot_change_on_its_way_to_verify() {
    let running = TaskState::Running { attempt: attempt(), number: 2 };
    let other = TaskState::Verifying { attempt: AttemptId::new("01B"), number: 2 };
    assert!(!running.can_become(&other));
}

#[test]
fn data_travels_with_the_event() {
    let blocked = TaskState::Pending.next(&TaskEvent::DependencyFailed { by: TaskId::new("z") });
    assert_eq!(blocked, Ok(TaskState::Blocked { by: TaskId::new("z") }));
    let started = TaskEvent::AttemptStarted { attempt: attempt(), number: 7 };
    let running = TaskState::Ready.next(&started).unwrap();
    assert_eq!(running, TaskState::Running { attempt: attempt(), number: 7 });
    let verifying = running.next(&TaskEvent::VerifyStarted).unwrap();
    assert_eq!(verifying, TaskState::Verifying { attempt: attempt(), number: 7 });
    let error = TaskState::Completed.next(&TaskEvent::Done).unwrap_err();
    assert_eq!(error.to_string(), "a task that is completed cannot take `done`");
}

#[test]
fn outward_status_hides_the_inner_states() {
    let words: Vec<&str> = vec![
        "pending",
        "pending",
        "in_progress",
        "in_progress",
        "in_progress",
        "pending",
        "pending",
        "pending",
        "completed",
        "completed",
        "completed",
        "failed",
        "blocked",
        "blocked",
        "skipped",
        "cancelled",
    ];
    for (state, word) in states().iter().zip(words) {
        assert_eq!(serde_json::to_value(state.status()).unwrap(), word, "{}", state.name());
        assert_eq!(serde_json::to_value(state).unwrap()["state"], state.name());
        assert!(!(state.lets_dependants_go() && state.blocks_dependants()));
        assert_eq!(state.is_final(), state.lets_dependants_go() || state.blocks_dependants());
        assert!(!(state.is_final() && state.is_working()));
    }
}

/// The drawing holds exactly the edges of the table, `recalled` and `set` aside.
#[test]
fn the_drawing_in_the_documentation_is_the_table() {
    let drawn = crate::drawing::edges("A task in a run");
    let name = |state: &TaskState| match state {
        TaskState::Waiting { on: WaitFor::Approval { .. } } => "approval",
        TaskState::Waiting { on: WaitFor::Manual } => "manual",
        TaskState::Waiting { on: WaitFor::Retry { .. } } => "retry",
        other => other.name(),
    };
    let mut wanted = Vec::new();
    for state in states() {
        for event in events().iter().filter(|event| !matches!(event, TaskEvent::Set { .. })) {
            if let Ok(to) = state.next(event) {
                wanted.push(format!("{} --> {}: {}", name(&state), name(&to), event.name()));
            }
        }
    }
    wanted.sort();
    assert_eq!(drawn, wanted);
}
