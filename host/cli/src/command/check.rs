//! `lambkin check`: what would run, and what is wrong.
//!
//! Nothing is listened on and no function is started. Every plugin is loaded and configured, as `serve` would.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use lambkin_lambda::FunctionSpec;

use crate::args::Place;
use crate::config::{Config, full_name};
use crate::host;

/// Something in the configuration would not work.
const EXIT_FOUND_SOMETHING: u8 = 1;

/// Prints what would run to standard output, and problems to standard error.
pub async fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let config = Arc::new(Config::read(&place.config)?);
    let mut out = std::io::stdout().lock();
    let mut problems = Vec::new();
    writeln!(out, "invoke API on {}", config.invoke_listen)?;
    for function in &config.functions {
        match function.code.check(&function.layers) {
            Ok(program) => writeln!(
                out,
                "function {}: {}",
                full_name(function),
                describe(function, &program)
            )?,
            Err(error) => problems.push(format!("function {}: {error}", full_name(function))),
        }
    }
    if !config.triggers.is_empty() {
        let plugins = host::plugin_host(place)?;
        let loaded = host::http_triggers(&plugins, &config).await;
        for (trigger, loaded) in config.triggers.iter().zip(loaded) {
            match loaded {
                Ok(loaded) => {
                    writeln!(
                        out,
                        "trigger {}: {} on {}",
                        trigger.name,
                        trigger.plugin.name(),
                        trigger.listen
                    )?;
                    for line in loaded.summary() {
                        writeln!(out, "    {line}")?;
                    }
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
    }
    out.flush()?;
    for problem in &problems {
        eprintln!("error: {problem}\n");
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FOUND_SOMETHING)
    })
}

fn describe(function: &FunctionSpec, program: &std::path::Path) -> String {
    let handler = if function.handler.is_empty() {
        String::new()
    } else {
        format!(", handler {}", function.handler)
    };
    format!(
        "{}{handler}, {} s, {} MB, up to {} environments",
        program.display(),
        function.timeout.as_secs_f64(),
        function.memory_mb,
        function.concurrency,
    )
}
