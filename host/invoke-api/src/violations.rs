//! Constraints that a request violates, with AWS's messages.

use crate::error::ApiError;

/// The messages about violated constraints. AWS reports all of them in one error.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    fn add(&mut self, member: &str, value: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
        ));
    }

    /// Checks a text that must have 1 to `length` bytes and match a pattern.
    pub(crate) fn check(
        &mut self,
        member: &str,
        value: &str,
        length: usize,
        pattern: &str,
        matches: bool,
    ) {
        if value.is_empty() {
            let constraint = "have length greater than or equal to 1";
            self.add(member, value, constraint);
        }
        if value.len() > length {
            let constraint = format!("have length less than or equal to {length}");
            self.add(member, value, &constraint);
        }
        if !matches {
            let constraint = format!("satisfy regular expression pattern: {pattern}");
            self.add(member, value, &constraint);
        }
    }

    /// Checks a value that must be one of a set.
    pub(crate) fn check_enum(&mut self, member: &str, value: Option<&str>, set: &[&str]) {
        if let Some(value) = value.filter(|value| !set.contains(value)) {
            let constraint = format!("satisfy enum value set: [{}]", set.join(", "));
            self.add(member, value, &constraint);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error with all violations.
    pub(crate) fn error(&self) -> ApiError {
        ApiError::validation(&self.0)
    }

    /// An error if there is a violation.
    pub(crate) fn none(&self) -> Result<(), ApiError> {
        if self.is_empty() {
            return Ok(());
        }
        Err(self.error())
    }
}
