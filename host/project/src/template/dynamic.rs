//! Dynamic references: `{{resolve:ssm:/path}}` in texts, which AWS replaces when it deploys a stack.
//!
//! Contract: a reference is replaced with the value that the user gives (`--parameter ssm:/path=VALUE`), else it stays as
//! it is, with a note.

use super::resolver::{Resolver, Scope};
use crate::value::Value;

const OPEN: &str = "{{resolve:";

impl Resolver<'_> {
    /// The text with the dynamic references that the user has values for.
    pub fn with_dynamic_references(&self, scope: &Scope, value: &Value) -> Value {
        let Some(text) = value.as_str().filter(|text| text.contains(OPEN)) else {
            return value.clone();
        };
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            result.push_str(before);
            let Some((reference, after)) = after.split_once("}}") else {
                result.push_str(OPEN);
                rest = after;
                continue;
            };
            rest = after;
            let given = &self.context.options.parameters;
            match given
                .get(reference)
                .or_else(|| given.get(without_version(reference)))
            {
                Some(given) => result.push_str(given),
                None => {
                    result.push_str(OPEN);
                    result.push_str(reference);
                    result.push_str("}}");
                    if !scope.is_lenient.get() {
                        let note = format!(
                            "{OPEN}{reference}}}}} stays as it is, its value exists only on AWS; \
                            --parameter '{reference}=VALUE' sets it"
                        );
                        self.context.report.note(value.place, note);
                    }
                }
            }
        }
        result.push_str(rest);
        Value::text(value.place, result)
    }
}

/// `ssm:/path` of `ssm:/path:3`.
fn without_version(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => reference,
    }
}
