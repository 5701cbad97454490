//! Time and memory of rehearsals: `rehearse speed [ROLLOUTS]`, `rehearse memory [MEGABYTES]`.
//!
//! `speed` reads and replays rollouts of 40 min with samples each 15 s and two metrics: errors, and latency in five
//! buckets. `memory` reads one long recording and tells the peak of the process by Linux' own count.

use std::fmt::Write;
use std::time::Instant;
use taskmaster_delivery::rehearse::{Ending, Options, Recording, rehearse};
use taskmaster_delivery::spec::{Rollout, RolloutSpec, check};

const SPEC: &str = r#"{"name":"web","replicas":5,"strategy":{"canary":{"steps":[{"setWeight":10},{"analysis":{"duration":"10m"}},{"setWeight":25},{"analysis":{"duration":"10m"}},{"setWeight":50},{"analysis":{"duration":"10m"}},{"setWeight":75},{"analysis":{"duration":"9m"}}]}},"analysis":{"metrics":[{"name":"errors","test":{"of":"errors"}},{"name":"latency","test":{"of":"latency","bounds":[100,250,500,1000]}}]}}"#;
const BEGAN: u64 = 1_763_740_800;

#[expect(clippy::disallowed_methods, reason = "a program has arguments")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |default: usize| words.get(1).and_then(|word| word.parse().ok()).unwrap_or(default);
    match words.first().map(String::as_str) {
        Some("speed") => speed(number(1_000)),
        Some("memory") => memory(number(100)),
        _ => eprintln!("rehearse speed [ROLLOUTS] | rehearse memory [MEGABYTES]"),
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn speed(rollouts: usize) {
    let spec: RolloutSpec = serde_json::from_str(SPEC).expect("a rollout");
    let spec: Rollout = check(&spec).expect("a rollout that can be");
    let texts: Vec<String> = (0..rollouts as u64).map(text).collect();
    let began = Instant::now();
    let (mut completed, mut bytes) = (0, 0);
    for text in &texts {
        bytes += text.len();
        let recording = Recording::read(text).expect("a recording");
        recording.fits(&spec).expect("it fits");
        let rehearsal = rehearse(&spec, &recording, Options::default());
        completed += usize::from(rehearsal.ending == Ending::Completed);
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{rollouts} rollouts of {} bytes in {took:.2} s; {completed} completed",
        bytes / rollouts.max(1)
    );
}

/// A recording of 40 min; one seed gives one.
fn text(seed: u64) -> String {
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut draw = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most.max(1)
    };
    let mut counter = |labels: &str, least: u64, spread: u64| {
        let mut sum = 0;
        let mut series = format!(r#"{{"metric":{{{labels}}},"values":["#);
        for step in 0..=160 {
            let comma = if step > 0 { "," } else { "" };
            let _ = write!(series, r#"{comma}[{},"{sum}"]"#, BEGAN + step * 15);
            sum += least + draw(spread);
        }
        series + "]}"
    };
    let answer = |series: String| {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
    };
    let errors = [
        ("canaryTotal", 90, 20),
        ("canaryFailures", 0, 2),
        ("baselineTotal", 800, 200),
        ("baselineFailures", 0, 20),
    ];
    let errors =
        errors.map(|(role, least, spread)| format!(r#""{role}":{}"#, answer(counter("", least, spread))));
    let buckets = [("canaryBuckets", 100), ("baselineBuckets", 900)].map(|(role, units)| {
        let series = [("0.1", 80), ("0.25", 95), ("0.5", 98), ("1", 99), ("+Inf", 100)];
        let series = series.map(|(le, part)| counter(&format!(r#""le":"{le}""#), units * part / 100, 1));
        format!(r#""{role}":{}"#, answer(series.join(",")))
    });
    format!(r#"{{"metrics":{{"errors":{{{}}},"latency":{{{}}}}}}}"#, errors.join(","), buckets.join(","))
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn memory(megabytes: usize) {
    for (name, sample) in [("samples of 21 bytes", 21), ("samples of 8 bytes", 8)] {
        let text = long(megabytes * 1_000_000, sample == 8);
        let before = peak();
        let began = Instant::now();
        let recording = Recording::read(&text).expect("a recording");
        let took = began.elapsed().as_secs_f64();
        let (after, bytes) = (peak(), text.len() as f64 / 1e6);
        println!(
            "{name}: {bytes:.0} MB in {took:.2} s; {before:.0} MB before, {after:.0} MB at the peak, {:.1} times the text",
            after / bytes
        );
        drop(recording);
    }
}

/// A bare answer of one series.
fn long(bytes: usize, is_short: bool) -> String {
    let mut text = String::with_capacity(bytes + 100);
    text.push_str(r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":["#);
    let mut at = if is_short { 0 } else { BEGAN };
    while text.len() < bytes {
        let value = if is_short { 1 } else { 10_000 + at % 90_000 };
        let _ = if is_short { write!(text, r#"[{at},1],"#) } else { write!(text, r#"[{at},"{value}"],"#) };
        at += 1;
    }
    text.pop();
    text + "]}]}}"
}

/// The peak of this process' memory so far, in MB.
#[expect(clippy::disallowed_methods, reason = "it measures memory")]
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1_000.0 * 1.024
}
