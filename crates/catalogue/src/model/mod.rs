//! The grammar of a catalogue file: what may be written, as types with places.

mod entry;
mod file;
mod matrix;
mod policy;
mod probe;
mod requires;
mod value;
mod when;

pub(crate) use entry::{CheckSpec, Entry, EntryFields, OutputsSpec, Selector, UndoSpec};
pub(crate) use file::{Defaults, File, Overlay};
pub(crate) use matrix::{AxisSpec, MatrixSpec};
pub(crate) use policy::PolicySpec;
pub(crate) use probe::{MatchSpec, ProbeSpec};
pub(crate) use requires::Requires;
pub(crate) use value::{SecretKind, SecretSpec, Tree, ValueSpec, VariableSpec, words};
pub(crate) use when::{Condition, WhenSpec};
