//! Joins what the actions of one entry render to.

use crate::action::{ActionSpec, Parts, Renderer, render_probe};
use crate::decode::Place;
use crate::model::{CheckSpec, EntryFields, OutputsSpec, UndoSpec};
use taskmaster_core::action::{Action, Invocation, Outputs, Step};

/// An action and what its policy needs besides.
pub(crate) struct Combined {
    pub(crate) action: Action,
    pub(crate) locks: Vec<String>,
}

/// Renders all actions of an entry to one. Faults are collected by the renderer.
pub(crate) fn combine(
    fields: &EntryFields,
    actions: &[ActionSpec],
    place: Place,
    r: &Renderer<'_>,
) -> Combined {
    let mut parts: Vec<Parts> = actions.iter().map(|action| action.render(r)).collect();
    let locks = parts.iter().flat_map(|part| part.locks.clone()).collect();
    let printed = parts.iter_mut().rev().find_map(|part| part.terraform_output.take());
    // What several actions did together is not proved by the check of one of them.
    let built_in = if parts.len() == 1 { parts[0].check.take() } else { None };
    let check = match &fields.check {
        None => built_in,
        Some(CheckSpec::None) => None,
        Some(CheckSpec::Probe(spec)) => render_probe(spec, r),
    };
    let undo = match &fields.undo {
        None => parts.iter().rev().flat_map(|part| part.undo.clone()).collect(),
        Some(UndoSpec::None) => Vec::new(),
        Some(UndoSpec::Run(run)) => run.0.iter().flat_map(|action| action.render(r).run).collect(),
    };
    let mut run: Vec<Step> = parts.into_iter().flat_map(|part| part.run).collect();
    run.shrink_to_fit();
    let outputs = outputs(fields, printed, &mut run, place, r);
    let verify = fields.verify.as_ref().and_then(|spec| render_probe(spec, r));
    let kind = actions.first().map_or(taskmaster_core::action::ActionKind::Exec, ActionSpec::kind);
    let (check, verify) = (check.map(Box::new), verify.map(Box::new));
    Combined { action: Action { kind, check, run, verify, undo, outputs }, locks }
}

fn outputs(
    fields: &EntryFields,
    printed: Option<Step>,
    run: &mut [Step],
    place: Place,
    r: &Renderer<'_>,
) -> Option<Outputs> {
    let spec = match (fields.outputs, &printed) {
        (Some(spec), _) => spec,
        (None, Some(_)) => OutputsSpec::Terraform,
        (None, None) => return None,
    };
    let read = match spec {
        OutputsSpec::None => return None,
        OutputsSpec::Terraform => {
            if printed.is_none() {
                let help = "`json` and `lines` read what the last step prints";
                r.error("bind-outputs", place, "there is no terraform action to read outputs from", help);
            }
            return printed.map(|step| Outputs::Terraform(Box::new(step)));
        }
        OutputsSpec::Json => Outputs::Json,
        OutputsSpec::Lines => Outputs::Lines,
    };
    match run.last_mut().map(|step| &mut step.invocation) {
        Some(Invocation::Process(process)) => {
            process.capture = true;
            Some(read)
        }
        _ => {
            let help = "outputs are what a program prints";
            r.error("bind-outputs", place, "the last step prints nothing", help);
            None
        }
    }
}
