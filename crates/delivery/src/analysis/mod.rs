//! Measurements, and what they say.
//!
//! A metric source answers ([`answer`]), a rule judges the answer as healthy, unhealthy, inconclusive or
//! an error ([`rule`], with conditions in CEL, [`condition`]), counters turn the judgements of a while
//! into a phase ([`run`] as Argo Rollouts counts, [`flagger`] as Flagger does, [`score`] by weights), and
//! a [`verdict`] says in one line why.
//!
//! Invariants: nothing here reads a clock or asks a source; no number, text or sequence of answers makes
//! it panic; no data is never healthy by itself. Absent on purpose: sources and their queries, and
//! statistics over two samples ([`crate::stats`]).

pub mod answer;
pub mod condition;
pub mod flagger;
mod number;
pub mod rule;
pub mod run;
pub mod score;
mod text;
pub mod verdict;
