//! The service as a process: start-up, settings from the environment, signals, exit codes.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::http::{eventually, get, read, request, send, send_keeping};
use crate::instance::{Process, program, run};

#[test]
fn a_free_port_is_chosen_printed_and_written() {
    let first = Process::start(&[]);
    let second = Process::start(&[]);
    assert_ne!(first.address, second.address);
    for process in [&first, &second] {
        assert_eq!(process.first_line, format!("listening on http://{}\n", process.address));
        assert_eq!(get(process.address, "/health").status, 200);
    }
}

#[test]
fn settings_come_from_the_environment_and_flags_win() {
    let env = [("APP_VERSION", "v7"), ("APP_COLOUR", "blue"), ("ERROR_RATE", "1")];
    let from_env = Process::start_with(&env, &[]);
    let health = get(from_env.address, "/health");
    assert_eq!((health.status, health.json()["version"].as_str()), (200, Some("v7")));
    assert_eq!(get(from_env.address, "/version").status, 500, "ERROR_RATE");

    let flags = Process::start_with(&env, &["--version", "v8", "--error-rate", "0"]);
    let version = get(flags.address, "/version").json();
    assert_eq!((version["version"].as_str(), version["colour"].as_str()), (Some("v8"), Some("blue")));
}

#[test]
fn both_stop_signals_end_it_cleanly_and_take_the_port_file_along() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut process = Process::start(&["--drain-ms", "0"]);
        let slow = send(process.address, "GET", "/slow?ms=300").expect("sent");
        let in_flight = || {
            let text = get(process.address, "/metrics").body;
            text.contains("http_requests_in_flight 1").then_some(())
        };
        eventually("in flight", in_flight);
        process.signal(signal);
        assert_eq!(process.wait().code(), Some(0), "{signal:?}");
        assert_eq!(read(slow).expect("answered").status, 200);
        assert!(!process.port_file.exists());
    }
}

#[test]
fn a_draining_instance_still_serves_but_is_not_ready() {
    let mut process = Process::start(&["--drain-ms", "600000"]);
    eventually("ready", || (get(process.address, "/health/ready").status == 200).then_some(()));
    process.signal(Signal::TERM);
    let draining = || {
        let answer = get(process.address, "/health/ready");
        (answer.status == 503).then_some(answer)
    };
    let answer = eventually("out of rotation", draining);
    assert_eq!(answer.json()["status"], "draining");
    assert_eq!(get(process.address, "/version").status, 200, "late requests are served");
    assert_eq!(get(process.address, "/health/live").status, 200, "it must not be killed");

    // A client that would keep its connection is told to look elsewhere.
    let keep = send_keeping(process.address, "/version").expect("it still listens");
    assert_eq!(read(keep).expect("the server closes").header("connection"), "close");

    process.signal(Signal::TERM);
    assert_eq!(process.wait().code(), Some(143), "a second signal does not wait");
}

#[test]
fn a_request_cut_off_makes_the_exit_code_tell() {
    let mut process = Process::start(&["--drain-ms", "0", "--stop-timeout-ms", "50"]);
    let _slow = send(process.address, "GET", "/slow?ms=10000").expect("sent");
    let in_flight = || {
        let text = get(process.address, "/metrics").body;
        text.contains("http_requests_in_flight 1").then_some(())
    };
    eventually("in flight", in_flight);
    process.signal(Signal::TERM);
    assert_eq!(process.wait().code(), Some(1));
    assert!(process.stderr().contains("error: 1 requests were cut off"));
}

#[test]
fn an_idle_connection_does_not_spoil_the_end() {
    let mut process = Process::start(&["--drain-ms", "0", "--stop-timeout-ms", "200"]);
    let idle = TcpStream::connect(process.address).expect("it listens");
    assert_eq!(get(process.address, "/health").status, 200, "accepted after the idle one");
    process.signal(Signal::TERM);
    assert_eq!(process.wait().code(), Some(0));
    drop(idle);
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let process = Process::start(&[]);
    let output = run(&["--port", &process.address.port().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&format!("error: cannot listen on {}: ", process.address)), "{stderr}");
    assert!(request(process.address, "GET", "/health").is_ok(), "the first one is not disturbed");
}

#[test]
fn an_unwritable_port_file_is_an_error() {
    let output = run(&["--port", "0", "--port-file", "/nonexistent/folder/port"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot write the port file /nonexistent/folder/port"), "{stderr}");
}

#[test]
fn faulty_settings_are_usage_errors() {
    let rows: [&[&str]; 6] = [
        &["--error-rate", "1.5"],
        &["--error-rate", "often"],
        &["--version", "two words"],
        &["--latency-ms", "60001"],
        &["--port", "65536"],
        &["serve"],
    ];
    for args in rows {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    let output = program().env("ERROR_RATE", "2").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2), "the environment is held to the same rules");
}
