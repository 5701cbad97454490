//! Tests of catalogues by their public interface.

mod support;

mod actions;
mod ask;
mod binding;
mod bounds;
mod environments;
mod faults;
mod inline;
mod matrix;
mod outputs;
mod properties;
mod published;
mod reference;
mod requires;
mod secrets;
mod templates;
mod when;
