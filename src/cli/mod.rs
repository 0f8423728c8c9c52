//! L5: the command line. Every command is a client of the API: of a running server, or, if
//! there is none, of the same API inside this process over the data directory. So there is
//! one code path, one set of rules and one audit log.

mod args;
mod client;
mod commands;
mod demo;
mod exit;
mod output;
mod resources;

use std::process::ExitCode;

use clap::Parser as _;

pub use args::Args;

/// Parses the arguments, runs the command, and maps its result to an exit code.
#[must_use]
pub fn main() -> ExitCode {
    // Whatever we write holds findings or hashes of passwords: it is for its owner only.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(workers())
        .max_blocking_threads(32)
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: the runtime cannot be started: {e}");
            return exit::FAILED.into();
        }
    };
    let json = args.json;
    let outcome = runtime.block_on(commands::run(args));
    // Blocking tasks that nobody waits for must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code.into(),
        Err(e) => {
            output::error(&e, json);
            exit::of(e.code()).into()
        }
    }
}

/// Two more than cores: a read from a cold disk blocks its thread for a moment.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(4, |n| n.get() + 2)
}
