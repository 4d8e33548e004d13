//! Which operation a request asks for.
//!
//! A table: the method, whether it is about the service, a bucket or an object, and what else the request has to have.
//! The first row that fits is it, so the rows with more conditions come first. Most settings of a bucket are no rows: they
//! are found in [`bucket_settings`].

use super::call::Call;
use super::error::{self, Error};
use super::message::{Request, Response};
use super::operation::{Operation, not_implemented};
use super::{
    attributes, bucket, bucket_settings, complete, copy, cors, delete, get, list, multipart, post,
    put, tagging, uploads,
};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Service,
    Bucket,
    Object,
}

/// A row: method, subject, conditions, operation. A condition is a parameter of the query (`?acl`) or a header.
type Row = (&'static str, Of, &'static [&'static str], Operation);

const ROWS: &[Row] = &[
    ("GET", Of::Service, &[], bucket::list),
    // Buckets.
    ("GET", Of::Bucket, &["?location"], bucket::location),
    ("GET", Of::Bucket, &["?cors"], cors::get),
    ("GET", Of::Bucket, &["?tagging"], tagging::get_bucket),
    ("GET", Of::Bucket, &["?acl"], attributes::get_bucket_acl),
    ("GET", Of::Bucket, &["?uploads"], uploads::uploads),
    ("GET", Of::Bucket, &["?versions"], list::versions),
    ("GET", Of::Bucket, &["?session"], not_implemented),
    ("GET", Of::Bucket, &["?list-type"], list_any),
    ("GET", Of::Bucket, &[], list::objects),
    ("HEAD", Of::Bucket, &[], bucket::head),
    ("PUT", Of::Bucket, &["?cors"], cors::put),
    ("PUT", Of::Bucket, &["?tagging"], tagging::put_bucket),
    ("PUT", Of::Bucket, &["?acl"], attributes::put_bucket_acl),
    ("PUT", Of::Bucket, &[], bucket::create),
    ("DELETE", Of::Bucket, &["?cors"], cors::delete),
    ("DELETE", Of::Bucket, &["?tagging"], tagging::delete_bucket),
    ("DELETE", Of::Bucket, &[], bucket::delete),
    ("POST", Of::Bucket, &["?delete"], delete::delete_many),
    ("POST", Of::Bucket, &[], post::post),
    // Objects.
    ("GET", Of::Object, &["?acl"], attributes::get_object_acl),
    ("GET", Of::Object, &["?attributes"], attributes::get),
    ("GET", Of::Object, &["?tagging"], tagging::get_object),
    ("GET", Of::Object, &["?uploadId"], uploads::parts),
    ("GET", Of::Object, &["?retention"], attributes::object_lock),
    ("GET", Of::Object, &["?legal-hold"], attributes::object_lock),
    ("GET", Of::Object, &["?torrent"], not_implemented),
    ("GET", Of::Object, &[], get::get),
    ("HEAD", Of::Object, &[], get::head),
    ("PUT", Of::Object, &["?acl"], attributes::put_object_acl),
    ("PUT", Of::Object, &["?tagging"], tagging::put_object),
    ("PUT", Of::Object, &["?retention"], attributes::object_lock),
    ("PUT", Of::Object, &["?legal-hold"], attributes::object_lock),
    ("PUT", Of::Object, &["?renameObject"], not_implemented),
    ("PUT", Of::Object, &["?encryption"], not_implemented),
    (
        "PUT",
        Of::Object,
        &["?uploadId", "x-amz-copy-source"],
        multipart::copy_part,
    ),
    ("PUT", Of::Object, &["?uploadId"], multipart::upload_part),
    ("PUT", Of::Object, &["x-amz-copy-source"], copy::copy),
    (
        "PUT",
        Of::Object,
        &["x-amz-write-offset-bytes"],
        not_implemented,
    ),
    ("PUT", Of::Object, &[], put::put),
    ("DELETE", Of::Object, &["?tagging"], tagging::delete_object),
    ("DELETE", Of::Object, &["?uploadId"], multipart::abort),
    ("DELETE", Of::Object, &[], delete::delete),
    ("POST", Of::Object, &["?uploads"], multipart::create),
    ("POST", Of::Object, &["?uploadId"], complete::complete),
    ("POST", Of::Object, &["?restore"], not_implemented),
    ("POST", Of::Object, &["?select"], not_implemented),
];

/// The operation that a request asks for.
pub fn find(request: &Request, bucket: &str, key: &str) -> Result<Operation, Error> {
    let of = match (bucket, key) {
        ("", _) => Of::Service,
        (_, "") => Of::Bucket,
        _ => Of::Object,
    };
    if request.method == "OPTIONS" {
        return Ok(cors::preflight);
    }
    if of == Of::Bucket
        && let Some(operation) = bucket_settings::find(request)
    {
        return Ok(operation);
    }
    let has = |condition: &&str| match condition.strip_prefix('?') {
        Some(parameter) => request.query(parameter).is_some(),
        None => request.header(condition).is_some(),
    };
    ROWS.iter()
        .find(|(method, about, conditions, _)| {
            *method == request.method && *about == of && conditions.iter().all(has)
        })
        .map(|(.., operation)| *operation)
        .ok_or_else(|| {
            let subject = match of {
                Of::Service => "SERVICE",
                Of::Bucket => "BUCKET",
                Of::Object => "OBJECT",
            };
            error::METHOD_NOT_ALLOWED
                .with("Method", request.method.as_str())
                .with("ResourceType", subject)
                .header("Allow", allowed(of))
        })
}

/// The methods a subject has.
fn allowed(of: Of) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for (method, about, ..) in ROWS {
        if *about == of && !methods.contains(method) {
            methods.push(method);
        }
    }
    methods.join(", ")
}

/// ListObjectsV2, unless another type is asked for.
fn list_any(call: &mut Call<'_>) -> Result<Response, Error> {
    match call.query("list-type") {
        Some("2") => list::objects_v2(call),
        _ => list::objects(call),
    }
}
