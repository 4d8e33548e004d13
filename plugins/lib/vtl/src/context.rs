//! The variables of `$context` in REST APIs. On AWS another name is an empty text; here it is refused, because it is
//! most likely a mistake.

use alloc::format;
use alloc::string::String;

use plugin_kit::nearest::nearest;

/// The variables, with those that only access logs have.
const NAMES: [&str; 37] = [
    "accountId",
    "apiId",
    "authenticate",
    "authorize",
    "authorizer",
    "awsEndpointRequestId",
    "customDomain",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "endpointType",
    "error",
    "extendedRequestId",
    "httpMethod",
    "identity",
    "integration",
    "integrationLatency",
    "integrationStatus",
    "isCanaryRequest",
    "operationName",
    "path",
    "protocol",
    "requestId",
    "requestOverride",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "responseOverride",
    "stage",
    "status",
    "waf",
    "wafResponseCode",
    "webaclArn",
    "xrayTraceId",
];

const ERROR: [&str; 4] = [
    "message",
    "messageString",
    "responseType",
    "validationErrorString",
];

const IDENTITY: [&str; 15] = [
    "accessKey",
    "accountId",
    "apiKey",
    "apiKeyId",
    "caller",
    "clientCert",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
];

const REQUEST_OVERRIDE: [&str; 3] = ["header", "path", "querystring"];

const RESPONSE_OVERRIDE: [&str; 2] = ["header", "status"];

/// Checks the members that follow `$context`, from the first on.
///
/// # Errors
///
/// The first of them does not exist: which, and the most similar name.
pub fn check<'a>(members: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let mut members = members.into_iter();
    let Some(first) = members.next() else {
        return Ok(());
    };
    find("$context", first, &NAMES)?;
    let known: &[&str] = match first {
        "error" => &ERROR,
        "identity" => &IDENTITY,
        "requestOverride" => &REQUEST_OVERRIDE,
        "responseOverride" => &RESPONSE_OVERRIDE,
        // A Lambda authorizer chooses the names; the others are texts.
        _ => return Ok(()),
    };
    match members.next() {
        Some(second) => find(&format!("$context.{first}"), second, known),
        None => Ok(()),
    }
}

fn find(of: &str, name: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&name) || of == "$context.identity" && ["vpcId", "vpceId"].contains(&name) {
        return Ok(());
    }
    Err(match nearest(name, known) {
        Some(near) => format!("`{of}.{name}` does not exist; did you mean `{of}.{near}`?"),
        None if of == "$context" => format!(
            "`{of}.{name}` does not exist; there are requestId, stage, path, identity.sourceIp, authorizer.NAME and the \
             others of AWS's list"
        ),
        None => format!(
            "`{of}.{name}` does not exist; there are {}",
            known.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_variables_are_refused_with_the_most_similar_one() {
        for known in [
            "requestId",
            "identity.sourceIp",
            "identity.clientCert.serialNumber",
            "authorizer.claims.sub",
            "error.messageString",
            "responseOverride.header.x-a",
            "requestOverride.querystring.q",
        ] {
            assert_eq!(check(known.split('.')), Ok(()), "{known}");
        }
        for (unknown, expected) in [
            (
                "requestid",
                "`$context.requestid` does not exist; did you mean `$context.requestId`?",
            ),
            (
                "identity.ip",
                "`$context.identity.ip` does not exist; there are accessKey",
            ),
            (
                "responseOverride.statusCode",
                "`$context.responseOverride.statusCode` does not exist; did you mean `$context.responseOverride.status`?",
            ),
            ("claims", "`$context.claims` does not exist"),
        ] {
            let message = check(unknown.split('.')).unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
