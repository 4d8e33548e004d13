//! Describes files that are not components, each with the way to the component that the author meant to name.

use wasmparser::{Parser, Payload};
use wasmtime::{Engine, Precompiled};

/// The module of WASI's first version, which core modules import.
const PREVIEW1: &str = "wasi_snapshot_preview1";

/// Describes a file that is not a component.
pub(crate) fn describe(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the file is empty".into();
    }
    match Engine::detect_precompiled(bytes) {
        Some(Precompiled::Component | Precompiled::Module) => {
            return "it is compiled machine code (.cwasm), which cannot be checked and is never run; use the .wasm \
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
        return core_module(bytes);
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

/// Describes a core module, with the way from there to a component.
fn core_module(bytes: &[u8]) -> String {
    let mut has_contract = false;
    let mut needs_adapter = false;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::CustomSection(section)) => {
                has_contract |= section.name().starts_with("component-type");
            }
            Ok(Payload::ImportSection(section)) => {
                let mut imports = section.into_imports();
                needs_adapter |=
                    imports.any(|import| import.is_ok_and(|import| import.module == PREVIEW1));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let adapt = if needs_adapter {
        ", with `--adapt wasi_snapshot_preview1=ADAPTER.wasm` for the reactor adapter of wasmtime, which `jco new \
         CORE.wasm --wasi-reactor -o PLUGIN.wasm` has built in"
    } else {
        ""
    };
    let new = format!("`wasm-tools component new CORE.wasm -o PLUGIN.wasm`{adapt}");
    let way = if has_contract {
        format!("make a component of it with {new}")
    } else {
        format!(
            "in Rust, build it for wasm32-wasip2; otherwise add the contract to it with `wasm-tools component embed WIT \
             CORE.wasm -w WORLD -o CORE.wasm`, and make a component of it with {new}"
        )
    };
    format!("it is a core WebAssembly module, not a component; {way}")
}
