//! The forms in which receivers want to be told.
//!
//! What a rollout says about itself may hold words of strangers (a program's error, a metric's answer). In
//! no form can they become markup: a link, a mention of everybody, an image.

mod discord;
mod generic;
mod pagerduty;
mod slack;
mod teams;

use super::event::Event;
use super::secret::Secret;
use serde_json::Value;
use taskmaster_delivery::spec::Format;

/// The body of an event in a receiver's form; nothing where that receiver has no use for it. The key is
/// part of it where the receiver asks for that.
pub fn body(format: Format, event: &Event, key: Option<&Secret>) -> Option<Value> {
    let event = event.clone().tidy();
    match format {
        Format::Slack => Some(slack::body(&event)),
        Format::Discord => Some(discord::body(&event)),
        Format::Teams => Some(teams::body(&event)),
        Format::Pagerduty => pagerduty::body(&event, key),
        Format::Generic => Some(generic::body(&event)),
    }
}

/// True where a receiver is shown a signature made with its key.
pub(super) fn is_signed(format: Format) -> bool {
    matches!(format, Format::Generic)
}
