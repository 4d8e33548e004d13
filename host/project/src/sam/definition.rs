//! Bodies of APIs that the user has written: `DefinitionBody` and `DefinitionUri`.

use crate::file::{Place, TEMPLATE_BYTES};
use crate::value::{Kind, Map, Value};

use super::build::is_intrinsic;
use super::expansion::Expansion;

/// A body that the user has written.
pub(super) enum Definition {
    /// The body in the template, and where it begins.
    Own(Place, Map),
    /// The body in a file of its own, to which events add nothing.
    File(Place, Map),
    /// It is on AWS: `{Bucket, Key}`.
    Stored(Value),
}

/// The body of an API, if the user has written one.
pub(super) fn of(
    expansion: &Expansion<'_>,
    id: &str,
    properties: &Value,
    place: Place,
) -> Option<Definition> {
    let body = properties.get("DefinitionBody");
    let uri = properties.get("DefinitionUri");
    match (body, uri) {
        (None, None) => None,
        (Some(_), Some(uri)) => {
            let text = format!("{id} can have DefinitionBody or DefinitionUri, not both");
            expansion.refuse(uri.place, text);
            Some(Definition::Own(place, Map::default()))
        }
        (Some(body), None) => Some(own(expansion, id, body, body.clone())),
        (None, Some(uri)) => Some(read(expansion, id, uri)),
    }
}

fn own(expansion: &Expansion<'_>, id: &str, named: &Value, body: Value) -> Definition {
    let place = body.place;
    match body.kind {
        Kind::Map(map) if !is_intrinsic(named) => Definition::Own(place, map),
        _ => {
            let text =
                format!("the definition of {id} must be an OpenAPI document: a map with `paths`");
            expansion.refuse(named.place, text);
            Definition::Own(named.place, Map::default())
        }
    }
}

/// Reads a local file. What is in S3 stays there.
fn read(expansion: &Expansion<'_>, id: &str, uri: &Value) -> Definition {
    if uri.get("Bucket").is_some() {
        return Definition::Stored(uri.clone());
    }
    let path = expansion.literal(uri);
    let Some(path) = path else {
        let text =
            format!("DefinitionUri of {id} must be a path, or a parameter whose value is one");
        expansion.refuse(uri.place, text);
        return Definition::Own(uri.place, Map::default());
    };
    if let Some(stored) = path.strip_prefix("s3://") {
        let (bucket, key) = stored.split_once('/').unwrap_or((stored, ""));
        let text = |text: &str| Value::text(uri.place, text);
        let members = [("Bucket", text(bucket)), ("Key", text(key))];
        return Definition::Stored(Value::map(uri.place, members));
    }
    let file = expansion.folder.join(&path);
    match expansion.context.load(&file, TEMPLATE_BYTES) {
        Ok(body) => match own(expansion, id, uri, body) {
            Definition::Own(place, body) => Definition::File(place, body),
            other => other,
        },
        Err(error) => {
            let text = format!("DefinitionUri of {id}: {error}");
            expansion.refuse(uri.place, text);
            Definition::Own(uri.place, Map::default())
        }
    }
}

/// Whether a body is an OpenAPI document.
pub(super) fn is_openapi(body: &Map) -> bool {
    let has_paths = body
        .get("paths")
        .is_some_and(|paths| paths.as_map().is_some());
    has_paths && (is_version(body, "swagger", "2") || is_version(body, "openapi", "3"))
}

/// Whether a body is of a major version.
pub(super) fn is_version(body: &Map, key: &str, major: &str) -> bool {
    let version = body.get(key).and_then(Value::as_str);
    version.is_some_and(|version| version.starts_with(major))
}
