//! A report as one HTML file: no request, no foreign font, readable without its script.
//!
//! Everything foreign goes through maud, which escapes by default. The content security policy
//! names the hashes of the page's own style and script, so that even markup that slipped through
//! could neither run nor load anything. For that reason no element has a `style` attribute: widths
//! are attributes of SVG elements.

mod attention;
mod deployments;
mod graph;
mod overview;
mod page;
mod parts;
mod rollouts;
mod share;
mod sync;
mod tasks;
mod timeline;
mod trace;

pub(super) use deployments::deployments;
pub(super) use graph::implied;
pub(super) use page::report;
