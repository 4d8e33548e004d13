//! Object lock: the configuration of a bucket, and the retention and the legal hold of a version.
//!
//! A bucket's configuration is stored as the attribute [`ATTRIBUTE`], the lock of a version in its metadata under the
//! names of the headers. A version that is locked cannot be removed; a delete marker can always be added.

use plugin_kit::time;

use super::bucket_settings;
use super::call::Call;
use super::checksum;
use super::error::{self, Error};
use super::get;
use super::message::{self, Request, Response};
use super::store::{BucketInfo, ObjectInfo, Pairs, Versioning};
use super::xml::{Element, Writer};

/// The attribute of a bucket that holds its configuration.
pub const ATTRIBUTE: &str = "objectLock";

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const HOLD: &str = "x-amz-object-lock-legal-hold";
const BYPASS: &str = "x-amz-bypass-governance-retention";
const GOVERNANCE: &str = "GOVERNANCE";
const COMPLIANCE: &str = "COMPLIANCE";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const PROTECTED: &str = "Access Denied because object protected by object lock.";

/// The configuration of a bucket that was created with object lock.
pub fn enabled() -> String {
    Writer::document("ObjectLockConfiguration", |xml| {
        xml.text("ObjectLockEnabled", "Enabled");
    })
}

/// Whether a bucket has object lock.
pub fn is_enabled(bucket: &BucketInfo) -> bool {
    message::find(&bucket.attributes, ATTRIBUTE).is_some()
}

/// GetObjectLockConfiguration.
pub fn get_configuration(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    match message::find(&bucket.attributes, ATTRIBUTE) {
        Some(document) => Ok(Response::xml(document.to_owned())),
        None => Err(error::NO_LOCK_CONFIGURATION.with("BucketName", call.bucket.as_str())),
    }
}

/// PutObjectLockConfiguration.
pub fn put_configuration(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let root = call.xml("ObjectLockConfiguration")?;
    let malformed = || error::MALFORMED_XML.error();
    if root.text_of("ObjectLockEnabled") != Some("Enabled") {
        return Err(malformed());
    }
    if let Some(rule) = root.child("Rule") {
        let default = rule.child("DefaultRetention").ok_or_else(malformed)?;
        period_of(default)?;
    }
    if bucket.versioning != Versioning::On {
        return Err(error::INVALID_BUCKET_STATE.with_message(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ));
    }
    let document = Writer::document("ObjectLockConfiguration", |xml| {
        for child in &root.children {
            child.write(xml);
        }
    });
    bucket_settings::set_attribute(call, ATTRIBUTE, Some(document))?;
    Ok(Response::new(200))
}

/// The mode and the length in milliseconds of a default retention.
fn period_of(default: &Element) -> Result<(String, u64), Error> {
    let malformed = || error::MALFORMED_XML.error();
    let mode = default.text_of("Mode").unwrap_or_default();
    if ![GOVERNANCE, COMPLIANCE].contains(&mode) {
        return Err(malformed());
    }
    let (count, days, max) = match (default.text_of("Days"), default.text_of("Years")) {
        (Some(days), None) => (days, 1, 36_500),
        (None, Some(years)) => (years, 365, 100),
        _ => return Err(malformed()),
    };
    let count: i64 = count.trim().parse().map_err(|_| malformed())?;
    let count = u64::try_from(count).unwrap_or_default();
    if count == 0 {
        return Err(error::INVALID_ARGUMENT
            .with_message("Default retention period must be a positive integer value."));
    }
    if count > max {
        return Err(error::INVALID_ARGUMENT
            .with_message("Default retention period too large for retention mode."));
    }
    Ok((mode.to_owned(), count.saturating_mul(days * DAY_MS)))
}

/// The metadata of a new version: the lock in the headers of a request, else the bucket's default.
pub fn of_request(
    request: &Request,
    now_ms: u64,
    bucket: impl FnOnce() -> Result<BucketInfo, Error>,
) -> Result<Pairs, Error> {
    let (mode, until, hold) = (
        request.header(MODE),
        request.header(UNTIL),
        request.header(HOLD),
    );
    let bucket = bucket()?;
    if mode.is_none() && until.is_none() && hold.is_none() {
        return Ok(default_of(&bucket, now_ms));
    }
    if !is_enabled(&bucket) {
        return Err(missing_configuration());
    }
    let is_checked = request.header("content-md5").is_some() || checksum::claim(request)?.is_some();
    if request.method == "PUT" && request.header("x-amz-copy-source").is_none() && !is_checked {
        return Err(error::INVALID_REQUEST.with_message(
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
        ));
    }
    let mut metadata = match (mode, until) {
        (None, None) => default_of(&bucket, now_ms),
        (Some(mode), Some(until)) => {
            if ![GOVERNANCE, COMPLIANCE].contains(&mode) {
                return Err(error::invalid_argument(
                    MODE,
                    mode,
                    "Unknown wormMode directive.",
                ));
            }
            let until = future(until, now_ms)
                .map_err(|message| error::invalid_argument(UNTIL, until, message))?;
            retention(mode, until)
        }
        _ => {
            return Err(error::INVALID_ARGUMENT
                .with_message(format!("{UNTIL} and {MODE} must both be supplied"))
                .with("ArgumentName", if mode.is_none() { MODE } else { UNTIL }));
        }
    };
    match hold {
        None | Some("OFF") => {}
        Some("ON") => metadata.push((HOLD.to_owned(), "ON".to_owned())),
        Some(other) => {
            return Err(error::invalid_argument(
                HOLD,
                other,
                "Legal Hold must be either of 'ON' or 'OFF'",
            ));
        }
    }
    Ok(metadata)
}

/// The metadata of a version that is locked by the default of its bucket.
fn default_of(bucket: &BucketInfo, now_ms: u64) -> Pairs {
    let period = message::find(&bucket.attributes, ATTRIBUTE)
        .and_then(|document| Element::parse(document.as_bytes()))
        .and_then(|root| period_of(root.child("Rule")?.child("DefaultRetention")?).ok());
    match period {
        Some((mode, length)) => retention(&mode, now_ms.saturating_add(length)),
        None => Pairs::new(),
    }
}

fn retention(mode: &str, until_ms: u64) -> Pairs {
    vec![
        (MODE.to_owned(), mode.to_owned()),
        (UNTIL.to_owned(), time::iso_millis(until_ms)),
    ]
}

/// Reads a time that has to be in the future, in milliseconds since 1970.
fn future(text: &str, now_ms: u64) -> Result<u64, &'static str> {
    let until = time::parse(&text.trim().replace("+00:00", "Z"))
        .ok_or("The retain until date must be provided in ISO 8601 format")?
        .saturating_mul(1000);
    if until <= now_ms {
        return Err("The retain until date must be in the future!");
    }
    Ok(until)
}

fn missing_configuration() -> Error {
    error::INVALID_REQUEST.with_message("Bucket is missing Object Lock Configuration")
}

/// The version that a request about its lock names.
fn locked(call: &Call<'_>) -> Result<ObjectInfo, Error> {
    let bucket = call.bucket_info()?;
    let info = get::describe(call)?;
    if is_enabled(&bucket) {
        Ok(info)
    } else {
        Err(missing_configuration())
    }
}

fn replace(
    call: &Call<'_>,
    info: ObjectInfo,
    names: &[&str],
    lock: Pairs,
    event: Option<&str>,
) -> Result<Response, Error> {
    let mut metadata = info.metadata;
    metadata.retain(|(name, _)| !names.contains(&name.as_str()));
    metadata.extend(lock);
    let version = call.version()?.or(info.version.as_deref());
    let event = event.map(|name| call.event(name));
    call.store()
        .replace_metadata(&call.bucket, &call.key, version, metadata, event)
        .map_err(|error| call.store_error(error))?;
    Ok(Response::new(200))
}

/// GetObjectRetention.
pub fn get_retention(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = locked(call)?;
    let of = |name| message::find(&info.metadata, name);
    let (Some(mode), Some(until)) = (of(MODE), of(UNTIL)) else {
        return Err(error::NO_OBJECT_LOCK.error());
    };
    Ok(Response::xml(Writer::document("Retention", |xml| {
        xml.text("Mode", mode);
        xml.text("RetainUntilDate", until);
    })))
}

/// PutObjectRetention. A retention can always be extended; otherwise it can be changed only if it has ended, or with a
/// bypass of the governance mode.
pub fn put_retention(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = locked(call)?;
    let root = call.xml("Retention")?;
    let malformed = || error::MALFORMED_XML.error();
    let new = match (root.text_of("Mode"), root.text_of("RetainUntilDate")) {
        (None, None) => None,
        (Some(mode @ (GOVERNANCE | COMPLIANCE)), Some(until)) => {
            let until = future(until, call.context.now_ms)
                .map_err(|message| error::INVALID_ARGUMENT.with_message(message))?;
            Some((mode, until))
        }
        _ => return Err(malformed()),
    };
    if let Some((mode, until)) = retained(&info.metadata, call.context.now_ms) {
        let extends = new.is_some_and(|(new, new_until)| {
            new_until >= until && (new == mode || mode == GOVERNANCE && new == COMPLIANCE)
        });
        let may = extends || (mode == GOVERNANCE && bypasses(call));
        if !may {
            return Err(error::ACCESS_DENIED.with_message(PROTECTED));
        }
    }
    let lock = new.map(|(mode, until)| retention(mode, until));
    replace(
        call,
        info,
        &[MODE, UNTIL],
        lock.unwrap_or_default(),
        Some("ObjectRetention:Put"),
    )
}

/// GetObjectLegalHold.
pub fn get_hold(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = locked(call)?;
    let status = message::find(&info.metadata, HOLD);
    let status = status.ok_or_else(|| error::NO_OBJECT_LOCK.error())?;
    Ok(Response::xml(Writer::document("LegalHold", |xml| {
        xml.text("Status", status);
    })))
}

/// PutObjectLegalHold.
pub fn put_hold(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = locked(call)?;
    let root = call.xml("LegalHold")?;
    let status = root
        .text_of("Status")
        .filter(|status| ["ON", "OFF"].contains(status))
        .ok_or_else(|| error::MALFORMED_XML.error())?;
    let lock = vec![(HOLD.to_owned(), status.to_owned())];
    replace(call, info, &[HOLD], lock, None)
}

/// The mode and the end of a retention that has not ended.
fn retained(metadata: &[(String, String)], now_ms: u64) -> Option<(&str, u64)> {
    let mode = message::find(metadata, MODE)?;
    let until = time::parse(message::find(metadata, UNTIL)?)?.saturating_mul(1000);
    (until > now_ms).then_some((mode, until))
}

fn bypasses(call: &Call<'_>) -> bool {
    call.header(BYPASS)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Refuses to bypass locks in a bucket that has none.
pub fn check_bypass(call: &Call<'_>) -> Result<(), Error> {
    if call.header(BYPASS).is_none() || is_enabled(&call.bucket_info()?) {
        return Ok(());
    }
    Err(error::INVALID_ARGUMENT
        .with_message(format!(
            "{BYPASS} is only applicable to Object Lock enabled buckets."
        ))
        .with("ArgumentName", BYPASS))
}

/// Refuses to remove a version that is locked. Returns the metadata that says that it is not, which must be the same
/// when the version is removed; `None` if no lock can hold.
pub fn check_removal(
    call: &Call<'_>,
    key: &str,
    version: Option<&str>,
) -> Result<Option<Pairs>, Error> {
    if version.is_none() || !is_enabled(&call.bucket_info()?) {
        return Ok(None);
    }
    let Ok(info) = call.store().describe(&call.bucket, key, version) else {
        return Ok(None);
    };
    let is_held = message::find(&info.metadata, HOLD) == Some("ON");
    let is_retained = retained(&info.metadata, call.context.now_ms)
        .is_some_and(|(mode, _)| mode != GOVERNANCE || !bypasses(call));
    if is_held || is_retained {
        return Err(error::ACCESS_DENIED.with_message(PROTECTED));
    }
    Ok(Some(info.metadata))
}

/// Adds the headers about the lock of an object.
pub fn with_headers(mut response: Response, metadata: &[(String, String)]) -> Response {
    for name in [MODE, UNTIL, HOLD] {
        response = response.with_some(name, message::find(metadata, name));
    }
    response
}
