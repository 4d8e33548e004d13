//! CORS as API Gateway's HTTP APIs and function URLs do it for their functions.
//!
//! The front end answers a preflight request itself: `OPTIONS` with `Origin` and `Access-Control-Request-Method`. From
//! every other response it removes the function's CORS headers and, if the origin is allowed, adds its own. An origin
//! that is not allowed gets no CORS headers, and without them the browser does not give the response to the page.

mod settings;

use alloc::string::String;

pub use settings::{FUNCTION_URL, HTTP_API, Rules, Settings};

use crate::contract::{Request, Response};

/// A CORS configuration, with each list joined as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cors<'a> {
    /// Separated by spaces: exact origins, `*`, `http://*`, `https://*`.
    pub origins: &'a str,
    /// Separated by commas.
    pub methods: &'a str,
    /// Separated by commas.
    pub headers: &'a str,
    /// Separated by commas.
    pub exposed: &'a str,
    /// Seconds; empty if not set.
    pub max_age: &'a str,
    /// Whether browsers may send cookies.
    pub credentials: bool,
}

impl<'a> Cors<'a> {
    /// Reads a line that [`write`](Self::write) has written; `None` for other text.
    pub fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        Some(Self {
            origins: fields.next()?,
            methods: fields.next()?,
            headers: fields.next()?,
            exposed: fields.next()?,
            max_age: fields.next()?,
            credentials: fields.next()? == "true",
        })
    }

    /// Appends the configuration as one line of tab-separated fields, without a line break.
    pub fn write(&self, text: &mut String) {
        let fields = [
            self.origins,
            self.methods,
            self.headers,
            self.exposed,
            self.max_age,
        ];
        for field in fields {
            text.push_str(field);
            text.push('\t');
        }
        text.push_str(if self.credentials { "true" } else { "false" });
    }

    /// The value of `access-control-allow-origin` for a request: `*` or its origin. `None` if the request has no origin
    /// or one that is not allowed.
    pub fn allow_origin<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let origin = request.header("origin").next()?;
        let mut allowed = self.origins.split(' ');
        if allowed.clone().any(|pattern| pattern == "*") {
            return Some("*");
        }
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(scheme) => origin.starts_with(scheme),
            None => origin == pattern,
        };
        allowed.any(matches).then_some(origin)
    }

    /// Adds the headers that answer a preflight request to an empty response.
    pub fn answer_preflight(&self, allow_origin: Option<&str>, response: &mut Response) {
        if let Some(origin) = allow_origin {
            add(response, "access-control-allow-origin", origin);
            add(response, "access-control-allow-methods", self.methods);
            add(response, "access-control-allow-headers", self.headers);
            add(response, "access-control-max-age", self.max_age);
            add(
                response,
                "access-control-allow-credentials",
                self.allow_credentials(),
            );
        }
    }

    /// Replaces the CORS headers of a function's response.
    pub fn replace_headers(&self, allow_origin: Option<&str>, response: &mut Response) {
        response
            .headers
            .retain(|(name, _)| !name.starts_with("access-control-"));
        if let Some(origin) = allow_origin {
            add(response, "access-control-allow-origin", origin);
            add(response, "access-control-expose-headers", self.exposed);
            add(
                response,
                "access-control-allow-credentials",
                self.allow_credentials(),
            );
        }
    }

    fn allow_credentials(&self) -> &'static str {
        if self.credentials { "true" } else { "" }
    }
}

/// Whether a request is a preflight request.
pub fn is_preflight(request: &Request) -> bool {
    request.method == "OPTIONS"
        && request.header("origin").next().is_some()
        && request
            .header("access-control-request-method")
            .next()
            .is_some()
}

/// Adds a header unless its value is empty: what is not configured is not sent.
fn add(response: &mut Response, name: &str, value: &str) {
    if !value.is_empty() {
        response.push_header(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Header, ResponseBody};

    const CORS: Cors<'_> = Cors {
        origins: "https://a.example http://*",
        methods: "GET,POST",
        headers: "",
        exposed: "x-a",
        max_age: "300",
        credentials: true,
    };

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter();
        Request {
            method: method.to_owned(),
            headers: headers
                .map(|(name, value)| Header::new(name, value))
                .collect(),
            ..Request::get("/")
        }
    }

    #[test]
    fn an_origin_is_allowed_exactly_or_by_its_scheme() {
        for (origin, allowed) in [
            ("https://a.example", true),
            ("https://a.example.org", false),
            ("http://anything", true),
            ("https://anything", false),
        ] {
            let request = request("GET", &[("origin", origin)]);
            assert_eq!(
                CORS.allow_origin(&request),
                allowed.then_some(origin),
                "{origin}"
            );
        }
        assert_eq!(CORS.allow_origin(&request("GET", &[])), None);
        let any = Cors {
            origins: "*",
            ..CORS
        };
        let request = request("GET", &[("origin", "https://b.example")]);
        assert_eq!(any.allow_origin(&request), Some("*"));
    }

    #[test]
    fn a_preflight_request_has_an_origin_and_a_method() {
        let method = ("access-control-request-method", "PUT");
        let origin = ("origin", "https://a.example");
        assert!(is_preflight(&request("OPTIONS", &[origin, method])));
        assert!(!is_preflight(&request("OPTIONS", &[origin])));
        assert!(!is_preflight(&request("OPTIONS", &[method])));
        assert!(!is_preflight(&request("PUT", &[origin, method])));
    }

    #[test]
    fn the_headers_of_the_function_are_replaced() {
        let mut response = Response::new(200, ResponseBody::Empty);
        response.push_header("access-control-allow-origin", "*");
        response.push_header("x-a", "b");
        CORS.replace_headers(None, &mut response);
        assert_eq!(response.headers, [("x-a".to_owned(), "b".to_owned())]);
        CORS.replace_headers(Some("https://a.example"), &mut response);
        let headers: Vec<_> = response
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            headers,
            [
                ("x-a", "b"),
                ("access-control-allow-origin", "https://a.example"),
                ("access-control-expose-headers", "x-a"),
                ("access-control-allow-credentials", "true"),
            ]
        );
    }

    #[test]
    fn a_configuration_is_read_back() {
        let mut line = String::new();
        CORS.write(&mut line);
        assert_eq!(Cors::read(&line), Some(CORS));
        assert_eq!(Cors::read("a\tb"), None);
    }
}
