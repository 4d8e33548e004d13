//! Triggers without the functions that have been left out, so that `--partial` runs the rest.
//!
//! Contract: routes, rules and authorizers of functions that the document does not have are removed, and so are routes
//! whose authorizer is: nobody may reach what an authorizer protects. A trigger without anything left is removed. All that
//! is removed is noted.

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::resource::Stack;
use crate::sections::function;

/// Removes what leads to functions of the stack that are not in the document.
pub fn prune(context: &Context, stack: &Stack, document: &mut Document) {
    let functions = document.root.table("functions");
    let absent: Vec<&str> = stack
        .of_kind(function::KIND)
        .map(|function| function.name.as_str())
        .filter(|name| functions.get(name).is_none())
        .collect();
    if absent.is_empty() {
        return;
    }
    let triggers = document.root.table("triggers");
    let names: Vec<String> = triggers.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let mut removed = Vec::new();
        let is_left = prune_trigger(triggers.table(&name), &absent, &mut removed);
        if !is_left {
            triggers.remove(&name);
            removed = vec!["all of it".to_owned()];
        }
        if !removed.is_empty() {
            let message = format!(
                "of the trigger {name}, {} is left out with its function",
                removed.join(", ")
            );
            context.report.note(None, message);
        }
    }
}

/// Removes parts of a trigger. Returns whether something is left.
fn prune_trigger(trigger: &mut Table, absent: &[&str], removed: &mut Vec<String>) -> bool {
    let names_absent = |item: Option<&Item>| match item {
        Some(Item::Text(function)) => {
            let name = function.split(':').next().unwrap_or_default();
            absent.contains(&name)
        }
        _ => false,
    };
    let mut authorizers = Vec::new();
    if trigger.get("authorizers").is_some() {
        let table = trigger.table("authorizers");
        let is_absent =
            |item: &Item| names_absent(item.as_table().and_then(|it| it.get("function")));
        authorizers = keys(table, is_absent);
        for name in &authorizers {
            table.remove(name);
        }
        if table.is_empty() {
            trigger.remove("authorizers");
        }
    }
    let names_authorizer =
        |item: Option<&Item>| matches!(item, Some(Item::Text(name)) if authorizers.contains(name));
    // Without an authorizer of its own, a route has that of the trigger.
    let is_protected = names_authorizer(trigger.get("authorizer"));
    if is_protected {
        trigger.remove("authorizer");
    }
    let had_routes = trigger.get("routes").is_some();
    if had_routes {
        let routes = trigger.table("routes");
        let gone = keys(routes, |item| match item.as_table() {
            None => names_absent(Some(item)) || is_protected,
            Some(route) => {
                let own = route.get("authorizer");
                names_absent(route.get("function"))
                    || names_authorizer(own)
                    || own.is_none() && is_protected
            }
        });
        for route in &gone {
            routes.remove(route);
        }
        removed.extend(gone);
        if routes.is_empty() {
            trigger.remove("routes");
        }
    }
    let lost_function = names_absent(trigger.get("function")) || is_protected && !had_routes;
    if lost_function {
        trigger.remove("function");
    }
    let rules = match trigger.get("rules") {
        Some(Item::List(rules)) => rules.clone(),
        _ => Vec::new(),
    };
    let left: Vec<Item> = rules
        .iter()
        .filter(|rule| !names_absent(rule.as_table().and_then(|rule| rule.get("function"))))
        .cloned()
        .collect();
    if left.len() < rules.len() {
        removed.push(format!("{} of its rules", rules.len() - left.len()));
        trigger.set("rules", Item::List(left), None);
    }
    if trigger.get("health-checks").is_some() {
        let checks = trigger.table("health-checks");
        for name in keys(checks, |_| true) {
            if absent.contains(&name.split(':').next().unwrap_or_default()) {
                checks.remove(&name);
            }
        }
    }
    let leads_somewhere = [
        "function",
        "routes",
        "target-queue",
        "redirect",
        "fixed-response",
    ];
    leads_somewhere.iter().any(|key| trigger.get(key).is_some())
}

/// The keys of the values for which something holds.
fn keys(table: &Table, holds: impl Fn(&Item) -> bool) -> Vec<String> {
    let entries = table.iter().filter(|(_, entry)| holds(&entry.item));
    entries.map(|(key, _)| key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    #[test]
    fn what_leads_to_functions_that_are_left_out_is_left_out() {
        let api = |id: &str, routes: &str| {
            format!(
                "{id}: {{Type: 'AWS::ApiGatewayV2::Api', Properties: {{ProtocolType: HTTP, Body: {{openapi: 3.0.1, paths: \
                 {{{routes}}}}}}}}}\n"
            )
        };
        let route = |path: &str, function: &str| {
            format!(
                "{path}: {{get: {{x-amazon-apigateway-integration: {{type: aws_proxy, payloadFormatVersion: '2.0', uri: \
                 'arn:aws:lambda:us-east-1:123456789012:function:{function}'}}}}}}"
            )
        };
        let written = Project::new().file("bootstrap", "").write(&format!(
            "Here: {{Type: 'AWS::Lambda::Function', Properties: {{Code: .}}}}\n\
             Gone: {{Type: 'AWS::Lambda::Function', Properties: {{Code: {{S3Bucket: b, S3Key: k}}}}}}\n{}{}",
            api("Both", &format!("{}, {}", route("/a", "Here"), route("/b", "Gone"))),
            api("None", &route("/c", "Gone")),
        ));
        assert!(
            written
                .text
                .contains("[triggers.both.routes]\n\"GET /a\" = \"Here\"\n"),
            "{}",
            written.text
        );
        assert!(!written.text.contains("Gone"), "{}", written.text);
        assert!(!written.text.contains("triggers.none"), "{}", written.text);
        assert_eq!(
            written.notes,
            [
                "of the trigger both, GET /b is left out with its function",
                "of the trigger none, all of it is left out with its function",
            ]
        );
        assert_eq!(written.refusals.len(), 1);
    }
}
