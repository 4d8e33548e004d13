//! Dynamic references: `{{resolve:ssm:/path}}` in texts, which AWS replaces when it deploys a stack.
//!
//! Contract: a reference is replaced with the value that the user gives (`--parameter ssm:/path=VALUE`), else it stays as
//! it is, with a note. The value of an `AWS::SSM::Parameter` of the same template is known.

use super::resolver::{Resolver, Scope};
use crate::ProjectError;
use crate::file::Place;
use crate::value::Value;

const OPEN: &str = "{{resolve:";

impl Resolver<'_> {
    /// The text with the values of dynamic references.
    pub fn with_dynamic_references(
        &self,
        scope: &Scope,
        value: &Value,
    ) -> Result<Value, ProjectError> {
        let Some(text) = value.as_str().filter(|text| text.contains(OPEN)) else {
            return Ok(value.clone());
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
            let own = match given
                .get(reference)
                .or_else(|| given.get(without_version(reference)))
            {
                Some(given) => Some(given.clone()),
                None => self.own_parameter(scope, value.place, reference)?,
            };
            match own {
                Some(own) => result.push_str(&own),
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
        Ok(Value::text(value.place, result))
    }

    /// The value of an SSM parameter that the template itself has.
    fn own_parameter(
        &self,
        scope: &Scope,
        place: Place,
        reference: &str,
    ) -> Result<Option<String>, ProjectError> {
        let Some(name) = without_version(reference).strip_prefix("ssm:") else {
            return Ok(None);
        };
        for (id, _) in scope.section("Resources").into_iter().flatten() {
            // What is in the parameter itself cannot be its own value.
            if scope.kind(id) == Some("AWS::SSM::Parameter") && self.name(scope, place, id)? == name
            {
                let value = self.attribute(scope, place, id, "Value")?;
                return Ok(value.as_text().map(Into::into));
            }
        }
        Ok(None)
    }
}

/// `ssm:/path` of `ssm:/path:3`.
fn without_version(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => reference,
    }
}
