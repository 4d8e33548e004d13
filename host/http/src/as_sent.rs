//! The parts of a request's head that hyper changes or refuses: the spelling of header names, and targets with
//! characters that a URL must not have.
//!
//! hyper knows the spelling and does not tell, and answers such targets with 400 before a handler sees them. AWS's front
//! ends pass both on. So the bytes of a head are looked at as they arrive: names with upper-case letters are noted, and
//! in the target each byte that hyper might refuse is noted and replaced by another one, in place.

use http::HeaderName;
use memchr::memchr;

/// A request's head as the client sent it, where it differs from what the request says. It is an extension of requests
/// to a [`Server`](crate::Server) with [`keep_heads_as_sent`](crate::Server::keep_heads_as_sent).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadAsSent {
    /// Path and query, if there are characters in them that a URL must not have.
    pub target: Option<Vec<u8>>,
    /// The names with upper-case letters, in their order.
    names: Vec<String>,
}

impl HeadAsSent {
    /// A header's name in its first spelling; `None` if that is in lower case.
    pub fn name(&self, name: &HeaderName) -> Option<&str> {
        let mut names = self.names.iter();
        names
            .find(|sent| sent.eq_ignore_ascii_case(name.as_str()))
            .map(String::as_str)
    }
}

/// Replaces bytes of a target that hyper might refuse.
const PLACEHOLDER: u8 = b'_';

/// Reads the bytes of a head as they arrive.
#[derive(Debug, Default)]
pub(crate) struct HeadScanner {
    place: Place,
    target: Vec<u8>,
    is_odd: bool,
    name: Vec<u8>,
    names: Vec<String>,
}

/// Where in a head the next byte belongs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Method,
    Target,
    Protocol,
    Name,
    Value,
    /// Behind the empty line.
    Body,
}

impl HeadScanner {
    /// Takes more bytes of the head, and replaces those of the target that hyper might refuse. Bytes behind the head are
    /// ignored. Returns the head when it is complete.
    pub(crate) fn feed(&mut self, bytes: &mut [u8]) -> Option<HeadAsSent> {
        let mut rest = bytes;
        while !rest.is_empty() && self.place != Place::Body {
            let taken = match self.place {
                Place::Method | Place::Target => self.request_line(rest),
                Place::Name => self.name(rest),
                Place::Protocol | Place::Value => match memchr(b'\n', rest) {
                    Some(end) => {
                        self.place = Place::Name;
                        end + 1
                    }
                    None => rest.len(),
                },
                Place::Body => return None,
            };
            rest = rest.get_mut(taken..)?;
            if self.place == Place::Body {
                return Some(self.finish());
            }
        }
        None
    }

    /// Takes bytes up to the end of the method or the target. Returns their number.
    fn request_line(&mut self, bytes: &mut [u8]) -> usize {
        for (index, byte) in bytes.iter_mut().enumerate() {
            match (*byte, self.place) {
                (b' ', Place::Method) => self.place = Place::Target,
                (b' ', _) => {
                    self.place = Place::Protocol;
                    return index + 1;
                }
                // Empty lines before a request line are skipped.
                (b'\r' | b'\n', Place::Method) => {}
                (b'\n', _) => {
                    self.place = Place::Name;
                    return index + 1;
                }
                (b'\r', _) | (_, Place::Method) => {}
                (sent, _) => {
                    self.target.push(sent);
                    // hyper refuses control characters with 400, as AWS's front ends do.
                    if !is_plain(sent) && !sent.is_ascii_control() {
                        self.is_odd = true;
                        *byte = PLACEHOLDER;
                    }
                }
            }
        }
        bytes.len()
    }

    /// Takes bytes up to the end of a name or of an empty line. Returns their number.
    fn name(&mut self, bytes: &[u8]) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b':' => {
                    self.end_name();
                    self.place = Place::Value;
                    return index + 1;
                }
                b'\n' if self.name.is_empty() => {
                    self.place = Place::Body;
                    return index + 1;
                }
                b'\n' => self.name.clear(),
                b'\r' => {}
                byte => self.name.push(*byte),
            }
        }
        bytes.len()
    }

    fn end_name(&mut self) {
        let name = std::mem::take(&mut self.name);
        if name.iter().any(u8::is_ascii_uppercase)
            && let Ok(name) = String::from_utf8(name)
        {
            self.names.push(name);
        }
    }

    fn finish(&mut self) -> HeadAsSent {
        let target = std::mem::take(&mut self.target);
        HeadAsSent {
            target: self.is_odd.then(|| without_origin(target)),
            names: std::mem::take(&mut self.names),
        }
    }
}

/// Whether hyper takes the byte in a target, and leaves it there.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&byte)
}

/// The path and query of a target that may be a whole URL.
fn without_origin(target: Vec<u8>) -> Vec<u8> {
    if target.starts_with(b"/") {
        return target;
    }
    let authority = target.windows(3).position(|bytes| bytes == b"://");
    let authority = authority.and_then(|at| target.get(at + 3..));
    let path = authority.and_then(|rest| {
        let start = rest.iter().position(|byte| matches!(byte, b'/' | b'?'))?;
        rest.get(start..)
    });
    match path {
        Some(path) if path.starts_with(b"/") => path.to_vec(),
        Some(query) => [b"/", query].concat(),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head that is found when the bytes arrive at once, and what is left for hyper.
    fn scan(head: &[u8]) -> (Option<HeadAsSent>, Vec<u8>) {
        let mut whole = head.to_vec();
        let found = HeadScanner::default().feed(&mut whole);
        let mut bytewise = head.to_vec();
        let mut scanner = HeadScanner::default();
        let mut again = None;
        for byte in &mut bytewise {
            again = again.or(scanner.feed(std::slice::from_mut(byte)));
        }
        assert_eq!((&found, &whole), (&again, &bytewise));
        (found, whole)
    }

    #[test]
    fn names_with_upper_case_letters_are_noted_in_their_first_spelling() {
        let head = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nx-lower: b\r\nX-API-key: 1\r\nx-api-KEY: 2\r\n\r\nBody: x";
        let (found, left) = scan(head);
        let found = found.unwrap();
        let name = |name| found.name(&HeaderName::from_static(name));
        assert_eq!(name("host"), Some("Host"));
        assert_eq!(name("x-lower"), None);
        assert_eq!(name("x-api-key"), Some("X-API-key"));
        assert_eq!(name("body"), None);
        assert_eq!(found.target, None);
        assert_eq!(left, head);
    }

    #[test]
    fn a_target_with_characters_that_hyper_refuses_is_noted_and_replaced() {
        for (target, noted, left) in [
            ("/a?b=1%20c", None, "/a?b=1%20c"),
            ("/<a>?\"q\"", Some("/<a>?\"q\""), "/_a_?_q_"),
            ("/é", Some("/é"), "/__"),
            ("/a#b", Some("/a#b"), "/a_b"),
            ("http://h:1/<", Some("/<"), "http://h:1/_"),
            ("http://h?<", Some("/?<"), "http://h?_"),
            ("*", None, "*"),
        ] {
            let (found, rest) =
                scan(format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes());
            let found = found.unwrap().target;
            assert_eq!(found.as_deref(), noted.map(str::as_bytes), "{target}");
            let rest = String::from_utf8(rest).unwrap();
            assert!(rest.starts_with(&format!("GET {left} HTTP")), "{rest}");
        }
    }

    #[test]
    fn an_incomplete_head_is_none() {
        for head in ["GET / HTTP/1.1\r\nhost: a\r\n", "GET /", ""] {
            assert_eq!(scan(head.as_bytes()).0, None, "{head}");
        }
    }
}
