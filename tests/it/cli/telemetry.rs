//! Traces of real runs, at a receiver of the test's own: what it gets, that it holds up nobody, and that nobody sees
//! how it is spoken to.

use super::people::{signal, wait_for_waiting};
use super::project;
use crate::deliver::notify::receiver::{Act, Receiver, say};
use crate::report::otlp_rules::{Told, from_protobuf, read};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use taskmaster_testkit::{Finished, Sandbox, until};

/// A value of a header, as it is and as it stands in the variable.
const KEY: &str = "k3y of-telemetry";
const WRITTEN: &str = "Api-Key=k3y%20of-telemetry";

const AROUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const PRD: &str = "---\nordering: explicit\n---\n# Shop\n\n## Phase 1: Build\n\n- [ ] T001 Compile\n- [ ] T002 Fetch\n\
                   - [ ] T003 Test\n- [ ] T004 Pack (depends on: T003)\n\n## Phase 2: Ship\n\n- [ ] T005 Ask\n\
                   - [ ] T006 There\n";

const TASKS: &str = "tasks:
  T001: {check: {file_exists: compiled}, run: {exec: [touch, compiled]}}
  T002: {retry: {attempts: 2, base_delay: 20ms}, run: {shell: 'test -e tried || { touch tried; exit 9; }'}}
  T003: {run: {shell: 'echo s4id-by-a-program; exit 3'}}
  T004: {run: {exec: ['true']}}
  T005: {run: {approval: 'Go?'}}
  T006: {check: {file_exists: prd.md}, run: {exec: ['false']}}
";

fn accepting() -> Receiver {
    Receiver::new(|_, _| say("200 OK", "Content-Type: application/json\r\n", "{}"))
}

/// Which traces go to a receiver, with a key that nobody may see.
fn traced(sandbox: Sandbox, receiver: &Receiver) -> Sandbox {
    sandbox
        .var("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.clone())
        .var("OTEL_EXPORTER_OTLP_HEADERS", WRITTEN)
        .var("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
}

/// A project of one task that ends well.
fn small() -> Sandbox {
    project("# Shop\n\n## Phase 1: A\n\n- [ ] One\n", "tasks:\n  a/one: {run: {shell: echo one >>did}}\n")
}

/// The trace of the newest run.
#[track_caller]
fn reported(sandbox: &Sandbox) -> Vec<Told> {
    read(&sandbox.run("report -o otlp").code(0).json()).1
}

#[track_caller]
fn find<'a>(spans: &'a [Told], name: &str) -> &'a Told {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}

/// `parent > name result !error` of each span.
fn lines(spans: &[Told]) -> Vec<String> {
    let name = |id: &str| spans.iter().find(|span| span.id == id).map_or("?", |span| span.name.as_str());
    let line = |span: &Told| {
        let parent = span.parent.as_deref().map_or(String::new(), |parent| format!("{} > ", name(parent)));
        let result = ["cicd.pipeline.result", "cicd.pipeline.task.run.result"];
        let result = result.iter().find_map(|key| span.attributes.get(*key));
        let result = result.map_or(String::new(), |result| format!(" {result}"));
        let error = span.error.as_ref().map_or(String::new(), |error| format!(" !{error}"));
        format!("{parent}{}{result}{error}", span.name)
    };
    spans.iter().map(line).collect()
}

fn warnings(ended: &Finished) -> Vec<&str> {
    ended.stderr.lines().filter(|line| line.contains("telemetry")).collect()
}

/// No file below a folder holds the key, in either form.
fn is_clean(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).expect("a folder").flatten();
    entries.map(|entry| entry.path()).all(|path| {
        let hides = |bytes: Vec<u8>| !bytes.windows(3).any(|window| window == &KEY.as_bytes()[..3]);
        if path.is_dir() { is_clean(&path) } else { std::fs::read(&path).map_or(true, hides) }
    })
}

#[test]
fn a_run_is_told_as_spans_of_its_parts() {
    let receiver = accepting();
    let sandbox = traced(project(PRD, TASKS), &receiver)
        .var("OTEL_SERVICE_NAME", "shop-delivery")
        .var("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb,service.name=not%20this");
    let run = sandbox.start("run prd.md --keep-going --jobs 1");
    wait_for_waiting(&sandbox, "T005");
    sandbox.run("approve T005 --message s3cret-words").code(0);
    let ended = run.wait().code(20);
    assert_eq!(warnings(&ended), [""; 0]);

    let [request] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
    assert!(request.line.starts_with("POST /v1/traces "), "{}", request.line);
    assert_eq!(request.headers["api-key"], KEY);
    assert_eq!(request.headers["content-type"], "application/json");
    let (resource, spans) = read(&request.json());
    assert_eq!((resource["service.name"].as_str(), resource["team"].as_str()), ("shop-delivery", "a,b"));
    let id = sandbox.run("history -o json").code(0).json()["runs"][0]["id"].clone();
    assert_eq!(
        (resource["cicd.pipeline.name"].as_str(), &resource["cicd.pipeline.run.id"]),
        ("Shop", &text(&id))
    );
    let expected = [
        "RUN Shop failure !a task failed",
        "RUN Shop > Compile success",
        "Compile > check",
        "Compile > run",
        "Compile > verify",
        "RUN Shop > Fetch success",
        "Fetch > run !exit code 9",
        "Fetch > wait",
        "Fetch > run",
        "RUN Shop > Test failure !exit code 3",
        "Test > run !exit code 3",
        "RUN Shop > Pack skip",
        "RUN Shop > Ask success",
        "Ask > wait",
        "RUN Shop > There success",
        "There > check",
    ];
    assert_eq!(lines(&spans), expected);
    let test = find(&spans, "Test");
    let keys = ["taskmaster.task.id", "taskmaster.phase.id", "taskmaster.action.kind", "error.type"];
    assert_eq!(keys.map(|key| test.attributes[key].as_str()), ["T003", "build", "shell", "exit_code"]);
    assert_eq!(find(&spans, "Pack").attributes["taskmaster.task.blocked_by"], "T003");
    let events: Vec<&str> = find(&spans, "Ask").events.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(events, ["taskmaster.task.waiting", "taskmaster.task.approved"]);
    assert!(!request.body.contains("s4id-by-a-program") && !request.body.contains("s3cret-words"));

    // What was sent is what is told of it later, to the letter.
    assert_eq!(sandbox.run("report -o otlp").code(0).stdout.trim_end(), request.body);
    sandbox.run("report -o otlp --to trace.json").code(0);
    assert_eq!(sandbox.read("trace.json").as_deref(), Some(request.body.as_str()));
    let run = sandbox.run(&format!("report -o otlp --run {}", text(&id))).code(0);
    assert_eq!(read(&run.json()).1, spans);
    assert!(is_clean(&sandbox.path()), "the key is in no file");
    for line in ["report -o json", "history -o json", "doctor -vv", "audit --export"] {
        let ended = sandbox.run(line);
        assert!(!ended.stdout.contains("k3y") && !ended.stderr.contains("k3y"), "{line}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn protobuf_says_the_same_and_a_destroy_is_told_too() {
    let receiver = Receiver::new(|_, _| say("200 OK", "Content-Type: application/x-protobuf\r\n", ""));
    let tasks = "tasks:\n  a/one: {run: {exec: [touch, one]}, undo: {exec: [rm, one]}}\n";
    let sandbox = project("# Shop\n\n## Phase 1: A\n\n- [ ] One\n", tasks)
        .var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/own", receiver.url));
    for (line, name) in [("run prd.md", "RUN Shop"), ("destroy prd.md --yes", "DESTROY Shop")] {
        let ended = sandbox.run(line).code(0);
        assert_eq!(warnings(&ended), [""; 0]);
        let request = receiver.requests().pop().expect("a request");
        assert!(request.line.starts_with("POST /own "), "{}", request.line);
        assert_eq!(request.headers["content-type"], "application/x-protobuf");
        let told = from_protobuf(&request.bytes);
        assert_eq!(told, sandbox.run("report -o otlp").code(0).json());
        assert_eq!(read(&told).1[0].name, name);
    }
    assert_eq!(receiver.requests().len(), 2);
}

#[test]
fn children_know_their_span_and_who_started_us_is_the_parent() {
    let receiver = accepting();
    let tell = |file: &str| format!("{{shell: 'echo $TRACEPARENT $TRACESTATE >{file}; exit 1'}}");
    let own = "{shell: {script: 'echo $TRACEPARENT >own', env: {TRACEPARENT: mine}}}";
    let tasks = format!(
        "vars:\n  s: {{secret: {{exec: [sh, -c, 'echo $TRACEPARENT >secret; echo x5ecret']}}}}\n\
         tasks:\n  a/one: {{check: {}, verify: {{exec: ['true']}}, run: {{shell: 'echo $TRACEPARENT $TRACESTATE $TM_VAR_S >>attempt'}}}}\n  \
         a/two: {{run: {own}}}\n",
        tell("check")
    );
    let sandbox = traced(project("# Shop\n\n## Phase 1: A\n\n- [ ] One\n- [ ] Two\n", &tasks), &receiver)
        .var("TRACEPARENT", AROUND)
        .var("TRACESTATE", "vendor=x");
    sandbox.run("run prd.md").code(0);
    let spans = read(&receiver.requests()[0].json()).1;
    assert_eq!(spans[0].trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(spans[0].parent.as_deref(), Some("00f067aa0ba902b7"));
    let one = find(&spans, "One");
    let attempt = spans.iter().find(|span| span.name == "run" && span.parent.as_ref() == Some(&one.id));
    let told = |span: &Told| format!("00-{}-{}-01", span.trace, span.id);
    let attempt = told(attempt.expect("an attempt"));
    let file = |name: &str| sandbox.read(name).expect("a file").trim_end().to_owned();
    assert!(file("attempt").starts_with(&format!("{attempt} vendor=x")), "{}", file("attempt"));
    assert_eq!(file("secret"), attempt, "who reads a secret works for the attempt");
    assert_eq!(file("check"), format!("{} vendor=x", told(one)), "a question belongs to its task");
    assert_eq!(file("own"), "mine", "the catalogue has the last word");

    // It is remembered with the run, for whoever asks without the variable; people are not shown it.
    let without = |args: &[&str]| {
        let output = sandbox.command(args).env_remove("TRACEPARENT").output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let told: Value = serde_json::from_str(&without(&["report", "-o", "otlp"])).expect("JSON");
    assert_eq!(read(&told).1, spans);
    assert!(!without(&["history"]).contains("4bf92f3577b34da6a3ce929d0e0e4736"));
    // What children are told belongs to no digest: what has no check stays done.
    std::fs::remove_file(sandbox.path().join("own")).expect("it was told");
    without(&["run", "prd.md"]);
    assert!(sandbox.read("own").is_none());
}

#[test]
fn a_killed_run_is_told_later() {
    let receiver = accepting();
    let slow = "tasks:\n  a/one: {check: {file_exists: done}, run: {shell: 'touch begun; while ! test -e go; do sleep 0.02; done; touch done'}}\n";
    let sandbox = traced(project("# Shop\n\n## Phase 1: A\n\n- [ ] One\n", slow), &receiver);
    let run = sandbox.start("run prd.md");
    until("it began", 20, || sandbox.read("begun"));
    let live = reported(&sandbox);
    assert_eq!(live[0].attributes["cicd.pipeline.run.state"], "executing");
    assert_eq!(live[0].error, None);
    run.kill();
    assert_eq!(receiver.connections(), 0);
    let killed = reported(&sandbox);
    let expected = [
        "RUN Shop error !its executor was killed",
        "RUN Shop > One error !the run was killed before its end",
        "One > check",
        "One > run !the run was killed before its end",
    ];
    assert_eq!(lines(&killed), expected);
    sandbox.write("go", "");
    let first = text(&sandbox.run("history -o json").code(0).json()["runs"][0]["id"]);
    sandbox.run("run prd.md").code(0);
    let settled = read(&sandbox.run(&format!("report -o otlp --run {first}")).code(0).json()).1;
    assert_eq!(lines(&settled)[1], "RUN Shop > One success", "its check found what it did");
    assert_eq!(settled[0].error.as_deref(), Some("its executor was killed"));
    let ids = |spans: &[Told]| -> Vec<(String, String)> {
        spans.iter().map(|span| (span.trace.clone(), span.id.clone())).collect()
    };
    assert_eq!(ids(&settled)[..4], ids(&killed));
    assert_eq!(ids(&live), ids(&killed));
    let requests = receiver.requests();
    let [second] = &requests[..] else { panic!("{requests:?}") };
    assert_ne!(read(&second.json()).1[0].trace, killed[0].trace, "what was sent is the second run");
}

/// Off: no connection, no word, and children see what they saw without us.
#[test]
fn nothing_is_sent_unless_somebody_asked_for_it() {
    let receiver = accepting();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.as_str());
    let grpc = "warning: telemetry: OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not spoken here: give http/protobuf or \
                http/json, and their port; no traces are sent";
    let unsampled = AROUND.replace("-01", "-00");
    type Vars<'a> = &'a [(&'a str, &'a str)];
    let rows: [(Vars<'_>, &[&str], &str); 6] = [
        (&[], &[], ""),
        (&[("TRACEPARENT", AROUND)], &[], AROUND),
        (&[endpoint, ("OTEL_SDK_DISABLED", "true")], &[], ""),
        (&[endpoint, ("OTEL_TRACES_EXPORTER", "none")], &[], ""),
        (&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], &[grpc], ""),
        (&[endpoint, ("TRACEPARENT", &unsampled)], &[], "00-4bf92f3577b34da6a3ce929d0e0e4736-*-00"),
    ];
    for (vars, expected, told) in rows {
        let tasks = "tasks:\n  a/one: {run: {shell: 'echo \"${TRACEPARENT-}\" >told'}}\n";
        let sandbox = project("# Shop\n\n## Phase 1: A\n\n- [ ] One\n", tasks);
        let sandbox = vars.iter().fold(sandbox, |sandbox, (name, value)| sandbox.var(name, *value));
        let ended = sandbox.run("run prd.md").code(0);
        assert_eq!(warnings(&ended), expected, "{vars:?}");
        let found = sandbox.read("told").expect("told").trim_end().to_owned();
        let parts: Vec<&str> = found.split('-').collect();
        let shown = match parts.as_slice() {
            [version, trace, span, flags] if !AROUND.contains(span) => format!("{version}-{trace}-*-{flags}"),
            _ => found,
        };
        assert_eq!(shown, told, "{vars:?}");
        reported(&sandbox);
    }
    assert_eq!(receiver.connections(), 0);
}

/// Whatever a receiver does, the run ends as it did, in its time, with one line that names no address and no key.
#[test]
fn no_receiver_fails_a_run_or_holds_it_up() {
    let echo = Receiver::new(|request, _| {
        let body = format!("no {} for {}", request.line, request.headers["api-key"]);
        say("401 Unauthorized", "", &body)
    });
    let hanging = Receiver::new(|_, _| Act::Hang);
    let closing = Receiver::new(|_, _| Act::Close);
    let dripping = Receiver::new(|_, _| Act::Drip("HTTP/1.1 200 OK\r\n\r\n".to_owned()));
    let broken = Receiver::new(|_, _| say("500 Internal Server Error", "", "x"));
    let moved = Receiver::new(|_, _| say("307 Temporary Redirect", "Location: http://127.0.0.1:1/\r\n", ""));
    let picky = Receiver::new(|_, _| say("200 OK", "", r#"{"partialSuccess":{"rejectedSpans":"2"}}"#));
    let token = format!("{}/t0ken-of-mine", echo.url);
    let gone = "http://127.0.0.1:1";
    let rows = [
        (token.as_str(), "401 Unauthorized: no POST <secret url> HTTP/1.1 for <secret key>"),
        (&hanging.url, "no answer within 1"),
        (&closing.url, ""),
        (gone, "Connection refused"),
        (&broken.url, "500 Internal Server Error: x"),
        (&moved.url, "307 Temporary Redirect: redirects are not followed"),
        (&picky.url, "the receiver did not take 2 spans"),
        ("ftp://127.0.0.1/t0ken", "ftp URLs are not asked, only http and https ones"),
    ];
    for (url, why) in rows {
        let sandbox = traced(small(), &echo)
            .var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url)
            .var("OTEL_EXPORTER_OTLP_TIMEOUT", "1200");
        let began = Instant::now();
        let ended = sandbox.run("run prd.md").code(0);
        assert!(began.elapsed() < Duration::from_secs(15), "{url}: {:?}", began.elapsed());
        let [line] = warnings(&ended)[..] else { panic!("{url}: {}", ended.stderr) };
        assert!(line.starts_with(&format!("warning: telemetry: the trace was not sent: {why}")), "{line}");
        for hidden in ["k3y", "127.0.0.1", "t0ken"] {
            assert!(!ended.stderr.contains(hidden), "{hidden}: {}", ended.stderr);
        }
        assert!(is_clean(&sandbox.path()));
    }
    assert_eq!(broken.requests().len(), 1, "by OTLP a 500 is not tried again");
    let sandbox = traced(small(), &dripping).var("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");
    let ended = sandbox.run("run prd.md").code(0);
    assert_eq!(warnings(&ended), [""; 0], "who said 200 has it");
}

#[test]
fn a_busy_receiver_is_asked_again() {
    for status in
        ["429 Too Many Requests", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"]
    {
        let busy = Receiver::new(move |_, before| match before {
            0 => say(status, "Retry-After: 0\r\n", ""),
            _ => say("200 OK", "", ""),
        });
        let ended = traced(small(), &busy).run("run prd.md").code(0);
        assert_eq!(warnings(&ended), [""; 0], "{status}");
        let requests = busy.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(requests[0].body, requests[1].body);
    }
}

#[test]
fn a_signal_ends_the_sending() {
    let hanging = Receiver::new(|_, _| Act::Hang);
    let sandbox = traced(small(), &hanging).var("OTEL_EXPORTER_OTLP_TIMEOUT", "60000");
    let run = sandbox.start("run prd.md");
    until("it is sent", 20, || (hanging.connections() > 0).then_some(()));
    let began = Instant::now();
    signal(run.pid(), "INT");
    let ended = run.wait().code(0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(warnings(&ended), ["warning: telemetry: the trace was not sent: stopped"]);
}

#[test]
fn there_is_no_trace_of_nothing() {
    let sandbox = small();
    sandbox.run("parse prd.md").code(0);
    let ended = sandbox.run("report -o otlp").code(2);
    assert!(ended.stderr.contains("there is no run in local yet"), "{}", ended.stderr);
    let ended = sandbox.run("plan prd.md -o otlp").code(2);
    assert!(ended.stderr.contains("`taskmaster report -o otlp` is"), "{}", ended.stderr);
    sandbox.run("report prd.md --since 7d -o otlp").code(2);
}
