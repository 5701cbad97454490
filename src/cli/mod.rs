//! The command line: arguments, one file per command, output and exit codes.

pub mod args;
pub mod diagnostics;
pub mod exit;

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
