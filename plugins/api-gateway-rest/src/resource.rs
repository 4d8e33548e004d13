//! Finds the resource and the method of a request.
//!
//! Literals are preferred to `{parameters}`, and those to `{parameters+}`, segment by segment from the left. What is
//! selected is a pair of resource and method: a resource that lacks the method leaves the request to the next one that
//! matches and has it. `ANY` stands for the seven methods that REST APIs have. A slash at the end of the path does not
//! matter, and letters have to match in case. Values of parameters stay encoded.

use alloc::vec::Vec;

use http_event::percent::decode;
use http_event::route_key::Segment;

use crate::state::{ENTRY, Method, State};

/// The methods that `ANY` stands for.
const ANY: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The method of a request, with the parameters of its path.
#[derive(Debug)]
pub struct Match<'a> {
    /// The method.
    pub method: Method<'a>,
    /// The parameters in the order of the path, encoded.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// The path that resources match, without the stage or a base path, and whether it was the stage. `None` if it is no
/// path of this API. The longest base path that fits counts, then the stage, and an empty base path, which fits every
/// path, comes last. Repeated slashes at the start are one.
pub fn path_in_api<'a>(state: &State<'_>, path: &'a str) -> Option<(&'a str, bool)> {
    let base_paths = state
        .base_paths
        .into_iter()
        .flat_map(|list| list.split(ENTRY));
    let found = base_paths
        .filter_map(|prefix| Some((prefix, without(prefix, path)?)))
        .min_by_key(|(_, rest)| rest.len());
    let without_stage = || without(state.api.stage, path).filter(|_| state.has_stage);
    match found {
        Some((prefix, rest)) if !prefix.is_empty() => Some((rest, false)),
        found => match (without_stage(), found) {
            (Some(rest), _) => Some((rest, true)),
            (None, Some((_, rest))) => Some((rest, false)),
            (None, None) => None,
        },
    }
}

/// The path behind a prefix, which is given without slashes at its ends.
fn without<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    // `*` in `OPTIONS *` is none.
    let path = Some(path)
        .filter(|path| path.starts_with('/'))
        .map(with_one_slash)?;
    if prefix.is_empty() {
        return Some(path);
    }
    match path.strip_prefix('/')?.strip_prefix(prefix)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then(|| with_one_slash(rest)),
    }
}

/// The path with one slash at its start.
pub fn with_one_slash(path: &str) -> &str {
    let slashes = path.len() - path.trim_start_matches('/').len();
    path.get(slashes.saturating_sub(1)..).unwrap_or(path)
}

/// The first method that a request meets.
pub fn find<'a>(state: &State<'a>, name: &str, path: &'a str) -> Option<Match<'a>> {
    let mut methods = state.methods();
    methods.find_map(|method| {
        let has_name = method.name == name || method.name == "ANY" && ANY.contains(&name);
        let parameters = has_name.then(|| match_path(method.resource, path))??;
        Some(Match { method, parameters })
    })
}

/// The parameters of a path that matches a resource.
fn match_path<'a>(resource: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let resource = resource.strip_suffix('/').unwrap_or(resource);
    let mut parameters = Vec::new();
    let mut rest = path.strip_prefix('/');
    for expected in resource.split('/').skip(1) {
        let left = rest?;
        let (segment, after) = match left.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (left, None),
        };
        match Segment::of(expected) {
            Segment::Literal(literal) if segment == literal || decode(segment) == literal => {}
            Segment::Variable(name) if !segment.is_empty() => parameters.push((name, segment)),
            Segment::Greedy(name) if !left.is_empty() => {
                parameters.push((name, left));
                return Some(parameters);
            }
            _ => return None,
        }
        rest = after;
    }
    rest.is_none().then_some(parameters)
}

#[cfg(test)]
mod tests {
    use http_event::api::Api;

    use super::*;

    #[test]
    fn the_stage_or_the_base_path_is_the_first_segment() {
        let state = State::new(Api::new("prod", "", ""));
        for (path, expected) in [
            ("/prod", Some("/")),
            ("/prod/", Some("/")),
            ("/prod/a/b/", Some("/a/b/")),
            ("/prod//a", Some("/a")),
            ("//prod/a//b", Some("/a//b")),
            ("/production", None),
            ("/Prod/a", None),
            ("/", None),
        ] {
            let expected = expected.map(|rest| (rest, true));
            assert_eq!(path_in_api(&state, path), expected, "{path}");
        }
        let with = |base_path| {
            let mut state = state;
            state.base_paths = Some(base_path);
            state.has_stage = false;
            state
        };
        let by_base_path = |rest| Some((rest, false));
        assert_eq!(path_in_api(&with(""), "/prod/a"), by_base_path("/prod/a"));
        assert_eq!(path_in_api(&with("v1"), "/v1/a"), by_base_path("/a"));
        let several = with("v1\u{1d}v1/old\u{1d}");
        assert_eq!(path_in_api(&several, "/v1/a"), by_base_path("/a"));
        assert_eq!(path_in_api(&several, "/v1/old/a"), by_base_path("/a"));
        assert_eq!(path_in_api(&several, "/v2/a"), by_base_path("/v2/a"));
        let mut both = with("v1");
        both.has_stage = true;
        assert_eq!(path_in_api(&both, "/prod/a"), Some(("/a", true)));
        assert_eq!(path_in_api(&both, "/v1/a"), by_base_path("/a"));
        assert_eq!(path_in_api(&with("v1"), "/prod/a"), None);
        let mut all = with("\u{1d}v1");
        all.has_stage = true;
        assert_eq!(path_in_api(&all, "/prod/a"), Some(("/a", true)));
        assert_eq!(path_in_api(&all, "/v1/a"), by_base_path("/a"));
        assert_eq!(path_in_api(&all, "/a"), by_base_path("/a"));
        assert_eq!(path_in_api(&with(""), "*"), None);
    }

    #[test]
    fn a_path_matches_segment_by_segment() {
        for (resource, path, expected) in [
            ("/", "/", Some(vec![])),
            ("/", "/a", None),
            ("/a", "/a/", Some(vec![])),
            ("/a", "/A", None),
            ("/a b", "/a%20b", Some(vec![])),
            ("/users/{id}", "/users/a%20b", Some(vec![("id", "a%20b")])),
            ("/users/{id}", "/users//", None),
            ("/users/{id}", "/users/1/2", None),
            ("/{proxy+}", "/", None),
            (
                "/{proxy+}",
                "/proxy-value/",
                Some(vec![("proxy", "proxy-value")]),
            ),
            ("/{proxy+}", "/a//b", Some(vec![("proxy", "a//b")])),
            (
                "/{x}/{proxy+}",
                "/a/b/c",
                Some(vec![("x", "a"), ("proxy", "b/c")]),
            ),
        ] {
            assert_eq!(match_path(resource, path), expected, "{resource} {path}");
        }
    }
}
