//! The last warnings of a namespace: what is asked, and what of the answer is told.

use crate::tool::Place;
use serde_json::Value;

/// Longest time of the question, in seconds.
pub const WITHIN_S: u64 = 5;
/// So many are told.
pub const MOST: usize = 5;
/// Longest line, in characters.
const LINE: usize = 300;

/// The command that asks for the warnings of a place; it is run in the environment of what failed.
pub fn question(place: &Place) -> Vec<String> {
    let fixed = [
        "kubectl",
        "get",
        "events",
        "--field-selector=type=Warning",
        "--sort-by=.lastTimestamp",
        "--output=json",
    ];
    let mut argv: Vec<String> = fixed.map(str::to_owned).into();
    argv.push(format!("--request-timeout={WITHIN_S}s"));
    let flags =
        [("context", &place.context), ("kubeconfig", &place.kubeconfig), ("namespace", &place.namespace)];
    argv.extend(flags.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?))));
    argv
}

/// The last warnings, oldest first: `10:00:05 FailedCreate replicaset/web-1: …  (x4)`; none where
/// the answer is no list of events. What a cluster says is untrusted: controls become blanks.
pub fn last(answer: &str) -> Option<Vec<String>> {
    let list: Value = serde_json::from_str(answer).ok()?;
    let mut events: Vec<(String, &Value)> =
        list.get("items")?.as_array()?.iter().map(|event| (time(event), event)).collect();
    // Times of one zone in one notation: their texts are in their order. Those that are not compare
    // wrongly, which costs no more than a place in a list.
    events.sort_by(|one, other| one.0.cmp(&other.0));
    Some(
        events
            .iter()
            .skip(events.len().saturating_sub(MOST))
            .map(|(time, event)| line(time, event))
            .collect(),
    )
}

/// When it was seen last. New events have only `eventTime`, series only `lastObservedTime`.
fn time(event: &Value) -> String {
    let places = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let found = places.iter().find_map(|place| event.pointer(place)?.as_str());
    found.unwrap_or_default().to_owned()
}

fn line(time: &str, event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/involvedObject/kind").to_lowercase();
    // `2026-01-01T10:00:05Z`
    let clock = time.get(11..19).unwrap_or_default();
    let count = event.pointer("/series/count").or_else(|| event.pointer("/count")).and_then(Value::as_u64);
    let times = count.filter(|count| *count > 1).map_or_else(String::new, |count| format!(" (x{count})"));
    let message = text("/message").trim();
    let whole =
        format!("{clock} {} {kind}/{}: {message}{times}", text("/reason"), text("/involvedObject/name"));
    whole.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_question_goes_where_the_command_went() {
        let place = Place {
            context: Some("kind".into()),
            kubeconfig: Some("/k".into()),
            variable: Some("/k:/l".into()),
            namespace: Some("web".into()),
        };
        let asked = question(&place).join(" ");
        let end = "--output=json --request-timeout=5s --context=kind --kubeconfig=/k --namespace=web";
        assert!(
            asked.starts_with("kubectl get events --field-selector=type=Warning") && asked.ends_with(end),
            "{asked}"
        );
        assert!(question(&Place::default()).join(" ").ends_with("--request-timeout=5s"));
    }

    fn event(time: &str, message: &str) -> Value {
        json!({
            "reason": "Failed", "message": message, "lastTimestamp": time, "count": 1,
            "involvedObject": { "kind": "Pod", "name": "web-1" },
        })
    }

    #[test]
    fn the_last_five_are_told_oldest_first() {
        let items: Vec<Value> = [7, 1, 3, 2, 6, 5, 4]
            .iter()
            .map(|n| event(&format!("2026-01-01T10:00:0{n}Z"), &n.to_string()))
            .collect();
        let told = last(&json!({ "items": items }).to_string()).expect("a list");
        assert_eq!(told.len(), MOST);
        assert_eq!(told[0], "10:00:03 Failed pod/web-1: 3");
        assert_eq!(told[4], "10:00:07 Failed pod/web-1: 7");
    }

    #[test]
    fn events_of_every_age_are_read_and_made_harmless() {
        let new = json!({
            "reason": "FailedCreate", "message": "a\u{1b}[2J\nb", "lastTimestamp": null,
            "eventTime": "2026-01-01T09:00:00.000000Z", "involvedObject": { "kind": "ReplicaSet", "name": "web" },
            "series": { "count": 4, "lastObservedTime": "2026-01-01T11:00:00.000000Z" },
        });
        let told =
            last(&json!({ "items": [new, event("2026-01-01T10:00:00Z", &"x".repeat(900))] }).to_string());
        let told = told.expect("a list");
        assert_eq!(told[1], "11:00:00 FailedCreate replicaset/web: a [2J b (x4)");
        assert_eq!(told[0].chars().count(), LINE);
        for nothing in ["", "null", "{}", "{\"items\": 3}", "No resources found"] {
            assert_eq!(last(nothing), None, "{nothing}");
        }
        assert_eq!(last("{\"items\": [{}, 3]}").map(|told| told.len()), Some(2));
        assert_eq!(last("{\"items\": []}"), Some(Vec::new()));
    }
}
