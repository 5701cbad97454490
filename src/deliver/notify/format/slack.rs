//! Slack's incoming webhooks: Block Kit, and a text for notifications.

use crate::deliver::notify::event::Event;
use serde_json::{Value, json};

pub(super) fn body(event: &Event) -> Value {
    let headline = escape(&event.headline());
    let mut blocks = vec![section(&format!("*{headline}*"))];
    if let Some(why) = &event.why {
        blocks.push(section(&escape(why)));
    }
    let facts = event.facts();
    let fields: Vec<Value> =
        facts.iter().map(|(name, value)| mrkdwn(&format!("*{name}*\n{}", escape(value)))).collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    let footer = mrkdwn(&format!("taskmaster, {}", event.time()));
    blocks.push(json!({"type": "context", "elements": [footer]}));
    json!({"text": headline, "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": mrkdwn(text)})
}

/// Verbatim: names of channels and addresses in it become no links.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// Links and mentions (`<!channel>`) are made of these three alone.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
