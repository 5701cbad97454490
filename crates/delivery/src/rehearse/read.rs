//! The text of a recording, before anything of it is checked but its form.
//!
//! It is read once, from its beginning to its end, and takes 16 bytes for a sample. What is wrong with a sample
//! is kept until the names of its series and metric are known.

use super::series::Sample;
use crate::spec::Role;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Formatter, Write};
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Most series of one answer that are kept: with more, the query lacks a `sum`.
pub(super) const MAX_SERIES: usize = 10_000;
/// Longest name of a series that is kept, in bytes.
const MAX_NAME: usize = 300;
/// The last time that is one, in seconds: in the year 5138.
const LATEST: f64 = 1e11;

/// Tells a bare answer from a recording.
#[derive(Deserialize)]
pub(super) struct Probe {
    #[serde(default)]
    status: Option<IgnoredAny>,
    #[serde(default)]
    metrics: Option<IgnoredAny>,
}

impl Probe {
    pub(super) fn is_bare(&self) -> bool {
        self.status.is_some() && self.metrics.is_none()
    }
}

/// A recording as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) start: Option<f64>,
    pub(super) step: Option<f64>,
    #[serde(default)]
    pub(super) le_unit: LeUnit,
    pub(super) weights: Option<Samples>,
    pub(super) metrics: Entries<String, Entries<Role, Answer>>,
}

/// The unit of `le` labels.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LeUnit {
    /// As Prometheus recommends.
    #[default]
    Seconds,
    /// As some do.
    Milliseconds,
}

/// An answer of `query_range`. What it holds besides is passed over.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) error: Option<String>,
    pub(super) data: Option<Data>,
    pub(super) warnings: Option<Vec<String>>,
}

/// Its data.
#[derive(Deserialize)]
pub(super) struct Data {
    #[serde(rename = "resultType")]
    pub(super) kind: String,
    pub(super) result: SeriesList,
}

/// Its series.
pub(super) struct SeriesList {
    pub(super) kept: Vec<Series>,
    pub(super) found: usize,
}

/// One series.
#[derive(Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) metric: Labels,
    #[serde(default)]
    pub(super) values: Samples,
    pub(super) histograms: Option<IgnoredAny>,
}

/// Labels as one text such as `{code="500",pod="a"}`.
pub(super) struct Labels {
    pub(super) name: String,
    /// A digest of all but `le`: what the buckets of one histogram have in common, in any order.
    pub(super) histogram: u64,
    pub(super) le: Option<String>,
}

impl Default for Labels {
    fn default() -> Self {
        Self { name: "{}".to_owned(), histogram: 0, le: None }
    }
}

/// Samples whose times rise, and the first thing that is wrong with them.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) kept: Vec<Sample>,
    pub(super) fault: Option<String>,
}

impl Samples {
    fn push(&mut self, point: &Point) {
        if self.fault.is_some() {
            return;
        }
        match self.check(point) {
            Ok(sample) => {
                // Doubling would take more than its share of the memory where there is one series.
                if self.kept.len() == self.kept.capacity() {
                    self.kept.reserve_exact((self.kept.len() / 4).max(8));
                }
                self.kept.push(sample);
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn check(&self, point: &Point) -> Result<Sample, String> {
        let time = point.time;
        if !(0.0..=LATEST).contains(&time) {
            return Err(format!("the time {time} is not in seconds since 1970"));
        }
        let at = (time * 1_000.0).round() as i64;
        if let Some(last) = self.kept.last().filter(|last| last.at >= at) {
            let how = if last.at == at { "there is a second sample" } else { "time goes back" };
            return Err(format!("at {time}: {how}"));
        }
        match &point.value {
            Ok(value) => Ok(Sample { at, value: *value }),
            Err(text) => Err(format!("at {time}: `{text}` is no number")),
        }
    }
}

/// A time and a value.
struct Point {
    time: f64,
    value: Result<f64, String>,
}

/// A value: a number, or one in quotes.
struct Value(Result<f64, String>);

/// A JSON object whose keys are there once.
pub(super) struct Entries<K, V>(pub(super) Vec<(K, V)>);

impl<'de, K, V> Deserialize<'de> for Entries<K, V>
where
    K: Deserialize<'de> + PartialEq + Ord + fmt::Display + Clone,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for EntriesVisitor<K, V>
where
    K: Deserialize<'de> + PartialEq + Ord + fmt::Display + Clone,
    V: Deserialize<'de>,
{
    type Value = Entries<K, V>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<K, V>, A::Error> {
        let (mut entries, mut names) = (Vec::new(), std::collections::BTreeSet::new());
        while let Some(key) = map.next_key::<K>()? {
            if !names.insert(key.clone()) {
                return Err(de::Error::custom(format!("a second `{key}`")));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(Entries(entries))
    }
}

impl<'de> Deserialize<'de> for SeriesList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = SeriesList;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a list of series, as `query_range` answers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SeriesList, A::Error> {
                let mut list = SeriesList { kept: Vec::new(), found: 0 };
                while list.found < MAX_SERIES {
                    let Some(series) = seq.next_element()? else { return Ok(list) };
                    list.kept.push(series);
                    list.found += 1;
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    list.found += 1;
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(List)
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
                let (mut name, mut le, mut histogram) = ("{".to_owned(), None, 0_u64);
                while let Some((label, value)) = map.next_entry::<String, String>()? {
                    if name.len() < MAX_NAME {
                        let comma = if name.len() > 1 { "," } else { "" };
                        // Writing to a text cannot fail.
                        let _ = write!(name, "{comma}{label}={value:?}");
                    }
                    if label == "le" {
                        le = Some(value);
                    } else {
                        let mut hasher = DefaultHasher::new();
                        (label, value).hash(&mut hasher);
                        histogram = histogram.wrapping_add(hasher.finish());
                    }
                }
                let cut = name.floor_char_boundary(MAX_NAME);
                name.truncate(cut);
                name.push('}');
                Ok(Labels { name, histogram, le })
            }
        }
        deserializer.deserialize_map(Map)
    }
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Samples;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a list of samples")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Samples, A::Error> {
                let mut samples = Samples::default();
                while let Some(point) = seq.next_element_seed(PointSeed)? {
                    samples.push(&point);
                }
                samples.kept.shrink_to_fit();
                Ok(samples)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

struct PointSeed;

impl<'de> DeserializeSeed<'de> for PointSeed {
    type Value = Point;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Point, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointSeed {
    type Value = Point;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a sample such as `[1763740800, \"0.5\"]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Point, A::Error> {
        let time = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let Value(value) = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        if seq.next_element::<IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(3, &self));
        }
        Ok(Point { time, value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Value;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or one in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.parse().map_err(|_| text.chars().take(40).collect())))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
                Ok(Value(Ok(value)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
                self.visit_f64(value as f64)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
                self.visit_f64(value as f64)
            }
        }
        deserializer.deserialize_any(Number)
    }
}
