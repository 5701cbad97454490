//! The examples and the reference in `docs`.
