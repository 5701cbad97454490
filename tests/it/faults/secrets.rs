//! Secrets of every source are used, printed in many dresses and looked for everywhere: they are found nowhere.

use super::super::cli::sandbox;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use taskmaster_testkit::{Sandbox, until};

/// A secret of each source, with what text of this kind is made of. No other test has them.
const ENV: &str = "e-Seed/\"\u{fc}+&7Kq41";
const FILE: &str = "f-Seed/\\$'<9Zw57";
const EXEC: &str = "x-Seed/%20#=4Tb83";
const URL: &str = "u-Seed.6Hc35";
const ALL: [&str; 4] = [ENV, FILE, EXEC, URL];

/// Every way in which a text may hold it.
fn forms(secret: &str) -> Vec<String> {
    let percent = |wide: bool| -> String {
        let hex = |byte: u8| if wide { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        secret
            .bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { hex(byte) })
            .collect()
    };
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::Value::from(secret).to_string();
    let mut all = vec![secret.to_owned(), percent(true), percent(false), hex.to_uppercase(), hex];
    all.push(json.trim_matches('"').to_owned());
    all.push(format!("{secret:?}").trim_matches('"').to_owned());
    for lead in ["", "x", "xx"] {
        for engine in [&STANDARD, &URL_SAFE] {
            // What does not depend on its neighbours.
            let whole = engine.encode(format!("{lead}{secret}"));
            all.push(whole[4..(lead.len() + secret.len()) / 3 * 4].to_owned());
        }
    }
    all
}

/// The secret that some bytes hold, also over the ends of lines.
fn found_in(bytes: &[u8]) -> Option<String> {
    let folded: Vec<u8> = bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    let has = |text: &[u8], form: &str| text.windows(form.len()).any(|window| window == form.as_bytes());
    let all = ALL.iter().flat_map(|secret| forms(secret));
    all.into_iter().find(|form| has(bytes, form) || has(&folded, form))
}

#[track_caller]
fn clean(place: &str, bytes: &[u8]) {
    if let Some(form) = found_in(bytes) {
        let text = String::from_utf8_lossy(bytes);
        let at = text.find(&form).unwrap_or(0);
        let around: String =
            text.chars().skip(text[..at].chars().count().saturating_sub(80)).take(200).collect();
        panic!("{form:?} is in {place}: {around}");
    }
}

/// Every file below a folder but those that hold the secrets by right.
fn clean_files(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            clean_files(&path);
        } else if !path.ends_with("key") && !path.ends_with("tell") && !path.ends_with("tasks/local.yaml") {
            clean(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
        }
    }
}

/// Answers every request with all that was sent, and says no.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).unwrap_or(0);
            let body = String::from_utf8_lossy(&bytes[..count]).into_owned();
            let head =
                format!("HTTP/1.1 403 No\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    port
}

/// Prints what it is given as it is, and as programs dress it.
const DRESSES: &str = r#"for s in "$TM_VAR_E" "$TM_VAR_F" "$TM_VAR_X"; do
          echo "plain $s"; echo "$s" >&2
          printf %s "$s" | base64; printf %s "user:$s" | base64; printf %s "x$s" | base64 | sed 's/...../&\n/g'
          printf %s "$s" | od -An -v -tx1 | tr -d ' \n'; echo
          printf '%s' "$s" | sed 's/["\\]/\\&/g; s/^/{"v":"/; s/$/"}/'; echo
          printf %s "$s" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g'; echo
        done
        tr '\0' '\n' </proc/self/environ"#;

fn scene() -> Sandbox {
    let port = echo();
    let prd = "---\nordering: explicit\n---\n# Shop\n\n## Phase 1: A\n\n- [ ] T001 Print\n- [ ] T002 Give\n- [ ] T003 Take (depends on: T002)\n\
               - [ ] T004 Ask\n- [ ] T005 Address\n- [ ] T006 Check\n- [ ] T007 Wait\n";
    let tasks = format!(
        "vars:
  e: {{secret: env:SEED_ENV}}
  f: {{secret: file:key}}
  x: {{secret: {{exec: [./tell]}}}}
tasks:
  T001:
    run:
      shell: |
        {DRESSES}
        exit 3
  T002: {{outputs: json, run: {{shell: './give # of $TM_VAR_F'}}}}
  T003: {{run: {{exec: {{argv: [sh, -c, 'echo \"$O\"; exit 4'], env: {{O: '{{{{ outputs.T002.dsn }}}}'}}}}}}}}
  T004: {{run: {{http: {{method: POST, url: 'http://127.0.0.1:{port}/', headers: {{Authorization: 'Bearer {{{{ vars.e }}}}'}}, body: 'k={{{{ vars.x }}}}'}}}}}}
  T005: {{run: {{http: {{url: 'http://127.0.0.1:{port}/path', headers: {{X-Key: '{{{{ vars.f }}}}'}}}}}}}}
  T006: {{check: {{shell: 'echo \"no: $TM_VAR_E\" >&2; exit 9'}}, run: {{exec: [\"true\"]}}}}
  T007: {{run: {{shell: 'echo \"$TM_VAR_F\"; n=0; until test -e go || test $n -gt 3000; do n=$((n+1)); sleep 0.02; done'}}}}
"
    );
    let sandbox = sandbox().var("SEED_ENV", ENV);
    sandbox.write("prd.md", prd).write("tasks/local.yaml", tasks).write("key", format!("{FILE}\n"));
    sandbox.write("tell", format!("#!/bin/sh\ncat <<'END'\n{EXEC}\nEND\n"));
    // What a secret is part of is as secret.
    sandbox.write("give", "#!/bin/sh\nprintf '{\"dsn\": \"pg://%s@host\"}' \"$(printf %s \"$TM_VAR_F\" | sed 's/[\\\\\"]/\\\\&/g')\"\n");
    super::world::run(
        Command::new("chmod").arg("755").arg(sandbox.path().join("tell")).arg(sandbox.path().join("give")),
    );
    sandbox
}

/// Looks at the arguments of all processes until it is told to stop; how often it could.
fn watch_arguments(stop: &AtomicBool) -> usize {
    let mut looks = 0;
    while !stop.load(Ordering::Relaxed) {
        looks += 1;
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(bytes) = std::fs::read(entry.path().join("cmdline")) else { continue };
            // Who types an address with a password in it has it among the arguments by their own hand, as a test here.
            for secret in [ENV, FILE, EXEC] {
                let has = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!has, "{secret} is an argument: {}", String::from_utf8_lossy(&bytes));
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    looks
}

#[test]
fn seeded_secrets_of_every_source_are_found_nowhere() {
    let sandbox = scene();
    let stop = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch_arguments(&stop));
        let mut running = sandbox.command(["run", "prd.md", "--keep-going", "-vvv", "-o", "json"]);
        let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until("the last one waits and the others are over", 30, || {
            let list = sandbox.run("tasks list -o json");
            (list.stdout.matches("\"failed\"").count() >= 5).then_some(())
        });
        // While it is at work: the ledger, its log, the logs.
        clean_files(&sandbox.path());
        sandbox.write("go", "");
        let output = running.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(20), "{}", String::from_utf8_lossy(&output.stderr));
        clean("the output of run", &output.stdout);
        clean("the errors of run", &output.stderr);
        stop.store(true, Ordering::Relaxed);
        watching.join().unwrap()
    });
    assert!(looks > 10, "{looks}");
    for line in [
        "plan prd.md -vvv",
        "plan prd.md -o json",
        "plan prd.md -o markdown",
        "plan prd.md --check",
        "report",
        "report -o json",
        "report -o markdown",
        "report -o html",
        "report -o junit",
        "report -o mermaid",
        "report -o csv",
        "report -o otlp",
        "tasks list",
        "tasks show T001",
        "tasks show T005 -o json",
        "logs T001",
        "logs T003",
        "logs T004",
        "logs T005",
        "history",
        "audit -vv",
        "audit --export -o json",
        "run prd.md --dry-run -vvv",
        "run prd.md --keep-going -vv",
        "drift prd.md",
    ] {
        let ended = sandbox.run(line);
        clean(line, ended.stdout.as_bytes());
        clean(line, ended.stderr.as_bytes());
    }
    clean_files(&sandbox.path());
    let log = sandbox.run("logs T001").stdout;
    assert!(log.contains("plain <secret env:SEED_ENV>") && log.contains("<secret file:key>"), "{log}");
    assert!(log.contains("<secret exec:./tell>"), "{log}");
}

/// The search finds what it is to find: each form of each secret.
#[test]
fn the_search_finds_each_form() {
    for secret in ALL {
        for form in forms(secret) {
            assert!(form.len() >= 8, "{form}");
            assert!(found_in(format!("before {form} after").as_bytes()).is_some(), "{form}");
            let (a, b) = form.as_bytes().split_at(5);
            assert!(found_in(&[a, b"\r\n", b].concat()).is_some(), "{form} over two lines");
        }
    }
    assert_eq!(found_in(b"nothing of it"), None);
}

/// An address with a password in it is refused where it would be shown, and the refusal does not repeat it.
#[test]
fn a_password_in_an_address_is_not_repeated() {
    let sandbox = sandbox();
    let request = format!("tasks: {{a/one: {{run: {{http: 'http://bot:{URL}@127.0.0.1:1/x'}}}}}}\n");
    sandbox.write("prd.md", "## Phase 1: A\n\n- [ ] One\n").write("tasks/local.yaml", request);
    for line in ["plan prd.md -vvv", "plan prd.md -o json", "run prd.md", "run prd.md -o json"] {
        let ended = sandbox.run(line).code(12);
        assert!(
            ended.stderr.contains("the address of `http://127.0.0.1:1/x` names a user"),
            "{}",
            ended.stderr
        );
        clean(line, format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    for url in [format!("https://me:{URL}@git.example/x.git"), format!("https://{URL}@git.example/x.git")] {
        let ended = sandbox.run(&format!("sync --repo {url} --once -vvv"));
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        clean("what a refused sync says", format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    let from = format!("http://me:{URL}@127.0.0.1:1/recording.json");
    sandbox.write("x.yaml", "name: web\nstrategy: {canary: {steps: [{setWeight: 50}]}}\n");
    let ended = sandbox.run(&format!("rollout rehearse --file x.yaml --from {from}"));
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    clean("what a recording that cannot be had says", ended.stderr.as_bytes());
    clean_files(&sandbox.path());
}

/// While secrets are in memory, a crash writes no image of it, wherever the system would put one.
#[test]
fn a_crash_leaves_no_core() {
    let killed = |command: &mut Command, ready: &dyn Fn() -> Option<()>| {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("it is at work", 30, ready);
        super::world::run(Command::new("kill").args(["-ABRT", &child.id().to_string()]));
        child.wait().unwrap()
    };
    let sandbox = scene();
    let unlimited = "ulimit -c unlimited && exec \"$@\"";
    let shell = |command: &Command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", unlimited, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.current_dir(sandbox.path()).env_clear().stdin(Stdio::null());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell
    };
    let mut other = Command::new("sleep");
    other.arg("1000");
    let control = killed(&mut shell(&other), &|| Some(()));
    assert_eq!(control.signal(), Some(6));
    if !control.core_dumped() {
        eprintln!("NOT TESTED: this system writes no core of any process (`ulimit -c`, core_pattern)");
    }
    for entry in std::fs::read_dir(sandbox.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("core") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let waits = || {
        let runs: Vec<_> =
            std::fs::read_dir(sandbox.path().join(".taskmaster/logs")).ok()?.flatten().collect();
        let texts = runs.iter().flat_map(|run| std::fs::read_dir(run.path()).unwrap().flatten());
        let holds = |entry: std::fs::DirEntry| {
            std::fs::read_to_string(entry.path()).is_ok_and(|text| text == "<secret file:key>\n")
        };
        texts.into_iter().any(holds).then_some(())
    };
    let mut nested = shell(&sandbox.command(["run", "prd.md", "--keep-going", "--state-dir", ".nested"]));
    nested.env("TASKMASTER_ATTEMPT", "of-another-run");
    let ours = killed(&mut shell(&sandbox.command(["run", "prd.md", "--keep-going"])), &waits);
    assert_eq!((ours.signal(), ours.core_dumped()), (Some(6), false), "a core was written");
    // A part of an attempt is found by its environment and does without a core file only: handlers may get one.
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let begun = || sandbox.path().join(".nested/logs").exists().then_some(());
    let inner = killed(&mut nested, &begun);
    assert!(pattern.starts_with('|') || !inner.core_dumped(), "a core was written");
    sandbox.write("go", "");
    clean_files(&sandbox.path());
}
