//! Conditional requests: the conditions of reads, copies and writes.

use plugin_kit::time;

use super::call::Call;
use super::error::{self, Error};
use super::message::Request;
use super::store::{Condition, ObjectInfo, StoreError};

/// The names of the four conditions of a read or a copy.
struct Names {
    matches: &'static str,
    none_match: &'static str,
    modified: &'static str,
    unmodified: &'static str,
    /// The prefix of the names in errors.
    prefix: &'static str,
}

const READ: Names = Names {
    matches: "if-match",
    none_match: "if-none-match",
    modified: "if-modified-since",
    unmodified: "if-unmodified-since",
    prefix: "",
};

const COPY: Names = Names {
    matches: "x-amz-copy-source-if-match",
    none_match: "x-amz-copy-source-if-none-match",
    modified: "x-amz-copy-source-if-modified-since",
    unmodified: "x-amz-copy-source-if-unmodified-since",
    prefix: "x-amz-copy-source-",
};

/// The result of evaluating the conditions.
enum Evaluation {
    Met,
    Unchanged,
    Failed(&'static str),
}

/// Whether a list of entity tags contains this one, or is `*`.
fn contains(header: &str, etag: &str) -> bool {
    header.split(',').any(|tag| {
        let tag = unquoted(tag);
        tag == "*" || tag == etag
    })
}

/// An entity tag without its quotes.
pub fn unquoted(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

fn evaluate(request: &Request, info: &ObjectInfo, now_ms: u64, names: &Names) -> Evaluation {
    let modified = info.modified_at_ms / 1000;
    let date = |name: &str| request.header(name).and_then(time::parse);
    match request.header(names.matches) {
        Some(tags) if !contains(tags, &info.etag) => return Evaluation::Failed("If-Match"),
        Some(_) => {}
        None if date(names.unmodified).is_some_and(|date| modified > date) => {
            return Evaluation::Failed("If-Unmodified-Since");
        }
        None => {}
    }
    match request.header(names.none_match) {
        Some(tags) if contains(tags, &info.etag) => Evaluation::Unchanged,
        Some(_) => Evaluation::Met,
        // A time in the future is ignored.
        None => match date(names.modified) {
            Some(date) if modified <= date && date <= now_ms / 1000 => Evaluation::Unchanged,
            _ => Evaluation::Met,
        },
    }
}

/// Checks whether an object may be read; the error has status 412 or 304.
pub fn read(call: &Call<'_>, info: &ObjectInfo) -> Result<(), Error> {
    match evaluate(call.request, info, call.context.now_ms, &READ) {
        Evaluation::Met => Ok(()),
        Evaluation::Failed(condition) => {
            Err(error::PRECONDITION_FAILED.with("Condition", condition))
        }
        Evaluation::Unchanged => {
            let unchanged = error::NOT_MODIFIED
                .error()
                .header("Last-Modified", time::http_date(info.modified_at_ms))
                .header("ETag", format!("\"{}\"", info.etag));
            Err(match call.version_header(info) {
                Some(version) => unchanged.header("x-amz-version-id", version),
                None => unchanged,
            })
        }
    }
}

/// Checks whether an object may be copied. There is no status 304 for copies.
pub fn copy(call: &Call<'_>, info: &ObjectInfo) -> Result<(), Error> {
    let failed = |condition: &str| {
        Err(error::PRECONDITION_FAILED.with("Condition", format!("{}{condition}", COPY.prefix)))
    };
    match evaluate(call.request, info, call.context.now_ms, &COPY) {
        Evaluation::Met => Ok(()),
        Evaluation::Failed(condition) => failed(condition),
        Evaluation::Unchanged if call.header(COPY.none_match).is_some() => failed("If-None-Match"),
        Evaluation::Unchanged => failed("If-Modified-Since"),
    }
}

/// The condition of a write. AWS accepts only `*` for `If-None-Match`.
pub fn write(request: &Request) -> Result<Condition, Error> {
    let not_implemented = |header: &str, why: &str| {
        Err(error::header_not_implemented(header).with("additionalMessage", why))
    };
    match (request.header("if-match"), request.header("if-none-match")) {
        (None, None) => Ok(Condition::Always),
        (Some(_), Some(_)) => not_implemented(
            "If-Match,If-None-Match",
            "Multiple conditional request headers present in the request",
        ),
        (None, Some("*")) => Ok(Condition::Absent),
        (None, Some(_)) => not_implemented(
            "If-None-Match",
            "We don't accept the provided value of If-None-Match header for this API",
        ),
        (Some("*"), None) => not_implemented(
            "If-Match",
            "We don't accept the provided value of If-Match header for this API",
        ),
        (Some(tags), None) => Ok(Condition::Matches(
            tags.split(',')
                .map(|tag| unquoted(tag).to_owned())
                .collect(),
        )),
    }
}

/// The condition of a removal. AWS also accepts `*` for `If-Match` here.
pub fn removal(request: &Request) -> Result<Condition, Error> {
    match (request.header("if-match"), request.header("if-none-match")) {
        (Some("*"), None) => Ok(Condition::Matches(Vec::new())),
        (None, Some(_)) => Err(error::header_not_implemented("If-None-Match")),
        _ => write(request),
    }
}

/// Refuses a write that has been in progress since `since_ms` if the object of its condition was changed in the
/// meantime. `existed`: whether there was an object at that time.
pub fn check_since(
    call: &Call<'_>,
    condition: &Condition,
    since_ms: u64,
    existed: bool,
) -> Result<(), Error> {
    let name = match condition {
        Condition::Always => return Ok(()),
        Condition::Absent => "If-None-Match",
        Condition::Matches(_) => "If-Match",
    };
    let current = call.store().describe(&call.bucket, &call.key, None).ok();
    let is_absent = current.as_ref().is_none_or(|info| info.delete_marker);
    let changed = current.is_some_and(|info| {
        let depends = match condition {
            Condition::Matches(tags) => !info.delete_marker && tags.contains(&info.etag),
            _ => info.delete_marker,
        };
        depends && info.modified_at_ms > since_ms
    });
    let deleted = *condition == Condition::Absent && existed && is_absent;
    if changed || deleted {
        return Err(error::CONDITIONAL_CONFLICT
            .with("Condition", name)
            .with("Key", call.key.as_str()));
    }
    Ok(())
}

/// The error of S3 for a write that did not happen. If the condition requires an object and there is none, it is
/// missing.
pub fn failed(call: &Call<'_>, condition: &Condition, error: StoreError) -> Error {
    if error != StoreError::PreconditionFailed {
        return call.store_error(error);
    }
    match condition {
        Condition::Absent => error::PRECONDITION_FAILED.with("Condition", "If-None-Match"),
        Condition::Matches(_) | Condition::Always => {
            match call.store().describe(&call.bucket, &call.key, None) {
                Err(StoreError::Missing) => error::NO_SUCH_KEY.with("Key", call.key.as_str()),
                Ok(info) if info.delete_marker => error::NO_SUCH_KEY.with("Key", call.key.as_str()),
                _ => error::PRECONDITION_FAILED.with("Condition", "If-Match"),
            }
        }
    }
}
