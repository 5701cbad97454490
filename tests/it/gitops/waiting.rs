//! A sync that waits for a person: what it says, and that the repository goes on meanwhile.

use super::story::{Shop, TASKS};
use serde_json::json;
use taskmaster_testkit::until;

const ASKS: &str =
    "  a/two: {irreversible: true, run: {shell: 'echo two >>two'}, undo: {exec: [rm, -f, two]}}\n";

fn asking() -> Shop {
    let shop = Shop::new();
    let first: String =
        TASKS.lines().filter(|line| !line.contains("a/two")).map(|line| format!("{line}\n")).collect();
    shop.origin.commit(&[("tasks/local.yaml", &format!("{first}{ASKS}"))], "ask first");
    shop
}

#[test]
fn what_cannot_be_taken_back_is_asked_for_first() {
    let shop = asking();
    let waiting = shop.sync("--no-wait", 21);
    assert_eq!(
        (&waiting["health"], &waiting["last_result"]["result"]),
        (&json!("progressing"), &json!("waiting"))
    );
    assert_eq!(shop.read("two"), None);
    let run = shop.here.start(&shop.line("--once"));
    // The question stands from before; there is nobody to hear the answer until the run asks it again.
    until("the yes is heard", 20, || (shop.here.run("approve two").code == 0).then_some(()));
    run.wait().code(0);
    assert_eq!(shop.read("two").as_deref(), Some("two\n"));
}

#[test]
fn a_newer_commit_does_not_wait_for_the_person() {
    let shop = asking();
    let looping = shop.here.start(&shop.line("--interval 1h"));
    until("it waits", 20, || (shop.status()["waiting"] == json!(["a/two"])).then_some(()));
    assert!(shop.here.run("sync status").code(0).stdout.contains("at work      since"));
    // The question is gone with the next commit.
    let newest = shop.origin.commit(&[("tasks/local.yaml", TASKS)], "no question");
    shop.here.run("sync now").code(0);
    until("the newer commit is done", 20, || shop.read("two"));
    until("it stands there", 20, || (shop.status()["health"] == json!("healthy")).then_some(()));
    assert_eq!(shop.status()["commit"]["id"], json!(newest));
    drop(looping);
}
