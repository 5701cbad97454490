//! The names that a condition uses, and what evaluating it can cost.

use super::compile::{Fault, Variables};
use crate::analysis::answer::MAX_SAMPLES;
use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr};
use std::ops::RangeInclusive;

/// The most steps of one evaluation, over answers of [`MAX_SAMPLES`].
const MAX_STEPS: u64 = 100_000;

/// Functions of a condition beside its operators, whose names hold other characters, and how many values
/// each takes: the interpreter passes over surplus ones.
const FUNCTIONS: &[(&str, RangeInclusive<usize>)] = &[
    ("bool", 1..=1),
    ("default", 2..=2),
    ("double", 1..=1),
    ("dyn", 1..=1),
    ("int", 1..=1),
    ("isInf", 1..=1),
    ("isNaN", 1..=1),
    ("max", 1..=usize::MAX),
    ("min", 1..=usize::MAX),
    ("size", 1..=1),
    ("uint", 1..=1),
];

/// An upper bound of an expression.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// Steps to evaluate it.
    steps: u64,
    /// Numbers in its value.
    size: u64,
    /// Numbers in the largest element of its value.
    element: u64,
}

impl Cost {
    const LEAF: Self = Self { steps: 1, size: 1, element: 1 };

    /// Parts that are joined into one value.
    fn of_parts(parts: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> u64| parts.iter().map(of).fold(0, u64::saturating_add);
        let element = parts.iter().map(|part| part.element).max().unwrap_or(1);
        let size = sum(|part| part.size).max(1);
        Self { steps: sum(|part| part.steps).saturating_add(size).saturating_add(1), size, element }
    }
}

/// Refuses unknown names and what would take too many steps.
pub(super) fn check(text: &str, program: &Program, variables: Variables) -> Result<(), Fault> {
    let mut audit = Audit { text, program, variables, bound: Vec::new() };
    let cost = audit.visit(program.expression())?;
    if cost.steps > MAX_STEPS {
        let message = format!(
            "takes up to {} steps over {MAX_SAMPLES} samples, at most {MAX_STEPS} are run",
            cost.steps
        );
        return Err(Fault::at(text, 0, message));
    }
    Ok(())
}

struct Audit<'a> {
    text: &'a str,
    program: &'a Program,
    variables: Variables,
    /// Variables of the comprehensions around, innermost last.
    bound: Vec<(&'a str, Cost)>,
}

impl<'a> Audit<'a> {
    /// Recurses as deep as the text is nested, which [`super::bounds`] limits.
    fn visit(&mut self, node: &'a IdedExpr) -> Result<Cost, Fault> {
        match &node.expr {
            Expr::Literal(_) => Ok(Cost::LEAF),
            Expr::Ident(name) => self.variable(node, name),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Comprehension(loop_) => self.comprehension(loop_),
            Expr::Select(select) => {
                Err(self.fault(node, format!("a number has no field `{}`", select.field)))
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.fault(node, "a condition speaks of numbers and lists of numbers".to_owned()))
            }
        }
    }

    fn variable(&self, node: &IdedExpr, name: &str) -> Result<Cost, Fault> {
        if let Some((_, cost)) = self.bound.iter().rev().find(|(bound, _)| *bound == name) {
            return Ok(*cost);
        }
        let samples = Cost { steps: 1, size: MAX_SAMPLES as u64, element: 1 };
        match name {
            "result" => Ok(samples),
            "baseline" | "canary" if self.variables.pair => Ok(samples),
            "baseline" | "canary" => {
                Err(self
                    .fault(node, format!("`{name}` is there only for a metric that asks for both versions")))
            }
            _ => Err(self.fault(node, format!("nothing is called `{name}`"))),
        }
    }

    fn call(&mut self, node: &'a IdedExpr, call: &'a CallExpr) -> Result<Cost, Fault> {
        let name = call.func_name.as_str();
        let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
            let Some((_, takes)) = known else {
                return Err(self.of_function(node, name, format!("no function is called `{name}`")));
            };
            if !takes.contains(&parts.len()) {
                let message = format!("`{name}` does not take {} values", parts.len());
                return Err(self.of_function(node, name, message));
            }
        }
        let costs = parts.into_iter().map(|part| self.visit(part)).collect::<Result<Vec<_>, _>>()?;
        let joined = Cost::of_parts(&costs);
        let scalar = Cost { size: 1, element: 1, ..joined };
        Ok(match (name, costs.as_slice()) {
            // Of two arms one is the value.
            ("_?_:_", [_, one, other]) => Cost { size: one.size.max(other.size), ..joined },
            ("_[_]", [list, _]) => Cost { size: list.element, element: list.element, ..joined },
            ("_+_" | "default" | "dyn" | "max" | "min", _) => joined,
            _ => scalar,
        })
    }

    fn list(&mut self, elements: &'a [IdedExpr]) -> Result<Cost, Fault> {
        let costs = elements.iter().map(|element| self.visit(element)).collect::<Result<Vec<_>, _>>()?;
        let element = costs.iter().map(|cost| cost.size).max().unwrap_or(1);
        Ok(Cost { element, ..Cost::of_parts(&costs) })
    }

    /// What the macros `all`, `exists`, `exists_one`, `map` and `filter` become.
    fn comprehension(&mut self, loop_: &'a ComprehensionExpr) -> Result<Cost, Fault> {
        let range = self.visit(&loop_.iter_range)?;
        let start = self.visit(&loop_.accu_init)?;
        let outer = self.bound.len();
        let item = Cost { steps: 1, size: range.element, element: range.element };
        self.bound.push((&loop_.accu_var, Cost::LEAF));
        self.bound.extend(loop_.iter_var2.as_deref().map(|name| (name, item)));
        self.bound.push((&loop_.iter_var, item));
        let go_on = self.visit(&loop_.loop_cond)?;
        let step = self.visit(&loop_.loop_step)?;
        self.bound.truncate(outer + 1);
        let end = self.visit(&loop_.result)?;
        self.bound.truncate(outer);
        let each = go_on.steps.saturating_add(step.steps).saturating_add(2);
        let around = range.steps.saturating_add(start.steps).saturating_add(end.steps);
        let steps = range.size.saturating_mul(each).saturating_add(around);
        Ok(Cost { steps, size: range.size.saturating_mul(step.size), element: step.element })
    }

    fn fault(&self, node: &IdedExpr, message: String) -> Fault {
        Fault::at(self.text, self.start(node), message)
    }

    /// At the name of a function, where the parser's place is that of its bracket.
    fn of_function(&self, node: &IdedExpr, name: &str, message: String) -> Fault {
        let start = self.start(node);
        let has_name_before = self.text.get(..start).is_some_and(|before| before.ends_with(name));
        Fault::at(self.text, if has_name_before { start - name.len() } else { start }, message)
    }

    fn start(&self, node: &IdedExpr) -> usize {
        self.program.source_info().offset_for(node.id).map_or(0, |(start, _)| start as usize)
    }
}
