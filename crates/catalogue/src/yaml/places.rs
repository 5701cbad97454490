//! A YAML text as a plain value, for readers of other files than catalogues, with the places of its parts.

use super::{Data, Node, read};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use taskmaster_core::diagnostic::Diagnostic;
use taskmaster_core::text::Span;

/// Where the parts of a text stand, by paths such as `strategy.canary.steps[3].setWeight`.
///
/// It is as large as the text, whatever its paths are: each name in it is kept once.
#[derive(Clone, Debug, Default)]
pub struct Places {
    root: Option<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    /// What is said of it is said here: at its key where it is a list, a mapping or nothing.
    place: Span,
    key: Option<Span>,
    inside: Inside,
}

#[derive(Clone, Debug)]
enum Inside {
    Nothing,
    List(Vec<Part>),
    Mapping(BTreeMap<String, Part>),
}

impl Places {
    /// The place of the key that leads to a part; else of the part, or of what is around it.
    pub fn key(&self, path: &str) -> Option<Span> {
        let (part, rest) = self.find(path)?;
        Some(part.key.filter(|_| rest.is_empty()).unwrap_or(part.place))
    }

    /// The place of a part, or of the nearest part around it that is there.
    pub fn of(&self, path: &str) -> Option<Span> {
        self.find(path).map(|(part, _)| part.place)
    }

    /// The part that a path leads to, or the last one on the way that is there, and what is left of the path.
    fn find<'p>(&self, path: &'p str) -> Option<(&Part, &'p str)> {
        let (mut part, mut rest) = (self.root.as_ref()?, path);
        while let Some((next, left)) = part.step(rest) {
            (part, rest) = (next, left);
        }
        Some((part, rest))
    }
}

impl Part {
    /// One step of a path, and what is left of it.
    fn step<'p>(&self, path: &'p str) -> Option<(&Self, &'p str)> {
        match &self.inside {
            Inside::Nothing => None,
            Inside::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            Inside::Mapping(parts) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                // A key may hold dots itself: the longest one that is there is meant.
                let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
                let found = |end: usize| Some((parts.get(path.get(..end)?)?, path.get(end..)?));
                ends.collect::<Vec<_>>().into_iter().rev().find_map(found)
            }
        }
    }
}

/// Reads one text. `None` where there is no usable value; the reason is among the diagnostics.
pub fn plain(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<(Value, Places)> {
    let node = read(text, diagnostics)?;
    let (value, root) = value(&node, None);
    Some((value, Places { root: Some(root) }))
}

fn value(node: &Node, key: Option<Span>) -> (Value, Part) {
    // What is wrong with a list or mapping is said at its key.
    let is_at_key = !matches!(node.data, Data::Scalar(_)) || node.is_null();
    let place = key.filter(|_| is_at_key).unwrap_or(node.span);
    let (value, inside) = match &node.data {
        Data::Scalar(scalar) => (scalar.json(), Inside::Nothing),
        Data::Sequence(items) => {
            let (values, parts) = items.iter().map(|item| value(item, None)).unzip();
            (Value::Array(values), Inside::List(parts))
        }
        Data::Mapping(pairs) => {
            let (mut map, mut parts) = (Map::new(), BTreeMap::new());
            for (key, node) in pairs {
                let (value, part) = value(node, Some(key.span));
                map.insert(key.text.clone(), value);
                parts.insert(key.text.clone(), part);
            }
            (Value::Object(map), Inside::Mapping(parts))
        }
    };
    (value, Part { place, key, inside })
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
