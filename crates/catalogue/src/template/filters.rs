//! Filters that make much of little: each with a bound, which the engine's own count of steps is not.
//!
//! Absent on purpose: bounds on texts that are joined with themselves by `~`; the engine has no place for one.

use super::engine::MAX_WRITTEN;
use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};

/// Largest width, count and precision.
const MAX_NUMBER: i64 = 1_000;

/// What a filter is given: the text, and arguments by place and by name.
type Arguments = Rest<ValueOrKwargs>;

/// Puts the bounded ones in place of the engine's.
pub(super) fn bound(environment: &mut Environment<'_>) {
    let sized = [
        ("batch", Value::from_function(filters::batch)),
        ("indent", Value::from_function(filters::indent)),
        ("slice", Value::from_function(filters::slice)),
        ("tojson", Value::from_function(filters::tojson)),
    ];
    for (name, filter) in sized {
        environment.add_filter(name, move |state: &mut State<'_, '_>, arguments: Arguments| {
            let arguments = arguments.into_values();
            // The first is what is filtered.
            arguments.iter().skip(1).try_for_each(is_small)?;
            filter.call(state, &arguments)
        });
    }
    let format = Value::from_function(filters::format);
    environment.add_filter("format", move |state: &mut State<'_, '_>, arguments: Arguments| {
        let arguments = arguments.into_values();
        has_small_widths(arguments.first().and_then(Value::as_str).unwrap_or_default())?;
        format.call(state, &arguments)
    });
    let replace = Value::from_function(filters::replace);
    environment.add_filter("replace", move |state: &mut State<'_, '_>, arguments: Arguments| {
        let arguments = arguments.into_values();
        if let [Some(text), Some(from), Some(to)] =
            [0, 1, 2].map(|at| arguments.get(at).and_then(Value::as_str))
        {
            fits(text.matches(from).count().saturating_mul(to.len()))?;
        }
        replace.call(state, &arguments)
    });
    let join = Value::from_function(filters::join);
    environment.add_filter("join", move |state: &mut State<'_, '_>, arguments: Arguments| {
        let arguments = arguments.into_values();
        let items = arguments.first().and_then(Value::len).unwrap_or_default();
        let joiner = arguments.get(1).and_then(Value::as_str).unwrap_or_default();
        fits(items.saturating_mul(joiner.len()))?;
        join.call(state, &arguments)
    });
}

fn refused(words: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, words)
}

fn fits(bytes: usize) -> Result<(), Error> {
    if bytes > MAX_WRITTEN { Err(refused("this template writes too much".to_owned())) } else { Ok(()) }
}

/// A number, or the numbers of named arguments.
fn is_small(argument: &Value) -> Result<(), Error> {
    let is_small =
        |value: &Value| !value.is_number() || value.as_i64().is_some_and(|number| number <= MAX_NUMBER);
    let are_small = match Kwargs::try_from(argument.clone()) {
        Ok(named) if argument.is_kwargs() => {
            named.args().all(|name| named.peek::<Value>(name).is_ok_and(|value| is_small(&value)))
        }
        _ => is_small(argument),
    };
    if are_small { Ok(()) } else { Err(refused(format!("a filter takes numbers up to {MAX_NUMBER}"))) }
}

/// Widths and precisions of `%05.1f`; `*` takes them from wherever.
fn has_small_widths(format: &str) -> Result<(), Error> {
    let is_long = format.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 3);
    let is_elsewhere = format.contains('*');
    if is_long || is_elsewhere {
        return Err(refused("widths in a format are written in it, and have up to 3 digits".to_owned()));
    }
    Ok(())
}
