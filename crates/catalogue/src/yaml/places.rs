//! A YAML text as a plain value, for readers of other files than catalogues, with the places of its parts.

use super::{Data, Node, read};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Where the parts of a text stand, by paths such as `strategy.canary.steps[3].setWeight`.
#[derive(Clone, Debug, Default)]
pub struct Places {
    parts: BTreeMap<String, Span>,
    keys: BTreeMap<String, Span>,
}

impl Places {
    /// The place of the key that leads to a part; else of the part, or of what is around it.
    pub fn key(&self, path: &str) -> Option<Span> {
        self.keys.get(path).copied().or_else(|| self.of(path))
    }

    /// The place of a part, or of the nearest part around it that is there.
    pub fn of(&self, path: &str) -> Option<Span> {
        let mut rest = path;
        loop {
            if let Some(span) = self.parts.get(rest) {
                return Some(*span);
            }
            let cut = rest.rfind(['.', '['])?;
            rest = &rest[..cut];
        }
    }
}

/// Reads one text. `None` where there is no usable value; the reason is among the diagnostics.
pub fn plain(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<(Value, Places)> {
    let node = read(text, diagnostics)?;
    let mut places = Places::default();
    let value = value(&node, String::new(), &mut places);
    Some((value, places))
}

fn value(node: &Node, path: String, places: &mut Places) -> Value {
    let value = match &node.data {
        Data::Scalar(scalar) => scalar.json(),
        Data::Sequence(items) => {
            let item = |(index, item)| value(item, format!("{path}[{index}]"), places);
            Value::Array(items.iter().enumerate().map(item).collect())
        }
        Data::Mapping(pairs) => {
            let mut map = Map::new();
            for (key, node) in pairs {
                let below = if path.is_empty() { key.text.clone() } else { format!("{path}.{}", key.text) };
                map.insert(key.text.clone(), value(node, below.clone(), places));
                // What is wrong with a list or mapping is said at its key.
                if !matches!(node.data, Data::Scalar(_)) || node.is_null() {
                    places.parts.insert(below.clone(), key.span);
                }
                places.keys.insert(below, key.span);
            }
            Value::Object(map)
        }
    };
    places.parts.entry(path).or_insert(node.span);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_their_paths() {
        let text = "a:\n  b: [1, {c: yes}]\n  d:\n";
        let mut faults = Vec::new();
        let (value, places) = plain(text, &mut faults).unwrap();
        assert!(faults.is_empty());
        assert_eq!(value, serde_json::json!({"a": {"b": [1, {"c": "yes"}], "d": null}}));
        let shown = |path: &str| places.of(path).map(|span| &text[span.start..span.end]);
        for (path, expected) in [
            ("a", "a"),
            ("a.b", "b"),
            ("a.b[0]", "1"),
            ("a.b[1]", "{c: yes}"),
            ("a.b[1].c", "yes"),
            ("a.b[1].missing.deep", "{c: yes}"),
            ("a.d", "d"),
            ("a.x", "a"),
        ] {
            assert_eq!(shown(path), Some(expected), "{path}");
        }
        assert!(plain("a: [1", &mut faults).is_none() && !faults.is_empty());
    }
}
