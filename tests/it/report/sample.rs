//! Views with everything in them: every state, retries, hostile titles, many tasks. Made by rule,
//! so that the same call gives the same view.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use taskmaster::app::way_on::{Place, way_on};
use taskmaster::report::view::{
    Approval, AttemptView, CommandLine, DiagnosticView, DocumentView, Durations, EdgeView, PhaseView,
    ProbeView, Proof, ProofKind, ReportTask, ReportView, RequirementView, RunView,
};
use taskmaster_core::action::{ActionKind, FailureKind};
use taskmaster_core::cause::Diagnosis;
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::document::{Claim, Dialect, EdgeKind, Estimate, Priority};
use taskmaster_core::id::TaskId;
use taskmaster_core::journal::{Outcome, OutputValue, ProbeKind, Verdict};
use taskmaster_core::state::{TaskState, WaitFor};

/// Title, priority and number of tasks of each phase of the platform.
const PHASES: [(&str, Priority, usize); 6] = [
    ("Foundations of the cluster", Priority::Critical, 6),
    ("Delivery controllers", Priority::High, 8),
    ("Blue-green delivery", Priority::High, 9),
    ("Canary delivery", Priority::High, 3),
    ("Observability", Priority::Medium, 7),
    ("Hand-over", Priority::Medium, 6),
];

const TITLES: [&str; 39] = [
    "Provision the cluster with Terraform",
    "Install the ingress controller",
    "Create namespaces and quotas",
    "Issue local certificates",
    "Open the image registry",
    "Prove that the cluster answers",
    "Install Argo CD",
    "Install Argo Rollouts",
    "Bootstrap the root application",
    "Lock the default project down",
    "Configure repository credentials",
    "Enable notifications",
    "Sync every application once",
    "Check <script>alert('the controller')</script> \"health\" & 'readiness'",
    "Write the blue-green chart",
    "Deploy version one as blue",
    "Deploy version two as green",
    "Probe the preview service",
    "Switch traffic to green",
    "Measure dropped requests during the switch",
    "Roll back to blue within thirty seconds",
    "תיעוד מדיניות השחרור (release policy) \u{202e}desrever\u{202c}",
    "Remove what the trial left behind",
    "Define the canary steps",
    "Analyse error rate and latency at every step",
    "Pause for approval at fifty percent",
    "Install Prometheus",
    "Scrape the sample service",
    "Record_the_service_level_indicators_with_a_name_that_never_ends_and_has_no_space_to_break_at_all",
    "Draw the rollout dashboard",
    "Alert when the budget burns",
    "Keep logs for fourteen days",
    "Trace one request from edge to pod",
    "Write the runbook for on-call",
    "Rehearse a failed release",
    "設定 — 引き継ぎ資料を作成する (hand-over notes)",
    "Review costs with finance",
    "Sign off with the service owner",
    "Archive the trial cluster",
];

/// When the run of the sample began.
pub(crate) fn began() -> Timestamp {
    "2026-07-04T09:00:00Z".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    began() + SignedDuration::from_secs(second)
}

/// What a task of the sample comes to.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Verified,
    Satisfied,
    Retried,
    ExitCode,
    Claimed,
    Failed,
    Blocked,
    Unknown,
    Approval,
    Manual,
    Running,
    Backoff,
    Pending,
    Skipped,
    Cancelled,
    ByHand,
}

fn fate(index: usize, total: usize) -> Fate {
    let at = index * 39 / total.max(39);
    match at {
        1 | 8 => Fate::Satisfied,
        4 | 15 => Fate::Retried,
        2 | 12 | 27 => Fate::ExitCode,
        9 => Fate::Claimed,
        19 => Fate::Failed,
        20 | 22 => Fate::Blocked,
        21 => Fate::Unknown,
        25 => Fate::Approval,
        29 => Fate::Manual,
        30 => Fate::Running,
        31 => Fate::Backoff,
        11 | 32 => Fate::Skipped,
        36 => Fate::Cancelled,
        13 => Fate::ByHand,
        33.. => Fate::Pending,
        _ => Fate::Verified,
    }
}

/// The platform PRD half-way through a run: 39 tasks in 6 phases, every state in it.
pub(crate) fn platform() -> ReportView {
    report(39)
}

/// `total` tasks (at least 39) in the proportions of [`platform`].
pub(crate) fn report(total: usize) -> ReportView {
    let tasks: Vec<ReportTask> = (0..total).map(|index| task(index, total)).collect();
    let edges = edges(&tasks);
    let requirements = requirements(&tasks);
    ReportView {
        generated: at(1_260),
        version: "0.1.0".to_owned(),
        document: document(),
        environment: "local".into(),
        run: Some("01K1RUN0000000000000000003".into()),
        runs: runs(),
        phases: phases(),
        tasks,
        edges,
        requirements,
        rollouts: super::rollouts::told(),
        sync: None,
        diagnostics: diagnostics(),
    }
}

pub(crate) fn document() -> DocumentView {
    DocumentView {
        id: "platform".into(),
        path: "prd/platform.md".to_owned(),
        title: Some("Blue-green & canary <delivery> platform".to_owned()),
        dialect: Dialect::Plain,
        revision: Some(3),
        owners: vec!["Platform team".to_owned()],
    }
}

pub(crate) fn phases() -> Vec<PhaseView> {
    let phase = |(index, (title, priority, _)): (usize, &(&str, Priority, usize))| PhaseView {
        id: phase_id(index).as_str().into(),
        number: Some((index + 1).to_string()),
        title: (*title).to_owned(),
        priority: Some(*priority),
        parent: None,
        estimate: None,
        line: 10 + index * 20,
    };
    PHASES.iter().enumerate().map(phase).collect()
}

fn phase_id(index: usize) -> String {
    PHASES[index].0.to_lowercase().replace(' ', "-")
}

/// Phase and place in the phase of a task.
fn place(index: usize, total: usize) -> (usize, usize) {
    let mut first = 0;
    for (phase, (_, _, size)) in PHASES.iter().enumerate() {
        let last = phase + 1 == PHASES.len();
        let size = if last { total } else { size * total / 39 };
        if index < first + size {
            return (phase, index - first);
        }
        first += size;
    }
    unreachable!("the last phase takes the rest")
}

fn task_id(index: usize, total: usize) -> TaskId {
    let (phase, inside) = place(index, total);
    format!("{}/task-{}", phase_id(phase), inside + 1).as_str().into()
}

fn title(index: usize) -> String {
    match index / TITLES.len() {
        0 => TITLES[index].to_owned(),
        again => format!("{} (part {})", TITLES[index % TITLES.len()], again + 1),
    }
}

fn task(index: usize, total: usize) -> ReportTask {
    let (phase, inside) = place(index, total);
    let fate = fate(index, total);
    let started = index as i64 * 1_100 / total as i64;
    let kinds = [ActionKind::Terraform, ActionKind::Helm, ActionKind::Kubectl, ActionKind::Shell];
    let kind = kinds[index % kinds.len()];
    let id = task_id(index, total);
    let attempts = attempts(fate, index, started);
    let state = state(fate, index, &task_id((19 * total).div_ceil(39), total));
    ReportTask {
        key: Some(format!("01K1TASK{index:018}").as_str().into()),
        ordinal: format!("{}.{}", phase + 1, inside + 1),
        title: title(index),
        phase: phase_id(phase).as_str().into(),
        parent: None,
        matrix: std::collections::BTreeMap::new(),
        priority: if index % 9 == 8 { Priority::Low } else { PHASES[phase].1 },
        tags: if index.is_multiple_of(5) { vec!["infra".to_owned()] } else { Vec::new() },
        owner: (index % 7 == 3).then(|| "dana".to_owned()),
        line: 12 + index,
        claim: claim(fate, index),
        next: way_on(&Place::default(), &id.as_str().into(), &state, true),
        state,
        since: (fate != Fate::Pending).then(|| at(started + 20)),
        drifted: None,
        proof: proof(fate, started),
        kind: (fate != Fate::Manual).then_some(kind),
        commands: commands(kind, index),
        digest: None,
        probes: probes(fate, started),
        approvals: approvals(fate, started),
        outputs: outputs(index),
        durations: Durations {
            estimate: (index.is_multiple_of(3)).then(|| Estimate {
                text: "2-4 hours".to_owned(),
                low_minutes: 120,
                high_minutes: 240,
            }),
            last_duration_ms: attempts.last().and_then(|attempt| attempt.duration_ms),
        },
        attempts,
        id,
    }
}

fn claim(fate: Fate, index: usize) -> Claim {
    match fate {
        Fate::Claimed | Fate::Failed => Claim::Completed,
        Fate::Cancelled => Claim::Cancelled,
        Fate::Running => Claim::InProgress,
        _ if index < 6 => Claim::Completed,
        _ => Claim::Pending,
    }
}

fn state(fate: Fate, index: usize, failed_one: &TaskId) -> TaskState {
    let attempt = || format!("01K1ATTEMPT{index:012}001").as_str().into();
    match fate {
        Fate::Verified | Fate::Retried | Fate::ExitCode | Fate::ByHand => TaskState::Completed,
        Fate::Satisfied => TaskState::Satisfied,
        Fate::Claimed => TaskState::Claimed,
        Fate::Failed => TaskState::Failed {
            reason: "exit code 1: 12 of 40000 requests were dropped <b>during</b> the switch".to_owned(),
        },
        Fate::Blocked => TaskState::Blocked { by: failed_one.clone() },
        Fate::Unknown => {
            TaskState::Unknown { reason: "the machine restarted while it was at work".to_owned() }
        }
        Fate::Approval => TaskState::Waiting {
            on: WaitFor::Approval { message: "Half of the traffic goes to the canary. Go on?".to_owned() },
        },
        Fate::Manual => TaskState::Waiting { on: WaitFor::Manual },
        Fate::Running => TaskState::Running { attempt: attempt(), number: 1 },
        Fate::Backoff => {
            TaskState::Waiting { on: WaitFor::Retry { attempt: 3, until_ms: at(1_300).as_millisecond() } }
        }
        Fate::Pending => TaskState::Pending,
        Fate::Skipped => {
            TaskState::Skipped { reason: "needs a cluster; environment local has none".to_owned() }
        }
        Fate::Cancelled => TaskState::Cancelled,
    }
}

fn proof(fate: Fate, started: i64) -> Option<Proof> {
    let (kind, by) = match fate {
        Fate::Verified | Fate::Retried => (ProofKind::Verify, None),
        Fate::Satisfied => (ProofKind::Check, None),
        Fate::ExitCode => (ProofKind::ExitCode, None),
        Fate::Claimed => (ProofKind::Mark, None),
        Fate::ByHand => (ProofKind::Person, Some("robin <robin@example.org>".to_owned())),
        _ => return None,
    };
    Some(Proof { kind, at: Some(at(started + 20)), by, message: None })
}

fn commands(kind: ActionKind, index: usize) -> Vec<CommandLine> {
    let line = match kind {
        ActionKind::Terraform => {
            "terraform -chdir=infra apply -input=false -auto-approve plan.bin".to_owned()
        }
        ActionKind::Helm => format!("helm upgrade --install release-{index} charts/sample --atomic --wait"),
        ActionKind::Kubectl => "kubectl --context kind-platform apply --server-side -f k8s/".to_owned(),
        _ => "bash -euc './probe \"$URL\" | grep -c 200'".to_owned(),
    };
    vec![CommandLine { step: "run".to_owned(), line }]
}

fn failed(code: i32) -> Option<Outcome> {
    Some(Outcome::Failed {
        failure: FailureKind::ExitCode,
        exit_code: Some(code),
        signal: None,
        message: format!("exit code {code}"),
    })
}

fn attempts(fate: Fate, index: usize, started: i64) -> Vec<AttemptView> {
    let tail = "GET /slow 200 in 41 ms\nGET /slow 502 in 3 ms\n\u{1b}[31mfailed:\u{1b}[0m 12 requests dropped\n\
                </pre><img src=http://evil.example/x.png onerror=alert(1)>\n";
    let ok = Some(Outcome::Succeeded);
    let rows: Vec<(i64, u64, Option<u64>, Option<Outcome>)> = match fate {
        Fate::Verified | Fate::ExitCode => vec![(0, 9_000 + 1_300 * (index as u64 % 7), None, ok)],
        Fate::Retried => vec![
            (0, 4_000, None, failed(1)),
            (6, 4_200, Some(2_000), failed(1)),
            (14, 8_000, Some(4_000), ok),
        ],
        Fate::Failed => vec![
            (0, 9_000, None, failed(1)),
            (11, 9_500, Some(2_000), failed(1)),
            (25, 60_000, Some(4_000), failed(1)),
        ],
        Fate::Unknown => vec![(0, 0, None, Some(Outcome::Lost))],
        Fate::Running => vec![(0, 0, None, None)],
        Fate::Backoff => vec![(0, 30_000, None, failed(137)), (40, 30_000, Some(10_000), failed(137))],
        _ => Vec::new(),
    };
    let row = |(number, (offset, ms, delay, end)): (usize, (i64, u64, Option<u64>, Option<Outcome>))| {
        let open = matches!(end, None | Some(Outcome::Lost));
        let begin = at(started + offset);
        AttemptView {
            id: format!("01K1ATTEMPT{index:012}{:03}", number + 1).as_str().into(),
            run: "01K1RUN0000000000000000003".into(),
            number: number as u32 + 1,
            undo: false,
            started: begin,
            ended: (!open).then(|| begin + SignedDuration::from_millis(ms as i64)),
            duration_ms: (!open).then_some(ms),
            delay_ms: delay,
            tail: if matches!(end, Some(Outcome::Failed { .. })) {
                tail.to_owned()
            } else {
                "done\n".to_owned()
            },
            end,
            expected: false,
            commands: vec!["bash -euc './probe'".to_owned()],
            log: Some(format!("logs/01K1ATTEMPT{index:012}{:03}.log", number + 1)),
            log_bytes: 1_234,
            diagnosis: Diagnosis::default(),
        }
    };
    rows.into_iter().enumerate().map(row).collect()
}

fn probes(fate: Fate, started: i64) -> Vec<ProbeView> {
    let probe = |probe, verdict, second| {
        let diagnosis = Diagnosis::default();
        ProbeView { probe, verdict, at: at(started + second), duration_ms: 420, diagnosis }
    };
    match fate {
        Fate::Verified | Fate::Retried => {
            vec![probe(ProbeKind::Check, Verdict::False, -1), probe(ProbeKind::Verify, Verdict::True, 20)]
        }
        Fate::Satisfied => vec![probe(ProbeKind::Check, Verdict::True, 0)],
        Fate::Failed => {
            vec![probe(ProbeKind::Check, Verdict::Error { message: "connection refused".to_owned() }, -1)]
        }
        _ => Vec::new(),
    }
}

fn approvals(fate: Fate, started: i64) -> Vec<Approval> {
    let approval = Approval {
        by: "robin <robin@example.org>".to_owned(),
        at: at(started + 20),
        message: Some("looked at it with Dana".to_owned()),
    };
    if fate == Fate::ByHand { vec![approval] } else { Vec::new() }
}

fn outputs(index: usize) -> BTreeMap<String, OutputValue> {
    if index != 0 {
        return BTreeMap::new();
    }
    BTreeMap::from([
        ("cluster_endpoint".to_owned(), OutputValue::Plain("https://127.0.0.1:6443".into())),
        ("kubeconfig".to_owned(), OutputValue::Sensitive),
    ])
}

/// Order inside the phases, a barrier between them, and a few written ones; some are implied.
fn edges(tasks: &[ReportTask]) -> Vec<EdgeView> {
    let mut edges = Vec::new();
    let mut edge = |task: usize, dependency: usize, kind| {
        edges.push(EdgeView { task: tasks[task].id.clone(), dependency: tasks[dependency].id.clone(), kind });
    };
    for index in 1..tasks.len() {
        let same = tasks[index].phase == tasks[index - 1].phase;
        // Every fourth and fifth task of a phase stand beside each other.
        let (_, inside) = place(index, tasks.len());
        let back = if same && inside % 6 == 4 { 2 } else { 1 };
        edge(index, index - back, Some(if same { EdgeKind::Order } else { EdgeKind::Barrier }));
        if same && inside % 6 == 5 {
            edge(index, index - 2, Some(EdgeKind::Order));
        }
        if index % 13 == 12 {
            edge(index, index - 5, Some(EdgeKind::Explicit));
        }
        if index % 17 == 16 {
            edge(index, index - 16, None);
        }
    }
    edges
}

fn requirements(tasks: &[ReportTask]) -> Vec<RequirementView> {
    let requirement = |index: usize| RequirementView {
        id: format!("{}.{}", index / 6 + 1, index % 6 + 1).as_str().into(),
        title: format!("Requirement {}: <em>releases</em> lose no request & leave a trace", index + 1),
        heading: Some(["Safety", "Speed", "Visibility", "Operations"][index / 6].to_owned()),
        claim: if index.is_multiple_of(8) { Claim::Completed } else { Claim::Pending },
        line: 300 + index,
        tasks: match index {
            23 => Vec::new(),
            _ => vec![
                tasks[index * tasks.len() / 24].id.clone(),
                tasks[(index * 3 + 1) % tasks.len()].id.clone(),
            ],
        },
    };
    (0..24).map(requirement).collect()
}

pub(crate) fn runs() -> Vec<RunView> {
    let run = |number: i64, exit_code: Option<i32>, running: bool, counts: &[(&str, u64)]| RunView {
        id: format!("01K1RUN{number:019}").as_str().into(),
        environment: "local".into(),
        plan: number as u64,
        revision: 1 + number as u64 / 2,
        started: at((number - 3) * 86_400),
        ended: (!running).then(|| at((number - 3) * 86_400 + 900)),
        exit_code,
        running,
        commit: None,
        options: BTreeMap::from([("jobs".to_owned(), "4".to_owned())]),
        counts: counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(),
    };
    vec![
        run(3, None, true, &[]),
        run(2, Some(20), false, &[("completed", 14), ("failed", 2), ("blocked", 23)]),
        run(1, Some(0), false, &[("completed", 37), ("skipped", 2)]),
    ]
}

pub(crate) fn diagnostics() -> Vec<DiagnosticView> {
    vec![
        DiagnosticView {
            code: "bind-unbound".to_owned(),
            severity: Severity::Warning,
            message: "nothing binds `Draw the rollout dashboard`: a person does it".to_owned(),
            path: Some("prd/platform.md".to_owned()),
            line: Some(41),
            column: Some(7),
            help: Some("bind it in tasks/local.yaml, or set `manual: true`".to_owned()),
        },
        DiagnosticView {
            code: "unused-entry".to_owned(),
            severity: Severity::Note,
            message: "no task is bound by this entry".to_owned(),
            path: Some("tasks/local.yaml".to_owned()),
            line: Some(9),
            column: None,
            help: None,
        },
    ]
}
