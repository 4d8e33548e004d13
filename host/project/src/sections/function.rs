//! `[functions.NAME]` of `AWS::Lambda::Function`.

use crate::context::Context;
use crate::document::{Document, Table};
use crate::resource::{Resource, Stack};
use crate::sections::item::{Wanted, copy};

/// The type of the resources.
pub const KIND: &str = "AWS::Lambda::Function";

/// Properties that are keys, with their types.
const KEYS: &[(&[&str], &str, Wanted)] = &[
    (&["Handler"], "handler", Wanted::Text),
    (&["Runtime"], "runtime", Wanted::Text),
    (&["Timeout"], "timeout", Wanted::Number),
    (&["MemorySize"], "memory", Wanted::Number),
    (
        &["EphemeralStorage", "Size"],
        "ephemeral-storage",
        Wanted::Number,
    ),
    (
        &["ReservedConcurrentExecutions"],
        "reserved-concurrency",
        Wanted::Number,
    ),
    (&["LoggingConfig", "LogFormat"], "log-format", Wanted::Text),
    (&["RecursiveLoop"], "recursive-loop", Wanted::Text),
];

/// Writes the functions of a stack.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for function in stack.of_kind(KIND) {
        let table = read(context, stack, function);
        document
            .root
            .table("functions")
            .set(function.name.as_str(), table, function.place);
    }
}

fn read(context: &Context, _stack: &Stack, function: &Resource) -> Table {
    let mut table = Table::default();
    let code = function
        .get("Code")
        .and_then(|code| code.as_str())
        .unwrap_or(".");
    table.set("code", code, function.place);
    for (property, key, wanted) in KEYS {
        copy(context, function, property, &mut table, key, *wanted);
    }
    table
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, write};

    #[test]
    fn a_function_has_its_settings() {
        let project = Project::new().file("app.py", "def handler(event, context):\n    return 1\n");
        let written = project.write(
            "Hello:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Handler: app.handler\n    \
             Runtime: python3.13\n    Timeout: 5\n    MemorySize: '256'\n    EphemeralStorage: {Size: 1024}\n",
        );
        assert_eq!(
            written.text,
            "[functions.Hello]\ncode = \".\"\nhandler = \"app.handler\"\nruntime = \"python3.13\"\ntimeout = 5\n\
             memory = 256\nephemeral-storage = 1024\n"
        );
    }

    #[test]
    fn a_setting_of_another_type_stays_as_it_is() {
        let text = write(
            "Hello:\n  Type: AWS::Lambda::Function\n  Properties:\n    Code: .\n    Timeout: soon\n    MemorySize: [1]\n",
        );
        assert_eq!(
            text,
            "[functions.Hello]\ncode = \".\"\ntimeout = \"soon\"\nmemory = [1]\n"
        );
    }
}
