//! `taskmaster rollout load`.

use super::server::{Server, version};
use taskmaster_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_taskmaster"))
}

#[test]
fn the_command_tells_what_came_back() {
    let server = Server::new(|_, number| version(if number % 4 == 0 { "v2" } else { "v1" }));
    let load = format!("rollout load {} --rate 100 --duration 200ms", server.url);
    let sandbox = sandbox();
    let report = sandbox.run(&format!("{load} -o json")).code(0).json();
    assert_eq!((&report["view"], &report["sent"], &report["ok"]), (&"load".into(), &20.into(), &20.into()));
    assert_eq!(report["versions"]["v2"]["answers"], 5);
    let text = sandbox.run(&load).code(0).stdout;
    assert!(
        text.contains(": 20 sent, 20 ok, 0 failed (0.00 %)") && text.contains("\nstatus    200 × 20\n"),
        "{text}"
    );
    assert!(text.contains("\nv2        5 answers, 0 failed, p50"), "{text}");
}

#[test]
fn what_is_no_plain_url_is_refused() {
    let sandbox = sandbox();
    for (url, words) in [("https://127.0.0.1/", "only http:// URLs"), ("nonsense", "http:// URLs")] {
        let refused = sandbox.run(&format!("rollout load {url}")).code(2);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    sandbox.run("rollout load http://127.0.0.1:1/ --rate 0").code(2);
}
