//! `lambkin completions`: prints a completion script for a shell.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::Args;

/// Prints the script to standard output.
pub fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    // clap would panic if it wrote to a standard output that has been closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "lambkin", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
