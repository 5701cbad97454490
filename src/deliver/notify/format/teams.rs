//! Microsoft Teams' Workflows: an Adaptive Card inside a message.
//!
//! Texts are runs of `RichTextBlock`, for those know no Markdown. Workflows refuse messages over 28 KB.

use crate::deliver::notify::event::{Event, Tone};
use serde_json::{Value, json};

pub(super) fn body(event: &Event) -> Value {
    let title = json!({
        "type": "TextRun",
        "text": event.headline(),
        "weight": "Bolder",
        "size": "Medium",
        "color": color(event.tone()),
    });
    let mut blocks = vec![rich(&[title])];
    blocks.extend(event.why.as_deref().map(|why| rich(&[run(why, false)])));
    for (name, value) in event.facts() {
        blocks.push(rich(&[run(&format!("{name}: "), true), run(&value, false)]));
    }
    blocks.push(rich(&[run(&format!("taskmaster, {}", event.time()), true)]));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": fallback(event),
                "body": blocks,
            },
        }],
    })
}

fn rich(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str, is_subtle: bool) -> Value {
    json!({"type": "TextRun", "text": text, "isSubtle": is_subtle})
}

/// For old clients, which read Markdown in it: the kind of event without a word of anybody.
fn fallback(event: &Event) -> &'static str {
    match event.tone() {
        Tone::Plain => "A rollout goes on",
        Tone::Good => "A rollout is complete",
        Tone::Waiting => "A rollout waits",
        Tone::Bad => "A rollout is taken back",
    }
}

fn color(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "Accent",
        Tone::Good => "Good",
        Tone::Waiting => "Warning",
        Tone::Bad => "Attention",
    }
}
