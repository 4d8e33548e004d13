//! The logical ids of a REST API's resources.

use super::super::super::names;
use crate::cfn;
use crate::file::Place;
use crate::value::Value;

/// The API.
pub const API: &str = "ApiGatewayRestApi";

/// The resource of a path.
pub fn resource(place: Place, path: &str) -> Value {
    match path {
        "" => cfn::attribute(place, API, "RootResourceId"),
        path => cfn::reference(place, &resource_id(path)),
    }
}

/// The logical id of a path's resource.
pub fn resource_id(path: &str) -> String {
    format!("ApiGatewayResource{}", names::path(path))
}

/// The logical id of a method, in lower case, of a path.
pub fn method_id(path: &str, method: &str) -> String {
    format!(
        "ApiGatewayMethod{}{}",
        names::path(path),
        names::upper_first(method)
    )
}
