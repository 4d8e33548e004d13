//! The signature of a request to a front end that requires IAM.
//!
//! A request has to be signed with Signature Version 4, in its `Authorization` header or in its query, for the front
//! end's service: `lambda`, `execute-api`. The signature itself is not verified: there are no users whose keys it could
//! be compared with, and events take any access key for one of the account's own.

use alloc::borrow::Cow;

use crate::contract::Request;
use crate::query::parameters;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The access key that a request is signed with for a service; `None` if it is not signed.
pub fn access_key<'a>(request: &'a Request, service: &str) -> Option<Cow<'a, str>> {
    if let Some(header) = request.header("authorization").last() {
        return of_header(header, service).map(Cow::Borrowed);
    }
    let mut algorithm = None;
    let mut credential = None;
    let mut signature = None;
    for (name, value) in parameters(&request.query) {
        match &*name {
            "X-Amz-Algorithm" => algorithm = Some(value),
            "X-Amz-Credential" => credential = Some(value),
            "X-Amz-Signature" => signature = Some(value),
            _ => {}
        }
    }
    if algorithm? != ALGORITHM || signature?.is_empty() {
        return None;
    }
    let credential = credential?;
    let key = of_scope(&credential, service)?;
    Some(Cow::Owned(key.into()))
}

fn of_header<'a>(header: &'a str, service: &str) -> Option<&'a str> {
    let fields = header.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    field("SignedHeaders").filter(|names| !names.is_empty())?;
    field("Signature").filter(|signature| !signature.is_empty())?;
    of_scope(field("Credential")?, service)
}

/// The key of `KEY/DATE/REGION/SERVICE/aws4_request`.
fn of_scope<'a>(credential: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = credential.split('/');
    let key = parts.next().filter(|key| !key.is_empty())?;
    let (_date, _region) = (parts.next()?, parts.next()?);
    let is_for_service = parts.next() == Some(service) && parts.next() == Some("aws4_request");
    is_for_service.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Header;

    fn key_of(header: &str) -> Option<String> {
        let request = Request {
            headers: vec![Header::new("Authorization", header)],
            ..Request::get("/")
        };
        access_key(&request, "lambda").map(Cow::into_owned)
    }

    #[test]
    fn a_signed_request_names_its_access_key() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20261128/eu-west-1/lambda/aws4_request, \
            SignedHeaders=host;x-amz-date, Signature=ab12";
        assert_eq!(key_of(signed).as_deref(), Some("AKID"));
        for other in [
            "",
            "Bearer AKID",
            "AWS4-HMAC-SHA256 Credential=AKID/20261128/eu-west-1/lambda/aws4_request",
            &signed.replace("lambda", "s3"),
            &signed.replace("AKID", ""),
            &signed.replace("ab12", ""),
        ] {
            assert_eq!(key_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_presigned_request_names_its_access_key() {
        let query = "a=b&X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKID%2F20261128%2Feu-west-1%2Flambda%2Faws4_request&X-Amz-Signature=ab12";
        let key = |query: &str| {
            let request = Request {
                query: query.to_owned(),
                ..Request::get("/")
            };
            access_key(&request, "lambda").map(Cow::into_owned)
        };
        assert_eq!(key(query).as_deref(), Some("AKID"));
        assert_eq!(key(&query.replace("Signature=ab12", "Signature=")), None);
        assert_eq!(key(&query.replace("HMAC-SHA256", "HMAC-SHA1")), None);
        assert_eq!(key("a=b"), None);
    }
}
