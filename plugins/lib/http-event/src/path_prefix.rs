//! Routes that a trigger's `path-prefix` leaves without requests.
//!
//! Triggers at one address share it by the beginning of the path, which stays in the path that the plugin gets. A route
//! whose paths begin otherwise is never reached: the host passes no request on that has such a path.
//!
//! On failure: without a `path-prefix` in the surroundings, there are no warnings.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::contract::{PATH_PREFIX, Surroundings};
use crate::percent::decode;
use crate::route_key::Segment;

/// Warnings about what no request reaches: of `routes`, each with its key and its path, those whose paths do not have
/// the prefix. `starts` is what precedes the paths of routes, such as `/prod`, and may be several.
pub fn warnings<'r>(
    surroundings: &Surroundings,
    starts: &[String],
    routes: impl IntoIterator<Item = (String, &'r str)>,
) -> Vec<String> {
    let Some(prefix) = surroundings.extra(PATH_PREFIX) else {
        return Vec::new();
    };
    let reaches = |start: &String, path: &str| can_begin_with(prefix, &format!("{start}{path}"));
    if !starts.is_empty() && !starts.iter().any(|start| reaches(start, "/{proxy+}")) {
        let starts = starts.join(" or ");
        return Vec::from([format!(
            "no request reaches a route: `path-prefix` leaves paths that begin with {prefix}, and those of the API begin \
             with {starts}"
        )]);
    }
    let unreached = routes
        .into_iter()
        .filter(|(_, path)| !starts.iter().any(|start| reaches(start, path)));
    unreached
        .map(|(key, _)| {
            format!("no request reaches {key}: `path-prefix` leaves paths that begin with {prefix}")
        })
        .collect()
}

/// Whether a path that matches a template, such as `/orders/{id}`, can begin with a prefix.
fn can_begin_with(prefix: &str, template: &str) -> bool {
    let mut segments = template.split('/').skip(1);
    prefix.split('/').skip(1).all(|wanted| {
        // What is behind a greedy parameter is not compared.
        match segments.next().map(Segment::of) {
            Some(Segment::Literal(literal)) => literal == wanted || literal == decode(wanted),
            Some(Segment::Variable(_)) => true,
            Some(Segment::Greedy(_)) => {
                segments = "/{proxy+}".split('/').skip(1);
                true
            }
            None => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(prefix: &str, starts: &[&str], routes: &[&str]) -> Vec<String> {
        let surroundings = Surroundings {
            extra: vec![(String::from(PATH_PREFIX), String::from(prefix))],
            ..Surroundings::none()
        };
        let starts: Vec<_> = starts.iter().map(|start| String::from(*start)).collect();
        let routes = routes
            .iter()
            .map(|path| (format!("GET {path}"), *path))
            .collect::<Vec<_>>();
        warnings(&surroundings, &starts, routes)
    }

    #[test]
    fn a_route_whose_paths_do_not_have_the_prefix_is_not_reached() {
        let routes = [
            "/",
            "/orders",
            "/orders/{id}",
            "/{any}/x",
            "/items",
            "/{proxy+}",
        ];
        assert_eq!(
            warned("/orders", &[""], &routes),
            ["GET /", "GET /items"].map(|key| format!(
                "no request reaches {key}: `path-prefix` leaves paths that begin with /orders"
            ))
        );
        assert_eq!(warned("/orders/7/a", &[""], &["/orders/{id}"]).len(), 1);
        assert_eq!(warned("/a%20b", &[""], &["/a b"]), [""; 0]);
        assert_eq!(warned("/prod/orders", &["/prod"], &["/orders"]), [""; 0]);
        assert_eq!(warned("/prod", &["/prod"], &["/", "/{proxy+}"]), [""; 0]);
        assert_eq!(warned("/a", &["/prod", ""], &["/a"]), [""; 0]);
        assert_eq!(warned("/x/y/z", &[""], &["/{proxy+}"]), [""; 0]);
    }

    #[test]
    fn a_stage_that_is_not_in_the_prefix_leaves_no_route() {
        assert_eq!(
            warned("/orders", &["/prod", "/v1"], &["/orders", "/items"]),
            [
                "no request reaches a route: `path-prefix` leaves paths that begin with /orders, and those of the API \
                 begin with /prod or /v1"
            ]
        );
    }

    #[test]
    fn there_are_no_warnings_without_a_prefix() {
        let routes = [(String::from("GET /"), "/")];
        assert_eq!(
            warnings(&Surroundings::none(), &[String::new()], routes),
            [""; 0]
        );
    }
}
