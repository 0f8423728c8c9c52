//! The executable: parses arguments, runs the command, maps the result to an exit code.

fn main() -> std::process::ExitCode {
    vulnzero::cli::main()
}
