//! Notices at the end of a run: who is told what, and that nobody who cannot be told fails a run.

use super::project;
use crate::deliver::notify::receiver::{Act, Receiver, say};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use taskmaster_testkit::Sandbox;

const PRD: &str = "# Shop $(touch pwned)\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n";
const KEY: &str = "k3y-of-the-team";

fn world(settings: &str, code: u8) -> Sandbox {
    let tasks =
        format!("tasks:\n  a/one: {{run: {{shell: 'exit {code}'}}}}\n  a/two: {{run: {{exec: ['true']}}}}\n");
    let sandbox = project(PRD, &tasks);
    sandbox.write("taskmaster.toml", settings);
    sandbox.var("HOOK_KEY", KEY)
}

/// HMAC-SHA256 from its definition (RFC 2104) over a digest that is not the program's.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let pad =
        |byte: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ byte).collect() };
    let digest = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec();
    let inner = digest(&[pad(0x36), message.to_vec()].concat());
    digest(&[pad(0x5c), inner].concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_webhook_is_told_how_it_ended() {
    let receiver = Receiver::new(|_, _| say("204 No Content", "", ""));
    let settings = format!(
        "[[notify]]\nname = \"team\"\nurl = \"{}/hook?t=0ld\"\nsecret = {{ env = \"HOOK_KEY\" }}\n",
        receiver.url
    );
    let sandbox = world(&settings, 3);
    let ended = sandbox.run("run prd.md --no-wait").code(20);
    assert!(!ended.stderr.contains("warning: notice"), "{}", ended.stderr);
    let [request] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
    assert!(request.line.starts_with("POST /hook?t=0ld "), "{}", request.line);
    let (time, signature) =
        (&request.headers["x-taskmaster-timestamp"], &request.headers["x-taskmaster-signature"]);
    let signed = [time.as_bytes(), b".", request.body.as_bytes()].concat();
    assert_eq!(*signature, format!("sha256={}", hmac(KEY.as_bytes(), &signed)));
    let told = request.json();
    assert_eq!(told["id"].as_str(), request.headers.get("x-taskmaster-delivery").map(String::as_str));
    let run = sandbox.run("history -o json").code(0).json()["runs"][0].clone();
    let same = [
        "schema_version",
        "event",
        "command",
        "result",
        "exit_code",
        "environment",
        "tasks",
        "run",
        "counts",
    ];
    let same: Vec<&Value> = same.iter().map(|name| &told[*name]).collect();
    let expected = [
        json!(1),
        json!("run.ended"),
        json!("run"),
        json!("failed"),
        json!(20),
        json!("local"),
        json!(2),
        run["id"].clone(),
        json!({"failed": 1, "blocked": 1}),
    ];
    assert_eq!(same, expected.iter().collect::<Vec<_>>());
    assert_eq!(told["stuck"].as_array().expect("a list").len(), 1);
    assert_eq!(told["stuck"][0]["id"], json!("a/one"));
    assert_eq!(told["stuck"][0]["reason"], json!("exit code 3"));
    assert_eq!(told["text"], json!("Shop $(touch pwned) (local): run failed"));
}

#[test]
fn a_command_reads_it_and_no_shell_does() {
    let settings = "[[notify]]\nname = \"desk\"\ncommand = [\"sh\", \"-c\", 'cat > \"$1\"; echo noise; echo noise >&2', \"sh\", \"told; $(touch pwned)\"]\n";
    let sandbox = world(settings, 0);
    let ended = sandbox.run("run prd.md --no-wait").code(0);
    let told: Value =
        serde_json::from_str(&sandbox.read("told; $(touch pwned)").expect("told")).expect("JSON");
    assert_eq!((&told["result"], &told["exit_code"]), (&json!("succeeded"), &json!(0)));
    assert!(sandbox.read("pwned").is_none());
    assert!(!ended.stderr.contains("noise") && !ended.stdout.contains("noise"), "what it prints is nobody's");
}

#[test]
fn only_the_ends_that_are_wanted_are_told() {
    let notice = |name: &str, on: &str| {
        format!("[[notify]]\nname = \"{name}\"\ncommand = [\"touch\", \"{name}\"]\non = [{on}]\n")
    };
    let settings =
        notice("bad", "\"failed\", \"unknown\"") + &notice("good", "\"succeeded\"") + &notice("all", "");
    for (code, exit, expected) in [(0, 0, [false, true, true]), (9, 20, [true, false, true])] {
        let sandbox = world(&settings, code);
        sandbox.run("run prd.md --no-wait").code(exit);
        assert_eq!(["bad", "good", "all"].map(|name| sandbox.read(name).is_some()), expected, "{code}");
    }
}

/// Each failure is told in a line, without the address or the key, and the exit code is that of the run.
#[test]
fn who_cannot_be_told_fails_nothing() {
    let refusing = Receiver::new(|request, _| say("403 Forbidden", "", &format!("no: {}", request.line)));
    let hanging = Receiver::new(|_, _| Act::Hang);
    let settings = format!(
        "[[notify]]\nname = \"refusing\"\nurl = \"{}/T0KEN-of-hook\"\nsecret = {{ env = \"HOOK_KEY\" }}\n\
         [[notify]]\nname = \"hanging\"\nurl = \"{}/x\"\ntimeout_seconds = 1\n\
         [[notify]]\nname = \"unset\"\nurl = {{ env = \"NO_SUCH_HOOK\" }}\n\
         [[notify]]\nname = \"missing\"\ncommand = [\"no-such-program\"]\n\
         [[notify]]\nname = \"angry\"\ncommand = [\"false\"]\n\
         [[notify]]\nname = \"slow\"\ncommand = [\"sleep\", \"600\"]\ntimeout_seconds = 1\n",
        refusing.url, hanging.url
    );
    let sandbox = world(&settings, 0);
    let began = Instant::now();
    let ended = sandbox.run("run prd.md --no-wait").code(0);
    assert!(began.elapsed() < Duration::from_secs(30), "bounded, and side by side");
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("warning: notice")).collect();
    let begins = [
        ("refusing", "403 Forbidden: no: POST <secret url>"),
        ("hanging", "no answer within 1s"),
        ("unset", "secret env:NO_SUCH_HOOK: the variable is not set"),
        ("missing", "`no-such-program` is in none of the"),
        ("angry", "the command ended with exit status: 1"),
        ("slow", "the command did not end within 1s"),
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (line, (name, why)) in told.iter().zip(begins) {
        assert!(line.starts_with(&format!("warning: notice `{name}`: {why}")), "{line}");
    }
    for hidden in ["T0KEN", KEY, "127.0.0.1"] {
        assert!(!ended.stderr.contains(hidden), "{hidden}: {}", ended.stderr);
    }
}

#[test]
fn a_receiver_that_was_busy_is_asked_again_by_the_same_id() {
    let busy = Receiver::new(|_, before| match before {
        0 => say("503 Service Unavailable", "", ""),
        _ => say("200 OK", "", ""),
    });
    let settings = format!("[[notify]]\nname = \"busy\"\nurl = \"{}\"\n", busy.url);
    let ended = world(&settings, 0).run("run prd.md --no-wait").code(0);
    assert!(!ended.stderr.contains("warning: notice"), "{}", ended.stderr);
    let ids: Vec<Value> = busy.requests().iter().map(|request| request.json()["id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn settings_that_tell_nobody_are_refused() {
    let rows = [
        ("name = \"x\"\n", "either a `url` or a `command`"),
        ("name = \"x\"\nurl = \"http://a\"\ncommand = [\"b\"]\n", "either a `url` or a `command`"),
        ("name = \"x\"\ncommand = []\n", "a program and its arguments"),
        ("name = \"x\"\ncommand = [\"b\"]\nsecret = \"c\"\n", "a `secret` signs"),
        ("name = \" \"\ncommand = [\"b\"]\n", "needs a `name`"),
        ("name = \"x\"\ncommand = [\"b\"]\ntimeout_seconds = 0\n", "between 1 and 300"),
        ("name = \"x\"\ncommand = [\"b\"]\non = [\"ended\"]\n", "unknown variant `ended`"),
        ("name = \"x\"\ncommand = \"b\"\n", "expected a sequence"),
    ];
    for (notice, expected) in rows {
        let ended = world(&format!("[[notify]]\n{notice}"), 0).run("plan prd.md").code(2);
        assert!(ended.stderr.contains(expected), "{notice}: {}", ended.stderr);
        assert!(ended.stderr.contains("taskmaster.toml"), "{}", ended.stderr);
    }
}
