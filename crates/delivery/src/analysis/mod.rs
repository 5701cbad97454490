//! Measurements, and what they say.
