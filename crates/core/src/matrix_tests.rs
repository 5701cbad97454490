use super::*;
use crate::build::task;
use crate::document::{Acceptance, Claim};

fn axis(name: &str, values: &[&str]) -> Axis {
    (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn names(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(|cell| cell.name.as_str()).collect()
}

#[test]
fn every_combination_in_the_order_that_is_written() {
    let axes = [axis("region", &["eu", "us"]), axis("version", &["1.9", "1.20"])];
    let cells = cells(&axes, &[], &[]).unwrap();
    assert_eq!(names(&cells), ["eu/1.9", "eu/1.20", "us/1.9", "us/1.20"]);
    assert_eq!(cells[3].label, "us, 1.20");
    assert_eq!(
        cells[3].values,
        Values::from([("region".into(), "us".into()), ("version".into(), "1.20".into())])
    );
}

/// The example by which GitHub explains `include`.
#[test]
fn what_is_included_adds_to_combinations_or_is_one_more() {
    let axes = [axis("fruit", &["apple", "pear"]), axis("animal", &["cat", "dog"])];
    let include = [
        pairs(&[("color", "green")]),
        pairs(&[("color", "pink"), ("animal", "cat")]),
        pairs(&[("fruit", "apple"), ("shape", "circle")]),
        pairs(&[("fruit", "banana")]),
        pairs(&[("fruit", "banana"), ("animal", "cat")]),
    ];
    let cells = cells(&axes, &[], &include).unwrap();
    let expected = [
        pairs(&[("fruit", "apple"), ("animal", "cat"), ("color", "pink"), ("shape", "circle")]),
        pairs(&[("fruit", "apple"), ("animal", "dog"), ("color", "green"), ("shape", "circle")]),
        pairs(&[("fruit", "pear"), ("animal", "cat"), ("color", "pink")]),
        pairs(&[("fruit", "pear"), ("animal", "dog"), ("color", "green")]),
        pairs(&[("fruit", "banana")]),
        pairs(&[("fruit", "banana"), ("animal", "cat")]),
    ];
    let values: Vec<Values> = cells.iter().map(|cell| cell.values.clone()).collect();
    assert_eq!(values, expected.map(|pairs| pairs.into_iter().collect::<Values>()));
    assert_eq!(names(&cells), ["apple/cat", "apple/dog", "pear/cat", "pear/dog", "banana", "banana/cat"]);
}

#[test]
fn what_is_excluded_is_left_out_before_anything_is_added() {
    let axes = [axis("os", &["linux", "macos"]), axis("arch", &["amd64", "arm64"])];
    let exclude = [pairs(&[("os", "macos"), ("arch", "amd64")]), pairs(&[("arch", "riscv")])];
    assert_eq!(names(&cells(&axes, &exclude, &[]).unwrap()), ["linux/amd64", "linux/arm64", "macos/arm64"]);
    let back = [pairs(&[("os", "macos"), ("arch", "amd64")])];
    assert_eq!(names(&cells(&axes, &exclude, &back).unwrap()).last(), Some(&"macos/amd64"));
    let whole = [pairs(&[("os", "linux")])];
    assert_eq!(names(&cells(&axes, &whole, &[]).unwrap()), ["macos/amd64", "macos/arm64"]);
}

#[test]
fn without_axes_what_is_included_is_all() {
    let include = [pairs(&[("site", "a"), ("port", "80")]), pairs(&[("site", "b"), ("port", "81")])];
    assert_eq!(names(&cells(&[], &[], &include).unwrap()), ["a/80", "b/81"]);
}

#[test]
fn what_makes_no_cells_is_told() {
    let one = |values: &[&str]| cells(&[axis("x", values)], &[], &[]).unwrap_err();
    assert_eq!(one(&[]), MatrixError::Empty);
    assert_eq!(cells(&[], &[], &[]), Err(MatrixError::Empty));
    assert_eq!(one(&["a", "b", "a"]), MatrixError::SameName("a".into()));
    assert_eq!(one(&["a b", "a/b"]), MatrixError::SameName("a-b".into()));
    assert_eq!(one(&[""]), MatrixError::NoName(String::new()));
    assert_eq!(one(&["../.."]), MatrixError::NoName("../..".into()));
    assert_eq!(one(&[&"x".repeat(LONGEST_NAME + 1)]), MatrixError::NoName("x".repeat(LONGEST_NAME + 1)));
    let exclude = [pairs(&[("y", "a")])];
    assert_eq!(cells(&[axis("x", &["a"])], &exclude, &[]), Err(MatrixError::NoAxis("y".into())));
    let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let square = [axis("x", &many), axis("y", &many)];
    assert_eq!(cells(&square, &[], &[]), Err(MatrixError::TooMany));
    let large = [axis("x", &many[..16]), axis("y", &many[..16])];
    assert_eq!(cells(&large, &[], &[]).unwrap().len(), MOST_CELLS);
    assert_eq!(cells(&large, &[], &[pairs(&[("x", "more")])]), Err(MatrixError::TooMany));
    let huge: Vec<Axis> = (0..60).map(|n| axis(&format!("a{n}"), &["0", "1"])).collect();
    assert_eq!(cells(&huge, &[], &[]), Err(MatrixError::TooMany));
}

fn document() -> Document {
    let tasks = [("build", None), ("deploy", None), ("check", Some("deploy")), ("tell", None)];
    let mut document = Document {
        tasks: tasks
            .map(|(id, parent)| Task {
                id: id.into(),
                ordinal: format!("1.{id}"),
                parent: parent.map(TaskId::from),
                ..task("main", id)
            })
            .to_vec(),
        ..Document::default()
    };
    let edges = [("deploy", "build"), ("deploy", "check"), ("tell", "deploy")];
    let kind = |task: &str| if task == "deploy" { EdgeKind::Child } else { EdgeKind::Order };
    document.edges = edges
        .map(|(task, on)| Edge { task: task.into(), dependency: on.into(), kind: kind(on), line: 1 })
        .to_vec();
    for (task, on) in edges {
        let task = document.tasks.iter_mut().find(|other| other.id.as_str() == task).unwrap();
        task.dependencies.push(on.into());
    }
    document
}

fn shown(document: &Document) -> Vec<(String, Vec<&str>)> {
    let of = |task: &Task| {
        document.edges.iter().filter(|edge| edge.task == task.id).map(|e| e.dependency.as_str()).collect()
    };
    document.tasks.iter().map(|task| (task.id.to_string(), of(task))).collect()
}

#[test]
fn cells_are_subtasks_that_wait_for_what_their_task_waits_for() {
    let cells =
        BTreeMap::from([("deploy".into(), cells(&[axis("region", &["eu", "us"])], &[], &[]).unwrap())]);
    let whole = document().with_cells(&cells).unwrap();
    let expected = [
        ("build", vec![]),
        ("deploy", vec!["build", "check", "deploy/eu", "deploy/us"]),
        ("check", vec![]),
        ("deploy/eu", vec!["build", "check"]),
        ("deploy/us", vec!["build", "check"]),
        ("tell", vec!["deploy"]),
    ];
    assert_eq!(shown(&whole), expected.map(|(id, on)| (id.to_owned(), on)));
    for task in &whole.tasks {
        let edges = whole.edges.iter().filter(|edge| edge.task == task.id);
        let written: BTreeSet<_> = task.dependencies.iter().collect();
        assert_eq!(edges.map(|edge| &edge.dependency).collect::<BTreeSet<_>>(), written, "{}", task.id);
    }
    let us = whole.task("deploy/us").unwrap();
    assert_eq!((us.ordinal.as_str(), us.title.as_str()), ("1.deploy.3", "deploy (us)"));
    assert_eq!(us.matrix, Values::from([("region".into(), "us".into())]));
}

#[test]
fn what_the_text_says_of_a_task_is_said_once() {
    let mut document = document();
    let deploy = &mut document.tasks[1];
    deploy.status = Claim::Completed;
    deploy.mark = Some(crate::document::Mark { character: 'x', span: crate::text::Span::new(3, 4) });
    deploy.requirements = vec!["4.1".into()];
    deploy.acceptance =
        vec![Acceptance { text: "it runs".into(), status: Claim::Pending, line: 2, mark: None }];
    deploy.tags = vec!["prod".into()];
    let cells = BTreeMap::from([("deploy".into(), cells(&[axis("x", &["1"])], &[], &[]).unwrap())]);
    let whole = document.with_cells(&cells).unwrap();
    let (task, cell) = (whole.task("deploy").unwrap(), whole.task("deploy/1").unwrap());
    assert!(task.mark.is_some() && !task.requirements.is_empty() && !task.acceptance.is_empty());
    assert!(cell.mark.is_none() && cell.requirements.is_empty() && cell.acceptance.is_empty());
    assert_eq!((cell.status, &cell.tags), (Claim::Completed, &vec!["prod".to_owned()]));
}

#[test]
fn an_address_that_is_taken_is_told() {
    let mut document = document();
    document.tasks[0].id = "deploy/eu".into();
    let cells = BTreeMap::from([("deploy".into(), cells(&[axis("region", &["eu"])], &[], &[]).unwrap())]);
    assert_eq!(document.with_cells(&cells).unwrap_err(), TaskId::from("deploy/eu"));
}

#[test]
fn a_key_of_a_cell_leads_to_its_task() {
    let key = TaskKey::new("01ABC");
    assert_eq!(key.of_cell("eu/1.20"), TaskKey::new("01ABC+eu+1.20"));
    assert_eq!(key.of_cell("eu/1.20").of_document(), Some(key.clone()));
    assert_eq!(key.of_document(), None);
}
