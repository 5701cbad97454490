//! Conditions over what was measured, in the Common Expression Language.
//!
//! A condition is text of a user. It is checked once, at load: its form ([`Fault`] has line, column and
//! message), the names that it uses, what evaluating it can cost, and what it gives.
//!
//! What is bounded: the length of the text, the depth of its tree (the parser recurses, and a stack that
//! overflows cannot be caught), and the steps of an evaluation, as an upper bound over answers of
//! [`super::answer::MAX_SAMPLES`] samples. Strings, maps, regular expressions, times and comments are not
//! part of the language here: a condition speaks of numbers.
//!
//! What cannot be told at load: an index outside of a vector, and arms of an expression that the numbers
//! tried at load do not reach. These are errors of the measurement.

mod audit;
mod bounds;
mod compile;
mod evaluate;

pub use compile::{Condition, Fault, Shape, Variables};
pub use evaluate::{Readings, Unanswered};
