//! What the expressions of a configuration refer to: `aws_sqs_queue.jobs["a"].url`.

use crate::value::{Kind, Value};

/// The references of an expression that lead somewhere: of `a.b.c` and `a.b`, the first.
pub fn references(expression: &Value) -> Vec<String> {
    let mut all = Vec::new();
    collect(expression, &mut all);
    let is_prefix = |short: &str, long: &str| {
        long.len() > short.len()
            && long
                .strip_prefix(short)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    let mut kept: Vec<String> = Vec::new();
    for reference in &all {
        let is_part = all.iter().any(|other| is_prefix(reference, other));
        if !is_part
            && !kept.contains(reference)
            && !["each", "count", "path", "terraform", "self"].contains(
                &split(reference)
                    .first()
                    .map_or("", |(name, _)| name.as_str()),
            )
        {
            kept.push(reference.clone());
        }
    }
    kept
}

fn collect(expression: &Value, all: &mut Vec<String>) {
    if let Some(references) = expression.get("references") {
        all.extend(
            references
                .items()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
        return;
    }
    match &expression.kind {
        Kind::List(items) => items.iter().for_each(|item| collect(item, all)),
        Kind::Map(map) => map
            .iter()
            .for_each(|(_, member)| collect(&member.value, all)),
        _ => {}
    }
}

/// The parts of a reference between dots, each with its index: `a["x.y"].b` is `a`, `["x.y"]` and `b`.
pub fn split(reference: &str) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    let (mut name, mut index) = (String::new(), String::new());
    let (mut in_index, mut in_quotes) = (false, false);
    for letter in reference.chars() {
        match letter {
            '"' => {
                in_quotes = !in_quotes;
                index.push(letter);
            }
            '[' if !in_quotes => {
                in_index = true;
                index.push(letter);
            }
            ']' if !in_quotes => {
                in_index = false;
                index.push(letter);
            }
            '.' if !in_index && !in_quotes => {
                parts.push((std::mem::take(&mut name), std::mem::take(&mut index)))
            }
            letter if in_index => index.push(letter),
            letter => name.push(letter),
        }
    }
    parts.push((name, index));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_parts_with_indexes() {
        let part = |name: &str, index: &str| (name.to_owned(), index.to_owned());
        assert_eq!(
            split("module.m[\"a.b\"].aws_x.y[0].arn"),
            [
                part("module", ""),
                part("m", "[\"a.b\"]"),
                part("aws_x", ""),
                part("y", "[0]"),
                part("arn", "")
            ]
        );
    }
}
