//! The README's tour, typed as it is printed.

use super::{project, state};
use taskmaster_testkit::until;

pub(crate) fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("there is a README")
}

/// The first fenced block in `language`.
pub(crate) fn block(text: &str, language: &str) -> String {
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("such a block");
    rest.split("\n```").next().expect("an end").to_owned() + "\n"
}

#[test]
fn the_tour_holds_as_it_is_printed() {
    let readme = text();
    let prd = block(&readme, "markdown");
    let sandbox = project(&prd, &block(&readme, "yaml"));
    let console = block(&readme, "console");
    let (_, shown) = console.split_once('\n').expect("a command and its output");
    assert_eq!(sandbox.run("parse prd.md").code(0).stdout, shown);

    assert!(sandbox.run("plan").code(0).stdout.contains("4 to run"));
    sandbox.run("run --phase infrastructure").code(0);
    assert_eq!(sandbox.read("site/settings").as_deref(), Some("colour=blue\n"));
    let run = sandbox.start("run");
    until("it waits at the question", 20, || {
        (state(&sandbox, "release/ask-before-it-goes-live") == "waiting").then_some(())
    });
    let approve = sandbox.command(["approve", "ask before"]).output().expect("it runs");
    assert!(approve.status.success(), "{approve:?}");
    run.wait().code(0);
    let again = sandbox.run("run -o json --no-wait");
    assert!(!again.stdout.contains("attempt.started"), "{}", again.stdout);
    sandbox.run("report").code(0);
    sandbox.run("destroy --yes").code(0);
    assert!(!sandbox.path().join("site").exists());

    let typo = prd.replace("(depends on: Write the settings)", "(depends on: Write the setings)");
    sandbox.write("prd.md", typo);
    assert_eq!(
        sandbox.run("parse prd.md").code(10).stderr.lines().take(7).collect::<Vec<_>>().join("\n"),
        block(&readme, "text").trim_end()
    );
}
