//! The integration tests, one binary: it links once and its parts share their helpers.

mod tidy;
