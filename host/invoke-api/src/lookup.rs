//! Finding the function that a caller names.

use std::sync::Arc;

use lambkin_lambda::{Function, FunctionRef, LATEST, LATEST_PUBLISHED, Lambda};
use lambkin_model::arn;

use crate::error::ApiError;

/// The only name of a function in AWS's Runtime Interface Emulator.
pub(crate) const EMULATOR_NAME: &str = "function";

/// The function, in the version that its qualifier leads to.
pub(crate) fn find<'a>(
    lambda: &'a Lambda,
    wanted: &FunctionRef<'_>,
) -> Result<&'a Arc<Function>, ApiError> {
    let found = lambda.find(wanted);
    match found.or_else(|| find_by_emulator_name(lambda, wanted)) {
        Some(function) => Ok(function),
        None if wanted.qualifier == Some(LATEST_PUBLISHED) && lambda.versions(wanted).is_some() => {
            Err(ApiError::no_published_version())
        }
        None => {
            let qualifier = wanted.qualifier.unwrap_or(LATEST);
            Err(not_found(lambda, wanted, Some(qualifier)))
        }
    }
}

/// The name of the function, if there is only one.
pub(crate) fn only_name(lambda: &Lambda) -> Option<&str> {
    let mut names = lambda.names();
    match (names.next(), names.next()) {
        (Some(name), None) => Some(name),
        _ => None,
    }
}

fn find_by_emulator_name<'a>(
    lambda: &'a Lambda,
    wanted: &FunctionRef<'_>,
) -> Option<&'a Arc<Function>> {
    // `arn:aws:lambda:REGION:ACCOUNT:function` is an ARN whose name is missing.
    let is_the_name = wanted.name == EMULATOR_NAME && wanted.region.or(wanted.account).is_none();
    if !is_the_name {
        return None;
    }
    let name = only_name(lambda)?;
    lambda.find(&FunctionRef { name, ..*wanted })
}

/// The error for an unknown function, or for one of another region. The ARN in it has the caller's account and qualifier
/// if the caller stated them.
pub(crate) fn not_found(
    lambda: &Lambda,
    wanted: &FunctionRef<'_>,
    qualifier: Option<&str>,
) -> ApiError {
    let account = lambda.account();
    if let Some(other) = wanted.region.filter(|region| *region != account.region) {
        let region = &account.region;
        return ApiError::not_found(format!(
            "Functions from '{other}' are not reachable in this region ('{region}')"
        ));
    }
    let id = wanted.account.unwrap_or(&account.id);
    let mut resource = format!("function:{}", wanted.name);
    if let Some(qualifier) = qualifier {
        resource.extend([":", qualifier]);
    }
    let arn = arn("lambda", &account.region, id, &resource);
    ApiError::not_found(format!("Function not found: {arn}"))
}
