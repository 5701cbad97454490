//! The probe: what it accepts, what it waits for, when it gives up.

use std::time::{Duration, Instant};

use crate::instance::{Instance, json, program, run};

#[test]
fn it_waits_until_the_service_is_ready() {
    let instance = Instance::start(&["--ready-delay-ms", "300", "--version", "v2"]);
    let url = instance.url("/health/ready");
    let output = run(&["probe", "--url", &url, "--interval", "20ms", "--timeout", "20s"]);
    let report = json(&output);
    assert_eq!((output.status.code(), report["ok"].as_bool()), (Some(0), Some(true)), "{report}");
    assert!(report["attempts"].as_u64() > Some(1), "{report}");
    assert!(report["fault"].is_null());
}

#[test]
fn it_gives_up_at_its_deadline_and_says_what_it_saw() {
    let instance = Instance::start(&["--ready-delay-ms", "3600000"]);
    let url = instance.url("/health/ready");
    let start = Instant::now();
    let output = run(&["probe", "--url", &url, "--interval", "50ms", "--timeout", "400ms"]);
    assert!(start.elapsed() < Duration::from_secs(10), "the deadline holds");
    let report = json(&output);
    assert_eq!((output.status.code(), report["ok"].as_bool()), (Some(1), Some(false)));
    assert_eq!(report["fault"], "status 503, expected 200");
    assert!(report["attempts"].as_u64() > Some(1), "{report}");
}

#[test]
fn it_compares_status_fields_and_text() {
    let instance = Instance::start(&["--version", "v2"]);
    let version = instance.url("/version");
    let probe = |args: &[&str]| {
        let base = ["probe", "--timeout", "100ms", "--url"];
        let output = run(&[&base, args].concat());
        (output.status.code(), json(&output)["fault"].as_str().map(str::to_owned))
    };
    assert_eq!(probe(&[&version, "--json-field", "version=v2"]), (Some(0), None));
    let wrong = probe(&[&version, "--json-field", "version=v1"]);
    assert_eq!(wrong, (Some(1), Some("field version is v2, expected v1".to_owned())));
    let page = instance.url("/html");
    assert_eq!(probe(&[&page, "--contains", "sample-api"]), (Some(0), None));
    assert_eq!(probe(&[&page, "--contains", "other-api"]).0, Some(1));
    let field = probe(&[&page, "--json-field", "version=v2"]);
    assert_eq!(field, (Some(1), Some("the answer is not JSON".to_owned())));
    let absent = instance.url("/absent");
    assert_eq!(probe(&[&absent, "--expect-status", "404"]), (Some(0), None));
}

#[test]
fn it_wants_several_good_answers_in_a_row_when_told_so() {
    let rate = ["--error-rate", "0.5", "--seed", "5"];
    let faulty = Instance::start(&rate);
    let many = ["--consecutive", "40", "--interval", "1ms", "--timeout", "600ms"];
    let output = run(&[&["probe", "--url", &faulty.url("/version")], &many[..]].concat());
    assert_eq!(output.status.code(), Some(1), "no forty in a row at one half");
    let healthy = Instance::start(&[]);
    let output = run(&[&["probe", "--url", &healthy.url("/version")], &many[..4]].concat());
    assert_eq!((output.status.code(), json(&output)["attempts"].as_u64()), (Some(0), Some(40)));
}

#[test]
fn nobody_there_is_a_fault_not_a_crash() {
    let instance = Instance::start(&[]);
    let url = instance.url("/health");
    instance.stop();
    let output = run(&["probe", "--url", &url, "--timeout", "100ms"]);
    assert_eq!((output.status.code(), json(&output)["fault"].as_str()), (Some(1), Some("cannot connect")));
}

#[test]
fn get_prints_the_body_and_fails_with_the_status() {
    let instance = Instance::start(&["--version", "v5"]);
    let output = run(&["get", "--url", &instance.url("/metrics")]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("version=\"v5\"") && text.ends_with("# EOF\n"), "{text}");
    let output = run(&["get", "--url", &instance.url("/absent")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("no such path"), "the body is shown");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: status 404\n");
}

#[test]
fn settings_of_the_service_in_the_environment_do_not_disturb_it() {
    let instance = Instance::start(&[]);
    let url = instance.url("/health");
    let output = program()
        .envs([("PORT", "1"), ("APP_VERSION", "v1"), ("ERROR_RATE", "1")])
        .args(["probe", "--url", &url])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn faulty_arguments_are_usage_errors() {
    let rows: [&[&str]; 5] = [
        &["probe"],
        &["probe", "--url", "https://localhost/"],
        &["probe", "--url", "localhost"],
        &["probe", "--url", "http://localhost/", "--json-field", "version"],
        &["probe", "--url", "http://localhost/", "--timeout", "soon"],
    ];
    for args in rows {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}
