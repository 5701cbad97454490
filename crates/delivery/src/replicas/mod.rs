//! How many pods each version has.
