//! `taskmaster man`: a page for every command that is shown.

use super::reference::COMMANDS;
use super::sandbox;
use std::collections::BTreeSet;

#[test]
fn every_command_that_is_shown_has_a_page() {
    let sandbox = sandbox();
    sandbox.run("man --out pages").code(0);
    let made = std::fs::read_dir(sandbox.path().join("pages")).unwrap();
    let made: BTreeSet<String> =
        made.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let name = |command: &&str| format!("taskmaster {command}").trim_end().replace(' ', "-") + ".1";
    let mut wanted: BTreeSet<String> = COMMANDS.iter().map(name).collect();
    wanted.extend(["tasks", "env", "rollout", "agent"].iter().map(name));
    assert_eq!(made, wanted);
    let page = sandbox.read("pages/taskmaster-rollout-undo.1").unwrap();
    assert!(page.contains(".TH taskmaster-rollout-undo 1"), "{page}");
    for option in ["\\-\\-to", "\\-\\-context", "\\-\\-state\\-dir"] {
        assert!(page.contains(option), "{option}: {page}");
    }
}

#[test]
fn the_main_page_names_commands_and_exit_codes() {
    let page = sandbox().run("man").code(0).stdout;
    assert!(page.contains(".TH taskmaster 1"), "{page}");
    assert!(page.contains("taskmaster\\-promote\\-env(1)") && page.contains("Exit codes:"), "{page}");
    assert!(!page.contains("kube\\-apply"), "hidden ones are left out");
}
