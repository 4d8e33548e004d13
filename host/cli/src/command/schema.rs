//! `lambkin schema`: the JSON Schema of `lambkin.toml`.

use std::io::Write;
use std::process::ExitCode;

use crate::config;

/// Prints the schema to standard output.
pub fn run() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{}", config::schema_text())?;
    Ok(ExitCode::SUCCESS)
}
