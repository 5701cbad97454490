//! Catalogues: YAML that says how the tasks of a document are done, per environment.
//!
//! [`load`] reads texts to a [`Catalogue`] of typed entries; [`Catalogue::bind`] joins it with a
//! document and renders one [`taskmaster_core::action::Binding`] a task; [`Catalogue::render`]
//! renders a single action again when the outputs it waits for are known.
//!
//! Nothing here reads a file, a clock, the environment or PATH: such facts enter by [`Inputs`].
//! Nothing here panics on any text, and no fault hides the next one: each is a diagnostic.

mod api;

pub use api::{Bound, Catalogue, Inputs, Loaded, OperatingSystem, Outputs, SourceText, load};
