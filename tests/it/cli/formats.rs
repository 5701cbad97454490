//! Formats that only reports have: of a real run, to standard output and into a file.

use super::project;

const PRD: &str = "## Phase 1: Build\n\n- [ ] =SUM(A1) \"quoted\", and `code`\n- [ ] Breaks | loudly\n\n\
                   ## Phase 2: Ship\n\n- [ ] Send it\n- [x] Long done\n";
const TASKS: &str = "tasks:
  build/sum-a1-quoted-and-code: {check: {file_exists: prd.md}, run: {exec: ['true']}}
  build/breaks-loudly: {run: {shell: 'printf \"red \\\\033[31m bell \\\\007 nul \\\\000 </failure> & ]]>\\\\n\"; sleep 0.05; exit 7'}}
  ship/send-it: {run: {exec: ['true']}}
";

#[test]
fn a_run_is_told_to_programs() {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --no-wait").code(20);
    let xml = sandbox.run("report -o junit").code(0).stdout;
    let document = roxmltree::Document::parse(&xml).expect("it is XML");
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let result =
        |place: usize| cases[place].first_element_child().map(|node| node.tag_name().name().to_owned());
    let results: Vec<_> = (0..4).map(result).collect();
    let expected = [None, Some("failure".to_owned()), Some("skipped".to_owned()), Some("skipped".to_owned())];
    assert_eq!(results, expected, "{xml}");
    let failure = cases[1].first_element_child().expect("a failure");
    assert_eq!(failure.attribute("type"), Some("exit code"));
    let log = failure.text().expect("a log");
    assert!(
        log.contains("</failure> & ]]>") && log.contains('\u{fffd}') && !log.contains('\u{7}'),
        "{log:?}"
    );
    assert!(cases[1].attribute("time").expect("a time").parse::<f64>().expect("seconds") >= 0.05);

    let csv = sandbox.run("report --format csv").code(0).stdout;
    assert_eq!(csv.matches("\r\n").count(), 5, "{csv}");
    assert!(csv.contains(",\"'=SUM(A1) \"\"quoted\"\", and `code`\","), "{csv}");

    let mermaid = sandbox.run("report -o mermaid").code(0).stdout;
    assert!(mermaid.starts_with("flowchart TD\n  subgraph p0[\"1. Build\"]\n"), "{mermaid}");
    assert!(mermaid.contains("<br/>failed\"]:::failed\n") && mermaid.contains("t1 --> t2\n"), "{mermaid}");

    sandbox.run("report -o junit --to report.xml").code(0);
    let kept = sandbox.read("report.xml").expect("a file");
    assert_eq!(kept.matches("<testcase ").count(), 4);
}

#[test]
fn other_views_are_not_made_so() {
    let sandbox = project(PRD, TASKS);
    for format in ["junit", "mermaid", "csv", "otlp"] {
        let ended = sandbox.run(&format!("plan prd.md -o {format}")).code(2);
        assert!(ended.stderr.contains(&format!("this is not made as {format}")), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("`taskmaster report -o {format}` is")), "{}", ended.stderr);
        sandbox.run(&format!("report prd.md --since 7d -o {format}")).code(2);
        sandbox.run(&format!("report prd.md --since 7d -o {format} --to x")).code(2);
        assert!(sandbox.read("x").is_none(), "no file is left");
    }
}
