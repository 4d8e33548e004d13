//! Conditions, which are evaluated when something depends on them.
//!
//! On failure: a mistake is refused, and the condition is taken to be false.

use super::resolver::{Resolver, Scope, meant};
use crate::ProjectError;
use crate::file::Place;
use crate::value::{Kind, Value};

impl Resolver<'_> {
    /// Whether a condition with a name holds.
    pub fn condition(&self, scope: &Scope, place: Place, name: &str) -> Result<bool, ProjectError> {
        let section = scope.section("Conditions");
        let Some(condition) = section.and_then(|conditions| conditions.get(name)) else {
            let known = section.into_iter().flatten().map(|(name, _)| name.as_str());
            let message = format!("there is no condition {name}{}", meant(name, known));
            self.mistake(scope, place, message);
            return Ok(false);
        };
        let key = format!("the condition {name}");
        // It is evaluated once, for all that depend on it, whether or not the first of them has an effect.
        let is_lenient = scope.is_lenient.replace(false);
        let value = self.once(scope, place, &key, || {
            self.deeper(place, || {
                let holds = self.holds(scope, condition)?;
                Ok(Value::plain(place, holds))
            })
        });
        scope.is_lenient.set(is_lenient);
        let value = value?;
        Ok(value.as_bool().unwrap_or(false))
    }

    /// Whether a condition, as it is written, holds.
    pub fn holds(&self, scope: &Scope, condition: &Value) -> Result<bool, ProjectError> {
        let place = condition.place;
        let call = condition.as_map().and_then(|map| map.only());
        self.deeper(place, || match call {
            Some(("Condition", name)) => {
                let name = name.as_str().unwrap_or_default();
                self.condition(scope, place, name)
            }
            Some(("Fn::Equals", argument)) => {
                let Some([left, right]) = argument.as_list() else {
                    return self.no_condition(scope, place, "Fn::Equals takes two values");
                };
                let (left, right) = (self.value_of(scope, left)?, self.value_of(scope, right)?);
                if let Some(why) = left.as_unknown().or(right.as_unknown()) {
                    let message = format!("a condition is taken to be false: {why}");
                    self.context.report.note(place, message);
                    return Ok(false);
                }
                Ok(equal(&left, &right))
            }
            Some(("Fn::Not", argument)) => match argument.items() {
                [condition] => Ok(!self.holds(scope, condition)?),
                _ => self.no_condition(scope, place, "Fn::Not takes one condition"),
            },
            Some((name @ ("Fn::And" | "Fn::Or"), argument)) => {
                let any = name == "Fn::Or";
                for condition in argument.items() {
                    if self.holds(scope, condition)? == any {
                        return Ok(any);
                    }
                }
                Ok(!any)
            }
            Some(_) => {
                let value = self.value_of(scope, condition)?;
                match value.as_bool() {
                    Some(holds) => Ok(holds),
                    None if value.as_unknown().is_some() => Ok(false),
                    None => {
                        let message = "a condition is made of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition";
                        self.no_condition(scope, place, message)
                    }
                }
            }
            None => match condition.as_bool() {
                Some(holds) => Ok(holds),
                None => {
                    let message = format!("a condition is needed, not {}", condition.described());
                    self.no_condition(scope, place, &message)
                }
            },
        })
    }

    fn no_condition(
        &self,
        scope: &Scope,
        place: Place,
        message: &str,
    ) -> Result<bool, ProjectError> {
        self.mistake(scope, place, message);
        Ok(false)
    }
}

/// Whether two values are equal, apart from their places and quotes.
fn equal(left: &Value, right: &Value) -> bool {
    match (&left.kind, &right.kind) {
        (Kind::List(left), Kind::List(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        (Kind::Map(_), Kind::Map(_)) => left.to_json() == right.to_json(),
        _ => left.as_text() == right.as_text() && left.is_null() == right.is_null(),
    }
}
