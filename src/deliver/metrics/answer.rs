//! What an answer of Prometheus means: every kind of it is an answer, an error, or refused by name.

use super::wire::{self, Data, Found, MAX_SERIES, Part, Series, Written};
use std::collections::BTreeMap;
use std::time::Duration;
use taskmaster_delivery::analysis::answer::{Answer, Sample};
use taskmaster_delivery::time::Time;

/// What comes before warnings that are about the query, and not about what was found.
const ABOUT_THE_QUERY: [&str; 2] = ["PromQL warning:", "PromQL info:"];

/// Why a query has no answer. No message holds an address or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nobody answered: refused, reset, no such name, no trust in the certificate.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The answer was not there in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The server sends us elsewhere.
    #[error("the answer is {0}: redirects are not followed, give the address that answers itself")]
    Redirect(u16),
    /// The server does not let us in.
    #[error("the answer is {0}: the server does not accept who asks")]
    Unauthorized(u16),
    /// Another status, and no words of Prometheus.
    #[error("the answer is {status}")]
    Status {
        /// The status.
        status: u16,
        /// When to ask again, as it said.
        retry_after: Option<Duration>,
    },
    /// Prometheus says why not.
    #[error("{kind}: {message}")]
    Refused {
        /// Its `errorType`: `bad_data`, `execution`, `timeout`, `canceled`, `internal`, `unavailable`, `not_found`.
        kind: String,
        /// Its words.
        message: String,
    },
    /// It is no answer of Prometheus.
    #[error("no answer of Prometheus: {0}")]
    Form(String),
    /// A part of what was asked for did not come.
    #[error("only a part of the answer came: {0}")]
    Partial(String),
    /// An answer of another kind than is asked for.
    #[error("{0}")]
    Kind(String),
}

impl QueryError {
    /// True where the same question may be answered a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            Self::Refused { kind, .. } => matches!(kind.as_str(), "internal" | "unavailable"),
            _ => false,
        }
    }
}

/// The answer to a query at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What was found: a scalar, a vector, or nothing.
    pub answer: Answer,
    /// Of which time it is, by the server's clock; none where nothing was found.
    pub at: Option<Time>,
    /// What the server remarks on the query.
    pub remarks: Vec<String>,
}

/// The answer to a query over a range of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranged {
    /// The series.
    pub series: Vec<RangedSeries>,
    /// What the server remarks on the query.
    pub remarks: Vec<String>,
}

/// One series of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct RangedSeries {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its samples. Times rise.
    pub samples: Vec<(Time, f64)>,
}

/// Reads the answer to a query at one time. Words of the server are as they came: secrets are taken out of them
/// before they are cut, by [`super::http::Http::clean`].
pub(super) fn instant(text: &[u8]) -> Result<Answered, QueryError> {
    let (data, remarks) = data(text)?;
    let Some(Data { kind, result }) = data else {
        return Ok(Answered { answer: Answer::Empty, at: None, remarks });
    };
    let (answer, at) = match kind.as_str() {
        "scalar" => scalar(&result)?,
        "vector" => vector(result)?,
        "matrix" => {
            let help = "it asks for a range of samples, and wants a function such as `rate` around it";
            return Err(QueryError::Kind(help.to_owned()));
        }
        "string" => return Err(QueryError::Kind("the answer is a text, and no number".to_owned())),
        other => return Err(unknown(other)),
    };
    Ok(Answered { answer, at: at.map(Time), remarks })
}

/// Reads the answer to a query over a range of time.
pub(super) fn range(text: &[u8]) -> Result<Ranged, QueryError> {
    let (data, remarks) = data(text)?;
    let Some(Data { kind, result }) = data else { return Ok(Ranged { series: Vec::new(), remarks }) };
    if kind != "matrix" {
        return Err(unknown(&kind));
    }
    let series = all_series(result)?.into_iter().map(|series| {
        if series.histograms.is_some() {
            return Err(native());
        }
        if series.values.windows(2).any(|pair| pair[1].at <= pair[0].at) {
            return Err(QueryError::Form("the times of a series do not rise".to_owned()));
        }
        let samples = series.values.iter().map(|point| (Time(point.at), point.value)).collect();
        Ok(RangedSeries { labels: series.metric.0, samples })
    });
    Ok(Ranged { series: series.collect::<Result<_, _>>()?, remarks })
}

/// What an answer holds, and what the server remarks. Nothing inside where it sent null.
fn data(text: &[u8]) -> Result<(Option<Data>, Vec<String>), QueryError> {
    let written: Written =
        serde_json::from_slice(text).map_err(|fault| QueryError::Form(fault.to_string()))?;
    if written.status != "success" {
        let kind = written.error_type.unwrap_or_else(|| "error".to_owned());
        let message = written.error.unwrap_or_else(|| "no reason given".to_owned());
        return Err(QueryError::Refused { kind, message });
    }
    if let Some(error) = written.error {
        return Err(QueryError::Partial(error));
    }
    if written.is_partial {
        return Err(QueryError::Partial("the server says that it is partial".to_owned()));
    }
    let is_remark = |text: &String| ABOUT_THE_QUERY.iter().any(|prefix| text.starts_with(prefix));
    let (remarks, lacks): (Vec<String>, Vec<String>) = written.warnings.0.into_iter().partition(is_remark);
    match lacks.into_iter().next() {
        Some(lack) => Err(QueryError::Partial(lack)),
        None => Ok((written.data, remarks)),
    }
}

fn scalar(result: &Found) -> Result<(Answer, Option<i64>), QueryError> {
    let wrong = || QueryError::Form("a scalar is a time and a number".to_owned());
    let [Part::Number(time), Part::Text(value)] = result.pair.as_slice() else { return Err(wrong()) };
    let at = wire::millis(*time).ok_or_else(wrong)?;
    Ok((Answer::Scalar(wire::number(value).ok_or_else(wrong)?), Some(at)))
}

fn vector(result: Found) -> Result<(Answer, Option<i64>), QueryError> {
    let mut latest = None;
    let mut samples = Vec::with_capacity(result.series.len());
    for series in all_series(result)? {
        let Some(point) = series.value else {
            let wrong = || QueryError::Form("a series without a value".to_owned());
            return Err(if series.histogram.is_some() { native() } else { wrong() });
        };
        latest = latest.max(Some(point.at));
        samples.push(Sample { labels: series.metric.0, value: point.value });
    }
    let answer = if samples.is_empty() { Answer::Empty } else { Answer::Vector(samples) };
    Ok((answer, latest))
}

fn all_series(result: Found) -> Result<Vec<Series>, QueryError> {
    if result.count > MAX_SERIES {
        let words = format!("{} series, at most {MAX_SERIES} are read: sum them up by pod", result.count);
        return Err(QueryError::Kind(words));
    }
    if !result.pair.is_empty() {
        return Err(QueryError::Form("a number where a series is wanted".to_owned()));
    }
    Ok(result.series)
}

fn native() -> QueryError {
    QueryError::Kind("native histograms are not read: ask for buckets with `le`".to_owned())
}

fn unknown(kind: &str) -> QueryError {
    QueryError::Form(format!("a result of the type `{kind}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(result: &str) -> Result<Answer, QueryError> {
        instant(format!(r#"{{"status":"success","data":{result}}}"#).as_bytes()).map(|found| found.answer)
    }

    fn words(result: &str) -> String {
        answer(result).unwrap_err().to_string()
    }

    #[test]
    fn every_kind_of_result_is_defined() {
        let scalar = answer(r#"{"resultType":"scalar","result":[1763740800.1,"0.5"]}"#).unwrap();
        assert_eq!(scalar, Answer::Scalar(0.5));
        let infinite = answer(r#"{"result":[1,"+Inf"],"resultType":"scalar"}"#).unwrap();
        assert_eq!(infinite, Answer::Scalar(f64::INFINITY));
        let nan = answer(r#"{"resultType":"scalar","result":[1,"NaN"]}"#).unwrap();
        assert!(matches!(nan, Answer::Scalar(value) if value.is_nan()));
        let vector = answer(
            r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"-Inf"]},{"metric":{},"value":[1,"2e3"]}]}"#,
        );
        assert_eq!(vector.unwrap().values(), [f64::NEG_INFINITY, 2_000.0]);
        for empty in
            [r#"{"resultType":"vector","result":[]}"#, r#"{"resultType":"vector","result":null}"#, "null"]
        {
            assert_eq!(answer(empty).unwrap(), Answer::Empty, "{empty}");
        }
        assert!(words(r#"{"resultType":"matrix","result":[]}"#).contains("a range of samples"));
        assert_eq!(
            words(r#"{"resultType":"string","result":[1,"a"]}"#),
            "the answer is a text, and no number"
        );
        assert!(words(r#"{"resultType":"streams","result":[]}"#).contains("`streams`"));
        assert!(
            words(r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}"#)
                .contains("native")
        );
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_never_a_panic() {
        for text in [
            "",
            "null",
            "[]",
            "<html>",
            "{}",
            r#"{"status":1}"#,
            r#"{"status":"success","data":7}"#,
            r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#,
            r#"{"status":"success","data":{"resultType":"scalar","result":["1","2"]}}"#,
            r#"{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[1,"2"]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[-1,"2"]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"2",3]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[[]]}}"#,
        ] {
            assert!(matches!(instant(text.as_bytes()), Err(QueryError::Form(_))), "{text}");
        }
        assert!(instant(&[0xff, 0xfe]).is_err());
        assert!(instant("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn errors_keep_their_type_and_half_an_answer_is_none() {
        let text = br#"{"status":"error","errorType":"bad_data","error":"parse error","data":null}"#;
        assert_eq!(instant(text).unwrap_err().to_string(), "bad_data: parse error");
        let partial = |more: &str| {
            let data = r#""data":{"resultType":"scalar","result":[1,"2"]}"#;
            instant(format!(r#"{{"status":"success",{data},{more}}}"#).as_bytes())
        };
        for more in [r#""isPartial":true"#, r#""warnings":["store b: no answer"]"#, r#""error":"half""#] {
            assert!(matches!(partial(more), Err(QueryError::Partial(_))), "{more}");
        }
        let remark = "PromQL warning: quantile value should be between 0 and 1";
        let found = partial(&format!(r#""warnings":["{remark}"],"infos":["PromQL info: x"]"#)).unwrap();
        assert_eq!((found.answer, found.remarks), (Answer::Scalar(2.0), vec![remark.to_owned()]));
    }

    #[test]
    fn too_many_series_and_labels_are_refused() {
        let one = r#"{"metric":{},"value":[1,"2"]}"#;
        let many = vec![one; MAX_SERIES + 5].join(",");
        let text = format!(r#"{{"resultType":"vector","result":[{many}]}}"#);
        assert_eq!(words(&text), "10005 series, at most 10000 are read: sum them up by pod");
        let labels: Vec<String> = (0..65).map(|at| format!(r#""l{at}":"v""#)).collect();
        let text = format!(
            r#"{{"resultType":"vector","result":[{{"metric":{{{}}},"value":[1,"2"]}}]}}"#,
            labels.join(",")
        );
        assert!(words(&text).contains("more than 64 labels"));
    }

    #[test]
    fn a_range_is_a_matrix_with_rising_times() {
        let of = |values: &str| {
            let series = format!(r#"[{{"metric":{{"a":"b"}},"values":{values}}}]"#);
            range(
                format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{series}}}}}"#)
                    .as_bytes(),
            )
        };
        let found = of(r#"[[1,"2"],[1.5,"NaN"]]"#).unwrap();
        assert_eq!(found.series[0].samples[0], (Time(1_000), 2.0));
        assert_eq!(found.series[0].samples[1].0, Time(1_500));
        assert!(of(r#"[[2,"2"],[1,"2"]]"#).is_err());
        assert!(of(r#"[[1,"2"],[1,"2"]]"#).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(
            at in 0_usize..200,
            byte in proptest::num::u8::ANY,
            end in 0_usize..200,
            text in "[\\[\\]{}\":,0-9a-z.+-]{0,60}",
        ) {
            let good = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]},"warnings":["x"]}"#;
            let mut changed = good.to_vec();
            if let Some(place) = changed.get_mut(at) {
                *place = byte;
            }
            changed.truncate(end.max(1));
            drop((instant(&changed), range(&changed), instant(text.as_bytes())));
            let inside = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{text}}}}}"#);
            drop((instant(inside.as_bytes()), range(inside.as_bytes())));
        }
    }
}
