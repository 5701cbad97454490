//! The text of an answer of Prometheus' HTTP API, before anything of it is checked but its form.
//!
//! It is read once, from its beginning to its end, in whatever order its keys come. What is kept of it is
//! bounded: series, labels of a series, and warnings.

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de::Error as _};
use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

/// Most series of one answer that are kept: with more, the query lacks a `sum`.
pub(super) const MAX_SERIES: usize = 10_000;
/// Most labels of one series.
const MAX_LABELS: usize = 64;
/// Most warnings that are kept.
const MAX_TEXTS: usize = 20;
/// Longest text of a server that is shown, in characters.
const MAX_TEXT: usize = 300;
/// Longest number, in bytes.
const MAX_NUMBER: usize = 400;
/// The last time that is one, in seconds: in the year 5138.
const LATEST: f64 = 1e11;

/// An answer. What it holds besides is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pub(super) status: String,
    pub(super) data: Option<Data>,
    pub(super) error_type: Option<String>,
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) warnings: Texts,
    /// VictoriaMetrics says so where a part of its storage did not answer.
    #[serde(default)]
    pub(super) is_partial: bool,
}

/// Its data.
#[derive(Deserialize)]
pub(super) struct Data {
    #[serde(rename = "resultType")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) result: Found,
}

/// What was found: series, or the time and the value of a scalar or string.
#[derive(Default)]
pub(super) struct Found {
    pub(super) series: Vec<Series>,
    /// How many series there are, kept or not.
    pub(super) count: usize,
    pub(super) pair: Vec<Part>,
}

/// A part of a scalar or string.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Number(f64),
    Text(String),
}

/// One series.
#[derive(Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) metric: Labels,
    pub(super) value: Option<Point>,
    #[serde(default)]
    pub(super) values: Vec<Point>,
    pub(super) histogram: Option<IgnoredAny>,
    pub(super) histograms: Option<IgnoredAny>,
}

/// The labels of a series.
#[derive(Default)]
pub(super) struct Labels(pub(super) BTreeMap<String, String>);

/// A sample: its time in milliseconds since 1970, and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) at: i64,
    pub(super) value: f64,
}

/// Texts for people, the first of them.
#[derive(Default)]
pub(super) struct Texts(pub(super) Vec<String>);

/// The beginning of a text. Nothing is cut before secrets are taken out of it, or half of one would be left.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// A number as Prometheus writes it: `0.5`, `+Inf`, `NaN`.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// A time in milliseconds, of one in seconds.
pub(super) fn millis(seconds: f64) -> Option<i64> {
    (0.0..=LATEST).contains(&seconds).then(|| (seconds * 1_000.0).round() as i64)
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Found;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("what the query found")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
                Ok(Found::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
                let mut found = Found::default();
                while found.count + found.pair.len() < MAX_SERIES {
                    match seq.next_element()? {
                        Some(Item::Series(series)) => {
                            found.series.push(*series);
                            found.count += 1;
                        }
                        Some(Item::Part(part)) => found.pair.push(part),
                        None => return Ok(found),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    found.count += 1;
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(List)
    }
}

/// One element of a result.
enum Item {
    Series(Box<Series>),
    Part(Part),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Item;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a series, or a part of a scalar")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                Series::deserialize(MapAccessDeserializer::new(map)).map(Box::new).map(Item::Series)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Item, E> {
                Ok(Item::Part(Part::Number(value)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Item, E> {
                self.visit_f64(value as f64)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Item, E> {
                self.visit_f64(value as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
                // The beginning of a long number would be another number.
                let whole = if text.len() > MAX_NUMBER { "…" } else { text };
                Ok(Item::Part(Part::Text(whole.to_owned())))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Labels;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    if labels.len() >= MAX_LABELS {
                        return Err(A::Error::custom(format!("a series with more than {MAX_LABELS} labels")));
                    }
                    labels.insert(name, value);
                }
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a sample such as `[1763740800, \"0.5\"]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
                let time: f64 = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let text: String = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(A::Error::invalid_length(3, &self));
                }
                let at = millis(time).ok_or_else(|| A::Error::custom(format!("the time {time} is none")))?;
                let value = number(&text)
                    .ok_or_else(|| A::Error::custom(format!("a value is no number: `{text}`")))?;
                Ok(Point { at, value })
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Texts;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while texts.len() < MAX_TEXTS {
                    let Some(text) = seq.next_element::<String>()? else { return Ok(Texts(texts)) };
                    texts.push(text);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(List)
    }
}
