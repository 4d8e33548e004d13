//! Variables with URLs of what is not served: an API whose routes are all refused, for example.
//!
//! Contract: after [`settle`], `url-variables` refer to sections that there are. A variable that cannot have its URL is
//! empty, with a note.

use crate::context::Context;
use crate::document::{Document, Item};

/// Empties the variables whose URLs there will not be.
pub fn settle(context: &Context, document: &mut Document) {
    let mut gone = Vec::new();
    let functions = document.root.get("functions").and_then(Item::as_table);
    for (function, entry) in functions.into_iter().flat_map(crate::document::Table::iter) {
        let table = entry.item.as_table();
        let variables = table.and_then(|table| table.get("url-variables")?.as_table());
        for (variable, entry) in variables.into_iter().flat_map(crate::document::Table::iter) {
            let Item::Text(text) = &entry.item else {
                continue;
            };
            let missing = references(text).into_iter().find(|(word, name)| {
                let section = match *word {
                    "queue" => "queues",
                    "service" => "services",
                    _ => "triggers",
                };
                let section = document.root.get(section).and_then(Item::as_table);
                section.is_none_or(|section| section.get(name).is_none())
            });
            if let Some((word, name)) = missing {
                let what = match word {
                    "queue" | "service" => word,
                    _ => "API",
                };
                let note = format!(
                    "{variable} of {function} is empty: it is a URL of the {what} {name}, which is not served"
                );
                context.report.note(entry.place, note);
                gone.push((function.to_owned(), variable.to_owned(), entry.place));
            }
        }
    }
    let functions = document.root.table("functions");
    for (function, variable, place) in gone {
        let function = functions.table(&function);
        function.table("url-variables").remove(&variable);
        if function.table("url-variables").is_empty() {
            function.remove("url-variables");
        }
        function.table("environment").set(variable, "", place);
    }
}

/// The references in a text of `url-variables`: `{queue:NAME}`. Doubled braces are braces.
fn references(text: &str) -> Vec<(&str, &str)> {
    let mut references = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        if let Some(after) = after.strip_prefix('{') {
            rest = after;
            continue;
        }
        let Some((reference, after)) = after.split_once('}') else {
            break;
        };
        references.extend(reference.split_once(':'));
        rest = after;
    }
    references
}

#[cfg(test)]
mod tests {
    use super::references;
    use crate::sections::testing::Project;

    #[test]
    fn references_are_found_between_braces() {
        let text = "{{a:b}} {queue:q}/{trigger:t}{{{service:s}";
        assert_eq!(
            references(text),
            [("queue", "q"), ("trigger", "t"), ("service", "s")]
        );
    }

    #[test]
    fn the_url_of_what_is_not_served_is_empty() {
        let written = Project::new().file("bootstrap", "").write(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    FunctionName: fn-dev\n    Code: .\n    Environment:\n      \
            Variables:\n        Q: !Url queue:none\n        A: text\n",
        );
        assert!(
            written
                .text
                .contains("[functions.fn-dev.environment]\nA = \"text\"\n")
                && written.text.contains("\nQ = \"\"\n"),
            "{}",
            written.text
        );
        assert!(!written.text.contains("url-variables"), "{}", written.text);
        assert_eq!(
            written.notes,
            [
                "template.yaml:8:12: Q of fn-dev is empty: it is a URL of the queue none, which is not served"
            ]
        );
    }
}
