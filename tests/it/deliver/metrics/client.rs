//! What goes to a server, and what is made of its answers.

use super::server::{Server, runtime, success, vector};
use std::time::Duration;
use taskmaster::deliver::metrics::{Prometheus, QueryError, Range, Settings};
use taskmaster_delivery::analysis::answer::Answer;
use taskmaster_delivery::time::Time;
use zeroize::Zeroizing;

#[test]
fn a_query_is_a_form_with_its_headers() {
    let server = Server::saying(|_, _| (200, success("scalar", r#"[1763740800.25,"7"]"#)));
    let headers = [("X-Scope-OrgID".to_owned(), Zeroizing::new("team-a".to_owned()))];
    let settings = Settings {
        bearer: Some(Zeroizing::new("t0ken\n".to_owned())),
        headers: headers.into(),
        timeout: Duration::from_millis(2_500),
        url: Zeroizing::new(format!("http://{}/prom/", server.address)),
        ..server.settings()
    };
    let client = Prometheus::new(&settings).unwrap();
    let query = r#"sum(rate(x{a="b c"}[5m])) > 1 + é"#;
    let found = runtime().block_on(client.query(query, Some(Time(1_763_740_800_250)))).unwrap();
    assert_eq!((found.answer.clone(), found.at), (Answer::Scalar(7.0), Some(Time(1_763_740_800_250))));
    let [request] = server.requests().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/prom/api/v1/query"));
    assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(request.header("x-scope-orgid"), Some("team-a"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.field("query"), Some(query));
    assert_eq!(request.field("time"), Some("1763740800.250"));
    assert_eq!(request.field("timeout"), Some("2500ms"));
    assert_eq!(
        (request.field("partial_response"), request.field("deny_partial_response")),
        (Some("false"), Some("1"))
    );
}

#[test]
fn a_range_is_asked_for_by_its_ends_and_its_step() {
    let server = Server::saying(|_, _| {
        (200, success("matrix", r#"[{"metric":{"pod":"a"},"values":[[10,"1"],[25,"NaN"]]}]"#))
    });
    let range = Range { start: Time(10_000), end: Time(70_500), step: Duration::from_secs(15) };
    let found = runtime().block_on(server.client().query_range("x", range)).unwrap();
    assert_eq!(found.series[0].labels["pod"], "a");
    assert_eq!(found.series[0].samples[0], (Time(10_000), 1.0));
    let [request] = server.requests().try_into().unwrap();
    assert_eq!(request.path, "/api/v1/query_range");
    let fields = ["start", "end", "step", "time"].map(|name| request.field(name));
    assert_eq!(fields, [Some("10.000"), Some("70.500"), Some("15000ms"), None]);
    for step in [Duration::ZERO, Duration::from_millis(1)] {
        let refused = runtime().block_on(server.client().query_range("x", Range { step, ..range }));
        assert!(matches!(refused, Err(QueryError::Kind(_))), "{step:?}");
    }
}

#[test]
fn who_asks_the_same_in_the_same_moment_gets_the_same_answer() {
    let server = Server::saying(|request, number| {
        std::thread::sleep(Duration::from_millis(30));
        let broken = request.field("query") == Some("broken");
        if broken { (500, String::new()) } else { (200, vector(&[("{}", number as f64)])) }
    });
    let client = server.client();
    runtime().block_on(async {
        let ask = |query: &'static str| client.query(query, None);
        let (one, two, three, other) = tokio::join!(ask("x"), ask("x"), ask("x"), ask("y"));
        let value = |found: &taskmaster::deliver::metrics::Answered| found.answer.values()[0];
        let first = value(&one.unwrap());
        assert_eq!([value(&two.unwrap()), value(&three.unwrap())], [first, first]);
        assert_ne!(value(&other.unwrap()), first);
        assert_eq!(value(&client.query("x", None).await.unwrap()), first);
        assert_eq!(server.requests().len(), 2);
        // Another time is another question, and errors are not kept.
        client.query("x", Some(Time(5))).await.unwrap();
        assert!(client.query("broken", None).await.is_err() && client.query("broken", None).await.is_err());
        assert_eq!(server.requests().len(), 5);
        // But who waited for the same answer has the same error.
        let all = tokio::join!(ask("broken"), ask("broken"), ask("broken"));
        assert!(all.0.is_err() && all.0 == all.1 && all.1 == all.2, "{all:?}");
        assert_eq!(server.requests().len(), 6);
    });
}

#[test]
fn connections_are_used_again() {
    let connections = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let seen = std::sync::Arc::clone(&connections);
    let server = Server::new(move |_, _, stream| {
        seen.lock().unwrap().insert(stream.peer_addr().unwrap());
        super::server::reply(stream, 200, "", &success("vector", "[]"));
    });
    let client = server.client();
    runtime().block_on(async {
        for at in 0..5 {
            assert_eq!(client.query("x", Some(Time(at))).await.unwrap().answer, Answer::Empty);
        }
    });
    assert_eq!(connections.lock().unwrap().len(), 1);
}
