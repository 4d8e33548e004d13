//! The metadata endpoint (2026-01-15): where the environment runs.
//!
//! Processes find it through `AWS_LAMBDA_METADATA_API` and authenticate with `AWS_LAMBDA_METADATA_TOKEN`. It returns
//! the id of an availability zone, which clients use to prefer endpoints in the same zone.
//!
//! On failure: a request without the token gets 401, any method other than GET gets 405.

use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use http::{Method, Request, StatusCode};
use lambkin_http::{Response, header, json, text};

/// The endpoint's only path.
pub(super) const PATH: &str = "/2026-01-15/metadata/execution-environment";

/// What the endpoint tells the processes of one sandbox.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The token that only the processes of this sandbox know.
    pub token: String,
    pub availability_zone_id: String,
}

impl Metadata {
    pub(super) fn respond<B>(&self, request: &Request<B>) -> Response {
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        let authorization = header(request.headers(), AUTHORIZATION);
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        if token != Some(self.token.as_str()) {
            return text(StatusCode::UNAUTHORIZED, "Unauthorized");
        }
        let body = serde_json::json!({ "AvailabilityZoneID": self.availability_zone_id });
        let mut response = json(StatusCode::OK, body.to_string());
        response.headers_mut().insert(
            CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=43200, immutable"),
        );
        response
    }
}

/// The id of the region's first availability zone. As on AWS, it abbreviates the region: `us-east-1` has `use1-az1`.
pub(crate) fn availability_zone_id(region: &str) -> String {
    let mut parts = region.split('-');
    let country = parts.next().unwrap_or_default();
    let (mut middle, mut number) = (String::new(), "1");
    for part in parts {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            number = part;
        } else {
            middle.push_str(&abbreviated(part));
        }
    }
    format!("{country}{middle}{number}-az1")
}

/// `east` becomes `e`, `northeast` becomes `ne`, `gov` becomes `g`.
fn abbreviated(direction: &str) -> String {
    let compass = ["north", "south", "east", "west", "central"];
    let mut rest = direction;
    let mut short = String::new();
    while let Some(first) = rest.chars().next() {
        short.push(first);
        rest = compass
            .iter()
            .find_map(|word| rest.strip_prefix(word))
            .unwrap_or_default();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            token: "t-1".to_owned(),
            availability_zone_id: "use1-az1".to_owned(),
        }
    }

    fn respond(method: Method, authorization: Option<&str>) -> Response {
        let mut request = Request::builder().method(method);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        metadata().respond(&request.body(()).unwrap())
    }

    #[test]
    fn the_right_token_gets_the_zone_for_twelve_hours() {
        let response = respond(Method::GET, Some("Bearer t-1"));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[CACHE_CONTROL],
            "private, max-age=43200, immutable"
        );
    }

    #[test]
    fn every_other_request_is_refused() {
        for authorization in [None, Some("t-1"), Some("Bearer t-2"), Some("bearer t-1")] {
            let response = respond(Method::GET, authorization);
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{authorization:?}"
            );
        }
        let response = respond(Method::POST, Some("Bearer t-1"));
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn zone_ids_are_abbreviated_as_on_aws() {
        for (region, zone) in [
            ("us-east-1", "use1-az1"),
            ("eu-central-1", "euc1-az1"),
            ("ap-northeast-2", "apne2-az1"),
            ("us-gov-west-1", "usgw1-az1"),
        ] {
            assert_eq!(availability_zone_id(region), zone);
        }
    }
}
