//! Catalogues: YAML that says how the tasks of a document are done, per environment.
//!
//! [`load`] reads texts to a [`Catalogue`] of typed entries; [`Catalogue::bind`] joins it with a
//! document and renders one [`taskmaster_core::action::Binding`] a task; [`Catalogue::render`]
//! renders a single action again when the outputs it waits for are known.
//!
//! Nothing here reads a file, a clock, the environment or PATH: such facts enter by [`Inputs`].
//! Nothing here panics on any text, and no fault hides the next one: each is a diagnostic.
//!
//! Reading order: `api` (what callers see), `yaml` (a tree with places), `decode` (from the tree to
//! typed values), `model` (the grammar of a file), `template` (strict, with secrets and unknown
//! outputs), `action` (one file a kind of action), `bind` (a document joined with a catalogue).

mod action;
mod api;
mod bind;
mod decode;
mod load;
mod model;
mod schema;
mod template;
mod yaml;

pub use api::{Bound, Expanded, Inputs, Loaded, OperatingSystem, Outputs, Required, SourceText, Variables};
pub use bind::Selection;
pub use load::{Catalogue, load};
pub use schema::schema_text;
pub use yaml::{Places, plain};
