//! JUnit XML, as its readers see it.

use super::junit_rules::faults;
use super::sample;
use jiff::Timestamp;
use roxmltree::{Document, Node};
use taskmaster::report::view::ReportView;
use taskmaster_core::state::TaskState;

/// A change of a valid file, and whether the schemas still take it.
const BROKEN: [(&str, &str); 14] = [
    ("</testsuites>", "</testsuite>"),
    ("<testsuites>", "<testsuites colour=\"red\">"),
    (" hostname=\"localhost\"", ""),
    (" timestamp=\"2026-07-04T09:00:00\"", " timestamp=\"2026-07-04T09:00:00Z\""),
    (" timestamp=\"2026-07-04T09:00:00\"", " timestamp=\"yesterday\""),
    (" id=\"0\"", " id=\"first\""),
    (" tests=\"6\"", " tests=\"six\""),
    (" time=\"", " time=\"about "),
    ("</properties>", "</properties><properties/>"),
    ("<system-err></system-err>", ""),
    ("<skipped ", "<system-out/><skipped "),
    (" type=\"exit code\"", ""),
    (" classname=\"", " class=\""),
    ("<property name=\"run\"", "<property"),
];

fn of<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.has_tag_name(name)).collect()
}

#[test]
fn it_is_valid_by_both_schemas() {
    let none = ReportView { tasks: Vec::new(), phases: Vec::new(), ..sample::platform() };
    let homeless = ReportView { phases: Vec::new(), ..sample::platform() };
    let unrun = ReportView { run: None, runs: Vec::new(), ..sample::platform() };
    for view in [sample::platform(), sample::report(2_000), none, homeless, unrun] {
        let text = view.junit();
        assert_eq!(faults(&text), Vec::<String>::new(), "{text:.3000}");
    }
}

#[test]
fn a_file_that_no_schema_takes_is_found() {
    let good = sample::platform().junit();
    for (from, to) in BROKEN {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from} is in the file");
        assert!(!faults(&broken).is_empty(), "{from} -> {to}");
    }
}

/// Expected by hand from the table of fates in the sample.
#[test]
fn a_suite_is_a_phase_and_a_case_is_a_task() {
    let text = sample::platform().junit();
    let document = Document::parse(&text).unwrap();
    let suites = of(&document, "testsuite");
    let row = |suite: &Node<'_, '_>| {
        ["id", "name", "tests", "failures", "errors", "skipped"]
            .map(|name| suite.attribute(name).unwrap().to_owned())
    };
    let rows: Vec<_> = suites.iter().map(row).collect();
    let expected = [
        ["0", "1. Foundations of the cluster", "6", "0", "0", "0"],
        ["1", "2. Delivery controllers", "8", "0", "0", "2"],
        ["2", "3. Blue-green delivery", "9", "1", "1", "2"],
        ["3", "4. Canary delivery", "3", "0", "0", "1"],
        ["4", "5. Observability", "7", "0", "0", "4"],
        ["5", "6. Hand-over", "6", "0", "0", "6"],
    ];
    assert_eq!(rows, expected);
    let cases = of(&document, "testcase");
    assert_eq!(cases.len(), 39);
    let failed = cases[19];
    assert_eq!(failed.attribute("name"), Some("3.6 Measure dropped requests during the switch"));
    assert_eq!(failed.attribute("classname"), Some("platform.blue-green-delivery"));
    let failure = failed.first_element_child().unwrap();
    assert_eq!((failure.tag_name().name(), failure.attribute("type")), ("failure", Some("exit code")));
    assert!(failure.attribute("message").unwrap().contains("dropped <b>during</b> the switch"));
    let details = failure.text().unwrap();
    assert!(details.contains("attempt 3: exit code 1") && details.contains("\n| "), "{details}");
    let unknown = cases[21].first_element_child().unwrap();
    assert_eq!((unknown.tag_name().name(), unknown.attribute("type")), ("error", Some("unknown end")));
    let blocked = cases[20].first_element_child().unwrap();
    assert_eq!(blocked.attribute("message"), Some("blocked: by 3.6"));
    assert_eq!(cases[0].first_element_child(), None);
}

/// Times add up as readers add them: of cases to that of their suite.
#[test]
fn times_are_seconds_and_add_up() {
    let view = sample::platform();
    let text = view.junit();
    let document = Document::parse(&text).unwrap();
    let ms =
        |node: &Node<'_, '_>| -> u64 { node.attribute("time").unwrap().replace('.', "").parse().unwrap() };
    for suite in of(&document, "testsuite") {
        let cases: u64 =
            suite.children().filter(|node| node.has_tag_name("testcase")).map(|node| ms(&node)).sum();
        assert_eq!(ms(&suite), cases);
    }
    let took: u64 = view.tasks[19].attempts.iter().filter_map(|attempt| attempt.duration_ms).sum();
    assert!(took > 0);
    assert_eq!(ms(&of(&document, "testcase")[19]), took);
    // Found true by its check: the time of the answer.
    assert_eq!(of(&document, "testcase")[1].attribute("time"), Some("0.420"));
}

#[test]
fn what_drifted_has_failed() {
    let mut view = sample::platform();
    view.tasks[0].drifted = Some(Timestamp::UNIX_EPOCH);
    let text = view.junit();
    let document = Document::parse(&text).unwrap();
    let failure = of(&document, "testcase")[0].first_element_child().unwrap();
    assert_eq!(failure.attribute("type"), Some("drift"));
    assert_eq!(failure.attribute("message"), Some("drifted: no longer so since 1970-01-01T00:00:00Z"));
}

/// Every character there is, in every place that foreign text comes to.
#[test]
fn no_text_breaks_the_file() {
    let wild: String = (0..=0x0011_0000)
        .filter_map(char::from_u32)
        .filter(|c| {
            let code = u32::from(*c);
            code < 0x400 || code.is_multiple_of(997) || (0xfff0..=0xffff).contains(&code)
        })
        .collect();
    let mut view = sample::platform();
    view.environment = wild.as_str().into();
    view.document.path.clone_from(&wild);
    view.phases[0].title = format!("{wild}]]></testsuite><!-- &amp; %x; \"'");
    for task in &mut view.tasks {
        task.title.clone_from(&wild);
        task.next = Some(wild.clone());
        task.state = TaskState::Failed { reason: wild.clone() };
        task.attempts.iter_mut().for_each(|attempt| attempt.tail.clone_from(&wild));
    }
    let text = view.junit();
    assert_eq!(faults(&text), Vec::<String>::new());
    let document = Document::parse(&text).unwrap();
    assert_eq!(of(&document, "testcase").len(), 39);
    let title = of(&document, "testsuite")[0].attribute("name").unwrap();
    assert!(title.ends_with("]]></testsuite><!-- &amp; %x; \"'"), "it is read as it was written");
}
