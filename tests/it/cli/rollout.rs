//! `taskmaster rollout simulate` and `rehearse`, as people meet them.

use super::sandbox;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use taskmaster_testkit::Sandbox;

fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/rollouts").join(name);
    std::fs::read_to_string(path).expect("an example")
}

/// The examples, as somebody copies them.
fn examples() -> Sandbox {
    let sandbox = sandbox();
    for name in ["canary.yaml", "blue-green.yaml", "rolling.yaml", "canary-faulty.json"] {
        sandbox.write(name, example(name));
    }
    sandbox
}

#[test]
fn every_example_is_simulated() {
    let sandbox = examples();
    for name in ["canary", "blue-green", "rolling"] {
        let line = format!("rollout simulate -f {name}.yaml --scenario healthy --seeds 3 -o json");
        let view = sandbox.run(&line).code(0).json();
        let row = &view["scenarios"][0];
        assert_eq!((&row["completed"], &row["stuck"]), (&3.into(), &0.into()), "{name}: {row}");
        let text =
            sandbox.run(&format!("rollout simulate -f {name}.yaml --scenario healthy --seeds 1")).code(0);
        assert!(
            text.stdout.contains("100 ┤") && text.stdout.contains("seed 0: completed"),
            "{}",
            text.stdout
        );
    }
}

#[test]
fn a_faulty_version_is_taken_back_in_nearly_every_run() {
    let sandbox = examples();
    let line = "rollout simulate -f canary.yaml --scenario faulty --seeds 20 --seed 7 -o json";
    let view = sandbox.run(line).code(0).json();
    let row = &view["scenarios"][0];
    assert_eq!(row["rolled_back"], 20, "{row}");
    assert!(row["failed_on_canary"].as_u64() < row["answered_by_canary"].as_u64());
    assert_eq!(view, sandbox.run(line).code(0).json(), "a seed is a run");
    assert!(sandbox.run(&line.replace("json", "markdown")).code(0).stdout.contains("```text"));
}

#[test]
fn what_metrics_are_taken_for_is_said_and_can_be_told() {
    let sandbox = examples();
    let line = "rollout simulate -f blue-green.yaml --scenario healthy --seeds 2";
    let text = sandbox.run(line).code(0).stdout;
    assert!(text.contains("success-rate is taken for the share of requests that succeeded"), "{text}");
    assert!(text.contains("p95 is taken for the 95th percentile of the latency, in seconds"), "{text}");
    let told = sandbox.run(&format!("{line} --metric success-rate=errors -o json")).code(0).json();
    assert_eq!(told["scenarios"][0]["rolled_back"], 2);
    let nobody = sandbox.run(&format!("{line} --metric nope=up")).code(2);
    assert!(nobody.stderr.contains("no counted metric is called `nope`"), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("success-rate, p95"), "{}", nobody.stderr);
    let nothing = sandbox.run("rollout simulate -f canary.yaml --scenario nope").code(2);
    assert!(nothing.stderr.contains("no scenario is called `nope`"), "{}", nothing.stderr);
}

/// Every kind of fault at its line, with a caret: what the issue of this part lists.
#[test]
fn faults_of_a_rollout_stand_at_their_lines() {
    let canary = |steps: &str, analysis: &str| {
        format!(
            "name: web\nreplicas: 4\nstrategy:\n  canary:\n    steps:\n{steps}\nanalysis:\n  metrics: [{analysis}]\n"
        )
    };
    let good = "      - setWeight: 10";
    for (text, line, words) in [
        (canary("      - setWeight: 101", ""), 6, "101"),
        (canary("      - setWeight: 50\n      - setWeight: 20", ""), 7, "20 after 50 does not rise"),
        (canary("      - setWeight: 100\n      - pause: {}\n      - setWeight: 100", ""), 8, "100"),
        (canary("      - analysis: {metrics: [nope]}", "{name: a, threshold: 1}"), 6, "nope"),
        (canary(good, "{name: a, successCondition: 'result <'}"), 8, "successCondition"),
        (canary(good, "{name: a, successCondition: 'result + 1'}"), 8, "successCondition"),
        (canary("      - pause: {duration: -5s}", ""), 6, "-5s"),
        ("name: web\nstrategy: {canary: {}, rolling: {}}\n".to_owned(), 2, "canary"),
        (canary("      - setWieght: 5", ""), 6, "did you mean `setWeight`?"),
        ("name: web\nstrategy: ]\n".to_owned(), 2, "not YAML"),
        ("name: web\nname: shop\nstrategy: {rolling: {}}\n".to_owned(), 2, "name"),
    ] {
        let sandbox = sandbox();
        sandbox.write("web.yaml", &text);
        let ended = sandbox.run("rollout simulate -f web.yaml");
        assert!((10..=13).contains(&ended.code), "{text}{}: {}", ended.code, ended.stderr);
        assert!(ended.stderr.contains(&format!("web.yaml:{line}:")), "{text}\n{}", ended.stderr);
        assert!(ended.stderr.contains('^') && ended.stderr.contains(words), "{text}\n{}", ended.stderr);
        sandbox.run("rollout rehearse -f web.yaml --from none.json").code(ended.code);
    }
}

/// A million steps are refused, soon and in a few words: as more than is understood, or than is read at all.
#[test]
fn a_million_steps_are_refused() {
    let sandbox = sandbox();
    for (steps, code) in [(100_000, 13), (200_000, 13), (1_000_000, 2)] {
        let steps = "      - pause: {duration: 1s}\n".repeat(steps);
        sandbox.write("web.yaml", format!("name: web\nstrategy:\n  canary:\n    steps:\n{steps}"));
        let ended = sandbox.run("rollout simulate -f web.yaml").code(code);
        assert!(ended.stderr.len() < 2_000 && ended.stderr.contains("web.yaml"), "{}", ended.stderr);
    }
}

#[test]
fn a_recording_says_what_would_have_happened() {
    let sandbox = examples();
    let line = "rollout rehearse -f canary.yaml --from canary-faulty.json";
    let text = sandbox.run(line).code(50).stdout;
    for said in
        ["after 105 s: rolled back: errors: canary 3.8 %", "What this cannot show", "would have been spared"]
    {
        assert!(text.replace('\n', " ").contains(said), "{said}: {text}");
    }
    let view = sandbox.run(&format!("{line} -o json")).code(50).json();
    assert_eq!((&view["took_s"], &view["is_rolled_back"]), (&105.0.into(), &true.into()));
    assert!(sandbox.run(&format!("{line} -o markdown")).code(50).stdout.contains("| 105 s | rolled back |"));
}

/// Answers one request after the other with this, as a Prometheus would.
fn serve(body: String, requests: usize) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/api/v1/query_range", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = body.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, served)
}

#[test]
fn a_recording_may_come_from_a_url() {
    let sandbox = sandbox();
    let rolling = "name: web\nstrategy: {rolling: {analysis: {}}}\nanalysis:\n  metrics: [{name: rate, threshold: 0.05, interval: 15s, count: 3}]\n";
    sandbox.write("web.yaml", rolling);
    let samples: Vec<String> = (0..20).map(|at| format!("[{},\"0.2\"]", 1_700_000_000 + at * 15)).collect();
    let body = format!(
        "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{{\"metric\":{{}},\"values\":[{}]}}]}}}}",
        samples.join(",")
    );
    let (url, served) = serve(body, 1);
    let text = sandbox.run(&format!("rollout rehearse -f web.yaml --from {url}")).code(50).stdout;
    assert!(text.contains("rolled back: fail: rate 0.2 is not < 0.05"), "{text}");
    served.join().expect("it was asked");
    let (url, served) = serve("<html>proxy</html>".to_owned(), 1);
    let wrong = sandbox.run(&format!("rollout rehearse -f web.yaml --from {url}")).code(2);
    assert!(wrong.stderr.contains("is no recording"), "{}", wrong.stderr);
    served.join().expect("it was asked");
    let gone = sandbox.run(&format!("rollout rehearse -f web.yaml --from {url}")).code(2);
    assert!(gone.stderr.contains("refused"), "{}", gone.stderr);
}

#[test]
fn recordings_that_are_none_say_why() {
    let sandbox = examples();
    for (text, words) in [
        ("", "is no recording"),
        ("{}", "is no recording"),
        ("{\"status\":\"error\",\"error\":\"query timed out\"}", "query timed out"),
        ("\u{1}", "is no recording"),
        ("\u{0}", "cannot read odd.json"),
    ] {
        sandbox.write("odd.json", text);
        let ended = sandbox.run("rollout rehearse -f canary.yaml --from odd.json").code(2);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    let missing = sandbox.run("rollout rehearse -f canary.yaml --from canary-fualty.json").code(2);
    assert!(missing.stderr.contains("did you mean canary-faulty.json?"), "{}", missing.stderr);
}
