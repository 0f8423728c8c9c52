//! The executable: parses arguments, runs the command, maps the result to an exit code.

/// glibc's and musl's allocators keep or fight over memory under many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    vulnzero::cli::main()
}
