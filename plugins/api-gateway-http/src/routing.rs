//! Finds the route that matches a request.
//!
//! The stage comes first: unless it is `$default`, it is the first segment of the path, and routes match the rest.
//! The routes are tried in the order of the state, which is that of their priority.
//!
//! A path is split at the slashes as sent and its segments are compared decoded, so `%2F` never separates segments.
//! `{name}` matches one segment that is not empty. `{name+}` matches one or more segments, which may be empty:
//! `/pets/{proxy+}` matches `/pets/`, but `/{proxy+}` does not match `/`, and `/pets/` is not `/pets`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use http_event::percent::decode;

use crate::state::{DEFAULT, Route, State};
use http_event::route_key::Segment;

/// A request's route.
pub struct Match<'a> {
    /// The route.
    pub route: Route<'a>,
    /// The parameters of the path, decoded, in the order of the path.
    pub parameters: Vec<(&'a str, Cow<'a, str>)>,
}

/// The path without its stage, which routes match. `None` if it is not a path of this stage.
pub fn path_in_stage<'a>(state: &State<'_>, path: &'a str) -> Option<&'a str> {
    if state.api.stage == DEFAULT {
        return Some(path);
    }
    let rest = path.strip_prefix('/')?.strip_prefix(state.api.stage)?;
    match rest {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// The first route that matches a request. `path` is encoded and has no stage.
pub fn find<'a>(state: &State<'a>, method: &str, path: &'a str) -> Option<Match<'a>> {
    let matches = |route: &Route<'a>| {
        (route.method == "ANY" || route.method == method)
            && (route.path == DEFAULT || match_path(route.path, path, |_, _| {}))
    };
    let route = state.routes().find(matches)?;
    let mut parameters = Vec::new();
    if route.path != DEFAULT {
        match_path(route.path, path, |name, value| {
            parameters.push((name, decode(value)))
        });
    }
    Some(Match { route, parameters })
}

/// Compares a route's path with a request's, segment by segment, and reports each parameter with its encoded value.
/// False if they do not match.
fn match_path<'a>(
    pattern: &'a str,
    path: &'a str,
    mut parameter: impl FnMut(&'a str, &'a str),
) -> bool {
    let (Some(pattern), Some(path)) = (pattern.strip_prefix('/'), path.strip_prefix('/')) else {
        return false;
    };
    let mut rest = Some(path);
    for expected in pattern.split('/') {
        let Some(left) = rest else { return false };
        let (segment, after) = match left.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (left, None),
        };
        match Segment::of(expected) {
            Segment::Literal(literal) if segment == literal || decode(segment) == literal => {}
            Segment::Variable(name) if !segment.is_empty() => parameter(name, segment),
            Segment::Greedy(name) if !path.is_empty() => {
                parameter(name, left);
                return true;
            }
            _ => return false,
        }
        rest = after;
    }
    rest.is_none()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;
    use crate::state::Format;

    fn matched(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        match_path(pattern, path, |name, value| {
            found.push((name.to_string(), decode(value).to_string()))
        })
        .then_some(found)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(
            pairs
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        )
    }

    #[test]
    fn literals_are_case_sensitive_and_compared_decoded() {
        assert_eq!(matched("/pets", "/pets"), pairs(&[]));
        assert_eq!(matched("/pets", "/p%65ts"), pairs(&[]));
        assert_eq!(matched("/käse", "/k%C3%A4se"), pairs(&[]));
        assert_eq!(matched("/pets", "/Pets"), None);
        assert_eq!(matched("/pets", "/pets/1"), None);
        assert_eq!(matched("/pets/1", "/pets"), None);
    }

    #[test]
    fn a_trailing_slash_is_another_path() {
        assert_eq!(matched("/pets", "/pets/"), None);
        assert_eq!(matched("/pets/{id}", "/pets/"), None);
        assert_eq!(matched("/pets/{id}", "/pets/1/"), None);
        assert_eq!(matched("/pets/{proxy+}", "/pets/"), pairs(&[("proxy", "")]));
    }

    #[test]
    fn parameters_are_decoded_after_the_path_was_split() {
        assert_eq!(
            matched("/a/{b}/c", "/a/x%2Fy%20z/c"),
            pairs(&[("b", "x/y z")])
        );
        assert_eq!(
            matched("/{a}/{b}", "/1/%25"),
            pairs(&[("a", "1"), ("b", "%")])
        );
    }

    #[test]
    fn a_greedy_parameter_matches_at_least_one_segment() {
        assert_eq!(matched("/{proxy+}", "/"), None);
        assert_eq!(
            matched("/{proxy+}", "/a/b%2Fc/"),
            pairs(&[("proxy", "a/b/c/")])
        );
        assert_eq!(matched("/a/{proxy+}", "/a"), None);
        assert_eq!(
            matched("/a/{x}/{y+}", "/a/1/2/3"),
            pairs(&[("x", "1"), ("y", "2/3")])
        );
    }

    #[test]
    fn the_root_is_a_path_of_its_own() {
        assert_eq!(matched("/", "/"), pairs(&[]));
        assert_eq!(matched("/", "//"), None);
        assert_eq!(matched("/", "*"), None);
    }

    #[test]
    fn a_named_stage_is_the_first_segment() {
        let state = State::new("prod", "", "");
        for (path, rest) in [
            ("/prod", Some("/")),
            ("/prod/", Some("/")),
            ("/prod/a/b", Some("/a/b")),
            ("/production", None),
            ("/Prod/a", None),
            ("/", None),
            ("*", None),
        ] {
            assert_eq!(path_in_stage(&state, path), rest, "{path}");
        }
        assert_eq!(
            path_in_stage(&State::new(DEFAULT, "", ""), "/prod"),
            Some("/prod")
        );
    }

    #[test]
    fn the_first_matching_route_is_used_and_any_matches_unknown_methods() {
        let route = |method, path, function| Route {
            method,
            path,
            format: Format::V2,
            timeout_ms: 1,
            function,
            guard: "",
            throttle: "",
        };
        let text = State::new(DEFAULT, "", "").write([
            route("GET", "/a/{b}", "get"),
            route("ANY", "/a/{c}", "any"),
            route("ANY", DEFAULT, "default"),
        ]);
        let state = State::read(&text).unwrap();
        let function = |method, path| find(&state, method, path).map(|found| found.route.function);
        assert_eq!(function("GET", "/a/1"), Some("get"));
        assert_eq!(function("HEAD", "/a/1"), Some("any"));
        assert_eq!(function("PROPFIND", "/a/1"), Some("any"));
        assert_eq!(function("get", "/a/1"), Some("any"));
        assert_eq!(function("GET", "/a"), Some("default"));
        assert_eq!(function("OPTIONS", "*"), Some("default"));
    }
}
