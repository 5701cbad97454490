//! Discord's webhooks: one embed, and nobody is mentioned.

use crate::deliver::notify::event::{Event, Tone, clip};
use serde_json::{Value, json};

/// Longest headline: each of its signs may get a backslash, and a title has at most 256.
const LONGEST_HEADLINE: usize = 120;

pub(super) fn body(event: &Event) -> Value {
    let facts = event.facts();
    let fields: Vec<Value> = facts
        .iter()
        .map(|(name, value)| json!({"name": name, "value": escape(value), "inline": true}))
        .collect();
    let mut embed = json!({
        "title": escape(&clip(&event.headline(), LONGEST_HEADLINE)),
        "color": color(event.tone()),
        "fields": fields,
        "footer": {"text": "taskmaster"},
        "timestamp": event.time(),
    });
    if let Some(why) = &event.why {
        embed["description"] = json!(escape(why));
    }
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}})
}

fn color(tone: Tone) -> u32 {
    match tone {
        Tone::Plain => 0x1f_6f_eb,
        Tone::Good => 0x2d_a4_4e,
        Tone::Waiting => 0xbf_87_00,
        Tone::Bad => 0xcf_22_2e,
    }
}

/// A backslash takes its meaning from any sign that is no letter, digit or space. A colon makes addresses
/// into links, and names between two of them into pictures.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '(' | ')' | '#' | '@' | ':' | '-'
        ) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
