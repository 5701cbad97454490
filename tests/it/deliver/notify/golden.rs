//! The body of every form, reviewed once and kept, and the bounds that its receiver has published.
//! `UPDATE_GOLDEN=1` writes the bodies anew.

use super::notices::event;
use serde_json::Value;
use std::path::PathBuf;
use taskmaster::deliver::notify::{Event, Secret, body};
use taskmaster_delivery::spec::{Event as Kind, Format};

const FORMATS: [(Format, &str); 5] = [
    (Format::Slack, "slack"),
    (Format::Discord, "discord"),
    (Format::Teams, "teams"),
    (Format::Pagerduty, "pagerduty"),
    (Format::Generic, "generic"),
];

fn form(format: Format, event: &Event) -> Option<Value> {
    body(format, event, Some(&Secret::new("0123456789abcdef0123456789abcdef".into())))
}

fn golden_events() -> Vec<(&'static str, Event)> {
    let why = "errors: 31 of 100 requests of v4 failed, 1 of 300 of v3".to_owned();
    let rolled_back = Event { why: Some(why), ..event("01KAPN3S00000000000000000Z", Kind::RolledBack) };
    let why =
        "<!channel> [here](http://x.test) *a* `b` @everyone <@U1> & \\ :tada: https://x.test/".to_owned();
    let hostile = Event {
        namespace: Some("shop".into()),
        revision: "v5_<b>_*".into(),
        stable: None,
        step: None,
        why: Some(why),
        ..event("01KAPN3S00000000000000001Z", Kind::Paused)
    };
    let completed =
        Event { step: None, weight: None, ..event("01KAPN3S00000000000000002Z", Kind::Completed) };
    vec![("rolled-back", rolled_back), ("hostile", hostile), ("completed", completed)]
}

#[test]
fn bodies_are_those_that_were_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notices");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut faults = Vec::new();
    for (name, event) in golden_events() {
        for (format, word) in FORMATS {
            let path = folder.join(word).join(format!("{name}.json"));
            let found = form(format, &event).unwrap();
            if update {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                let text = serde_json::to_string_pretty(&found).unwrap() + "\n";
                std::fs::write(&path, text).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            if serde_json::from_str::<Value>(&kept).ok() != Some(found) {
                faults.push(path.display().to_string());
            }
        }
    }
    assert!(faults.is_empty(), "not as reviewed; UPDATE_GOLDEN=1 writes them:\n{}", faults.join("\n"));
}

/// Events that fill every field to the brim, or leave it empty.
fn extremes() -> Vec<Event> {
    let texts = ["&", "<", "\\", "*", "😀", "\"", "\u{1b}", "\n", "x", ""];
    let full = |text: &str, what| Event {
        rollout: text.repeat(2_000),
        namespace: Some(text.repeat(2_000)),
        revision: text.repeat(2_000),
        stable: Some(text.repeat(2_000)),
        step: Some((usize::MAX, usize::MAX)),
        weight: Some(100),
        why: Some(text.repeat(100_000)),
        ..event("id", what)
    };
    let empty = |what| Event {
        namespace: None,
        stable: None,
        step: None,
        weight: None,
        why: None,
        revision: String::new(),
        ..event("id", what)
    };
    let full = texts.iter().flat_map(|text| Kind::ALL.map(|what| full(text, what)));
    full.chain(Kind::ALL.map(empty)).collect()
}

/// Every text of a value, with the key that it stands under.
fn texts<'a>(value: &'a Value, key: &'a str, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.push((key, text)),
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| texts(value, key, found)),
        _ => {}
    }
}

fn units(text: &Value) -> usize {
    text.as_str().unwrap().encode_utf16().count()
}

#[test]
fn slack_takes_whatever_happens() {
    for event in extremes() {
        let body = form(Format::Slack, &event).unwrap();
        assert!((1..=40_000).contains(&units(&body["text"])));
        let blocks = body["blocks"].as_array().unwrap();
        assert!((1..=50).contains(&blocks.len()));
        for block in blocks {
            if let Some(text) = block.get("text") {
                assert!((1..=3_000).contains(&units(&text["text"])), "{block}");
            }
            if let Some(fields) = block.get("fields") {
                let fields = fields.as_array().unwrap();
                assert!((1..=10).contains(&fields.len()));
                assert!(fields.iter().all(|field| (1..=2_000).contains(&units(&field["text"]))));
            }
        }
        let mut all = Vec::new();
        texts(&body, "", &mut all);
        assert!(all.iter().all(|(_, text)| !text.contains(['<', '>'])), "{body}");
    }
}

#[test]
fn discord_takes_whatever_happens() {
    for event in extremes() {
        let body = form(Format::Discord, &event).unwrap();
        assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
        let embed = &body["embeds"][0];
        assert!((1..=256).contains(&units(&embed["title"])), "{embed}");
        let why = embed.get("description").map_or(1, units);
        assert!((1..=4_096).contains(&why), "{embed}");
        let fields = embed["fields"].as_array().unwrap();
        assert!(fields.len() <= 25);
        let sizes: Vec<_> =
            fields.iter().map(|field| (units(&field["name"]), units(&field["value"]))).collect();
        assert!(sizes.iter().all(|(name, value)| (1..=256).contains(name) && (1..=1_024).contains(value)));
        let total: usize = sizes.iter().map(|(name, value)| name + value).sum();
        assert!(total + why + 300 <= 6_000, "{total}");
    }
}

#[test]
fn teams_takes_whatever_happens() {
    for event in extremes() {
        let body = form(Format::Teams, &event).unwrap();
        assert!(body.to_string().len() < 28 * 1024);
        let card = &body["attachments"][0]["content"];
        let mut all = Vec::new();
        texts(&card["body"], "", &mut all);
        let kinds: std::collections::BTreeSet<_> =
            all.iter().filter(|(key, _)| *key == "type").map(|(_, text)| *text).collect();
        // Neither of them reads Markdown.
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["RichTextBlock", "TextRun"]);
    }
}

#[test]
fn pagerduty_takes_whatever_happens() {
    for event in extremes() {
        let Some(body) = form(Format::Pagerduty, &event) else { continue };
        assert!((1..=255).contains(&units(&body["dedup_key"])));
        assert!(body.to_string().len() < 512 * 1024);
        if body["event_action"] == "trigger" {
            assert!((1..=1_024).contains(&units(&body["payload"]["summary"])), "{body}");
            assert!(units(&body["payload"]["source"]) >= 1, "{body}");
        } else {
            assert_eq!(body["event_action"], "resolve");
        }
    }
}
