//! Views of environments: locks, a promotion, deployments.

use super::sample;
use jiff::{SignedDuration, Timestamp};
use taskmaster::report::view::{
    DeploymentRow, DeploymentsView, DiagnosticView, EnvironmentDeployments, EnvironmentListView,
    EnvironmentRow, PromotionSide, PromotionTask, PromotionVerdict, PromotionView, TaskDeployment,
    TaskDeployments,
};
use taskmaster_core::deployments::{Commit, Did, Figures, RunResult, Spread, TaskResult, Window};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::environment::Lock;
use taskmaster_core::promotion::Standing;

const HOSTILE: &str = "<script>alert(1)</script> | `x` @all #1 \u{1b}[2J\u{202e}";

fn hour(hour: i64) -> Timestamp {
    sample::began() + SignedDuration::from_hours(hour)
}

/// One that is locked until somebody unlocks it, one until tomorrow, one not at all.
pub(crate) fn list() -> EnvironmentListView {
    let lock = |name: &str, message: Option<&str>, until| Lock {
        environment: name.into(),
        by: "ann".to_owned(),
        since: hour(-2),
        message: message.map(str::to_owned),
        until,
    };
    let row = |name: &str| EnvironmentRow::new(&name.into());
    EnvironmentListView {
        generated: hour(0),
        environments: vec![
            EnvironmentRow { is_default: true, in_catalogue: true, ..row("local") },
            EnvironmentRow {
                lock: Some(lock("prod", Some(HOSTILE), None)),
                runs: 12,
                last_started: Some(hour(-3)),
                last_exit_code: Some(20),
                in_catalogue: true,
                ..row("prod")
            },
            EnvironmentRow {
                lock: Some(lock("staging", None, Some(hour(24)))),
                runs: 1,
                last_started: Some(hour(-1)),
                ..row("staging")
            },
        ],
    }
}

/// Every verdict once.
pub(crate) fn promotion() -> PromotionView {
    let report = sample::platform();
    let side = |standing| PromotionSide { standing, since: None, run: None, by: None };
    let why = |text: &str| text.to_owned();
    let failed = || Standing::Failed { reason: why("exit code 1") };
    let rows = [
        (PromotionVerdict::Same, Standing::Done, Standing::Done),
        (PromotionVerdict::Run { why: why("not done yet"), asks: None }, Standing::Done, Standing::Open),
        (PromotionVerdict::Run { why: why("it failed"), asks: Some(why("Go?")) }, Standing::Done, failed()),
        (PromotionVerdict::Completes, Standing::Group, Standing::Group),
        (PromotionVerdict::Ahead, Standing::Changed, Standing::Done),
        (PromotionVerdict::NotProved { why: why(HOSTILE) }, failed(), Standing::Open),
        (
            PromotionVerdict::OnlyIn { environment: "prod".into(), why: why("no cluster"), holds: true },
            Standing::LeftOut { reason: why("no cluster") },
            Standing::Open,
        ),
        (PromotionVerdict::Person { why: why("a person does it") }, Standing::Claimed, Standing::Open),
        (
            PromotionVerdict::HeldBack { by: report.tasks[5].id.clone() },
            Standing::Done,
            Standing::Unknown { reason: why("killed") },
        ),
    ];
    let task = |(task, (verdict, from, to)): (&taskmaster::report::view::ReportTask, _)| PromotionTask {
        id: task.id.clone(),
        ordinal: task.ordinal.clone(),
        title: task.title.clone(),
        phase: task.phase.clone(),
        verdict,
        from: side(from),
        to: side(to),
    };
    let locked = DiagnosticView {
        code: "environment-locked".to_owned(),
        severity: Severity::Note,
        message: "the environment staging is locked by ann since 2026-07-04T07:00:00Z".to_owned(),
        path: None,
        line: None,
        column: None,
        help: None,
    };
    PromotionView {
        document: sample::document(),
        from: "staging".into(),
        to: "prod".into(),
        tasks: report.tasks.iter().zip(rows).map(task).collect(),
        warnings: vec![locked],
    }
}

fn row(number: i64, result: RunResult) -> DeploymentRow {
    let is_over = result != RunResult::Running;
    DeploymentRow {
        run: format!("01K1RUN{number:019}").as_str().into(),
        document: "prd/platform.md".into(),
        revision: 3,
        commit: (number % 2 == 1).then(|| Commit {
            id: "c0ffee0123456789c0ffee0123456789c0ffee01".to_owned(),
            time: Some(hour(-30)),
        }),
        did: Did::Deployed,
        started: hour(-number),
        ended: is_over.then(|| hour(-number) + SignedDuration::from_mins(10)),
        result,
        duration_ms: is_over.then_some(600_000),
        lead_time_ms: (number == 3).then_some(97_800_000),
        tasks: 4,
    }
}

/// Two environments, one of which knows nothing but that a run is at work; `count` deployments and tasks.
pub(crate) fn deployments(count: usize) -> DeploymentsView {
    let results = [
        RunResult::Running,
        RunResult::Failed,
        RunResult::Succeeded,
        RunResult::RolledBack,
        RunResult::Waiting,
        RunResult::Interrupted,
        RunResult::Unknown,
    ];
    let rows = (1..).zip(results.into_iter().cycle()).take(count).map(|(number, result)| row(number, result));
    let task = |number: usize| TaskDeployments {
        document: "prd/platform.md".into(),
        task: format!("p/task-{number}").as_str().into(),
        title: (number % 5 != 4)
            .then(|| format!("{} {HOSTILE}", sample::platform().tasks[number % 39].title)),
        deployments: (1..=5).map(|run| deployed(run, number)).collect(),
    };
    let spread = |hours: u64| Spread { count: 2, median_ms: hours * 3_600_000, p90_ms: hours * 7_200_000 };
    let prod = EnvironmentDeployments {
        environment: "prod".into(),
        figures: Figures {
            deployments: 7,
            succeeded: 1,
            failed: 1,
            rolled_back: 1,
            waiting: 1,
            interrupted: 1,
            unknown: 1,
            running: 1,
            per_day: Some(1.0 / 7.0),
            lead_time: Some(Spread { count: 1, ..spread(27) }),
            change_failure_rate: Some(1.0 / 3.0),
            time_to_restore: Some(spread(2)),
            not_restored: 1,
        },
        deployments: rows.collect(),
        removals: vec![DeploymentRow { did: Did::Removed, tasks: 1, ..row(8, RunResult::Succeeded) }],
        idle_runs: 2,
        tasks: (0..count).map(task).collect(),
    };
    let staging = EnvironmentDeployments {
        environment: HOSTILE.into(),
        figures: Figures { deployments: 1, running: 1, ..Figures::default() },
        deployments: vec![row(2, RunResult::Running)],
        removals: Vec::new(),
        idle_runs: 0,
        tasks: Vec::new(),
    };
    DeploymentsView {
        generated: hour(0),
        version: "0.1.0".to_owned(),
        since: hour(-24 * 7),
        window: Window { from: hour(-24 * 6), to: hour(0) },
        documents: vec!["prd/platform.md".into(), HOSTILE.into()],
        environments: vec![prod, staging],
    }
}

fn deployed(run: i64, number: usize) -> TaskDeployment {
    let results = [TaskResult::Succeeded, TaskResult::Failed, TaskResult::Interrupted, TaskResult::Unknown];
    TaskDeployment {
        run: format!("01K1RUN{run:019}").as_str().into(),
        revision: 3,
        commit: (run == 1).then(|| HOSTILE.to_owned()),
        started: hour(-run),
        ended: (number > 0).then(|| hour(-run) + SignedDuration::from_secs(90)),
        result: if number == 0 { TaskResult::Running } else { results[number % 4] },
        duration_ms: (number > 0).then_some(90_000),
        attempts: 1 + number % 2,
    }
}
