//! Seeded secrets are found in no file, no record, no message, no argv.

use super::world::{World, action, argv, named, probe, process, sh};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use taskmaster_core::action::{Action, FailureKind, Outputs, ProcessSpec, SecretRef, Step, Value};
use taskmaster_core::journal::{Outcome, OutputValue, Verdict};
use taskmaster_core::scheduler::RunEnd;
use taskmaster_testkit::until;

pub(super) const SECRET: &str = "s3cr3t/\"Wörd\"+&x";

/// A step that gets the file's secret as `S`.
pub(super) fn with_secret(script: &str, reference: SecretRef) -> Step {
    process(ProcessSpec {
        argv: vec!["sh".into(), "-c".into(), script.into()],
        env: BTreeMap::from([("S".to_owned(), Value::Secret(reference))]),
        ..ProcessSpec::default()
    })
}

fn file(world: &World, text: &str) -> SecretRef {
    world.write("the-secret", text);
    SecretRef::File("the-secret".into())
}

/// Every way in which a program could have written it.
fn forms() -> Vec<String> {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::Value::from(SECRET).to_string();
    vec![
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        // The middle of it, wherever it stands in a longer text.
        STANDARD.encode(format!("x{SECRET}"))[4..20].to_owned(),
        hex,
        json.trim_matches('"').to_owned(),
        "s3cr3t%2F%22W%C3%B6rd".to_owned(),
        "s3cr3t".to_owned(),
    ]
}

fn nowhere(world: &World) {
    let records = serde_json::to_string(&world.ledger.records()).unwrap();
    let seen = world.onlooker.lock();
    let mut places = vec![("the records".to_owned(), records.into_bytes())];
    places.push(("the face".to_owned(), format!("{:?} {:?}", seen.lines, seen.notes).into_bytes()));
    places.extend(world.state_files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)));
    for (place, bytes) in places {
        // Wrapped lines are looked through too.
        let folded: Vec<u8> = bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
        for form in forms() {
            let found = |text: &[u8]| text.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found(&bytes) && !found(&folded), "{form} in {place}");
        }
    }
}

#[test]
fn a_secret_reaches_the_child_and_nothing_else() {
    let mut world = World::new();
    world.settings.live_output = true;
    let script = r#"printf %s "$S" > got; echo "plain $S"; echo "$S" >&2; printf %s "$S" | base64; printf %s "user:$S" | base64
        printf %s "$S" | od -An -tx1 | tr -d ' \n'; echo; printf '%s\n' "$S" | sed 's/"/\\"/g; s/^/{"x":"/; s/$/"}/'
        printf %s "$S" | base64 | sed 's/...../&\n/g'; tr '\0' '\n' < /proc/self/environ; sleep 0.2; exit 3"#;
    let reference = file(&world, &format!("{SECRET}\n"));
    let step = named("step", with_secret(script, reference));
    world.task("a", action(vec![step, named("other", argv(&["true"]))]));
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.read("got"), SECRET);
    let log = world.log_of(0);
    assert!(log.contains("plain <secret file:the-secret>\n"), "{log}");
    assert!(log.matches("<secret file:the-secret>").count() >= 7, "{log}");
    nowhere(&world);
}

#[test]
fn while_it_runs_and_after_a_kill_nothing_is_on_the_disk_either() {
    let mut world = World::new();
    let reference = file(&world, SECRET);
    let script = r#"echo "begun $S"; while [ ! -e go ]; do echo "again $S"; sleep 0.01; done"#;
    world.task("a", action(vec![with_secret(script, reference)]));
    let (project, state, ledger) = (world.project(), world.settings.state_dir.clone(), world.ledger.clone());
    let running = world.start();
    until("something was logged", 20, || {
        let (_, bytes) =
            state.exists().then(|| super::world::files(&state)).and_then(|mut files| files.pop())?;
        // A follower, whoever it is, reads the same file.
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cr3t"));
        String::from_utf8_lossy(&bytes).contains("again <secret file:the-secret>").then_some(())
    });
    std::fs::write(project.join("go"), "").unwrap();
    let (world, end) = running.join().unwrap();
    assert_eq!(end, RunEnd::Succeeded);
    nowhere(&world);
    assert!(ledger.only_end().1.contains("again <secret file:the-secret>"));
}

#[test]
fn standard_input_takes_secrets_too_and_parts_join() {
    let mut world = World::new();
    let reference = file(&world, SECRET);
    let joined = Value::Joined(vec![Value::Plain("token=".into()), Value::Secret(reference)]);
    world.task(
        "a",
        action(vec![process(ProcessSpec {
            argv: vec!["sh".into(), "-c".into(), "tee got; cat /proc/$$/cmdline | tr '\\0' ' '".into()],
            stdin: Some(joined),
            ..ProcessSpec::default()
        })]),
    );
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("got"), format!("token={SECRET}"));
    assert!(world.log_of(0).starts_with("token=<secret file:the-secret>"));
    std::fs::remove_file(world.project().join("got")).unwrap();
    nowhere(&world);
}

#[test]
fn a_probe_that_errs_says_so_without_the_secret() {
    let mut world = World::new();
    let reference = file(&world, SECRET);
    let step = with_secret(r#"echo "denied for $S" >&2; exit 5"#, reference);
    world.task("a", Action { check: Some(probe(step)), ..action(vec![sh("true")]) });
    assert_eq!(world.run(), RunEnd::Failed);
    let message = "exit code 5: denied for <secret file:the-secret>".to_owned();
    assert_eq!(world.ledger.verdicts(), [Verdict::Error { message }]);
    nowhere(&world);
}

#[test]
fn colours_inside_a_secret_do_not_save_it() {
    let mut world = World::new();
    let reference = file(&world, SECRET);
    let script = r#"printf 'a %s\033[m\033[K%s\r\n' "${S%????}" "${S#"${S%????}"}"; printf 'b %s\033]0;title\007%s\n' "${S%????}" "${S#"${S%????}"}"; exit 1"#;
    world.task("a", action(vec![with_secret(script, reference)]));
    assert_eq!(world.run(), RunEnd::Failed);
    assert_eq!(world.log_of(0), "a <secret file:the-secret>\nb <secret file:the-secret>\n");
    nowhere(&world);
}

#[test]
fn an_output_that_holds_a_secret_is_sensitive_and_reaches_later_tasks() {
    let mut world = World::new();
    let reference = file(&world, SECRET);
    let script = r#"printf 'dsn=pg://u:%s@h\nport=5432\n' "$S""#;
    let first = action(vec![with_secret(script, reference)]);
    world.task("db", Action { outputs: Some(Outputs::Lines), ..first });
    let later =
        with_secret(r#"printf %s "$S" > got; echo "got $S""#, SecretRef::Output("db".into(), "dsn".into()));
    world.task("app", action(vec![later])).dependencies = vec![0];
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("got"), format!("pg://u:{SECRET}@h"));
    let outputs = world.ledger.records().into_iter().find_map(|record| match record {
        taskmaster_core::journal::Record::AttemptEnded { outputs, .. } if !outputs.is_empty() => {
            Some(outputs)
        }
        _ => None,
    });
    let outputs = outputs.unwrap();
    assert_eq!(outputs["dsn"], OutputValue::Sensitive);
    assert_eq!(outputs["port"], OutputValue::Plain("5432".into()));
    assert_eq!(world.log_of(1), "got <secret output:db.dsn>\n");
    std::fs::remove_file(world.project().join("got")).unwrap();
    nowhere(&world);
}

#[test]
fn a_sensitive_output_of_an_earlier_run_is_read_again() {
    let mut world = World::new();
    let text = serde_json::json!({ "key": { "sensitive": true, "value": SECRET } });
    world.write("outputs.json", &text.to_string());
    // Its task is done already, so nothing of this run has told the value.
    let read = named("output", argv(&["cat", "outputs.json"]));
    let infra = Action { outputs: Some(Outputs::Terraform(Box::new(read))), ..action(vec![sh("exit 1")]) };
    world.catalogue.actions.insert("infra".into(), infra);
    let step =
        with_secret(r#"printf %s "$S" > got; echo "$S""#, SecretRef::Output("infra".into(), "key".into()));
    world.task("app", action(vec![step]));
    assert_eq!(world.run(), RunEnd::Succeeded);
    assert_eq!(world.read("got"), SECRET);
    assert_eq!(world.log_of(0), "<secret output:infra.key>\n");
    nowhere(&world);
}

#[test]
fn commands_give_secrets_within_their_time() {
    let run = |argv: &[&str]| {
        let mut world = World::new();
        world.settings.secret_timeout = Duration::from_millis(300);
        let reference = SecretRef::Exec(argv.iter().map(ToString::to_string).collect());
        world.task("a", action(vec![with_secret(r#"printf %s "$S" > got"#, reference)]));
        let end = world.run();
        (world, end)
    };
    let (world, end) = run(&["printf", "from a command\\n"]);
    assert_eq!(end, RunEnd::Succeeded);
    assert_eq!(world.read("got"), "from a command");

    let started = Instant::now();
    let (world, end) = run(&["sh", "-c", "echo $$ > pid; sleep 1000 & wait"]);
    assert_eq!(end, RunEnd::Failed);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(!super::world::runs(super::world::pid_in(&world.project().join("pid")).unwrap()));
    let (kind, message) = world.ledger.failure();
    assert_eq!(kind, FailureKind::Spawn);
    assert!(
        message.contains("secret exec:sh -c ") && message.contains("did not end within 300ms"),
        "{message}"
    );

    let (world, end) = run(&["sh", "-c", "echo s3cr3t; echo s3cr3t >&2; exit 4"]);
    assert_eq!(end, RunEnd::Failed);
    let (_, message) = world.ledger.failure();
    assert!(message.ends_with("the command ended with exit status: 4"), "{message}");
    assert!(!world.log_of(0).contains("\ns3cr3t"), "{}", world.log_of(0));
}

#[test]
fn a_secret_that_cannot_be_had_is_named_and_nothing_starts() {
    let fails = |reference: SecretRef| {
        let mut world = World::new();
        std::fs::create_dir(world.project().join("folder")).unwrap();
        world.write("not-utf8", "");
        std::fs::write(world.project().join("not-utf8"), b"\xff\xfe").unwrap();
        world.task("a", action(vec![sh("echo > first"), with_secret("echo > second", reference)]));
        assert_eq!(world.run(), RunEnd::Failed);
        assert!(!world.exists("first") && !world.exists("second"));
        let Outcome::Failed { failure: FailureKind::Spawn, message, .. } = world.ledger.only_end().0 else {
            panic!("{:?}", world.ledger.only_end())
        };
        // Where the action could not be rendered there is no log.
        assert!(message.starts_with("nothing binds") || world.log_of(0).contains(&message));
        message
    };
    let env = SecretRef::Env("TASKMASTER_TEST_NO_SUCH_VARIABLE".into());
    assert_eq!(fails(env), "secret env:TASKMASTER_TEST_NO_SUCH_VARIABLE: the variable is not set");
    assert!(fails(SecretRef::File("missing".into())).starts_with("secret file:missing: No such file"));
    assert_eq!(fails(SecretRef::File("folder".into())), "secret file:folder: it is no regular file");
    assert_eq!(
        fails(SecretRef::File("not-utf8".into())),
        "secret file:not-utf8: it is not UTF-8: line 1, byte 0 of the file"
    );
    assert!(fails(SecretRef::Output("x".into(), "y".into())).contains("nothing binds x"));
}

#[test]
fn a_secret_too_short_to_hide_is_said() {
    let mut world = World::new();
    let reference = file(&world, "123");
    world.task("a", action(vec![with_secret("echo 123", reference)]));
    assert_eq!(world.run(), RunEnd::Succeeded);
    let log = world.log_of(0);
    assert_eq!(log, "[taskmaster: secret file:the-secret is too short to be hidden in outputs]\n123\n");
}
