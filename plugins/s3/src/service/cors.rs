//! Cross-origin requests: GetBucketCors, PutBucketCors, DeleteBucketCors, preflight requests, the headers of responses,
//! and which pages may write.

use super::bucket_settings;
use super::call::Call;
use super::error::{self, Error};
use super::limits;
use super::message::{Request, Response};
use super::xml::{Element, Writer};

const NAME: &str = "cors";
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];
/// The host's mark of a request that a web page has made which is neither on this machine nor allowed by the operator.
const FOREIGN_PAGE: &str = "x-lambkin-foreign-page";
const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// GetBucketCors.
pub fn get(call: &mut Call<'_>) -> Result<Response, Error> {
    match bucket_settings::attribute(call, NAME)? {
        Some(document) => Ok(Response::xml(document)),
        None => Err(error::NO_SUCH_CORS.with("BucketName", call.bucket.as_str())),
    }
}

/// PutBucketCors.
pub fn put(call: &mut Call<'_>) -> Result<Response, Error> {
    let root = call.xml("CORSConfiguration")?;
    let rules: Vec<&Element> = root.all("CORSRule").collect();
    if rules.is_empty() || rules.len() > limits::MAX_CORS_RULES {
        return Err(error::MALFORMED_XML.error());
    }
    for rule in &rules {
        check(rule)?;
    }
    let document = Writer::document("CORSConfiguration", |xml| {
        for rule in rules {
            rule.write(xml);
        }
    });
    bucket_settings::set_attribute(call, NAME, Some(document))?;
    Ok(Response::new(200))
}

/// DeleteBucketCors.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    bucket_settings::set_attribute(call, NAME, None)?;
    Ok(Response::new(204))
}

fn check(rule: &Element) -> Result<(), Error> {
    let origins = rule.child("AllowedOrigin").is_some();
    let methods = rule.child("AllowedMethod").is_some();
    if !origins || !methods {
        return Err(error::MALFORMED_XML.error());
    }
    for method in rule.all("AllowedMethod") {
        if !METHODS.contains(&method.text.as_str()) {
            return Err(error::INVALID_REQUEST.with_message(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {}",
                method.text
            )));
        }
    }
    for (name, what) in [
        ("AllowedOrigin", "AllowedOrigin"),
        ("AllowedHeader", "AllowedHeader"),
    ] {
        for pattern in rule.all(name) {
            if pattern.text.matches('*').count() > 1 {
                return Err(error::INVALID_REQUEST.with_message(format!(
                    "{what} \"{}\" can not have more than one wildcard.",
                    pattern.text
                )));
            }
        }
    }
    for header in rule.all("ExposeHeader") {
        if header.text.contains('*') {
            return Err(error::INVALID_REQUEST.with_message(format!(
                "ExposeHeader \"{}\" contains wildcard. We currently do not support wildcard for ExposeHeader.",
                header.text
            )));
        }
    }
    Ok(())
}

/// Whether a text matches a pattern, which has at most one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

/// The first rule that allows a request.
fn rule<'c>(
    configuration: &'c Element,
    origin: &str,
    method: &str,
    headers: &[String],
) -> Option<&'c Element> {
    configuration.all("CORSRule").find(|rule| {
        let has =
            |name: &str, text: &str| rule.all(name).any(|pattern| matches(&pattern.text, text));
        has("AllowedOrigin", origin)
            && rule
                .all("AllowedMethod")
                .any(|allowed| allowed.text == method)
            && headers.iter().all(|header| {
                rule.all("AllowedHeader")
                    .any(|pattern| matches(&pattern.text.to_ascii_lowercase(), header))
            })
    })
}

fn configuration(call: &Call<'_>) -> Option<Element> {
    let document = bucket_settings::attribute(call, NAME).ok()??;
    Element::parse(document.as_bytes())
}

/// The headers in `Access-Control-Request-Headers`, in lower case.
fn requested_headers(request: &Request) -> Vec<String> {
    request
        .header("access-control-request-headers")
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Adds the headers that all responses to cross-origin requests have.
fn allow(response: Response, rule: &Element, origin: &str) -> Response {
    let texts = |name: &str| {
        let texts: Vec<&str> = rule
            .all(name)
            .map(|element| element.text.as_str())
            .collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    };
    let anybody = rule.all("AllowedOrigin").any(|allowed| allowed.text == "*");
    let response = response
        .with(
            "Access-Control-Allow-Origin",
            if anybody { "*" } else { origin },
        )
        .with_some("Access-Control-Allow-Methods", texts("AllowedMethod"))
        .with_some("Access-Control-Expose-Headers", texts("ExposeHeader"))
        .with_some("Access-Control-Max-Age", rule.text_of("MaxAgeSeconds"));
    if anybody {
        response
    } else {
        response.with("Access-Control-Allow-Credentials", "true")
    }
}

/// Answers a preflight request.
pub fn preflight(call: &mut Call<'_>) -> Result<Response, Error> {
    let Some(origin) = call.header("origin") else {
        return Err(error::BAD_REQUEST
            .with_message("Insufficient information. Origin request header needed."));
    };
    let requested = call.header("access-control-request-method");
    let forbidden = |message: &'static str| {
        let resource = if call.key.is_empty() {
            "BUCKET"
        } else {
            "OBJECT"
        };
        error::ACCESS_FORBIDDEN
            .with_message(message)
            .with("Method", requested.unwrap_or("OPTIONS"))
            .with("ResourceType", resource)
    };
    let Some(configuration) = configuration(call) else {
        return Err(forbidden(match call.bucket_info() {
            Ok(_) => "CORSResponse: CORS is not enabled for this bucket.",
            Err(_) => "CORSResponse: Bucket not found",
        }));
    };
    let Some(method) = requested.filter(|method| METHODS.contains(method)) else {
        return Err(error::BAD_REQUEST.with_message(format!(
            "Invalid Access-Control-Request-Method: {}",
            requested.unwrap_or("null")
        )));
    };
    let headers = requested_headers(call.request);
    let Some(rule) = rule(&configuration, origin, method, &headers) else {
        return Err(forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request \
             method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the \
             resource's CORS spec.",
        ));
    };
    let response = allow(Response::new(200), rule, origin);
    let allowed = (!headers.is_empty()).then(|| headers.join(", "));
    Ok(response
        .with_some("Access-Control-Allow-Headers", allowed)
        .with("Vary", VARY))
}

/// Refuses a write by a foreign web page, which the host has marked, unless the CORS configuration of the bucket allows
/// it. Reads are not refused: the browser keeps the response from the page.
pub fn check_page(call: &Call<'_>) -> Result<(), Error> {
    let method = call.request.method.as_str();
    let is_read = matches!(method, "GET" | "HEAD" | "OPTIONS");
    if is_read || call.header(FOREIGN_PAGE).is_none() {
        return Ok(());
    }
    let origin = call.header("origin");
    let is_allowed = |origin| {
        let configuration = configuration(call);
        configuration
            .is_some_and(|configuration| rule(&configuration, origin, method, &[]).is_some())
    };
    if origin.is_some_and(is_allowed) {
        return Ok(());
    }
    Err(error::ACCESS_FORBIDDEN
        .with_message(format!(
            "A web page of the origin {} made this request. It is not on this machine, and neither the CORS \
             configuration of the bucket nor `allowed-origins` at the top of lambkin.toml allows it.",
            origin.unwrap_or("null")
        ))
        .with("Method", method))
}

/// Adds the headers with which a browser gives the response to the page. As AWS does, this regards the headers of a
/// preflight request in any request.
pub fn answer(call: &Call<'_>, response: Response) -> Response {
    let Some(origin) = call.header("origin") else {
        return response;
    };
    // The response to a preflight request has the headers already.
    if call.bucket.is_empty() || call.request.method == "OPTIONS" {
        return response;
    }
    let Some(configuration) = configuration(call) else {
        return response;
    };
    let method = call.header("access-control-request-method");
    let method = method.unwrap_or(&call.request.method);
    let headers = requested_headers(call.request);
    match rule(&configuration, origin, method, &headers) {
        Some(rule) => {
            let allowed = (!headers.is_empty()).then(|| headers.join(", "));
            allow(response, rule, origin)
                .with_some("Access-Control-Allow-Headers", allowed)
                .with("Vary", VARY)
        }
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_may_have_one_star() {
        assert!(matches("*", "https://a"));
        assert!(matches("https://*.example.com", "https://www.example.com"));
        assert!(!matches("https://*.example.com", "https://.example.co"));
        assert!(!matches("ab*ba", "aba"));
        assert!(!matches("https://a", "https://ab"));
    }
}
