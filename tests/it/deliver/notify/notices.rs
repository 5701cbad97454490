//! Notices: what receivers get, and what becomes of those that do not take it.

use super::receiver::{Act, LONGEST, Receiver, say};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use taskmaster::deliver::notify::{
    Event, Hook, HookState, Limits, Notifier, SIGNATURE, Secret, TIMESTAMP, signature,
};
use taskmaster_delivery::spec::{Event as Kind, Format};

fn hook(name: &str, url: &str, events: &[Kind]) -> Hook {
    Hook {
        name: name.into(),
        format: Format::Generic,
        url: Secret::new(url.to_owned()),
        events: events.iter().copied().collect(),
        key: Some(Secret::new("the-key".into())),
    }
}

pub(super) fn event(id: &str, what: Kind) -> Event {
    Event {
        id: id.into(),
        at: "2026-03-04T05:06:07.089Z".parse().unwrap(),
        what,
        rollout: "web".into(),
        namespace: None,
        revision: "v4".into(),
        stable: Some("v3".into()),
        step: Some((2, 5)),
        weight: Some(25),
        why: None,
    }
}

/// Patience of a test.
fn limits() -> Limits {
    Limits {
        timeout: Duration::from_millis(300),
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        tries: 4,
        ..Limits::default()
    }
}

async fn until(notifier: &Notifier, done: impl Fn(&[HookState]) -> bool) -> Vec<HookState> {
    let end = Instant::now() + LONGEST;
    loop {
        let state = notifier.state();
        if done(&state) {
            return state;
        }
        assert!(Instant::now() < end, "{state:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn those_who_want_to_know_are_told_in_order_and_signed() {
    let receiver = Receiver::new(|_, _| say("204 No Content", "", ""));
    let all = hook("all", &format!("{}/all", receiver.url), &Kind::ALL);
    let ends = hook("ends", &format!("{}/ends", receiver.url), &[Kind::RolledBack]);
    let notifier = Notifier::start(vec![all, ends]);
    // Letters of any script may be in a name, and so in an id.
    for (id, what) in [("größe-1", Kind::Begun), ("2\r\nX-Evil: 1", Kind::Step), ("3", Kind::RolledBack)] {
        assert!(notifier.tell(event(id, what)));
    }
    let state = notifier.stop(LONGEST).await;
    let sent: Vec<_> = state.iter().map(|hook| (hook.name.as_str(), hook.sent, hook.waiting)).collect();
    assert_eq!(sent, [("all", 3, 0), ("ends", 1, 0)]);
    let requests = receiver.requests();
    let of = |path: &str| -> Vec<String> {
        let those = requests.iter().filter(|request| request.line.contains(path));
        those.map(|request| request.json()["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("/all "), ["größe-1", "2\r\nX-Evil: 1", "3"]);
    assert_eq!(of("/ends "), ["3"]);
    for request in &requests {
        let timestamp = request.headers[&TIMESTAMP.to_ascii_lowercase()].parse().unwrap();
        let expected = signature(&Secret::new("the-key".into()), timestamp, request.body.as_bytes());
        assert_eq!(request.headers[&SIGNATURE.to_ascii_lowercase()], expected);
        let id = request.json()["id"].as_str().unwrap().replace(['\r', '\n'], "");
        assert_eq!(request.headers["x-taskmaster-delivery"], id);
        assert!(!request.headers.contains_key("x-evil"), "{:?}", request.headers);
    }
}

#[tokio::test]
async fn what_may_do_later_is_sent_again_and_the_same() {
    let receiver = Receiver::new(|_, before| match before {
        0 => say("503 Service Unavailable", "", "starting"),
        1 => Act::Close,
        2 => Act::Hang,
        _ => say("200 OK", "", "ok"),
    });
    let notifier = Notifier::with(vec![hook("a", &receiver.url, &Kind::ALL)], limits());
    notifier.tell(event("1", Kind::Completed));
    let state = notifier.stop(LONGEST).await;
    assert_eq!((state[0].sent, state[0].failed, state[0].dropped), (1, 0, 0), "{state:?}");
    assert_eq!(state[0].fault, None);
    let bodies: BTreeSet<String> = receiver.requests().into_iter().map(|request| request.body).collect();
    assert_eq!((receiver.requests().len(), bodies.len()), (4, 1));
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_left_alone() {
    let receiver = Receiver::new(|_, before| match before {
        0 => say("429 Too Many Requests", "Retry-After: 0.4\r\n", ""),
        _ => say("200 OK", "", ""),
    });
    let notifier = Notifier::with(vec![hook("a", &receiver.url, &Kind::ALL)], limits());
    let begun = Instant::now();
    notifier.tell(event("1", Kind::Completed));
    assert_eq!(notifier.stop(LONGEST).await[0].sent, 1);
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_will_never_do_is_given_up_and_the_next_is_tried() {
    let elsewhere = Receiver::new(|_, _| say("200 OK", "", ""));
    let target = elsewhere.url.clone();
    let receiver = Receiver::new(move |_, before| match before {
        0 => say("404 Not Found", "", "no_service"),
        1 => say("307 Temporary Redirect", &format!("Location: {target}/\r\n"), ""),
        2 => say("429 Too Many Requests", "Retry-After: 86400\r\n", ""),
        _ => say("200 OK", "", ""),
    });
    let notifier = Notifier::with(vec![hook("a", &receiver.url, &Kind::ALL)], limits());
    for id in ["1", "2", "3"] {
        notifier.tell(event(id, Kind::Completed));
    }
    let state = until(&notifier, |state| state[0].failed == 3).await;
    assert_eq!(state[0].fault.as_deref(), Some("429 Too Many Requests"));
    notifier.tell(event("4", Kind::Completed));
    let state = notifier.stop(LONGEST).await;
    assert_eq!((state[0].sent, state[0].failed, state[0].waiting), (1, 3, 0));
    assert_eq!(elsewhere.connections(), 0);
    assert_eq!(receiver.requests().len(), 4);
}

#[tokio::test]
async fn tries_are_bounded() {
    let receiver = Receiver::new(|_, _| say("500 Internal Server Error", "", "oh"));
    let notifier = Notifier::with(vec![hook("a", &receiver.url, &Kind::ALL)], limits());
    notifier.tell(event("1", Kind::Completed));
    let state = until(&notifier, |state| state[0].failed == 1).await;
    assert_eq!(state[0].fault.as_deref(), Some("500 Internal Server Error: oh"));
    assert_eq!((receiver.requests().len(), state[0].waiting), (4, 0));
}

#[tokio::test]
async fn one_that_hangs_holds_up_its_own_notices_alone() {
    let stuck = Receiver::new(|_, _| Act::Hang);
    let well = Receiver::new(|_, _| say("200 OK", "", ""));
    let patient = Limits { timeout: LONGEST * 3, queue: 3, ..limits() };
    let hooks = vec![hook("stuck", &stuck.url, &Kind::ALL), hook("well", &well.url, &Kind::ALL)];
    let notifier = Notifier::with(hooks, patient);
    notifier.tell(event("first", Kind::Begun));
    stuck.wait_for(1).await;
    // Three wait, and the fourth finds no room: the step goes, whatever came first.
    let begun = Instant::now();
    let kinds = [Kind::RollingBack, Kind::Step, Kind::RolledBack, Kind::Completed];
    let fits: Vec<bool> = kinds.iter().map(|what| notifier.tell(event("more", *what))).collect();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(fits[..3].iter().all(|fits| *fits), "{fits:?}");
    well.wait_for(5).await;
    let state = until(&notifier, |state| state[1].sent == 5).await;
    assert_eq!((state[0].waiting, state[0].dropped, state[0].sent), (4, 1, 0), "{state:?}");
    let begun = Instant::now();
    let state = notifier.stop(Duration::from_millis(50)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((state[0].waiting, state[0].dropped), (0, 5), "{state:?}");
}

#[tokio::test]
async fn what_waits_at_the_end_is_still_told() {
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let receiver = Receiver::new(move |_, _| match is_open.load(Ordering::SeqCst) {
        true => say("200 OK", "", ""),
        false => say("503 Service Unavailable", "", ""),
    });
    let patient = Limits { tries: 1_000, ..limits() };
    let notifier = Notifier::with(vec![hook("a", &receiver.url, &Kind::ALL)], patient);
    for id in 0..20 {
        notifier.tell(event(&id.to_string(), Kind::Completed));
    }
    receiver.wait_for(2).await;
    open.store(true, Ordering::SeqCst);
    let state = notifier.stop(LONGEST).await;
    assert_eq!((state[0].sent, state[0].dropped), (20, 0), "{state:?}");
}

#[tokio::test]
async fn no_state_and_no_debug_shows_an_address_or_a_key() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let receiver = Receiver::new(|request, _| say("404 Not Found", "", &request.line));
    let urls = [format!("http://{free}/T0KEN0123456"), format!("{}/T0KEN0123456", receiver.url)];
    let hooks = urls.iter().map(|url| hook("a", url, &Kind::ALL)).collect();
    let notifier = Notifier::with(hooks, limits());
    notifier.tell(event("1", Kind::Completed));
    until(&notifier, |state| state.iter().all(|hook| hook.failed == 1)).await;
    let shown = format!("{notifier:?} {}", serde_json::to_string(&notifier.state()).unwrap());
    assert!(shown.contains("404 Not Found: POST <secret url>"), "{shown}");
    assert!(!shown.contains("T0KEN") && !shown.contains("the-key"), "{shown}");
}

#[tokio::test]
async fn pagerduty_hears_of_what_needs_somebody_and_of_its_end() {
    let receiver = Receiver::new(|_, _| say("202 Accepted", "", ""));
    let pager = Hook { format: Format::Pagerduty, ..hook("pager", &receiver.url, &Kind::ALL) };
    let notifier = Notifier::start(vec![pager]);
    for (at, what) in Kind::ALL.into_iter().enumerate() {
        notifier.tell(event(&at.to_string(), what));
    }
    let state = notifier.stop(LONGEST).await;
    assert_eq!((state[0].sent, state[0].waiting, state[0].dropped), (4, 0, 0), "{state:?}");
    let bodies: Vec<_> = receiver.requests().iter().map(|request| request.json()).collect();
    let actions: Vec<_> = bodies.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve", "trigger", "trigger"]);
    assert!(bodies.iter().all(|body| body["dedup_key"] == "taskmaster/local/web"), "{bodies:?}");
    assert!(bodies.iter().all(|body| body["routing_key"] == "the-key"), "{bodies:?}");
}
