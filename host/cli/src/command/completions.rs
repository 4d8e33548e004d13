//! `lambkin completions`: a completion script for a shell.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::Args;

/// Prints the script to standard output.
pub fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    clap_complete::generate(
        shell,
        &mut Args::command(),
        "lambkin",
        &mut std::io::stdout(),
    );
    Ok(ExitCode::SUCCESS)
}
