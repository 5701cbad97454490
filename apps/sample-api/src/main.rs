//! The demo service as a program; everything it does lives in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    sample_api::cli::main()
}
