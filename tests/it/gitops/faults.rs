//! What a repository, a network and other people do to a sync.

use super::story::{PRD, Shop, TASKS};
use serde_json::json;
use taskmaster_git_server::Fault;
use taskmaster_testkit::until;

/// A shop that stands at its first commit.
fn synced() -> Shop {
    let shop = Shop::new();
    shop.sync("", 0);
    shop
}

#[test]
fn a_remote_that_is_away_changes_nothing_and_is_told() {
    let shop = synced();
    shop.origin.fault("", Fault::Status(503));
    let away = shop.sync("", 32);
    assert_eq!((&away["health"], &away["failures"]), (&json!("degraded"), &json!(1)));
    assert_eq!(away["last_result"]["result"], json!("unreachable"));
    assert_eq!(away["commit"]["id"], json!(shop.origin.head()), "what is known stays in force");
    assert_eq!(shop.sync("", 32)["failures"], json!(2));
    shop.origin.heal();
    let well = shop.sync("", 0);
    assert_eq!((&well["failures"], &well["health"]), (&json!(0), &json!("healthy")));
    assert_eq!(shop.runs(), 1);
}

#[test]
fn credentials_that_expired_are_told_without_showing_them() {
    let shop = Shop::new();
    shop.here.write("token", "s3cret-token-of-ours");
    shop.origin.require("x-access-token:s3cret-token-of-ours", "");
    shop.sync("--token file:token", 0);
    shop.here.write("token", "another-token-of-ours");
    let refused = shop.here.run(&shop.line("--once --token file:token")).code(32);
    let told = format!("{}{}", refused.stdout, refused.stderr);
    assert!(told.contains("the remote refuses the credentials"), "{told}");
    assert!(!told.contains("token-of-ours"), "{told}");
    shop.here.write("token", "s3cret-token-of-ours");
    shop.sync("--token file:token", 0);
}

#[test]
fn a_token_that_anybody_between_could_read_is_warned_about() {
    let shop = Shop::new();
    shop.here.write("token", "s3cret-token-of-ours");
    // Through a proxy where nobody listens: the network stays on loopback.
    let told = |url: &str| {
        let line = format!("sync --repo {url} --path PRD.md --once --token file:token --name elsewhere");
        let mut command = shop.here.command(line.split(' '));
        command.env("http_proxy", "http://127.0.0.1:9").env("https_proxy", "http://127.0.0.1:9");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(32), "{url}");
        String::from_utf8_lossy(&output.stderr).contains("goes over http")
    };
    assert!(told("http://git.example.test/shop.git"));
    assert!(!told("https://git.example.test/shop.git"));
    assert!(!told("http://127.0.0.1:9/shop.git"));
}

#[test]
fn history_that_is_rewritten_is_followed_and_told() {
    let shop = Shop::new();
    shop.origin.commit(&[("tasks/local.yaml", &TASKS.replace("echo two", "echo zwei"))], "in German");
    shop.sync("", 0);
    shop.origin.force_push(&[("tasks/local.yaml", &TASKS.replace("echo two", "echo deux"))], "in French");
    let rewritten = shop.sync("", 0);
    assert_eq!(rewritten["commit"]["id"], json!(shop.origin.head()));
    let note = rewritten["notes"][0].as_str().unwrap();
    assert!(note.contains("history was rewritten"), "{note}");
    assert_eq!(shop.read("two").as_deref(), Some("zwei\ndeux\n"));
}

#[test]
fn a_document_that_moved_keeps_its_ledger() {
    let shop = Shop::new();
    shop.origin.commit(&[("taskmaster.toml", "document = \"prd.md\"\n")], "its document");
    let line = |more: &str| format!("sync --repo {} --once {more}", shop.origin.url());
    shop.here.run(&line("")).code(0);
    shop.origin.pull();
    shop.origin.git(&["mv", "prd.md", "plan.md"]);
    shop.origin.write("taskmaster.toml", "document = \"plan.md\"\n").save("moved");
    shop.here.run(&line("")).code(0);
    assert_eq!((shop.read("two").as_deref(), shop.runs()), (Some("two\n"), 1), "nothing ran again");
    // Who names the old one is told, and what was in force stays.
    let refused = shop.sync("", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("prd.md does not exist"), "{reason}");
}

#[test]
fn what_leads_out_of_the_tree_is_refused() {
    let shop = synced();
    let good = shop.origin.head();
    shop.origin.pull();
    std::os::unix::fs::symlink("/etc/passwd", shop.origin.work().join("tasks/more.yaml")).unwrap();
    shop.origin.save("a link out");
    let refused = shop.sync("", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("tasks/more.yaml") && reason.contains("leads out"), "{reason}");
    assert_eq!(refused["commit"]["id"], json!(good));
    assert!(!shop.here.path().join(".taskmaster/sync/origin/tree/tasks/more.yaml").exists());
    shop.origin.remove("tasks/more.yaml");
    shop.sync("", 0);
    // A commit of another repository.
    let other = shop.origin.head();
    shop.origin.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{other},vendor")]);
    shop.origin.git(&["commit", "--quiet", "--message", "a submodule"]);
    let refused = shop.sync("", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("`vendor` is a submodule"), "{reason}");
}

#[test]
fn actions_in_the_document_are_refused_unless_they_are_allowed() {
    let shop = synced();
    let prd = format!("{PRD}- [ ] Three\n  ```sh run\n  touch three\n  ```\n");
    shop.origin.commit(&[("prd.md", &prd)], "an action in the document");
    let refused = shop.sync("", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("`a/three`") && reason.contains("--allow-inline"), "{reason}");
    assert_eq!(shop.read("three"), None);
    shop.sync("--allow-inline", 0);
    assert_eq!(shop.read("three").as_deref(), Some(""));
}

#[test]
fn two_syncs_at_once_do_not_meet() {
    let shop = Shop::new();
    let hold = TASKS.replace("echo two >>two", "touch begun; while ! test -e go; do sleep 0.05; done");
    shop.origin.commit(&[("tasks/local.yaml", &hold)], "it takes a while");
    let first = shop.here.start(&shop.line("--once"));
    until("the first is at work", 20, || shop.read("begun"));
    let second = shop.here.run(&shop.line("--once")).code(40);
    assert!(second.stderr.contains(&format!("process {}", first.pid())), "{}", second.stderr);
    // Another sync of the same state directory has another tree, and waits for the executor.
    let other = shop.here.run(&shop.line("--once --name other")).code(40);
    assert!(other.stderr.contains("is at work here"), "{}", other.stderr);
    std::fs::write(shop.here.path().join(".taskmaster/sync/origin/tree/go"), "").unwrap();
    first.wait().code(0);
}

#[test]
fn a_sync_that_is_killed_anywhere_is_finished_by_the_next() {
    let shop = Shop::new();
    let check = "check: {exec: [test, -e, two]}, run: {shell: 'touch begun; sleep 0.2; echo two >>two'}";
    let hold = TASKS.replace("run: {shell: 'echo two >>two'}", check);
    shop.origin.commit(&[("tasks/local.yaml", &hold)], "it takes a while");
    let first = shop.here.start(&shop.line("--once"));
    until("it is at work", 20, || shop.read("begun"));
    first.kill();
    let next = shop.sync("", 0);
    assert_eq!(next["health"], json!("healthy"));
    assert_eq!(shop.read("two").as_deref(), Some("two\n"), "done once");
    // In the middle of a fetch.
    shop.origin.commit(&[("tasks/local.yaml", &TASKS.replace("echo two", "echo zwei"))], "in German");
    shop.origin.fault("git-upload-pack", Fault::Hang);
    let second = shop.here.start(&shop.line("--once"));
    shop.origin.wait_until_held();
    second.kill();
    shop.origin.heal();
    shop.sync("", 0);
    assert_eq!(shop.read("two").as_deref(), Some("two\nzwei\n"));
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let shop = synced();
    shop.origin.commit(&[("tasks/local.yaml", &TASKS.replace("echo two", "echo zwei"))], "in German");
    shop.origin.fault("git-upload-pack", Fault::Hang);
    let gone = shop.here.run(&shop.line("--once --git-timeout 1s")).code(32);
    assert!(gone.stdout.contains("did not end within 1 s"), "{}", gone.stdout);
    assert_eq!(shop.read("two").as_deref(), Some("two\n"), "nothing ran");
    shop.origin.heal();
    shop.sync("", 0);
}

#[test]
fn a_name_belongs_to_one_repository() {
    let shop = synced();
    let other = super::origin::Origin::new();
    other.commit(&[("prd.md", PRD), ("tasks/local.yaml", TASKS)], "another");
    let line = format!("sync --repo {} --path prd.md --once", other.url());
    let refused = shop.here.run(&line).code(2);
    assert!(refused.stderr.contains("is of http") && refused.stderr.contains("--name"), "{}", refused.stderr);
    shop.here.run(&format!("{line} --name other")).code(0);
    let status = shop.here.run("sync status -o json").code(0).json();
    assert_eq!(status["summary"], json!({ "total": 2, "healthy": 2, "degraded": 0 }));
    let typo = shop.here.run("sync status othr").code(2);
    assert!(typo.stderr.contains("did you mean `other`?"), "{}", typo.stderr);
}

#[test]
fn what_was_mistyped_is_typed_again_and_stands_in_nobodys_way() {
    let shop = Shop::new();
    let line = shop.line("--once --name shop");
    let wrong = line.replace(&shop.origin.url(), &format!("{}-not", shop.origin.url()));
    shop.here.run(&wrong).code(32);
    shop.here.run(&format!("{line} --ref no-such")).code(32);
    shop.here.run(&format!("{line} --env local")).code(0);
    shop.here.run(&wrong.replace("shop", "other")).code(32);
    shop.here.run("report").code(0);
    shop.here.run(&line.replace("--name shop", "--name another")).code(0);
    let several = shop.here.run("report").code(2).stderr;
    assert!(several.contains("name one: --sync another, --sync shop\n"), "{several}");
    shop.here.run("report --sync shop").code(0);
    shop.here.run("audit").code(0);
}

#[test]
fn a_reason_says_what_helps() {
    let shop = synced();
    let typo = PRD.replace("- [ ] Two", "- [ ] Two (depends on: Oen)");
    shop.origin.commit(&[("prd.md", &typo)], "typo");
    let refused = shop.sync("", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.starts_with("prd.md:6: ") && reason.ends_with("(did you mean `One`?)"), "{reason}");
    let text = shop.here.run("sync status").code(0).stdout;
    assert!(text.contains("Z the commit is refused, took "), "told once, in a line of its own: {text}");
    let no_ref = shop.sync("--ref no-such", 32);
    assert!(no_ref["notes"][0].as_str().unwrap().contains("git ls-remote"), "{no_ref}");
    let relative = shop.here.run("sync --repo ../shop.git --once").code(2).stderr;
    assert!(relative.contains("/srv/git/shop.git"), "{relative}");
    let never = shop.here.run(&shop.line("--interval 0s")).code(2).stderr;
    assert!(never.contains("the shortest is 1s"), "{never}");
    let unheard = shop.here.run("sync now").code(0);
    assert_eq!(unheard.stdout, "origin: asked for\n");
    assert!(unheard.stderr.contains("no process loops"), "{}", unheard.stderr);
}

/// A sync that does not ask forgets nothing of what one that asked has found, and believes whoever repaired it.
#[test]
fn drift_is_known_until_it_is_done_again() {
    let shop = synced();
    shop.remove("one");
    shop.sync("--check", 31);
    let unasked = shop.sync("", 31);
    assert_eq!((&unasked["health"], &unasked["drifted"]), (&json!("degraded"), &json!(1)));
    shop.here.run("run").code(0);
    let repaired = shop.status();
    assert_eq!((&repaired["health"], &repaired["drifted"]), (&json!("healthy"), &json!(0)));
    shop.sync("", 0);
}

#[test]
fn what_a_check_proved_is_told_so_after_a_sync_that_did_something_else() {
    let shop = synced();
    let kinds = || {
        let report = shop.here.run("report -o json").code(0).json();
        [0, 1].map(|task| report["tasks"][task]["proof"]["kind"].as_str().unwrap().to_owned())
    };
    let before = kinds();
    assert_eq!(before, ["check", "exit_code"]);
    shop.origin.commit(&[("tasks/local.yaml", &TASKS.replace("echo two", "echo zwei"))], "in German");
    shop.sync("", 0);
    assert_eq!(kinds(), before);
}

#[test]
fn the_repository_cannot_widen_what_it_may_do() {
    let shop = Shop::new();
    let toml = "document = \"prd.md\"\nstate_dir = \"/tmp/elsewhere\"\nallow_contexts = [\"*\"]\n";
    let tasks = TASKS.replace("[touch, one]", "[kubectl, --context, prod-eu, version]");
    shop.origin.commit(&[("taskmaster.toml", toml), ("tasks/local.yaml", &tasks)], "wider");
    let refused = shop.sync("", 10)["refused"]["reasons"].to_string();
    for words in ["prod-eu", "looks like production", "--allow-context"] {
        assert!(refused.contains(words), "{refused}");
    }
    assert!(
        shop.here.path().join(".taskmaster/ledger.db").exists()
            || shop.here.path().join(".taskmaster").exists()
    );
}

#[test]
fn outside_its_windows_a_sync_looks_and_changes_nothing() {
    let shop = Shop::new();
    let closed = "--window deny_*_*_*_*_*_for_2m";
    let line = shop.line("--once -o json");
    let mut args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    args.extend(["--window".to_owned(), closed.replace("--window ", "").replace('_', " ")]);
    let done = shop.here.command(&args).output().unwrap();
    assert_eq!(done.status.code(), Some(21), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(shop.read("two"), None);
    let status = shop.status();
    assert_eq!((&status["health"], &status["commit"]), (&json!("progressing"), &json!(null)));
    assert!(status["notes"][0].as_str().unwrap().contains("deny * * * * * for 2m"), "{status}");
    shop.sync("", 0);
    let done = shop.here.command(&args).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "what stands at its commit stays well");
}

#[test]
fn only_commits_that_were_signed_as_asked_are_taken() {
    let shop = Shop::new();
    shop.here.write("signers", "");
    let refused = shop.sync("--allowed-signers signers", 10);
    let reason = refused["refused"]["reasons"][0].as_str().unwrap();
    assert!(reason.contains("not signed"), "{reason}");
    assert_eq!(shop.read("two"), None);
    // The file is one of who calls, wherever git is started.
    let key = shop.origin.scratch().join("key").display().to_string();
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &key]).status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    shop.here.write("signers", format!("dev@example.org {public}"));
    let key = format!("user.signingKey={key}");
    shop.origin.git(&[
        "-c",
        "gpg.format=ssh",
        "-c",
        &key,
        "commit",
        "--quiet",
        "--allow-empty",
        "--gpg-sign",
        "--message",
        "x",
    ]);
    shop.sync("--allowed-signers signers", 0);
}

#[test]
fn a_locked_environment_waits_and_is_no_fault() {
    let shop = Shop::new();
    shop.here.run("env lock local --message freeze").code(0);
    let waiting = shop.sync("", 21);
    assert_eq!(waiting["last_result"]["result"], json!("closed"));
    assert!(
        waiting["notes"][0].as_str().unwrap().contains("locked by") && shop.read("two").is_none(),
        "{waiting}"
    );
    shop.here.run("env unlock local").code(0);
    shop.sync("", 0);
    assert!(shop.read("two").is_some());
}
