//! The sandbox modes of functions: what is asked for becomes what the machine can do.
//!
//! On failure: a mode that is asked for by name and does not work here is an error, with the step that failed and the
//! command that would enable it. Mode `auto` then stands for `process`, and says so.

use std::fmt::Write as _;

use anyhow::anyhow;
use lambkin_lambda::{FunctionSpec, SandboxMode};
use lambkin_process::sandbox::Failure;
use lambkin_process::{advice, support};

use super::layers::missing_opt;
use crate::config::{Config, SandboxChoice, full_name};

/// Sets the sandbox modes of all functions of a configuration. `named` overrides what it says. Returns what the developer
/// should know.
pub async fn choose_sandboxes(
    config: &mut Config,
    named: Option<SandboxChoice>,
) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    for (spec, inputs) in config.functions.iter_mut().zip(&config.function_inputs) {
        let choice = named.or(inputs.sandbox).unwrap_or(config.sandbox);
        let note = choose_sandbox(spec, choice).await?;
        // Usually the same for all functions.
        notes.extend(note.filter(|note| !notes.contains(note)));
        notes.extend(missing_opt(spec));
    }
    Ok(notes)
}

/// Sets the sandbox mode of a function. Returns what the developer should know.
pub async fn choose_sandbox(
    spec: &mut FunctionSpec,
    choice: SandboxChoice,
) -> anyhow::Result<Option<String>> {
    if choice == SandboxChoice::Process {
        spec.sandbox = SandboxMode::Process;
        return Ok(None);
    }
    let support = support().await;
    let needed = match spec.layers.len() {
        0 | 1 => &support.namespace,
        _ => &support.overlay,
    };
    match (needed, choice) {
        (Ok(()), SandboxChoice::Auto) => {
            spec.sandbox = SandboxMode::Namespace;
            Ok(Some("sandbox \"auto\" is \"namespace\" here".to_owned()))
        }
        (Ok(()), _) => {
            spec.sandbox = SandboxMode::Namespace;
            Ok(None)
        }
        (Err(failure), SandboxChoice::Auto) => {
            spec.sandbox = SandboxMode::Process;
            Ok(Some(format!(
                "sandbox \"auto\" is \"process\" here, as \"namespace\" does not work: {}",
                explain(failure)
            )))
        }
        (Err(failure), _) => Err(anyhow!(
            "function {}: sandbox \"namespace\" does not work here: {}\nwith \"process\", functions see the whole \
             machine; \"auto\" takes what works",
            full_name(spec),
            explain(failure)
        )),
    }
}

/// A failure, with what would correct it.
fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    if let Some(advice) = advice(failure) {
        let _ = write!(text, "\n{advice}"); // writing to a String does not fail
    }
    text
}
