//! What goes wrong around the program, and what a user then meets. `docs/faults.md` is the table of all of it; each
//! of its rows names a test, here or elsewhere, and each test here has a row (`table.rs`).

mod clock;
mod commands;
mod disk;
mod files;
mod ledger;
mod secrets;
mod table;
mod text;
mod world;
mod yaml;
