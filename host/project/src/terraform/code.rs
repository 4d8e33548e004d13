//! Where the code of functions and layers is: Terraform has a package, and what it was made of is in other resources.
//!
//! Contract: the folder that an `archive_file` is made of is preferred to the package, also if it is uploaded as an
//! `aws_s3_object`, and what `sam_metadata_…` names is preferred to both.

use crate::cfn::Body;
use crate::value::{Kind, Value};

use super::expression::references;
use super::plan::{Plan, Planned};

/// The code of a function, or the content of a layer.
pub fn of(plan: &Plan, resource: &Planned) -> Value {
    let place = resource.place;
    if resource.text(&["package_type"]) == Some("Image") {
        return Body::new(place)
            .set_some("ImageUri", plan.attribute(resource, &["image_uri"]))
            .done();
    }
    if let Some(source) = built_from(plan, resource) {
        return Value::text(place, source);
    }
    if let Some(source) = archive(plan, resource, "filename") {
        return source;
    }
    if let Some(source) = argument(plan, resource) {
        return source;
    }
    if let Some(file) = resource.known(&["filename"]) {
        return file.clone();
    }
    if let Some(object) = object(plan, resource) {
        let source = archive(plan, object, "source").or_else(|| object.known(&["source"]).cloned());
        if let Some(source) = source {
            return source;
        }
    }
    match (resource.known(&["s3_bucket"]), resource.known(&["s3_key"])) {
        (None, None) => {
            let why = format!(
                "the plan does not say where the code of {} is",
                resource.address
            );
            Value::new(place, Kind::Unknown(why))
        }
        (bucket, key) => Body::new(place)
            .set_some("S3Bucket", bucket.cloned())
            .set_some("S3Key", key.cloned())
            .done(),
    }
}

/// What a `null_resource` of the name `sam_metadata_…` says.
fn built_from(plan: &Plan, resource: &Planned) -> Option<String> {
    let mut metadata = plan.resources.values().filter(|other| {
        let name = other.address.rsplit('.').next().unwrap_or_default();
        other.kind == "null_resource"
            && name.starts_with("sam_metadata_")
            && other.module == resource.module
    });
    let own = metadata.find(|other| {
        let name = other
            .text(&["triggers", "resource_name"])
            .unwrap_or_default();
        resource.address == name || resource.address.ends_with(&format!(".{name}"))
    })?;
    let source = own.text(&["triggers", "original_source_code"])?;
    Some(source_of(
        source,
        own.text(&["triggers", "source_code_property"])
            .unwrap_or("path"),
    ))
}

/// The path in what a module calls its source: a path, or as JSON a path, a map that has it, or a list of them.
fn source_of(source: &str, property: &str) -> String {
    let mut json = match serde_json::from_str(source) {
        Ok(json) => json,
        Err(_) => return source.to_owned(),
    };
    if let serde_json::Value::Array(items) = json {
        json = items.into_iter().next().unwrap_or_default();
    }
    let path = json.as_str().or_else(|| json.get(property)?.as_str());
    path.unwrap_or(source).to_owned()
}

/// The source that the call of a module names, as terraform-aws-modules/lambda has it.
fn argument(plan: &Plan, resource: &Planned) -> Option<Value> {
    let module = plan.modules.get(resource.module)?;
    let source = module.arguments.at(&["source_path", "constant_value"])?;
    let first = source.items().first()?;
    first
        .get("path")
        .or_else(|| first.as_str().map(|_| first))
        .cloned()
}

/// The folder of the archive that an attribute names.
fn archive(plan: &Plan, resource: &Planned, attribute: &str) -> Option<Value> {
    let all = plan.data.values().chain(plan.resources.values());
    let archives: Vec<&Planned> = all.filter(|other| other.kind == "archive_file").collect();
    let file = resource.text(&[attribute]).map(clean);
    let by_path = archives.iter().find(|archive| {
        let made = archive.text(&["output_path"]).map(clean);
        made.is_some() && made == file
    });
    let named = references(
        resource
            .expressions
            .get(attribute)
            .unwrap_or(&resource.expressions),
    );
    let by_name = || {
        archives.iter().find(|archive| {
            let short = archive
                .address
                .rsplit("archive_file.")
                .next()
                .unwrap_or_default();
            let is_named = |reference: &String| {
                reference
                    .split("archive_file.")
                    .nth(1)
                    .is_some_and(|rest| rest.split('.').next() == Some(short))
            };
            file.is_none() && named.iter().any(is_named)
        })
    };
    let archive = by_path.or_else(by_name)?;
    if let Some(folder) = archive.known(&["source_dir"]) {
        return Some(folder.clone());
    }
    let file = archive.known(&["source_file"])?;
    let text = file.as_str()?;
    let folder = match text.rsplit_once('/') {
        Some((folder, _)) => folder,
        None => ".",
    };
    Some(Value::text(file.place, folder))
}

/// The object that has the package.
fn object<'p>(plan: &'p Plan, resource: &Planned) -> Option<&'p Planned> {
    let is_object = |other: &&Planned| {
        matches!(
            other.kind.as_str(),
            "aws_s3_object" | "aws_s3_bucket_object"
        )
    };
    let referred = plan
        .referred(resource, &["s3_key"])
        .into_iter()
        .find(is_object);
    referred.or_else(|| {
        let key = resource.text(&["s3_key"])?;
        plan.resources
            .values()
            .filter(is_object)
            .find(|object| object.text(&["key"]) == Some(key))
    })
}

fn clean(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}
