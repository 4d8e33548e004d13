//! What the author of a failed plugin can try, where the failure is typical of a toolchain.
//!
//! The texts complete a sentence after a semicolon. They are found by what the engine and the plugin's own runtime say,
//! which is not a contract: a wording that changes costs the hint and nothing else.

const DEFECT: &str = "this is a defect of the plugin: correct it there";

/// What to do about a value that the bindings of a language cannot pass on.
const WRONG_VALUE: &str = "a value that it returned does not have the type that the contract says: compare its fields, \
                           their spelling and the tags of variants with the WIT files of `lambkin wit`";

/// What the runtimes of componentize-py, jco's QuickJS and SpiderMonkey say about such a value.
const SAID_OF_WRONG_VALUES: [&str; 10] = [
    "CastError",
    "PyErr { type: <class 'KeyError'>",
    "PyErr { type: <class 'AttributeError'>",
    "PyErr { type: <class 'TypeError'>",
    "unknown variant tag",
    "invalid variant",
    "FromJs {",
    "expected array",
    "invalid enum",
    "initializer.js",
];

/// What to do about a trap. `printed` is what the plugin wrote to standard error before.
pub(crate) fn trap(reason: &str, printed: &[String]) -> &'static str {
    let says = |text: &str| printed.iter().any(|line| line.contains(text));
    if reason.contains("cannot leave component instance") {
        return "its runtime called WASI while an argument was copied into it, as Go's does when it collects garbage at \
                that moment: turn the collector off with debug.SetGCPercent(-1) in an init function, or build with an \
                adapter that does not import WASI";
    }
    if says("ModuleNotFoundError") || says("LookupError: unknown encoding") {
        return "componentize-py puts only those modules into the component that are imported while it builds: import \
                this one (of an encoding: encodings.NAME) at the top of the module, not in a function";
    }
    if says("expected a string, received [object]") {
        return "an exception was not caught, or an object was returned where the contract has text: SpiderMonkey passes on \
                only texts, so catch the exception, and throw its text";
    }
    if SAID_OF_WRONG_VALUES.iter().any(|text| says(text)) {
        return WRONG_VALUE;
    }
    if reason.contains("it ended itself") {
        return "a plugin must not end its process: return a result, or the contract's error";
    }
    if printed.is_empty() {
        return "this is a defect of the plugin. It printed no reason: if it was built without WASI (componentize-py \
                --stub-wasi, jco --backend-qjs-stub-wasi, disableFeatures, panic_immediate_abort), build it with WASI, \
                so that its panics and tracebacks appear here";
    }
    DEFECT
}

/// What to do about a value that breaks the contract.
pub(crate) fn invalid(reason: &str) -> &'static str {
    if reason.contains("discriminant") || reason.contains("invalid utf-8") {
        return "its code and its bindings do not fit together: generate the bindings again and build it again";
    }
    DEFECT
}

/// What to do about an error that the plugin returned.
pub(crate) fn reported(text: &str) -> &'static str {
    if text.ends_with(" is not defined") {
        return "QuickJS has the language JavaScript and nothing of browsers and Node.js, such as console, TextEncoder \
                or Buffer: import a module that has it, or build with SpiderMonkey";
    }
    "if the text does not help, look for it in the plugin's source"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_fits_what_the_runtime_says() {
        let unreachable = "wasm `unreachable` instruction executed";
        for (reason, printed, expected) in [
            (
                unreachable,
                "ModuleNotFoundError: No module named 'x'",
                "at the top of the module",
            ),
            (
                unreachable,
                "LookupError: unknown encoding: idna",
                "encodings.NAME",
            ),
            (unreachable, "KeyError: 'x'", "correct it there"),
            (
                unreachable,
                "unknown variant tag: respond",
                "the tags of variants",
            ),
            (unreachable, "", "--stub-wasi"),
            ("it ended itself with exit code 1", "", "must not end"),
            ("cannot leave component instance", "", "SetGCPercent"),
        ] {
            let printed: Vec<String> = printed.lines().map(str::to_owned).collect();
            let hint = trap(reason, &printed);
            assert!(hint.contains(expected), "{reason} {printed:?}: {hint}");
        }
        assert!(reported("console is not defined").contains("QuickJS"));
        assert!(reported("no such order").contains("look for it"));
    }
}
