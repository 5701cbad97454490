//! One score of several metrics.

use super::finding;
use proptest::prelude::*;
use taskmaster_delivery::analysis::score::{Points, ScoreFault, ScoreSpec, Scorer, Weighted};
use taskmaster_delivery::analysis::verdict::Verdict;

fn metric(name: &str, weight: f64) -> Weighted {
    Weighted { name: name.to_owned(), weight, group: None, is_critical: false }
}

fn in_group(name: &str, weight: f64, group: &str) -> Weighted {
    Weighted { group: Some(group.to_owned()), ..metric(name, weight) }
}

fn flat(metrics: Vec<Weighted>) -> ScoreSpec {
    ScoreSpec { metrics, ..ScoreSpec::default() }
}

fn grouped(metrics: Vec<Weighted>, groups: &[(&str, f64)]) -> ScoreSpec {
    let groups = groups.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
    ScoreSpec { groups, ..flat(metrics) }
}

/// Points by letter: `1` all, `h` half, `0` none, `-` no data.
fn points(letters: &str) -> Vec<Points> {
    let one = |letter| match letter {
        '1' => Points::Of(1.0),
        'h' => Points::Of(0.5),
        '0' => Points::Of(0.0),
        _ => Points::NoData,
    };
    letters.chars().map(one).collect()
}

/// A name, a spec, points, and what they come to: score, share of data, verdict.
type Row = (&'static str, ScoreSpec, &'static str, Option<f64>, f64, Verdict);

/// Computed by hand.
#[test]
fn scores() {
    use Verdict::{Fail, Inconclusive, Pass};
    let three = || flat(vec![metric("a", 3.0), metric("b", 1.0), metric("c", 1.0)]);
    let groups = || {
        let metrics = vec![in_group("a", 1.0, "x"), in_group("b", 3.0, "x"), in_group("c", 1.0, "y")];
        grouped(metrics, &[("x", 60.0), ("y", 40.0)])
    };
    let critical = || {
        let mut spec = three();
        spec.metrics[1].is_critical = true;
        spec
    };
    let marks = |pass, marginal| ScoreSpec { pass, marginal, ..three() };
    let rows: Vec<Row> = vec![
        ("all well", three(), "111", Some(100.0), 1.0, Pass),
        ("the light one bad: 4 of 5", three(), "110", Some(80.0), 1.0, Inconclusive),
        ("the heavy one bad: 2 of 5", three(), "011", Some(40.0), 1.0, Fail),
        ("half points: 3.5 of 5", three(), "1h0", Some(70.0), 1.0, Fail),
        ("the pass mark passes", marks(80.0, 50.0), "110", Some(80.0), 1.0, Pass),
        ("the marginal mark is marginal", marks(95.0, 80.0), "110", Some(80.0), 1.0, Inconclusive),
        ("no data is left out: 3 of 4", three(), "1-0", Some(75.0), 0.8, Inconclusive),
        ("and is no failure", three(), "1--", Some(100.0), 0.6, Pass),
        ("too little weight is left", three(), "-11", Some(100.0), 0.4, Inconclusive),
        ("nor does little weight fail", three(), "-00", Some(0.0), 0.4, Inconclusive),
        ("nothing has data", three(), "---", None, 0.0, Inconclusive),
        ("points that are missing are no data", three(), "1", Some(100.0), 0.6, Pass),
        ("groups: 60 x 1/4 + 40", groups(), "101", Some(55.0), 1.0, Fail),
        ("groups: 60 x 3/4 + 40", groups(), "011", Some(85.0), 1.0, Inconclusive),
        ("a part of a group without data: 60 + 40", groups(), "-11", Some(100.0), 0.85, Pass),
        ("a whole group without data", groups(), "11-", Some(100.0), 0.6, Pass),
        ("a whole group without data, the other bad", groups(), "--0", Some(0.0), 0.4, Inconclusive),
        ("a critical one fails the whole", critical(), "101", Some(80.0), 1.0, Fail),
        ("also where little has data", critical(), "-0-", Some(0.0), 0.2, Fail),
        ("a critical one without data", critical(), "1-1", Some(100.0), 0.8, Inconclusive),
    ];
    for (name, spec, letters, score, data, verdict) in rows {
        let seen = Scorer::new(spec).unwrap().score(&points(letters));
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert_eq!(seen.score.is_some(), score.is_some(), "{name}");
        assert!(near(seen.score.unwrap_or(0.0), score.unwrap_or(0.0)), "{name}: {:?}", seen.score);
        assert!(near(seen.data, data), "{name}: {}", seen.data);
        assert_eq!(seen.judgement.verdict, verdict, "{name}: {}", seen.judgement.line);
    }
}

#[test]
fn lines() {
    let spec =
        || flat(vec![metric("a", 3.0), metric("b", 1.0), Weighted { is_critical: true, ..metric("c", 1.0) }]);
    let rows = [
        ("111", "pass: score 100.0 of 100, pass mark 95"),
        ("101", "inconclusive: score 80.0 of 100 is marginal, between 75 and 95"),
        ("001", "fail: score 20.0 of 100 is less than the marginal mark 75"),
        ("-11", "inconclusive: 40 % of the weight has data, at least 50 % must"),
        ("110", "fail: c is critical and failed"),
        ("11-", "inconclusive: c is critical and has no data"),
    ];
    for (letters, line) in rows {
        let seen = Scorer::new(spec()).unwrap().score(&points(letters));
        assert_eq!(seen.judgement.line, line);
        assert_eq!(seen.judgement.evidence.len(), 3);
    }
    let seen = Scorer::new(spec()).unwrap().score(&points("h1-"));
    let words: Vec<&str> = seen.judgement.evidence.iter().map(|entry| entry.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "a 50.0 of 100 points, weight 3",
            "b 100.0 of 100 points, weight 1",
            "c no data of 100 points, weight 1"
        ]
    );
}

#[test]
fn specs_that_make_no_sense() {
    let one = |weight| flat(vec![metric("a", weight)]);
    let marks = |pass, marginal| ScoreSpec { pass, marginal, ..one(1.0) };
    let rows = [
        (flat(vec![]), ScoreFault::NoMetrics),
        (one(0.0), ScoreFault::Weight("a".to_owned())),
        (one(-1.0), ScoreFault::Weight("a".to_owned())),
        (one(f64::NAN), ScoreFault::Weight("a".to_owned())),
        (one(f64::INFINITY), ScoreFault::Weight("a".to_owned())),
        (marks(75.0, 95.0), ScoreFault::Marks),
        (marks(101.0, 95.0), ScoreFault::Marks),
        (marks(f64::NAN, 0.0), ScoreFault::Marks),
        (marks(95.0, -1.0), ScoreFault::Marks),
        (ScoreSpec { least_data: 1.1, ..one(1.0) }, ScoreFault::LeastData),
        (ScoreSpec { least_data: f64::NAN, ..one(1.0) }, ScoreFault::LeastData),
        (flat(vec![in_group("a", 1.0, "x")]), ScoreFault::Group("a".to_owned())),
        (grouped(vec![metric("a", 1.0)], &[("x", 1.0)]), ScoreFault::Group("a".to_owned())),
        (grouped(vec![in_group("a", 1.0, "x")], &[("x", 0.0)]), ScoreFault::Weight("x".to_owned())),
    ];
    for (spec, fault) in rows {
        assert_eq!(Scorer::new(spec).unwrap_err(), fault);
    }
}

#[test]
fn points_of_findings() {
    let rows = [('S', Points::Of(1.0)), ('F', Points::Of(0.0)), ('I', Points::NoData), ('E', Points::NoData)];
    for (letter, points) in rows {
        assert_eq!(Points::from(&finding(letter)), points);
    }
}

fn any_points() -> impl Strategy<Value = Points> {
    prop_oneof![any::<f64>().prop_map(Points::Of), (0.0..=1.0f64).prop_map(Points::Of), Just(Points::NoData)]
}

proptest! {
    /// The score lies between the worst and the best points; without groups it is the weighted mean;
    /// the order of metrics and a common factor of weights change nothing.
    #[test]
    fn a_score_is_a_mean(rows in proptest::collection::vec((1e-6..=1e6f64, any_points()), 1..8), factor in 0.01..1.0f64) {
        let spec = |rows: &[(f64, Points)], factor: f64| flat(rows.iter().map(|(w, _)| metric("m", (w * factor).min(1e6))).collect());
        let of = |rows: &[(f64, Points)], factor| {
            let points: Vec<Points> = rows.iter().map(|(_, points)| *points).collect();
            Scorer::new(spec(rows, factor)).map(|scorer| scorer.score(&points))
        };
        let seen = of(&rows, 1.0).unwrap();
        let known: Vec<(f64, f64)> = rows.iter().filter_map(|(w, points)| match points {
            Points::Of(points) if !points.is_nan() => Some((*w, points.clamp(0.0, 1.0))),
            _ => None,
        }).collect();
        prop_assert_eq!(seen.score.is_some(), !known.is_empty());
        let Some(score) = seen.score else { return Ok(()) };
        let best = known.iter().map(|(_, p)| p * 100.0).fold(0.0, f64::max);
        let worst = known.iter().map(|(_, p)| p * 100.0).fold(100.0, f64::min);
        prop_assert!(score >= worst - 1e-9 && score <= best + 1e-9, "{} in {}..{}", score, worst, best);
        let sum: f64 = known.iter().map(|(w, _)| w).sum();
        let mean = known.iter().map(|(w, p)| w * p).sum::<f64>() / sum * 100.0;
        prop_assert!((score - mean).abs() < 1e-6);
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        prop_assert!((of(&reversed, 1.0).unwrap().score.unwrap() - score).abs() < 1e-6);
        prop_assert!((of(&rows, factor).unwrap().score.unwrap() - score).abs() < 1e-6);
    }
}
