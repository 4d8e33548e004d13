//! Route keys: `GET /orders/{id}`, `ANY /files/{proxy+}`, `$default`.
//!
//! The rules are those of AWS: a parameter is a whole segment; its name consists of letters, digits, `.`, `_` and `-`;
//! `{name+}` matches the rest of the path and is the last segment; a path does not end with `/`, except `/` itself.
//! Literals are case-sensitive.
//!
//! On failure: [`RouteKey::parse`] states in one line what is wrong and what would be right.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// The route of requests that no other route of an HTTP API matches.
pub const DEFAULT: &str = "$default";

/// The methods that a route key may name. `ANY` matches every method, including those that are not listed.
pub const METHODS: [&str; 8] = [
    "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
];

/// A valid route key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteKey<'a> {
    /// One of [`METHODS`]; `ANY` for `$default`.
    pub method: &'a str,
    /// [`DEFAULT`], or the path.
    pub path: &'a str,
}

/// What a segment of a route's path matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// This text.
    Literal(&'a str),
    /// One segment that is not empty.
    Variable(&'a str),
    /// The rest of the path.
    Greedy(&'a str),
}

impl<'a> Segment<'a> {
    /// Reads a segment of a valid path.
    pub fn of(text: &'a str) -> Self {
        let Some(name) = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        else {
            return Self::Literal(text);
        };
        match name.strip_suffix('+') {
            Some(name) => Self::Greedy(name),
            None => Self::Variable(name),
        }
    }
}

impl<'a> RouteKey<'a> {
    /// Reads a route key.
    ///
    /// # Errors
    ///
    /// In one line, what is wrong and what would be right.
    pub fn parse(key: &'a str) -> Result<Self, String> {
        if key == DEFAULT {
            return Ok(Self {
                method: "ANY",
                path: DEFAULT,
            });
        }
        let Some((method, path)) = key.split_once(' ') else {
            return Err(String::from(
                "a route key is a method and a path, such as \"GET /orders/{id}\" or \"ANY /{proxy+}\", or \"$default\"",
            ));
        };
        check_method(method)?;
        check_path(path)?;
        Ok(Self { method, path })
    }

    /// The key by which AWS compares routes: the names of parameters do not matter.
    pub fn normalized(&self) -> String {
        let mut normalized = String::from(self.method);
        for segment in self.path.split('/') {
            normalized.push('/');
            normalized.push_str(match Segment::of(segment) {
                Segment::Literal(literal) => literal,
                Segment::Variable(_) => "{}",
                Segment::Greedy(_) => "{+}",
            });
        }
        normalized
    }

    /// The priority of the route; `shape` tries the smallest first. A full match precedes a greedy one, and that
    /// precedes `$default`; then come more literals, more segments, and literals further to the left. For the same
    /// path, the exact method precedes `ANY`.
    pub fn rank(&self) -> impl Ord + use<'a> {
        let segments: Vec<_> = self.path.split('/').skip(1).map(Segment::of).collect();
        let greedy = matches!(segments.last(), Some(Segment::Greedy(_)));
        let is_variable: Vec<_> = segments
            .iter()
            .map(|segment| !matches!(segment, Segment::Literal(_)))
            .collect();
        let literals = is_variable
            .iter()
            .filter(|is_variable| !**is_variable)
            .count();
        (
            self.path == DEFAULT,
            greedy,
            Reverse(literals),
            Reverse(segments.len()),
            is_variable,
            self.path,
            self.method == "ANY",
        )
    }
}

fn check_method(method: &str) -> Result<(), String> {
    if METHODS.contains(&method) {
        return Ok(());
    }
    let upper = method.to_ascii_uppercase();
    Err(if METHODS.contains(&upper.as_str()) {
        format!("methods are in upper case: write `{upper}` instead of `{method}`")
    } else {
        format!(
            "there is no method `{method}`; a route key has one of {}",
            METHODS.join(", ")
        )
    })
}

fn check_path(path: &str) -> Result<(), String> {
    let Some(relative) = path.strip_prefix('/') else {
        return Err(format!("the path `{path}` must start with `/`"));
    };
    if relative.is_empty() {
        return Ok(());
    }
    if let Some(bad) = path
        .chars()
        .find(|&char| char.is_whitespace() || char.is_control() || "?#".contains(char))
    {
        return Err(format!("a path cannot contain {bad:?}"));
    }
    if path.ends_with('/') {
        let shorter = path.trim_end_matches('/');
        return Err(format!(
            "a path cannot end with `/`; write `{shorter}`, or `{shorter}/{{proxy+}}` to match the paths below it"
        ));
    }
    let mut names = Vec::new();
    let mut segments = relative.split('/').peekable();
    while let Some(segment) = segments.next() {
        let name = check_segment(segment, segments.peek().is_none())?;
        if !name.is_empty() && names.contains(&name) {
            return Err(format!(
                "the parameter `{name}` occurs twice; give each its own name"
            ));
        }
        names.push(name);
    }
    Ok(())
}

/// Checks a segment and returns the name of its parameter, which is empty if it has none.
fn check_segment(segment: &str, is_last: bool) -> Result<&str, String> {
    if segment.is_empty() {
        return Err(String::from("a path cannot contain `//`"));
    }
    let name = match Segment::of(segment) {
        Segment::Literal(literal) if literal.contains(['{', '}']) => {
            return Err(format!(
                "a parameter is a whole segment, such as `/{{name}}/`, not a part of one as in `{literal}`"
            ));
        }
        Segment::Literal(_) => return Ok(""),
        Segment::Greedy(name) if !is_last => {
            return Err(format!(
                "`{{{name}+}}` matches the rest of the path, so it must be the last segment"
            ));
        }
        Segment::Greedy(name) | Segment::Variable(name) => name,
    };
    let is_legal = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if name.is_empty() || !name.chars().all(is_legal) {
        return Err(format!(
            "the parameter `{segment}` needs a name of letters, digits, `.`, `_` and `-`"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_keys_of_every_kind_are_read() {
        assert_eq!(
            RouteKey::parse("$default"),
            Ok(RouteKey {
                method: "ANY",
                path: "$default"
            })
        );
        for (key, method, path) in [
            ("GET /", "GET", "/"),
            ("ANY /{proxy+}", "ANY", "/{proxy+}"),
            ("DELETE /a/{b.c_d-1}/e", "DELETE", "/a/{b.c_d-1}/e"),
            ("PUT /Käse/%20", "PUT", "/Käse/%20"),
        ] {
            assert_eq!(RouteKey::parse(key), Ok(RouteKey { method, path }));
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (key, message) in [
            ("/a", "a route key is a method and a path"),
            ("", "a route key is a method and a path"),
            ("get /a", "write `GET` instead of `get`"),
            ("TRACE /a", "there is no method `TRACE`"),
            ("GET a", "must start with `/`"),
            ("GET  /a", "must start with `/`"),
            ("GET /a/", "write `/a`, or `/a/{proxy+}`"),
            ("GET //", "cannot end with `/`"),
            ("GET /a//b", "cannot contain `//`"),
            ("GET /a?b", "cannot contain '?'"),
            ("GET /a b", "cannot contain ' '"),
            ("GET /a\tb", "cannot contain '\\t'"),
            ("GET /a{b}", "a parameter is a whole segment"),
            ("GET /{a", "a parameter is a whole segment"),
            ("GET /{a+}/b", "must be the last segment"),
            ("GET /{}", "needs a name"),
            ("GET /{+}", "needs a name"),
            ("GET /{a*}", "needs a name"),
            ("GET /{é}", "needs a name"),
            ("GET /{a}/{a}", "`a` occurs twice"),
            ("GET /{a}/{a+}", "`a` occurs twice"),
        ] {
            let error = RouteKey::parse(key).unwrap_err();
            assert!(error.contains(message), "{key:?}: {error}");
        }
    }

    #[test]
    fn the_names_of_parameters_do_not_distinguish_keys() {
        let normalized = |key| RouteKey::parse(key).unwrap().normalized();
        assert_eq!(normalized("GET /a/{b}"), normalized("GET /a/{c}"));
        assert_ne!(normalized("GET /a/{b}"), normalized("GET /a/{b+}"));
        assert_ne!(normalized("GET /a/{b}"), normalized("POST /a/{b}"));
        assert_ne!(normalized("GET /a"), normalized("GET /A"));
        assert_ne!(normalized("ANY /$default"), normalized("$default"));
    }

    #[test]
    fn routes_rank_from_the_most_specific_to_the_default() {
        let ordered = [
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "GET /pets/{kind}/1",
            "GET /pets",
            "ANY /pets",
            "GET /{a}/{b}",
            "GET /{a}",
            "GET /pets/dog/{proxy+}",
            "GET /pets/{id}/{proxy+}",
            "GET /pets/{proxy+}",
            "GET /{proxy+}",
            "ANY /{proxy+}",
            "$default",
        ];
        let mut keys: Vec<_> = ordered
            .iter()
            .rev()
            .map(|key| RouteKey::parse(key).unwrap())
            .collect();
        keys.sort_by_cached_key(RouteKey::rank);
        assert_eq!(keys, ordered.map(|key| RouteKey::parse(key).unwrap()));
    }
}
