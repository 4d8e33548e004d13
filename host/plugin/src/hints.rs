//! What the author of a failed plugin can try, where the failure is typical of a toolchain.
//!
//! The texts complete a sentence after a semicolon. They are found by what the engine and the plugin's own runtime say,
//! which is not a contract: a wording that changes costs the hint and nothing else.

/// What to do about a trap. `printed` is what the plugin wrote to standard error before.
pub(crate) fn trap(reason: &str, printed: &[String]) -> &'static str {
    let says = |text: &str| printed.iter().any(|line| line.contains(text));
    if reason.contains("cannot leave component instance") {
        return "its runtime called WASI while an argument was copied into it, as Go's does when it collects garbage at \
                that moment: turn the collector off with debug.SetGCPercent(-1) in an init function, or build with an \
                adapter that does not import WASI";
    }
    if says("ModuleNotFoundError") || says("No module named") {
        return "componentize-py puts only those modules into the component that are imported while it builds: import \
                this one at the top of the module, not in a function";
    }
    if printed.is_empty() {
        return "this is a defect of the plugin. It printed no reason: if it was built without WASI (componentize-py \
                --stub-wasi, jco --backend-qjs-stub-wasi, disableFeatures, panic_immediate_abort), build it with WASI, \
                so that its panics and tracebacks appear here";
    }
    "this is a defect of the plugin: correct it there"
}

/// What to do about a value that breaks the contract.
pub(crate) fn invalid(reason: &str) -> &'static str {
    if reason.contains("discriminant") || reason.contains("invalid utf-8") {
        return "its code and its bindings do not fit together: generate the bindings again and build it again";
    }
    "this is a defect of the plugin: correct it there"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_fits_what_the_runtime_says() {
        let printed = |line: &str| vec!["Traceback:".to_owned(), line.to_owned()];
        let unreachable = "wasm `unreachable` instruction executed";
        for (reason, printed, expected) in [
            (
                unreachable,
                printed("ModuleNotFoundError: No module named 'x'"),
                "at the top of the module",
            ),
            (unreachable, printed("KeyError: 'x'"), "correct it there"),
            (unreachable, Vec::new(), "--stub-wasi"),
            (
                "cannot leave component instance",
                Vec::new(),
                "SetGCPercent",
            ),
        ] {
            let hint = trap(reason, &printed);
            assert!(hint.contains(expected), "{reason} {printed:?}: {hint}");
        }
    }
}
