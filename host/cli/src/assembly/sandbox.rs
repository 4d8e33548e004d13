//! The sandbox modes of functions: what is asked for becomes what the machine can do.
//!
//! On failure: a mode that is asked for by name and does not work here is an error, with the step that failed and the
//! command that would enable it. Mode `auto` then stands for `process`, and says so.

use std::fmt::Write as _;

use anyhow::anyhow;
use lambkin_lambda::{Entry, FunctionSpec, SandboxMode, outward_links, visible_outside};
use lambkin_process::sandbox::Failure;
use lambkin_process::{advice, merges, opens, support};

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
        let choice = match inputs.image {
            // The key of the whole file is for functions that leave theirs out.
            Some(_) => named.unwrap_or(SandboxChoice::Auto),
            None => named.or(inputs.sandbox).unwrap_or(config.sandbox),
        };
        for note in choose_sandbox(spec, choice).await? {
            // Usually the same for all functions.
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes.extend(missing_opt(spec));
    }
    Ok(notes)
}

/// Sets the sandbox mode of a function. Returns what the developer should know: what `auto` means here, and which files of
/// the host the function sees.
pub async fn choose_sandbox(
    spec: &mut FunctionSpec,
    choice: SandboxChoice,
) -> anyhow::Result<Vec<String>> {
    if let Entry::Image(_) = &spec.code.entry {
        return choose_image(spec, choice).await;
    }
    spec.sandbox = SandboxMode::Process;
    if choice == SandboxChoice::Process {
        return Ok(Vec::new());
    }
    let support = support().await;
    let works = match &support.namespace {
        Ok(()) => merges(&spec.code.resolved_root(), &spec.layer_folders()).await,
        Err(failure) => Err(failure.clone()),
    };
    let note = match (works, choice) {
        (Ok(()), SandboxChoice::Auto) => Some("sandbox \"auto\" is \"namespace\" here".to_owned()),
        (Ok(()), _) => None,
        (Err(failure), SandboxChoice::Auto) => {
            return Ok(vec![format!(
                "sandbox \"auto\" is \"process\" here, as \"namespace\" does not work: {}",
                explain(&failure)
            )]);
        }
        (Err(failure), _) => {
            return Err(anyhow!(
                "function {}: sandbox \"namespace\" does not work here: {}\nwith \"process\", functions see the whole \
                 machine; \"auto\" takes what works",
                full_name(spec),
                explain(&failure)
            ));
        }
    };
    spec.sandbox = SandboxMode::Namespace;
    let notes = note.into_iter().chain(shown(spec)).chain(hidden(spec));
    Ok(notes.collect())
}

/// The links of the code that lead nowhere in the sandbox.
fn hidden(spec: &FunctionSpec) -> Option<String> {
    let links = outward_links(spec);
    let (link, to) = links.first()?;
    let code = spec.code.resolved_root();
    let others = match links.len() {
        1 => String::new(),
        2 => " and one other link".to_owned(),
        number => format!(" and {} other links", number - 1),
    };
    Some(format!(
        "function {}: in its sandbox, {} leads nowhere{others}, as {} is outside of the code: copy it into the code or a \
         layer, as for AWS, or use sandbox \"process\"",
        full_name(spec),
        link.strip_prefix(&code).unwrap_or(link).display(),
        to.display()
    ))
}

/// The files of the host that a function sees without that the configuration names them.
fn shown(spec: &FunctionSpec) -> Option<String> {
    let paths = visible_outside(spec);
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    (!paths.is_empty()).then(|| {
        format!(
            "function {}: its sandbox shows, besides the code and the system: {}",
            full_name(spec),
            paths.join(", ")
        )
    })
}

/// Sets the mode of a function from an image, which has one only.
async fn choose_image(
    spec: &mut FunctionSpec,
    choice: SandboxChoice,
) -> anyhow::Result<Vec<String>> {
    spec.sandbox = SandboxMode::Image;
    let name = full_name(spec);
    if let Err(failure) = opens(&spec.code.resolved_root()).await {
        return Err(anyhow!(
            "function {name}: container images do not work here: {}\nfunctions with `code` and sandbox \"process\" do",
            explain(&failure)
        ));
    }
    Ok(match choice {
        SandboxChoice::Process => {
            vec![format!(
                "function {name} runs in its image, not in sandbox \"process\""
            )]
        }
        _ => Vec::new(),
    })
}

/// A failure, with what would correct it.
fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    if let Some(advice) = advice(failure) {
        let _ = write!(text, "\n{advice}"); // writing to a String does not fail
    }
    text
}
