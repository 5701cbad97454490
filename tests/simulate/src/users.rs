//! Who comes in the experiments, and how versions are released to them.

use serde_json::{Value, json};
use taskmaster_delivery::sim::{Behaviour, Incident, Scenario, Service, Trouble, Users};

/// Share of the units that an incident makes fail, and when.
const INCIDENT: Incident = Incident { from: 300.0, to: 900.0, errors: 0.04 };

/// A scenario and its name.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
}

/// Good versions: the new one is as the old one.
pub(crate) fn good(look: f64) -> Vec<Named> {
    let mut all = Vec::new();
    for rate in [5.0, 50.0, 500.0] {
        for errors in [0.001, 0.008, 0.05] {
            let name = format!("{rate} rps, {} % errors", errors * 100.0);
            all.push(Named { name, scenario: steady(rate, errors, look) });
        }
    }
    let mut clusters = steady(50.0, 0.008, look);
    clusters.service.users.session = 5;
    all.push(Named { name: "50 rps, 0.8 % errors by sessions of 5".to_owned(), scenario: clusters });
    for rate in [5.0, 50.0] {
        let mut incident = steady(rate, 0.008, look);
        incident.service.incident = Some(INCIDENT);
        let name = format!("{rate} rps, 0.8 % errors, 10 min with 4 % more on both");
        all.push(Named { name, scenario: incident });
    }
    all
}

/// Both versions fail alike, and nothing else goes wrong.
fn steady(rate: f64, errors: f64, look: f64) -> Scenario {
    let behaviour = Behaviour { errors, ..Behaviour::default() };
    Scenario {
        service: Service {
            users: Users { rate, ..Users::default() },
            stable: behaviour,
            canary: behaviour,
            incident: None,
        },
        trouble: Trouble::default(),
        look,
        horizon: 3.0 * 3600.0,
        ..Scenario::default()
    }
}

/// A bad version at one weight, looked at each second for an hour at most.
pub(crate) fn bad(rate: f64, canary: Behaviour) -> Scenario {
    let mut scenario = steady(rate, Behaviour::default().errors, 1.0);
    scenario.service.canary = canary;
    scenario
}

/// Steps of a canary from pairs.
fn canary(steps: &[Value], from: Option<usize>) -> Value {
    json!({"canary": {"steps": steps, "analysisFromStep": from}})
}

/// 40 minutes in steps, with a sequential test of the errors. At the last one there is nobody left to
/// compare with.
pub(crate) fn sequential(unit: &str) -> Value {
    let steps: Vec<Value> = [10, 25, 50, 75, 100]
        .iter()
        .flat_map(|weight| [json!({"setWeight": weight}), json!({"pause": {"duration": "8m"}})])
        .collect();
    json!({
        "name": "web", "replicas": 5, "strategy": canary(&steps, None),
        "analysis": {
            "maxFalseRollback": 0.001,
            "metrics": [{"name": "errors", "test": {"of": "errors", "unit": unit}}],
        },
    })
}

/// As the documentation of Argo Rollouts has it: five measurements a step, a success rate of 95 %, three
/// failures forgiven.
pub(crate) fn argo() -> Value {
    let steps: Vec<Value> = [10, 25, 50, 75]
        .iter()
        .flat_map(|weight| {
            [json!({"setWeight": weight}), json!({"pause": {"duration": "1m"}}), json!({"analysis": {}})]
        })
        .collect();
    json!({
        "name": "web", "replicas": 5, "strategy": canary(&steps, None),
        "analysis": {
            "policy": "argo",
            "metrics": [{
                "name": "errors", "range": {"max": 0.05}, "interval": "60s", "count": 5, "failureLimit": 3,
            }],
        },
    })
}

/// As the documentation of Flagger has it: a minute a step of 5 % up to 50 %, a success rate of 99 %, five
/// failed checks. Its first tick asks no metric: ours comes at the second weight.
pub(crate) fn flagger() -> Value {
    let steps: Vec<Value> = (1..=10)
        .flat_map(|step| [json!({"setWeight": 5 * step}), json!({"pause": {"duration": "1m"}})])
        .collect();
    json!({
        "name": "web", "replicas": 5, "strategy": canary(&steps, Some(3)),
        "analysis": {
            "policy": "flagger", "threshold": 5,
            "metrics": [{"name": "errors", "range": {"max": 0.01}, "interval": "60s"}],
        },
    })
}

/// One step of a tenth of the users, and tests of these on data of every so many seconds.
pub(crate) fn tenth(seconds: u32, tests: &[&str]) -> Value {
    let steps = [json!({"setWeight": 10}), json!({"pause": {"duration": "1h"}})];
    let interval = format!("{seconds}s");
    let test = |of: &&str| json!({"name": of, "interval": interval, "test": {"of": of}});
    json!({
        "name": "web", "replicas": 10, "strategy": canary(&steps, None),
        "analysis": {"maxFalseRollback": 0.001, "metrics": tests.iter().map(test).collect::<Vec<_>>()},
    })
}
