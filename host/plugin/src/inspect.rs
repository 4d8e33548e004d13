//! Reading what a component is, before any of it is compiled.
//!
//! A plugin carries no manifest: the interfaces it exports say which role it plays, those it imports say what it
//! needs. [`inspect`] reads both from the file's sections and refuses, with the reason and the way out, whatever is
//! not a component, plays no role this host knows, or needs what a trigger plugin does not get.
//!
//! The bytes are anybody's, and are only ever read here, never run. A component that passes may still be invalid
//! inside; the compiler finds that.

use wasmparser::{Parser, Payload};
use wasmtime::{Engine, Precompiled};

use crate::error::LoadCause;
use crate::text::quote;
use crate::{limits, wasi};

/// The interface that makes a component an HTTP trigger, without its version.
const HTTP_TRIGGER: &str = "lambkin:http-trigger/shaper";

/// The versions of it that this host speaks.
const HTTP_TRIGGER_SPOKEN: &str = "lambkin:http-trigger/shaper@0.1.x";

/// How many names of a component a message lists.
const LISTED: usize = 12;

/// A component that this host can use, as read from its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// The exported interface that gives it its role, as spelled in the component.
    pub role: String,
    /// The interfaces it imports, in the component's order.
    pub imports: Vec<String>,
}

/// Reads a component's role and needs.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, LoadCause> {
    if bytes.len() > limits::COMPONENT_BYTES {
        return Err(LoadCause::NotAComponent(format!(
            "its {} bytes are more than the {} MiB a plugin may have; leave out debug information",
            bytes.len(),
            limits::COMPONENT_BYTES >> 20,
        )));
    }
    if !Parser::is_component(bytes) {
        return Err(LoadCause::NotAComponent(what_else(bytes)));
    }
    let Names { imports, exports } = names(bytes)?;
    let role = role(&exports)?;
    granted(&imports)?;
    Ok(Inspection { role, imports })
}

/// Says what bytes are that are no component.
fn what_else(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".into();
    }
    match Engine::detect_precompiled(bytes) {
        Some(Precompiled::Component | Precompiled::Module) => {
            return "it is compiled machine code (.cwasm), which can not be checked and is never run; use the .wasm \
                    file it was compiled from"
                .into();
        }
        None if bytes.starts_with(b"\x7fELF") => {
            return "it is a native program or library; a plugin is a WebAssembly component, built for wasm32-wasip2"
                .into();
        }
        None => {}
    }
    if Parser::is_core_wasm(bytes) {
        return "it is a core WebAssembly module, not a component; build it for wasm32-wasip2, or make a component of \
                it with `wasm-tools component new`"
            .into();
    }
    if bytes.starts_with(b"\0asm") {
        return "it is WebAssembly of an unknown version; build it for wasm32-wasip2".into();
    }
    if bytes.trim_ascii_start().starts_with(b"(") {
        return "it is WebAssembly text; make a binary of it with `wasm-tools parse`".into();
    }
    let start = bytes.get(..bytes.len().min(8)).unwrap_or_default();
    format!(
        "it is not WebAssembly: it starts with \"{}\"",
        start.escape_ascii()
    )
}

/// What a component imports and exports at its top level.
#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn names(bytes: &[u8]) -> Result<Names, LoadCause> {
    let mut names = Names::default();
    // Components nest; only the outermost one's names count.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    add(&mut names.imports, import.map_err(damaged)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    add(&mut names.exports, export.map_err(damaged)?.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

fn add(names: &mut Vec<String>, name: &str) -> Result<(), LoadCause> {
    if names.len() == limits::COMPONENT_NAMES {
        return Err(LoadCause::NotAComponent(format!(
            "it has more than {} imports or exports",
            limits::COMPONENT_NAMES
        )));
    }
    names.push(name.to_owned());
    Ok(())
}

fn damaged(error: wasmparser::BinaryReaderError) -> LoadCause {
    LoadCause::NotAComponent(format!(
        "it is a damaged or incomplete component: {} at byte {}; copy or build it again",
        quote(error.message()),
        error.offset(),
    ))
}

/// Finds the export that gives the component its role.
fn role(exports: &[String]) -> Result<String, LoadCause> {
    let mut other_version = None;
    for export in exports {
        match export.split_once('@') {
            Some((HTTP_TRIGGER, version)) if is_spoken(version) => return Ok(export.clone()),
            Some((HTTP_TRIGGER, _)) => other_version = Some(export),
            _ => {}
        }
    }
    if let Some(found) = other_version {
        return Err(LoadCause::OtherVersion {
            found: quote(found),
            spoken: HTTP_TRIGGER_SPOKEN,
        });
    }
    Err(LoadCause::NoRole(no_role(exports)))
}

/// Whether a version is `0.1.x`: below 1.0 only the last number may differ.
fn is_spoken(version: &str) -> bool {
    version
        .strip_prefix("0.1.")
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

fn no_role(exports: &[String]) -> String {
    let wanted = format!("a plugin exports {HTTP_TRIGGER_SPOKEN}");
    if exports.is_empty() {
        return format!("it exports nothing; {wanted}");
    }
    // Near enough to be a slip: a letter or two, or another interface of the same package.
    let near = exports.iter().find(|export| {
        let interface = export.split('@').next().unwrap_or_default();
        strsim::damerau_levenshtein(interface, HTTP_TRIGGER) <= 3
            || interface.split('/').next() == HTTP_TRIGGER.split('/').next()
    });
    let hint = near
        .map(|near| format!("; did {} mean to be that?", quote(near)))
        .unwrap_or_default();
    format!(
        "{wanted}, and this component exports {}{hint}",
        enumerate(exports)
    )
}

/// Checks the imports against what every trigger plugin gets.
fn granted(imports: &[String]) -> Result<(), LoadCause> {
    let refused: Vec<String> = imports
        .iter()
        .filter(|import| !wasi::is_granted(import))
        .cloned()
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(LoadCause::NotGranted(format!(
        "it imports {}, which trigger plugins do not get: they have no network, no files and no services; build it \
         without",
        enumerate(&refused),
    )))
}

fn enumerate(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| quote(name)).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_releases_are_spoken_and_nothing_else() {
        for version in ["0.1.0", "0.1.17"] {
            assert!(is_spoken(version), "{version}");
        }
        for version in ["0.2.0", "1.0.0", "0.1", "0.1.", "0.1.0-rc.1", "0.10.0", ""] {
            assert!(!is_spoken(version), "{version}");
        }
    }

    #[test]
    fn a_slip_in_the_name_is_recognized() {
        let message = no_role(&[
            "wasi:cli/run@0.2.0".into(),
            "lambkin:http-triger/shaper@0.1.0".into(),
        ]);
        assert!(
            message.contains("did lambkin:http-triger/shaper@0.1.0 mean to be that?"),
            "{message}"
        );
        assert!(!no_role(&["wasi:cli/run@0.2.0".into()]).contains("mean to be"));
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
        assert!(enumerate(&names).ends_with("n11 and 8 more"));
    }
}
