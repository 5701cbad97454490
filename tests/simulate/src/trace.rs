//! Every decision of one run, a line each.

use crate::torture::json;
use taskmaster_delivery::engine::{Delivery, Effect, Routes, State};
use taskmaster_delivery::mutant::{Mutant, with};
use taskmaster_delivery::sim::{Glance, any, watch};
use taskmaster_delivery::time::Time;

/// Prints a run.
pub(crate) fn print(seed: u64, mutant: Option<Mutant>) {
    let (written, spec, scenario) = any(seed);
    println!("seed {seed}\nspecification: {}\nconditions: {}", json(&written), json(&scenario));
    let moves = Delivery::new(spec.clone(), State::new(Time(0))).moves().to_vec();
    for (place, at) in moves.iter().enumerate() {
        println!("move {place}: {at:?}");
    }
    println!("seconds  pods wanted/created/available-ending | routes | phase @ move | effects");
    let go = || watch(&spec, &scenario, seed, |glance| line(&glance));
    let report = mutant.map_or_else(go, |mutant| with(mutant, go));
    println!("{}", json(&report));
}

fn line(glance: &Glance<'_>) {
    for what in glance.happened {
        println!("         * {what}");
    }
    let pods = glance.seen.versions.iter().map(|version| {
        let pods = version.pods;
        let ending = if pods.terminating > 0 { format!("-{}", pods.terminating) } else { String::new() };
        format!("{} {}/{}/{}{ending}", version.revision, pods.wanted, pods.created, pods.available)
    });
    let pods = pods.collect::<Vec<_>>().join(" ");
    let state = glance.state;
    let held = state.held.as_ref().map(|held| format!(" ({})", held.words())).unwrap_or_default();
    let fault = state.judging.fault.as_ref().map(|fault| format!(" fault: {fault}")).unwrap_or_default();
    let shown = glance.seen.routes.as_ref().map(routes).unwrap_or_default();
    let effects = glance.effects.iter().map(effect).collect::<Vec<_>>().join("; ");
    println!(
        "{:7.1}  {pods} of {} | {shown} | {} {} @ {}{held}{fault} | {effects}",
        glance.at,
        glance.seen.replicas.unwrap_or_default(),
        state.revision,
        state.phase,
        state.place
    );
}

fn routes(routes: &Routes) -> String {
    let mut text = format!("all to {}", routes.active);
    if let Some(share) = &routes.share {
        text += &format!(", {} % to {}", share.weight, share.revision);
    }
    if let Some(preview) = &routes.preview {
        text += &format!(", preview {preview}");
    }
    if !routes.headers.is_empty() {
        text += &format!(", {} by header", routes.headers.len());
    }
    if routes.mirror.is_some() {
        text += ", mirrored";
    }
    text
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Scale { revision, replicas } => format!("scale {revision} to {replicas}"),
        Effect::Route(to) => format!("route {}", routes(to)),
        Effect::Measure { metric, revision } => format!("measure {metric} of {revision}"),
        Effect::Migrate { revision, direction, attempt } => {
            format!("migrate {direction:?} for {revision}, attempt {attempt}")
        }
        Effect::Ask { gate, revision, question } => {
            format!("ask gate {gate} about {revision}, question {question}")
        }
        Effect::Tell(notice) => format!("tell {}", json(notice)),
    }
}
