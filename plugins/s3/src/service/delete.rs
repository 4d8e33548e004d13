//! DeleteObject and DeleteObjects.

use plugin_kit::time;

use super::call::{self, Call};
use super::conditions;
use super::error::{self, Error};
use super::limits;
use super::message::Response;
use super::object_lock;
use super::store::{Condition, Pairs, Removed, StoreError};
use super::xml::{Element, Writer};

/// DeleteObject.
pub fn delete(call: &mut Call<'_>) -> Result<Response, Error> {
    let version = call.version()?;
    let condition = conditions::removal(call.request)?;
    object_lock::check_bypass(call)?;
    let key = call.key.clone();
    let removed = remove_unlocked(call, &key, version, &condition)?.map_err(|error| {
        match (error, version) {
            (StoreError::Invalid(_), Some(version)) => call::invalid_version(version),
            (error, _) => conditions::failed(call, &condition, error),
        }
    })?;
    if let (Some(version), false) = (version, removed.existed) {
        call::check_version(call.store(), &call.bucket, version)?;
    }
    Ok(with_marker(Response::new(204), &removed))
}

fn with_marker(response: Response, removed: &Removed) -> Response {
    let response = response.with_some("x-amz-version-id", removed.version.as_deref());
    if removed.delete_marker {
        response.with("x-amz-delete-marker", "true")
    } else {
        response
    }
}

/// Removes an object or a version unless it is locked. If a lock is put while this looks for one, it is noticed.
fn remove_unlocked(
    call: &Call<'_>,
    key: &str,
    version: Option<&str>,
    condition: &Condition,
) -> Result<Result<Removed, StoreError>, Error> {
    for _ in 0..limits::MAX_REMOVAL_ATTEMPTS {
        let checked = object_lock::check_removal(call, key, version)?;
        let removed = remove(call, key, version, condition.clone(), checked.as_ref());
        match removed {
            Err(StoreError::PreconditionFailed)
                if checked.is_some() && *condition == Condition::Always => {}
            removed => return Ok(removed),
        }
    }
    Err(error::CONDITIONAL_CONFLICT.error())
}

/// Removes an object or a version, with `unchanged` only if that is still its metadata. A missing one counts as
/// removed.
fn remove(
    call: &Call<'_>,
    key: &str,
    version: Option<&str>,
    condition: Condition,
    unchanged: Option<&Pairs>,
) -> Result<Removed, StoreError> {
    // Whether this adds a delete marker depends on the bucket, and the event differs.
    let adds_marker = version.is_none()
        && call.store().bucket(&call.bucket)?.versioning != super::store::Versioning::Off;
    let event = if adds_marker {
        "ObjectRemoved:DeleteMarkerCreated"
    } else {
        "ObjectRemoved:Delete"
    };
    let conditional = condition != Condition::Always;
    let result = call.store().remove(
        &call.bucket,
        key,
        version,
        condition,
        unchanged,
        Some(call.event(event)),
    );
    let mut removed = match result {
        Err(StoreError::Missing) if !conditional => Removed {
            existed: false,
            version: version.map(str::to_owned),
            delete_marker: false,
        },
        result => result?,
    };
    if removed.version.is_none() && (adds_marker || version.is_some()) {
        removed.version = Some(version.unwrap_or("null").to_owned());
    }
    Ok(removed)
}

/// DeleteObjects.
pub fn delete_many(call: &mut Call<'_>) -> Result<Response, Error> {
    let is_checked =
        call.header("content-md5").is_some() || super::checksum::claim(call.request)?.is_some();
    if !is_checked {
        return Err(error::INVALID_REQUEST.with_message(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let root = call.xml("Delete")?;
    let quiet = root
        .text_of("Quiet")
        .is_some_and(|text| text.trim() == "true");
    let objects: Vec<&Element> = root.all("Object").collect();
    if objects.is_empty() || objects.len() > limits::MAX_DELETIONS {
        return Err(error::MALFORMED_XML.error());
    }
    if objects
        .iter()
        .any(|object| object.text_of("Key").is_none_or(str::is_empty))
    {
        return Err(error::MALFORMED_XML.error());
    }
    call.bucket_info()?;
    object_lock::check_bypass(call)?;
    let outcomes: Vec<_> = objects
        .into_iter()
        .map(|object| (object, delete_one(call, object)))
        .collect();
    Ok(Response::xml(Writer::document("DeleteResult", |xml| {
        for (object, outcome) in &outcomes {
            match outcome {
                Ok(_) if quiet => {}
                Ok(removed) => xml.element("Deleted", |xml| deleted(xml, object, removed)),
                Err(error) => xml.element("Error", |xml| {
                    xml.optional("Key", object.text_of("Key"));
                    xml.optional("VersionId", object.text_of("VersionId"));
                    xml.text("Code", error.code());
                    xml.text("Message", error.message());
                }),
            }
        }
    })))
}

fn delete_one(call: &Call<'_>, object: &Element) -> Result<Removed, Error> {
    let key = object.text_of("Key").unwrap_or_default();
    super::address::check_key(key)?;
    let version = object
        .text_of("VersionId")
        .filter(|version| !version.is_empty());
    let condition = match object.text_of("ETag") {
        None => Condition::Always,
        Some("*") => Condition::Matches(Vec::new()),
        Some(tag) => Condition::Matches(vec![conditions::unquoted(tag).to_owned()]),
    };
    check_described(call, object, key, version)?;
    let removed = remove_unlocked(call, key, version, &condition)?.map_err(|error| {
        match (error, version) {
            (StoreError::Invalid(_), Some(_)) => error::NO_SUCH_VERSION.error(),
            (error, _) => call::of_store_error(error, &call.bucket, key),
        }
    })?;
    if let (Some(version), false) = (version, removed.existed) {
        call::check_version(call.store(), &call.bucket, version)
            .map_err(|_| error::NO_SUCH_VERSION.error())?;
    }
    Ok(removed)
}

/// Checks the conditions on size and time, which the store does not support.
fn check_described(
    call: &Call<'_>,
    object: &Element,
    key: &str,
    version: Option<&str>,
) -> Result<(), Error> {
    let (size, modified) = (object.text_of("Size"), object.text_of("LastModifiedTime"));
    if size.is_none() && modified.is_none() {
        return Ok(());
    }
    let info = call
        .store()
        .describe(&call.bucket, key, version)
        .map_err(|error| match (error, version) {
            (StoreError::Invalid(_), Some(_)) => error::NO_SUCH_VERSION.error(),
            (error, _) => call::of_store_error(error, &call.bucket, key),
        })?;
    let fits = size.is_none_or(|size| size == info.size.to_string())
        && modified.is_none_or(|date| time::parse(date) == Some(info.modified_at_ms / 1000));
    if fits {
        Ok(())
    } else {
        Err(error::PRECONDITION_FAILED.error())
    }
}

fn deleted(xml: &mut Writer, object: &Element, removed: &Removed) {
    let version = object
        .text_of("VersionId")
        .filter(|version| !version.is_empty());
    xml.optional("Key", object.text_of("Key"));
    xml.optional("VersionId", version);
    if removed.delete_marker {
        xml.value("DeleteMarker", true);
        xml.optional("DeleteMarkerVersionId", removed.version.as_deref());
    }
}
