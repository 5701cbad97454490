//! What a template may be, decided without rendering it.

use crate::decode::{Context, Literal, Text};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::sync::OnceLock;
use taskmaster_core::diagnostic::Diagnostic;

/// Steps that one template may take: bounds loops.
const FUEL: u64 = 100_000;

/// An environment without anything that reaches outside: no loader, no includes, no dump of the context.
pub(super) fn strict_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    let syntax = environment.syntax().to_builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("only white space differs from the default syntax"));
    environment.remove_global("debug");
    super::filters::bound(&mut environment);
    environment
}

fn shared() -> &'static Environment<'static> {
    static SHARED: OnceLock<Environment<'static>> = OnceLock::new();
    SHARED.get_or_init(strict_environment)
}

/// True where rendering would change nothing.
pub(crate) fn is_constant(text: &str) -> bool {
    !["{{", "{%", "{#"].iter().any(|begin| text.contains(begin))
}

/// The expression of a text that is nothing else: `{{ vars.replicas }}`.
pub(super) fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    let nested = ["{{", "}}", "{%", "{#"].iter().any(|mark| inner.contains(mark));
    (!nested && shared().compile_expression(inner).is_ok()).then_some(inner)
}

/// Reports a template that cannot be read.
pub(crate) fn check_syntax(text: &Text, cx: &mut Context<'_>) {
    if is_constant(&text.text) {
        return;
    }
    if let Err(error) = shared().template_from_str(&text.text) {
        let span = super::fault::locate(cx.text, text.place.span, &text.text, error.range());
        let message = format!("this template cannot be read: {}", super::fault::detail(&error));
        cx.report(Diagnostic::error("schema-template", span, message));
    }
}

/// Reports an expression that cannot be read.
pub(crate) fn check_expression(text: &Literal, cx: &mut Context<'_>) {
    if let Err(error) = shared().compile_expression(&text.text) {
        let span = super::fault::locate(cx.text, text.place.span, &text.text, error.range());
        let message = format!("this expression cannot be read: {}", super::fault::detail(&error));
        let found = Diagnostic::error("schema-template", span, message);
        cx.report(found.help("an expression stands without braces: `vars.replicas > 1 and env == \"prod\"`"));
    }
}

/// Names of variables (`vars.name`) that a text refers to, for their order of evaluation.
pub(crate) fn variables_in(text: &str) -> Vec<String> {
    if is_constant(text) {
        return Vec::new();
    }
    let Ok(template) = shared().template_from_str(text) else {
        return Vec::new();
    };
    let names = template.undeclared_variables(true);
    let mut names: Vec<String> = names
        .iter()
        .filter_map(|name| name.strip_prefix("vars."))
        .filter_map(|name| name.split('.').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}
