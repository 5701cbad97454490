//! The catalogue action `prometheus`: by the program itself, against a real server.

use super::server::{Request, Server, success, vector};
use std::sync::Mutex;
use taskmaster_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"))
}

/// A server that answers with these values, one after the other, and then with the last one.
fn answering(values: &'static [f64]) -> Server {
    let at = Mutex::new(0);
    Server::saying(move |request, _| {
        if request.path.ends_with("query_range") {
            return (200, past(request, |_| 0.01));
        }
        let mut at = at.lock().unwrap();
        let value = values[(*at).min(values.len() - 1)];
        *at += 1;
        (200, vector(&[("{}", value)]))
    })
}

/// Answers of the past, by the seconds before its end.
fn past(request: &Request, value: impl Fn(f64) -> f64) -> String {
    let field = |name: &str| request.field(name).unwrap().trim_end_matches("ms").parse::<f64>().unwrap();
    let (start, end, step) = (field("start"), field("end"), field("step") / 1_000.0);
    let times = (0..=((end - start) / step).round() as usize).map(|at| start + step * at as f64);
    let values: Vec<String> = times.map(|at| format!("[{at},\"{}\"]", value(end - at))).collect();
    success("matrix", &format!(r#"[{{"metric":{{}},"values":[{}]}}]"#, values.join(",")))
}

fn run(server: &Server, more: &[&str], code: i32) -> (String, String) {
    let url = format!("--url=http://{}", server.address);
    let args = ["prometheus-gate", url.as_str(), "--query=x", "--interval=10ms"];
    let output = sandbox().command(args.iter().chain(more)).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

#[test]
fn it_waits_until_the_answer_is_good() {
    let server = answering(&[0.9, f64::NAN, 0.1]);
    let (out, _) = run(&server, &["--threshold=0.5"], 0);
    assert_eq!(out, "0.9 is not < 0.5\nis not a number\n0.1 is < 0.5\n");
    // The same answer is given again for a second.
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn it_asks_once_where_it_has_no_time_and_is_shut_when_that_is_over() {
    let server = answering(&[3.0]);
    let (_, err) = run(&server, &["--max=2", "--timeout=0s"], 1);
    assert_eq!((err.as_str(), server.requests().len()), ("not so: 3 is not <= 2\n", 1));
    let (_, err) = run(&answering(&[3.0]), &["--min=1", "--max=2", "--timeout=50ms"], 1);
    assert_eq!(err, "not so: timed out after 50ms: 3 is not in 1..2\n");
    run(&answering(&[1.5]), &["--min=1", "--max=2", "--timeout=0s"], 0);
}

#[test]
fn conditions_speak_of_a_number_or_of_a_list() {
    run(&answering(&[1.0]), &["--success=result == 1.0", "--timeout=0s"], 0);
    run(&answering(&[1.0]), &["--success=result[0] == 1.0 && size(result) == 1", "--timeout=0s"], 0);
    let both = ["--success=result < 0.5", "--failure=result > 0.8"];
    let (out, err) = run(&answering(&[0.6, 0.9]), &both, 1);
    assert_eq!(out, "0.6: neither condition holds\n");
    assert_eq!(err, "not so: 0.9: `result > 0.8` is true\n");
}

#[test]
fn it_must_have_been_good_for_a_while() {
    let since = |seconds: f64| {
        Server::saying(move |request, _| {
            let is_range = request.path.ends_with("query_range");
            let value = |ago: f64| if ago > seconds { 0.9 } else { 0.1 };
            (200, if is_range { past(request, value) } else { vector(&[("{}", 0.1)]) })
        })
    };
    let times = ["--threshold=0.5", "--for=60s", "--interval=10s", "--timeout=0s"];
    let server = since(35.0);
    let (_, err) = run(&server, &times, 1);
    assert_eq!(err, "not so: 0.1 is < 0.5, but not for 60s yet: 0.9 is not < 0.5, 40 s ago\n");
    // By the server's clock, which is years behind ours.
    let range = &server.requests()[1];
    assert_eq!(
        ["start", "end", "step"].map(|name| range.field(name).unwrap()),
        ["1763740740.250", "1763740800.250", "10000ms"]
    );
    let (out, _) = run(&since(61.0), &times, 0);
    assert_eq!(out, "0.1 is < 0.5, for 60s\n");
}

#[test]
fn without_an_answer_nothing_can_be_said() {
    let broken =
        Server::saying(|_, _| (400, r#"{"status":"error","errorType":"bad_data","error":"parse"}"#.into()));
    let (_, err) = run(&broken, &["--threshold=1", "--timeout=20s"], 2);
    assert_eq!((err.as_str(), broken.requests().len()), ("error: bad_data: parse\n", 1));
    let sick =
        Server::saying(|_, _| (422, r#"{"status":"error","errorType":"execution","error":"many"}"#.into()));
    run(&sick, &["--threshold=1", "--timeout=20s"], 2);
    assert_eq!(sick.requests().len(), 5);
    for wrong in
        [&["--threshold=1", "--min=1"][..], &[], &["--success=result <"], &["--threshold=1", "--header=X-A"]]
    {
        run(&sick, wrong, 2);
    }
}

#[test]
fn a_task_of_a_catalogue_waits_and_no_secret_is_seen() {
    let server = Server::saying(|request, number| {
        let token = request.header("authorization") == Some("Bearer s3cret-token");
        let tenant = request.header("x-tenant") == Some("s3cret-tenant");
        if !(token && tenant) {
            return (401, String::new());
        }
        // The check asks before the run does.
        (200, vector(&[("{}", if number == 0 { 7.0 } else { 0.0 })]))
    });
    let sandbox = sandbox().var("TOKEN", "s3cret-token").var("TENANT", "s3cret-tenant");
    sandbox.write("prd.md", "# P\n\n## Phase 1: Gate\n\n- [ ] T001 Wait\n");
    let url = format!("http://{}", server.address);
    sandbox.write(
        "tasks/local.yaml",
        format!(
            "tasks:\n  T001:\n    run:\n      prometheus:\n        url: {url}\n        query: x\n        threshold: 1\n        \
             interval: 20ms\n        bearer: {{secret: env:TOKEN}}\n        headers: {{X-Tenant: {{secret: env:TENANT}}}}\n"
        ),
    );
    let plan = sandbox.run("plan prd.md").code(0).stdout;
    assert!(plan.contains("prometheus"), "{plan}");
    sandbox.run("run prd.md --no-wait").code(0);
    let log = sandbox.run("logs T001").code(0).stdout;
    assert!(log.contains("0 is < 1"), "{log}");
    let all = format!("{plan}{log}{}", sandbox.run("plan prd.md -o json").stdout);
    assert!(!all.contains("s3cret"), "{all}");
    let again = server.requests().len();
    sandbox.run("run prd.md --no-wait").code(0);
    assert_eq!(server.requests().len(), again + 1, "satisfied by its check");
}
