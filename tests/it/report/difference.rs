//! A difference with one of everything.

use taskmaster::report::view::{
    CommandsView, DiagnosticView, DifferenceView, DocumentView, LineFate, LineView, NameView, NodeView,
    PhaseView, PictureView, TaskDifferenceView, TieView,
};
use taskmaster_core::action::{ActionKind, Part};
use taskmaster_core::diagnostic::Severity;
use taskmaster_core::difference::around::{Line, PhaseRest, Role, TieFate};
use taskmaster_core::difference::model::{
    BindingChange, Change, Effect, Elsewhere, FileChange, FileFate, Means, TieKind, Why,
};
use taskmaster_core::document::{Claim, Dialect};

fn name(number: usize, title: &str) -> NameView {
    NameView {
        id: format!("T{number:03}").as_str().into(),
        ordinal: format!("1.{number}"),
        title: title.to_owned(),
    }
}

fn task(number: usize, title: &str, effect: Effect) -> TaskDifferenceView {
    TaskDifferenceView {
        name: name(number, title),
        phase: "delivery".into(),
        was: None,
        changes: Vec::new(),
        binding: Vec::new(),
        effect,
        kind: Some(ActionKind::Exec),
        place: Some(format!("tasks/local.yaml:{number}")),
        has_check: false,
        irreversible: false,
        commands: Vec::new(),
    }
}

fn commands(part: Part, lines: &[(LineFate, &str)]) -> Vec<CommandsView> {
    let line = |(fate, text): &(LineFate, &str)| LineView { fate: *fate, text: (*text).to_owned() };
    vec![CommandsView { part, lines: lines.iter().map(line).collect() }]
}

fn policy(name: &'static str, from: &str, to: &str) -> BindingChange {
    BindingChange::Policy { name, from: from.to_owned(), to: to.to_owned() }
}

fn files() -> Vec<FileChange> {
    let fates = [FileFate::Changed, FileFate::Added, FileFate::Removed, FileFate::Changed, FileFate::Changed];
    let file = |(fate, letter)| FileChange { path: format!("infra/{letter}.tf"), fate };
    fates.into_iter().zip('a'..).map(file).collect()
}

fn tasks() -> Vec<TaskDifferenceView> {
    let deploy = "Deploy the service to every region with <b>care</b> and `patience` | twice";
    let again = Effect::RunsAgain { parts: vec![Part::Run], files: files() };
    let approval = Means::Action { kind: ActionKind::Approval };
    let kept = LineFate::Kept;
    vec![
        TaskDifferenceView {
            changes: vec![Change::Added],
            has_check: true,
            irreversible: true,
            commands: commands(Part::Run, &[(LineFate::Added, "migrate --forward")]),
            ..task(1, "Migrate the data", Effect::Runs { why: Why::New })
        },
        TaskDifferenceView {
            binding: vec![BindingChange::Action { part: Part::Run }, policy("timeout", "10m", "none")],
            commands: commands(
                Part::Run,
                &[(kept, "set -eu"), (LineFate::Removed, "deploy 2"), (LineFate::Added, "deploy 3")],
            ),
            ..task(2, deploy, again)
        },
        task(3, "Announce it", Effect::MayRunAgain { reads: vec!["T002".into()], after: Vec::new() }),
        task(4, "Say yes", Effect::MayRunAgain { reads: Vec::new(), after: vec!["T001".into()] }),
        TaskDifferenceView {
            binding: vec![BindingChange::Means { from: approval, to: Means::Unbound }],
            kind: None,
            ..task(5, "Call the customer", Effect::Waits { why: Why::WasBound })
        },
        TaskDifferenceView {
            binding: vec![policy("irreversible", "true", "false")],
            changes: vec![
                Change::Moved { from: "delivery".into(), to: "delivery".into() },
                Change::Reprioritised { from: "low".to_owned(), to: "high".to_owned() },
                Change::Marked { from: Claim::Pending, to: Claim::InProgress },
            ],
            ..task(6, "Tidy up", Effect::Nothing)
        },
        task(7, "Watch it", Effect::Skipped { reason: "needs a cluster".to_owned() }),
        TaskDifferenceView {
            changes: vec![Change::Removed],
            commands: commands(Part::Undo, &[(kept, "uninstall relay")]),
            ..task(8, "Install the relay", Effect::Undone)
        },
        TaskDifferenceView { changes: vec![Change::Removed], ..task(9, "Make the bucket", Effect::Stays) },
    ]
}

fn picture() -> PictureView {
    let node = |number, title, role| NodeView { name: name(number, title), phase: "delivery".into(), role };
    PictureView {
        nodes: vec![
            node(1, "Migrate the data", Role::Added),
            node(2, "Deploy", Role::Changed),
            node(8, "Install the relay", Role::Removed),
            node(10, "Beside", Role::Neighbour),
        ],
        lines: vec![
            Line { task: 1, dependency: 0, fate: TieFate::Gained },
            Line { task: 1, dependency: 2, fate: TieFate::Lost },
            Line { task: 3, dependency: 1, fate: TieFate::Kept },
        ],
        phases: vec![
            PhaseRest { phase: "delivery".into(), others: 6, after: Vec::new() },
            PhaseRest { phase: "after".into(), others: 1, after: vec![0] },
        ],
        changed_left_out: 5,
        others_left_out: 2,
    }
}

fn phase(id: &str, number: &str, title: &str) -> PhaseView {
    PhaseView {
        id: id.into(),
        number: Some(number.to_owned()),
        title: title.to_owned(),
        priority: None,
        parent: None,
        estimate: None,
        line: 1,
    }
}

fn finding() -> DiagnosticView {
    DiagnosticView {
        code: "bind-unbound".to_owned(),
        severity: Severity::Warning,
        message: "nothing binds `T005` in the environment `prod`".to_owned(),
        path: Some("prd/shop.md".to_owned()),
        line: Some(12),
        column: Some(1),
        help: Some("a person has to do it, or bind it".to_owned()),
    }
}

/// The difference.
pub(super) fn everything() -> DifferenceView {
    let (deploy, migrate, relay) =
        (name(2, "Deploy"), name(1, "Migrate the data"), name(8, "Install the relay"));
    DifferenceView {
        document: DocumentView {
            id: "prd/shop.md".into(),
            path: "prd/shop.md".to_owned(),
            title: Some("The shop".to_owned()),
            dialect: Dialect::Plain,
            revision: None,
            owners: Vec::new(),
        },
        environment: "prod".into(),
        base: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        head: Some("fedcba9876543210fedcba9876543210fedcba98".to_owned()),
        is_new_document: false,
        differs: true,
        elsewhere: vec![Elsewhere::Environment { from: "local".into(), to: "prod".into() }],
        tasks: tasks(),
        gained: vec![TieView { task: deploy.clone(), dependency: migrate, kind: TieKind::Reads }],
        lost: vec![TieView { task: deploy, dependency: relay, kind: TieKind::Written }],
        reordered: vec!["T006".into()],
        phases: vec![phase("delivery", "1", "Delivery"), phase("after", "2", "Afterwards")],
        picture: picture(),
        findings: vec![finding()],
    }
}
