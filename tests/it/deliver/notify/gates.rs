//! Gates: what is asked, and what each answer means.

use super::receiver::{Act, LONGEST, Receiver, Request, say};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use taskmaster::deliver::notify::{GateCall, Question, SIGNATURE, Secret, TIMESTAMP, ask, signature};
use taskmaster_delivery::engine::{Answer, Phase};
use taskmaster_delivery::spec::GateKind;

fn gate(url: &str, timeout: Duration) -> GateCall {
    GateCall {
        name: "office-hours".into(),
        kind: GateKind::ConfirmTrafficIncrease,
        url: Secret::new(url.to_owned()),
        timeout,
        key: None,
        metadata: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
    }
}

fn question() -> Question {
    Question {
        rollout: "web".into(),
        namespace: None,
        revision: "v4".into(),
        stable: Some("v3".into()),
        phase: Phase::Analyzing,
        step: Some((2, 5)),
        weight: Some(10),
        next_weight: Some(25),
    }
}

async fn answer_of(act: Act) -> Answer {
    let receiver = Receiver::new(move |_, _| act.clone());
    ask(&gate(&receiver.url, Duration::from_millis(500)), &question()).await
}

fn no(why: &str) -> Answer {
    Answer::No { why: why.into() }
}

fn nothing(why: &str) -> Answer {
    Answer::Nothing { why: why.into() }
}

#[tokio::test]
async fn a_gate_is_asked_what_flagger_asks_and_more() {
    let receiver = Receiver::new(|_, _| say("200 OK", "", ""));
    let mut gate = gate(&format!("{}/gate/check?team=a", receiver.url), LONGEST);
    gate.key = Some(Secret::new("the-key".into()));
    assert_eq!(ask(&gate, &question()).await, Answer::Yes);
    let Request { line, headers, body, .. } = receiver.requests().remove(0);
    assert_eq!(line, "POST /gate/check?team=a HTTP/1.1");
    assert_eq!(headers["content-type"], "application/json");
    let timestamp = &headers[&TIMESTAMP.to_ascii_lowercase()];
    let expected = signature(&Secret::new("the-key".into()), timestamp.parse().unwrap(), body.as_bytes());
    assert_eq!(headers[&SIGNATURE.to_ascii_lowercase()], expected);
    let mut asked: serde_json::Value = serde_json::from_str(&body).unwrap();
    asked["at"] = json!(null);
    let expected = json!({
        "name": "web", "namespace": "local", "phase": "Progressing", "checksum": "v4",
        "metadata": {"team": "shop"},
        "gate": "office-hours", "kind": "confirm-traffic-increase", "revision": "v4", "stable": "v3",
        "state": "analyzing", "step": 2, "steps": 5, "weight_percent": 10, "next_weight_percent": 25,
        "at": null,
    });
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn without_a_key_nothing_is_signed() {
    let receiver = Receiver::new(|_, _| say("202 Accepted", "", ""));
    assert_eq!(ask(&gate(&receiver.url, LONGEST), &question()).await, Answer::Yes);
    let headers = receiver.requests().remove(0).headers;
    assert!(!headers.contains_key(&SIGNATURE.to_ascii_lowercase()), "{headers:?}");
}

#[tokio::test]
async fn a_no_has_the_gates_words() {
    let rows = [
        (say("403 Forbidden", "", "Forbidden"), no("403 Forbidden: Forbidden")),
        (
            say("500 Internal Server Error", "", "{\"message\": \"2 tests failed\"}"),
            no("500 Internal Server Error: 2 tests failed"),
        ),
        (say("404 Not Found", "", "<html><h1>Oh!</h1></html>"), no("404 Not Found")),
        (say("409 Conflict", "", "\u{1b}]0;title\u{7}\u{1b}[31mfreeze\r\nmore"), no("409 Conflict: freeze")),
        (say("204 No Content", "", ""), no("204 No Content")),
        (say("429 Too Many Requests", "", "later"), nothing("429 Too Many Requests: later")),
        (say("503 Service Unavailable", "", ""), nothing("503 Service Unavailable")),
        (say("401 Unauthorized", "", ""), nothing("401 Unauthorized")),
    ];
    for (act, expected) in rows {
        assert_eq!(answer_of(act.clone()).await, expected, "{act:?}");
    }
}

#[tokio::test]
async fn what_is_no_whole_answer_is_nothing() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let rows = [
        (Act::Hang, "no answer within 500ms"),
        (Act::SayAndHang("HTTP/1.1 200 OK\r\nContent-Le".into()), "no answer within 500ms"),
        (
            Act::SayAndHang(format!("{ok}Content-Length: 9\r\n\r\nyes")),
            "200 OK: its body did not come to an end in time",
        ),
        (
            Act::Drip(format!("{ok}Content-Length: 100000\r\n\r\n")),
            "200 OK: its body did not come to an end in time",
        ),
        (
            Act::Flood(format!("{ok}Content-Length: 100000000\r\n\r\n")),
            "200 OK: its body is longer than 65536 bytes",
        ),
    ];
    for (act, expected) in rows {
        let begun = Instant::now();
        assert_eq!(answer_of(act.clone()).await, nothing(expected), "{act:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{act:?}");
    }
    for act in [
        Act::Say(format!("{ok}Content-Length: 100\r\n\r\nyes")),
        Act::Say(format!("{ok}Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
        Act::Say("SSH-2.0-OpenSSH_9.2\r\n".into()),
        Act::Close,
    ] {
        let answer = answer_of(act.clone()).await;
        assert!(matches!(answer, Answer::Nothing { .. }), "{act:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::new(|_, _| say("200 OK", "", ""));
    let target = elsewhere.url.clone();
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let answer = answer_of(say(status, &format!("Location: {target}/\r\n"), "")).await;
        assert_eq!(answer, nothing(&format!("{status}: redirects are not followed")));
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn nobody_there_is_nothing_and_no_address_is_shown() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = ask(&gate(&format!("http://{free}/T0KEN0123456"), LONGEST), &question()).await;
    let Answer::Nothing { why } = answer else { panic!("{answer:?}") };
    assert!(why.contains("refused") && !why.contains("T0KEN"), "{why}");
    let answer = ask(&gate("gopher://T0KEN0123456/", LONGEST), &question()).await;
    assert_eq!(answer, nothing("gopher URLs are not asked, only http and https ones"));
}

#[tokio::test]
async fn an_answer_that_repeats_the_question_gives_no_secret_away() {
    let receiver = Receiver::new(|request, _| {
        let words = format!("Cannot {} for {}", request.line, request.headers["x-taskmaster-signature"]);
        say("404 Not Found", "", &words)
    });
    let mut gate = gate(&format!("{}/hooks/T0KEN0123456?key=s3cr3tk3y", receiver.url), LONGEST);
    gate.key = Some(Secret::new("the-signing-key".into()));
    let answer = ask(&gate, &question()).await;
    let Answer::No { why } = answer else { panic!("{answer:?}") };
    assert!(why.starts_with("404 Not Found: Cannot POST <secret url>"), "{why}");
    assert!(!why.contains("T0KEN") && !why.contains("s3cr3t"), "{why}");
    assert!(!format!("{gate:?}").contains("T0KEN"), "{gate:?}");
    assert!(!format!("{gate:?}").contains("signing"), "{gate:?}");
}
