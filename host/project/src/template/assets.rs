//! Assets of CDK in templates without CDK's metadata.
//!
//! Contract: a resource whose code, layer or template is an asset of the assembly gets the metadata that CDK writes unless
//! it is told not to: `aws:asset:path`, `aws:asset:property`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::resource::{Asset, Template};
use crate::value::{Kind, Value};

/// Properties that name assets, and their names in the metadata.
const PROPERTIES: [(&str, &str); 3] = [
    ("Code", "Code"),
    ("Content", "Content"),
    ("TemplateURL", "TemplateURL"),
];

/// The letters of a hash.
const HASH: usize = 64;

/// Adds the metadata of assets to the resources of a template.
pub(super) fn annotate(template: &mut Template, assets: &BTreeMap<String, Asset>) {
    let resources = template
        .root
        .get_mut("Resources")
        .and_then(Value::as_map_mut);
    for resource in resources
        .into_iter()
        .flat_map(crate::value::Map::values_mut)
    {
        if resource.at(&["Metadata", "aws:asset:path"]).is_some() {
            use_source(resource);
            continue;
        }
        let found = PROPERTIES.iter().find_map(|(key, name)| {
            let property = resource.at(&["Properties", key])?;
            let asset = asset_in(property, assets)?;
            let name = match asset.dockerfile {
                Some(_) => "Code.ImageUri",
                None => name,
            };
            Some((name, asset, property.place))
        });
        let Some((name, asset, place)) = found else {
            continue;
        };
        let Some(resource) = resource.as_map_mut() else {
            continue;
        };
        if resource.get("Metadata").and_then(Value::as_map).is_none() {
            resource.insert(
                "Metadata",
                place,
                Value::map(place, [] as [(&str, Value); 0]),
            );
        }
        if let Some(metadata) = resource.get_mut("Metadata").and_then(Value::as_map_mut) {
            metadata.insert(
                "aws:asset:path",
                place,
                Value::text(place, asset.path.as_str()),
            );
            metadata.insert("aws:asset:property", place, Value::text(place, name));
            if let Some(dockerfile) = &asset.dockerfile {
                metadata.insert(
                    "aws:asset:dockerfile-path",
                    place,
                    Value::text(place, dockerfile.as_str()),
                );
            }
        }
    }
}

/// Takes the source folder that an older CDK names in place of the copy of it, unless the copy has been bundled.
fn use_source(resource: &mut Value) {
    let Some(metadata) = resource
        .as_map_mut()
        .and_then(|resource| resource.get_mut("Metadata"))
    else {
        return;
    };
    let is_bundled = metadata
        .get("aws:asset:is-bundled")
        .is_some_and(|bundled| bundled.as_bool() == Some(true));
    let source = metadata.get("aws:asset:original-path").cloned();
    let source =
        source.filter(|source| source.as_str().is_some_and(|path| Path::new(path).is_dir()));
    if let (false, Some(source), Some(metadata)) = (is_bundled, source, metadata.as_map_mut()) {
        metadata.insert("aws:asset:path", source.place, source);
    }
}

/// The asset whose hash is in a text of a value.
fn asset_in<'a>(value: &Value, assets: &'a BTreeMap<String, Asset>) -> Option<&'a Asset> {
    match &value.kind {
        Kind::Plain(text) | Kind::Text(text) => {
            let is_hash = |part: &&str| part.len() == HASH;
            let parts = text.split(|letter: char| !letter.is_ascii_hexdigit());
            parts.filter(is_hash).find_map(|hash| assets.get(hash))
        }
        Kind::List(items) => items.iter().find_map(|item| asset_in(item, assets)),
        Kind::Map(map) => map
            .iter()
            .find_map(|(_, member)| asset_in(&member.value, assets)),
        Kind::Null | Kind::Unknown(_) => None,
    }
}
