//! Templates in values.
//!
//! An [`Engine`] renders the texts of one task. It is strict: what is not defined is an error with
//! a caret at the expression. Secrets and outputs that are not known yet are objects: a secret can
//! only be inserted as a whole, and an unknown output shows itself as `<task.name: known after run>`.

mod engine;
mod fault;
mod filters;
mod objects;
mod syntax;
mod trace;

pub(crate) use engine::{Engine, Facts, Native, Rendered, Roots};
pub(crate) use fault::{Sources, near};
pub(crate) use objects::{Producers, Variables};
pub(crate) use syntax::{check_expression, check_syntax, variables_in};
