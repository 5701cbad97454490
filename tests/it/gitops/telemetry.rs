//! Each run of a sync is a trace.

use super::story::Shop;
use crate::deliver::notify::receiver::{Receiver, say};
use crate::report::otlp_rules::read;
use serde_json::json;

#[test]
fn each_run_of_a_sync_is_a_trace_and_what_was_not_sent_is_told() {
    let receiver = Receiver::new(|_, before| match before {
        0 | 1 => say("200 OK", "", "{}"),
        _ => say("403 Forbidden", "", "no"),
    });
    let mut shop = Shop::new();
    shop.here = shop
        .here
        .var("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url.clone())
        .var("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    let first = shop.sync("", 0);
    shop.sync("", 0);
    let [request] = &receiver.requests()[..] else { panic!("nothing ran the second time") };
    let spans = read(&request.json()).1;
    assert_eq!(spans[0].name, "SYNC Shop");
    assert_eq!(spans[0].attributes["vcs.ref.head.revision"], shop.origin.head());
    assert_eq!(spans[0].attributes["taskmaster.sync.name"], "origin");
    assert_eq!(first["notes"], json!([]));

    // What is gone is taken back by a run of its own, whose trace cannot be sent: the sync is none the worse.
    let without = super::story::PRD.replace("- [ ] Two\n", "");
    let tasks: String = super::story::TASKS
        .lines()
        .filter(|line| !line.contains("a/two"))
        .map(|l| format!("{l}\n"))
        .collect();
    shop.origin.commit(&[("prd.md", &without), ("tasks/local.yaml", &tasks)], "no two");
    shop.sync("--prune", 0);
    assert_eq!(read(&receiver.requests()[1].json()).1[0].name, "DESTROY Shop");
    shop.origin
        .commit(&[("prd.md", super::story::PRD), ("tasks/local.yaml", super::story::TASKS)], "two again");
    let untold = shop.sync("", 0);
    assert_eq!(untold["last_result"]["result"], json!("synced"));
    assert_eq!(untold["notes"], json!(["telemetry: the trace was not sent: 403 Forbidden: no"]));
}
