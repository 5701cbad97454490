//! The engine by its rules: what is given, what is asked, what comes of it.

mod ab;
mod analysis;
mod blue_green;
mod gates;
mod lifecycle;
mod properties;
mod rolling;
mod steps;
mod verbs;
mod world;
