//! Which requests of web pages a listener accepts.
//!
//! A page of any site can make the browser of the user who opened it send requests to listeners on the user's machine.
//! It can read the responses if the name of its own site leads to this machine (DNS rebinding); `Host` then has that
//! name. Otherwise it cannot read them, but its requests take effect (CSRF). Browsers label them with `Origin` or with
//! `Sec-Fetch-Site`, which pages cannot change. `docs/security.md` has the rules with their reasons.
//!
//! The connection asks [`CrossOrigin::check`] before a handler sees a request. Requests without these
//! headers, such as those of SDKs and of curl, pass if their `Host` does. The check allocates nothing for a request
//! that it accepts.
//!
//! On failure the client gets 403, or 400 for a `Host` that is no host, with the setting that would allow the request.
//! The log gets a warning, one for each host and origin.

mod allowlist;
mod host;
#[cfg(test)]
mod tests;

use http::header::{HOST, HeaderName, HeaderValue, ORIGIN, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};

pub use self::allowlist::{
    Allowlist, HOSTS_VARIABLE, HostPattern, ORIGINS_VARIABLE, OriginPattern, Settings,
};
use self::host::{HostKind, host_of, is_loopback_origin, without_root};
use crate::header::{header, set_header};
use crate::reply::json;
use crate::response::Response;

/// The relation between the page that made a request and the request's target.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The maximum number of characters of a host or origin in a message.
const MAX_QUOTED: usize = 120;

/// What a listener does with the requests of pages that are neither on this machine nor allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignPages {
    /// It refuses them.
    Refused,
    /// It passes them on with the extension [`FromForeignPage`], for a handler with rules of its own.
    Marked,
    /// It treats them like all other requests.
    Accepted,
}

/// The extension of a request that a foreign page has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromForeignPage {
    /// The page's origin, if the browser has stated it.
    origin: Option<String>,
}

impl Allowlist {
    /// Warns of a page's request that a service with rules of its own has refused.
    pub fn warn_of_page(&self, service: &str, page: &FromForeignPage) {
        let origin = quoted(page.origin.as_deref().unwrap_or("null"));
        let message = format!(
            "service {service}: refused a request, because a web page of the origin {origin} made it, which is not on \
             this machine. If the page may use the service, allow it by the service's own rules, such as CORS, or {}",
            self.origin_setting(&origin)
        );
        self.warn(format!("{service} {origin}"), &message);
    }
}

/// The rules of one listener. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CrossOrigin {
    allowlist: Allowlist,
    foreign_pages: ForeignPages,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `Host` is no host.
    InvalidHost(String),
    /// `Host` may be the name of a foreign site.
    Host(String),
    /// A page of this foreign origin.
    Origin(String),
    /// A page of a foreign site, whose origin the browser does not state.
    UnknownOrigin,
}

impl CrossOrigin {
    /// The rules of a listener.
    pub fn new(allowlist: Allowlist, foreign_pages: ForeignPages) -> Self {
        Self {
            allowlist,
            foreign_pages,
        }
    }

    /// Checks a request, and marks it if the rules say so.
    pub(crate) fn check<B>(&self, request: &mut Request<B>) -> Result<(), Refusal> {
        let is_labelled = self.check_host(request)?;
        if self.foreign_pages == ForeignPages::Accepted {
            return Ok(());
        }
        match self.check_page(request, is_labelled) {
            Err(refusal) if self.foreign_pages == ForeignPages::Marked => {
                let origin = match refusal {
                    Refusal::Origin(origin) => Some(origin),
                    _ => None,
                };
                request.extensions_mut().insert(FromForeignPage { origin });
                Ok(())
            }
            checked => checked,
        }
    }

    /// Checks a request that no [`Server`](crate::Server) has received, and warns if it is refused. `listener` is what the
    /// warning calls the place that it was sent to.
    ///
    /// # Errors
    ///
    /// The status of the response to a request that is refused.
    pub fn admit<B>(&self, request: &mut Request<B>, listener: &str) -> Result<(), StatusCode> {
        self.check(request)
            .map_err(|refusal| self.refuse(&refusal, listener).status())
    }

    /// Checks the authority of the target, where a client has put one there, and `Host`. Returns whether browsers send
    /// `Sec-Fetch-Site` to this host.
    fn check_host<B>(&self, request: &Request<B>) -> Result<bool, Refusal> {
        let mut is_labelled = true;
        if let Some(authority) = request.uri().authority() {
            is_labelled &= self.check_authority(authority.as_str())?;
        }
        for host in request.headers().get_all(HOST) {
            let host = host
                .to_str()
                .map_err(|_| Refusal::InvalidHost(lossy(host)))?;
            is_labelled &= self.check_authority(host)?;
        }
        Ok(is_labelled)
    }

    fn check_authority(&self, authority: &str) -> Result<bool, Refusal> {
        let invalid = || Refusal::InvalidHost(authority.to_owned());
        let host = host_of(authority).ok_or_else(invalid)?;
        match HostKind::of(host).ok_or_else(invalid)? {
            HostKind::Loopback => Ok(true),
            HostKind::Local => Ok(false),
            HostKind::Public if self.allowlist.has_host(without_root(host)) => Ok(false),
            HostKind::Public => Err(Refusal::Host(without_root(host).to_ascii_lowercase())),
        }
    }

    /// Checks whether a foreign page has made the request.
    fn check_page<B>(&self, request: &Request<B>, is_labelled: bool) -> Result<(), Refusal> {
        let headers = request.headers();
        let mut has_origin = false;
        for origin in headers.get_all(ORIGIN) {
            has_origin = true;
            let text = origin.to_str().unwrap_or_default();
            if !is_loopback_origin(text) && !self.allowlist.has_origin(text) {
                return Err(Refusal::Origin(lossy(origin)));
            }
        }
        if has_origin {
            return Ok(());
        }
        let sites = headers.get_all(SEC_FETCH_SITE);
        let is_cross_site = sites.iter().any(|site| site == "cross-site");
        // To hosts that are not loopback addresses, browsers do not send `Sec-Fetch-Site` without TLS, nor `Origin`
        // with images and links.
        let is_unknown = !is_labelled
            && !headers.contains_key(SEC_FETCH_SITE)
            && matches!(*request.method(), Method::GET | Method::HEAD)
            && is_browser(headers);
        if (is_cross_site || is_unknown) && !self.allowlist.has_all_origins() {
            return Err(Refusal::UnknownOrigin);
        }
        Ok(())
    }

    /// The response to a refused request. The log gets a warning; `listener` is the address for it.
    pub(crate) fn refuse(&self, refusal: &Refusal, listener: &str) -> Response {
        let allowlist = &self.allowlist;
        let (status, subject, reason) = match refusal {
            Refusal::InvalidHost(host) => {
                let host = quoted(host);
                let reason =
                    format!("its Host header '{host}' is not a host with an optional port");
                (StatusCode::BAD_REQUEST, "Host".to_owned(), reason)
            }
            Refusal::Host(host) => {
                let host = quoted(host);
                let reason = format!(
                    "its Host header names {host}, which is not a local name: a web page of that site could use it to \
                     reach this machine. If this name is meant to lead here, allow it {}",
                    allowlist.host_setting(&host)
                );
                (StatusCode::FORBIDDEN, format!("host {host}"), reason)
            }
            Refusal::Origin(origin) => {
                let origin = quoted(origin);
                let reason = format!(
                    "a web page of the origin {origin} made it, which is not on this machine. If the page may use all \
                     of this API, allow it {}",
                    allowlist.origin_setting(&origin)
                );
                (StatusCode::FORBIDDEN, format!("origin {origin}"), reason)
            }
            Refusal::UnknownOrigin => {
                let reason = format!(
                    "a browser made it for a page or a link of another site, or for one that it does not name. Pages \
                     of this machine or of `allowed-origins` can use fetch() in CORS mode, which names them; every \
                     page of every site is allowed {}",
                    allowlist.origin_setting("*")
                );
                (StatusCode::FORBIDDEN, "unknown origin".to_owned(), reason)
            }
        };
        allowlist.warn(
            subject,
            &format!("{listener}: refused a request, because {reason}"),
        );
        let message = format!("Lambkin refused this request, because {reason}");
        let body = serde_json::json!({ "message": message }).to_string();
        let mut response = json(status, body);
        if status == StatusCode::FORBIDDEN {
            set_header(&mut response, "x-amzn-errortype", "AccessDeniedException");
        }
        response
    }
}

/// Whether the client says that it is a browser. Pages can change the header in no request that they can make without
/// CORS.
fn is_browser(headers: &HeaderMap) -> bool {
    header(headers, USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"))
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// A text that a client has chosen, for a message: short, and without quotation marks and control characters.
fn quoted(text: &str) -> String {
    let harmless = |character: char| match character {
        '\'' | '"' | '`' | '\\' => '?',
        _ if character.is_ascii_graphic() => character,
        _ => '?',
    };
    text.chars().take(MAX_QUOTED).map(harmless).collect()
}
