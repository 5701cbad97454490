//! `audit --export`: statements that a reader outside can check.

use super::scene::{Book, hour, project, state_dir};
use super::verify::verify;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use taskmaster::app::audit::{Since, export};
use taskmaster_core::journal::Record;
use taskmaster_testkit::Sandbox;

const PRD: &str = "## Phase 1: Ä\n\n- [ ] T001 One \"quoted\" \\ task\n- [ ] T002 Two\n";
const TASKS: &str = "tasks:\n  T001: {run: {shell: 'printf \"a\\tü\\001\\n\"'}}\n";

/// A ledger with some events, among them texts that JSON escapes.
fn ran() -> Sandbox {
    let sandbox = project(PRD, TASKS);
    sandbox.run("run prd.md --no-wait").code(21);
    sandbox.run("env lock prod --message x").code(0);
    sandbox
}

fn exported(sandbox: &Sandbox, more: &str) -> String {
    sandbox.run(&format!("audit --export {more}")).code(0).stdout
}

/// The rules of an in-toto Statement, version 1, and of its subject.
fn statement_rules() -> Value {
    json!({
        "type": "object",
        "required": ["_type", "subject", "predicateType"],
        "properties": {
            "_type": { "const": "https://in-toto.io/Statement/v1" },
            "subject": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": true,
                "items": {
                    "type": "object",
                    "required": ["digest"],
                    "properties": {
                        "name": { "type": "string", "minLength": 1 },
                        "uri": { "type": "string" },
                        "digest": {
                            "type": "object",
                            "minProperties": 1,
                            "propertyNames": { "pattern": "^[A-Za-z0-9_]+$" },
                            "additionalProperties": { "type": "string", "pattern": "^([0-9a-f]{2})+$" },
                            "properties": { "sha256": { "pattern": "^[0-9a-f]{64}$" } }
                        }
                    }
                }
            },
            "predicateType": { "type": "string", "pattern": "^[a-z][a-z0-9+.-]*:[^ ]+$" },
            "predicate": { "type": "object" }
        },
        "additionalProperties": false
    })
}

/// What docs/audit.md promises of the two predicates.
fn predicate_rules() -> Value {
    let hash = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let event = json!({
        "type": "object",
        "required": ["seq", "at", "at_us", "stream", "kind", "json", "previous", "hash"],
        "properties": {
            "seq": { "type": "integer", "minimum": 1 }, "at": { "type": "string" },
            "at_us": { "type": "integer" }, "stream": { "type": "string" }, "kind": { "type": "string" },
            "json": { "type": "string" }, "previous": hash, "hash": hash
        },
        "additionalProperties": false
    });
    let head = json!({
        "type": "object",
        "required": ["seq", "hash", "events", "exported", "holds", "broken"],
        "properties": {
            "seq": { "type": "integer" }, "hash": hash, "events": { "type": "integer" },
            "exported": { "type": "integer" }, "holds": { "type": "boolean" },
            "broken": { "type": ["object", "null"] }
        },
        "additionalProperties": false
    });
    json!({ "properties": { "predicate": { "oneOf": [event, head] } } })
}

fn assert_statements(lines: &str) {
    let rules = [statement_rules(), predicate_rules()].map(|rules| jsonschema::draft7::new(&rules).unwrap());
    for line in lines.lines() {
        let statement: Value = serde_json::from_str(line).unwrap();
        for rules in &rules {
            let faults: Vec<_> = rules.iter_errors(&statement).map(|fault| fault.to_string()).collect();
            assert_eq!(faults, Vec::<String>::new(), "{line}");
        }
    }
}

#[test]
fn every_link_is_recomputed_from_the_lines_alone() {
    let sandbox = ran();
    let lines = exported(&sandbox, "");
    assert_statements(&lines);
    let head = verify(&lines).unwrap();
    assert_eq!(head, sandbox.run("audit --head").code(0).stdout.trim());
    let audit = sandbox.run("audit -o json").code(0).json();
    assert_eq!(lines.lines().count() as u64, audit["events"].as_u64().unwrap() + 1);
    assert!(lines.contains("environment.locked"), "locks are audited");
    assert_eq!(exported(&sandbox, ""), lines, "equal ledgers give equal bytes");
    let stored: Vec<(String, i64)> = {
        let db = rusqlite::Connection::open(state_dir(&sandbox).join("ledger.db")).unwrap();
        let mut all = db.prepare("SELECT json, at_us FROM events ORDER BY seq").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let told = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["predicate"].take());
    let told = told.filter(|event| event["json"].is_string());
    let told: Vec<(String, i64)> = told
        .map(|event| (event["json"].as_str().unwrap().to_owned(), event["at_us"].as_i64().unwrap()))
        .collect();
    assert_eq!(told, stored, "content and time are what is stored");
}

#[test]
fn the_second_digest_is_the_sha_256_of_the_same_frame() {
    let sandbox = ran();
    for line in exported(&sandbox, "").lines() {
        let statement: Value = serde_json::from_str(line).unwrap();
        let event = &statement["predicate"];
        let Some(json) = event["json"].as_str() else { continue };
        let mut frame =
            blake3::Hash::from_hex(event["previous"].as_str().unwrap()).unwrap().as_bytes().to_vec();
        frame.extend(event["seq"].as_u64().unwrap().to_le_bytes());
        frame.extend(event["at_us"].as_i64().unwrap().to_le_bytes());
        for part in [event["stream"].as_str().unwrap(), event["kind"].as_str().unwrap(), json] {
            frame.extend((part.len() as u64).to_le_bytes());
            frame.extend(part.as_bytes());
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, &frame);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], hex, "{line}");
    }
}

#[test]
fn whatever_is_altered_in_an_export_shows() {
    let sandbox = ran();
    let whole = exported(&sandbox, "");
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() > 8, "{}", lines.len());
    for at in 0..lines.len() {
        let without: Vec<&str> = [&lines[..at], &lines[at + 1..]].concat();
        // Without its first lines an export is one that begins later.
        assert!(at == 0 || verify(&without.join("\n")).is_err(), "line {at} may not be taken out");
        let twice = [&lines[..=at], &lines[at..]].concat();
        assert!(verify(&twice.join("\n")).is_err(), "line {at} may not stand twice");
        if at > 0 {
            let mut moved = lines.clone();
            moved.swap(at - 1, at);
            assert!(verify(&moved.join("\n")).is_err(), "line {at} may not move");
        }
        for field in ["seq", "at_us", "stream", "kind", "json", "previous", "hash"] {
            let mut statement: Value = serde_json::from_str(lines[at]).unwrap();
            let Some(value) = statement["predicate"].get_mut(field) else { continue };
            alter(value);
            let altered = statement.to_string();
            let mut all = lines.clone();
            all[at] = &altered;
            assert!(verify(&all.join("\n")).is_err(), "line {at}, {field}: {altered}");
        }
    }
    assert!(verify(&whole).is_ok());
}

/// The smallest change: one more, or one character.
fn alter(value: &mut Value) {
    *value = match value {
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => {
            let last = text.pop().unwrap();
            text.push(if last == '0' { '1' } else { '0' });
            json!(text)
        }
        other => panic!("{other}"),
    };
}

#[test]
fn an_export_may_begin_later() {
    let sandbox = ran();
    let whole = exported(&sandbox, "");
    let lines: Vec<&str> = whole.lines().collect();
    let later = exported(&sandbox, "--since 4");
    assert_eq!(later.lines().count(), lines.len() - 3);
    assert_eq!(verify(&later), verify(&whole));
    assert_eq!(later.lines().next(), Some(lines[3]), "a line is the same wherever it begins");
    let head: Value = serde_json::from_str(later.lines().last().unwrap()).unwrap();
    assert_eq!(head["predicate"]["exported"], json!(lines.len() - 4));
    assert_eq!(head["predicate"]["events"], json!(lines.len() - 1));

    let event: Value = serde_json::from_str(lines[4]).unwrap();
    let from = exported(&sandbox, &format!("--since {}", event["predicate"]["at"].as_str().unwrap()));
    assert!(from.lines().count() >= lines.len() - 4);
    let first: Value = serde_json::from_str(from.lines().next().unwrap()).unwrap();
    assert_eq!(first["predicate"]["at"], event["predicate"]["at"], "the first one of that time");
    assert_eq!(exported(&sandbox, "--since 1h"), whole);
    assert_eq!(exported(&sandbox, "--since 2999-01-01").lines().count(), 1);
    sandbox.run("audit --export --since soon").code(2);
    sandbox.run("audit --since 3").code(2);
}

/// Changes the ledger behind its back.
fn damage(sandbox: &Sandbox, sql: &str) {
    let db = rusqlite::Connection::open(state_dir(sandbox).join("ledger.db")).unwrap();
    let triggers = "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed;";
    db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {triggers} {sql}")).unwrap();
}

#[test]
fn a_broken_chain_is_exported_as_far_as_it_holds() {
    let sandbox = ran();
    let whole = exported(&sandbox, "");
    damage(&sandbox, "UPDATE events SET json = replace(json, '}', ' }') WHERE seq = 4");
    let broken = sandbox.run("audit --export").code(42);
    let lines: Vec<&str> = broken.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", broken.stdout);
    assert!(whole.starts_with(&lines[..3].join("\n")), "what holds is told as before");
    assert_statements(&broken.stdout);
    let head: Value = serde_json::from_str(lines[3]).unwrap();
    let predicate = &head["predicate"];
    assert_eq!((&predicate["holds"], &predicate["broken"]["seq"]), (&json!(false), &json!(4)), "{head}");
    assert_eq!((&predicate["seq"], &predicate["events"]), (&json!(3), &json!(3)));
    assert!(verify(&broken.stdout).unwrap_err().contains("it says itself that it is broken"));

    let file = sandbox.path().join("out/chain.jsonl");
    sandbox.run("audit --export --since 9 --to out/chain.jsonl").code(42);
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), 1, "what follows a break proves nothing");
}

#[test]
fn an_end_that_was_cut_off_shows() {
    let sandbox = ran();
    damage(&sandbox, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)");
    assert_eq!(sandbox.run("audit -o json").code(42).json()["holds"], false);
    let cut = sandbox.run("audit --export").code(42);
    let head: Value = serde_json::from_str(cut.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(head["predicate"]["broken"]["seq"], Value::Null, "{head}");
    assert!(head["predicate"]["broken"]["what"].as_str().unwrap().contains("must end at event"), "{head}");
}

#[test]
fn a_file_gets_what_standard_output_gets() {
    let sandbox = ran();
    let shown = sandbox.run("audit --export --to deep/chain.jsonl").code(0);
    assert_eq!(shown.stdout, "");
    assert_eq!(sandbox.read("deep/chain.jsonl").unwrap(), exported(&sandbox, ""));
    sandbox.run("audit --export --head").code(2);
    sandbox.run("audit --to chain.jsonl").code(2);
}

#[test]
fn a_ledger_without_events_has_a_head() {
    let sandbox = project(PRD, TASKS);
    let mut lines = Vec::new();
    assert!(export(&Book::open(&sandbox).ledger, Since::Place(0), &mut lines).unwrap());
    let lines = String::from_utf8(lines).unwrap();
    assert_statements(&lines);
    assert_eq!(verify(&lines).unwrap(), format!("0 {}", "0".repeat(64)));
}

/// Events of together `count` times 100,000 characters.
fn large(count: usize) -> Sandbox {
    let sandbox = project(PRD, TASKS);
    let lock = |number| Record::EnvironmentLocked {
        environment: format!("e{number}").as_str().into(),
        by: "ann".to_owned(),
        message: Some("x".repeat(100_000)),
        until: None,
    };
    Book::open(&sandbox).commit(hour(0), (0..count).map(lock).collect());
    sandbox
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let sandbox = large(20);
    let mut child =
        sandbox.command(["audit", "--export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    assert!(out.read_line(&mut line).unwrap() > 100_000);
    drop(out);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert_eq!(said, "");
}

/// The most memory that a process has had, in bytes.
fn most_memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[test]
fn an_export_holds_one_event_at_a_time() {
    let most = |count: usize| {
        let sandbox = large(count);
        let mut command = sandbox.command(["audit", "--export"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..count - 2 {
            line.clear();
            out.read_line(&mut line).unwrap();
        }
        // Two lines are left, more than a pipe holds: it is still there.
        let most = most_memory(child.id());
        out.read_to_string(&mut line).unwrap();
        assert!(child.wait().unwrap().success());
        most
    };
    let (few, many) = (most(10), most(300));
    assert!(many < few + (8 << 20), "10 events take {few} bytes, 300 of 30 MB take {many}");
}

/// The commands of docs/audit.md, and its program.
#[test]
fn the_page_tells_what_is_so() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md")).unwrap();
    let program = include_str!("verify.rs").replace("pub(super) fn verify", "fn verify");
    assert!(page.contains(program.trim_end()), "docs/audit.md shows another program than this test runs");
    let sandbox = ran();
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ taskmaster ")).collect();
    assert_eq!(commands.len(), 4);
    for command in commands {
        sandbox.run(command).code(0);
    }
    assert_eq!(verify(&sandbox.read("chain.jsonl").unwrap()), verify(&exported(&sandbox, "")));
}
