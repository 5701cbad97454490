//! Entry of the program; everything else is in the library.

fn main() -> std::process::ExitCode {
    taskmaster::cli::main()
}
