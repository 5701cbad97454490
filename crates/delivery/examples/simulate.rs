//! Simulates rollouts of specifications that come along: `simulate SPEC SCENARIO SEEDS [FIRST]`.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "an example is a program of its own: it reads its arguments and the clock"
)]

use std::time::Instant;
use taskmaster_delivery::sim::{Scenario, Summary, run};
use taskmaster_delivery::spec::{RolloutSpec, check};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let text = match args[0].as_str() {
        "canary" => {
            r#"{"name":"web","replicas":5,"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{"duration":"2m"}},{"setWeight":25},{"analysis":{"duration":"1m"}},{"setWeight":50},{"pause":{"duration":"2m"}},{"setWeight":75},{"pause":{"duration":"2m"}}]}},"analysis":{"metrics":[{"name":"errors","test":{"of":"errors"}},{"name":"latency","test":{"of":"latency"}}]}}"#
        }
        "dynamic" => {
            r#"{"name":"web","replicas":5,"strategy":{"canary":{"dynamicStableScale":true,"steps":[{"setWeight":20},{"pause":{"duration":"20s"}},{"setHeaderRoute":{"name":"h","match":[{"header":"x","exact":"1"}]}},{"setWeight":40},{"analysis":{"duration":"10s"}},{"setWeight":80},{"pause":{"duration":"20s"}}]}},"analysis":{"metrics":[{"name":"errors","test":{"of":"errors"}}]}}"#
        }
        "pods" => {
            r#"{"name":"web","replicas":5,"strategy":{"canary":{"traffic":"pods","steps":[{"setWeight":20},{"pause":{"duration":"20s"}},{"setWeight":60},{"pause":{"duration":"20s"}}]}}}"#
        }
        "blue" => {
            r#"{"name":"web","replicas":4,"strategy":{"blueGreen":{"previewReplicas":1,"prePromotionAnalysis":{"metrics":["rate"]},"postPromotionAnalysis":{"metrics":["rate"]},"autoPromotionAfter":"20s"}},"analysis":{"metrics":[{"name":"rate","threshold":0.5,"interval":"5s","count":12,"consecutiveErrorLimit":10,"inconclusiveLimit":1}]}}"#
        }
        "ab" => {
            r#"{"name":"web","replicas":4,"strategy":{"ab":{"match":[{"header":"x","exact":"1"}],"iterations":3,"interval":"10s"}},"analysis":{"metrics":[{"name":"rate","failureCondition":"result > 0.5","interval":"5s","consecutiveErrorLimit":10}]}}"#
        }
        "rolling" => {
            r#"{"name":"web","replicas":4,"strategy":{"rolling":{"migration":{"up":["m","up"],"compatible":"backward"}}}}"#
        }
        "any" => "",
        other => panic!("{other}"),
    };
    let given = (!text.is_empty()).then(|| {
        let spec: RolloutSpec = serde_json::from_str(text).unwrap();
        (check(&spec).unwrap(), Scenario::named(&args[1]).unwrap())
    });
    let seeds: u64 = args[2].parse().unwrap();
    let first: u64 = args.get(3).map_or(0, |text| text.parse().unwrap());
    let began = Instant::now();
    let mut summary = Summary::default();
    let mut shown = 0;
    for seed in first..first + seeds {
        let report = match &given {
            Some((spec, scenario)) => run(spec, scenario, seed),
            None => {
                let (_, spec, scenario) = taskmaster_delivery::sim::any(seed);
                run(&spec, &scenario, seed)
            }
        };
        let is_stuck = matches!(report.ending, taskmaster_delivery::sim::Ending::Stuck { .. });
        if (seeds == 1 || is_stuck || report.broken.is_some()) && shown < 3 {
            shown += 1;
            if given.is_none() {
                let (spec, _, scenario) = taskmaster_delivery::sim::any(seed);
                println!("{}\n{:?}", serde_json::to_string(&spec).unwrap(), scenario);
            }
            println!("{report:?}");
        }
        summary.add(&report);
    }
    let took = began.elapsed().as_secs_f64();
    let (p50, p99) = (summary.detected_within(0.5), summary.detected_within(0.99));
    summary.detections.clear();
    println!("{summary:?}\np50 {p50:?} p99 {p99:?}; {:.0} looks/s", summary.looks as f64 / took);
}
