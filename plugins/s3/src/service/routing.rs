//! The operation that a request asks for.
//!
//! A table lists for each operation the method, the subject (the service, a bucket or an object) and further
//! conditions. The first matching row is used, so rows with more conditions come first. Most settings of a bucket are
//! not in the table: see [`bucket_settings`].

use super::call::Call;
use super::error::{self, Error};
use super::message::{Request, Response};
use super::operation::{Operation, not_implemented};
use super::{
    acl, attributes, bucket, bucket_settings, complete, copy, cors, delete, get, list, multipart,
    object_lock, post, put, tagging, uploads,
};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Service,
    Bucket,
    Object,
}

/// A row: method, subject, conditions and operation. A condition is a parameter of the query (`?acl`) or a header.
type Row = (&'static str, Subject, &'static [&'static str], Operation);

const ROWS: &[Row] = &[
    ("GET", Subject::Service, &[], bucket::list),
    // Buckets.
    ("GET", Subject::Bucket, &["?location"], bucket::location),
    ("GET", Subject::Bucket, &["?cors"], cors::get),
    ("GET", Subject::Bucket, &["?tagging"], tagging::get_bucket),
    ("GET", Subject::Bucket, &["?acl"], acl::get_bucket),
    ("GET", Subject::Bucket, &["?uploads"], uploads::uploads),
    ("GET", Subject::Bucket, &["?versions"], list::versions),
    ("GET", Subject::Bucket, &["?session"], not_implemented),
    ("GET", Subject::Bucket, &["?list-type"], list_any),
    ("GET", Subject::Bucket, &[], list::objects),
    ("HEAD", Subject::Bucket, &[], bucket::head),
    ("PUT", Subject::Bucket, &["?cors"], cors::put),
    ("PUT", Subject::Bucket, &["?tagging"], tagging::put_bucket),
    ("PUT", Subject::Bucket, &["?acl"], acl::put_bucket),
    ("PUT", Subject::Bucket, &[], bucket::create),
    ("DELETE", Subject::Bucket, &["?cors"], cors::delete),
    (
        "DELETE",
        Subject::Bucket,
        &["?tagging"],
        tagging::delete_bucket,
    ),
    ("DELETE", Subject::Bucket, &[], bucket::delete),
    ("POST", Subject::Bucket, &["?delete"], delete::delete_many),
    ("POST", Subject::Bucket, &[], post::post),
    // Objects.
    ("GET", Subject::Object, &["?acl"], acl::get_object),
    ("GET", Subject::Object, &["?attributes"], attributes::get),
    ("GET", Subject::Object, &["?tagging"], tagging::get_object),
    ("GET", Subject::Object, &["?uploadId"], uploads::parts),
    (
        "GET",
        Subject::Object,
        &["?retention"],
        object_lock::get_retention,
    ),
    (
        "GET",
        Subject::Object,
        &["?legal-hold"],
        object_lock::get_hold,
    ),
    ("GET", Subject::Object, &["?torrent"], not_implemented),
    ("GET", Subject::Object, &[], get::get),
    ("HEAD", Subject::Object, &[], get::head),
    ("PUT", Subject::Object, &["?acl"], acl::put_object),
    ("PUT", Subject::Object, &["?tagging"], tagging::put_object),
    (
        "PUT",
        Subject::Object,
        &["?retention"],
        object_lock::put_retention,
    ),
    (
        "PUT",
        Subject::Object,
        &["?legal-hold"],
        object_lock::put_hold,
    ),
    ("PUT", Subject::Object, &["?renameObject"], not_implemented),
    ("PUT", Subject::Object, &["?encryption"], not_implemented),
    (
        "PUT",
        Subject::Object,
        &["?uploadId", "x-amz-copy-source"],
        multipart::copy_part,
    ),
    (
        "PUT",
        Subject::Object,
        &["?uploadId"],
        multipart::upload_part,
    ),
    ("PUT", Subject::Object, &["x-amz-copy-source"], copy::copy),
    (
        "PUT",
        Subject::Object,
        &["x-amz-write-offset-bytes"],
        not_implemented,
    ),
    ("PUT", Subject::Object, &[], put::put),
    (
        "DELETE",
        Subject::Object,
        &["?tagging"],
        tagging::delete_object,
    ),
    ("DELETE", Subject::Object, &["?uploadId"], multipart::abort),
    ("DELETE", Subject::Object, &[], delete::delete),
    ("POST", Subject::Object, &["?uploads"], multipart::create),
    ("POST", Subject::Object, &["?uploadId"], complete::complete),
    ("POST", Subject::Object, &["?restore"], not_implemented),
    ("POST", Subject::Object, &["?select"], not_implemented),
];

/// The operation that a request asks for.
pub fn find(request: &Request, bucket: &str, key: &str) -> Result<Operation, Error> {
    let subject = match (bucket, key) {
        ("", _) => Subject::Service,
        (_, "") => Subject::Bucket,
        _ => Subject::Object,
    };
    if request.method == "OPTIONS" {
        return Ok(cors::preflight);
    }
    if subject == Subject::Bucket
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
            *method == request.method && *about == subject && conditions.iter().all(has)
        })
        .map(|(.., operation)| *operation)
        .ok_or_else(|| {
            let name = match subject {
                Subject::Service => "SERVICE",
                Subject::Bucket => "BUCKET",
                Subject::Object => "OBJECT",
            };
            error::METHOD_NOT_ALLOWED
                .with("Method", request.method.as_str())
                .with("ResourceType", name)
                .header("Allow", allowed(subject))
        })
}

/// The methods that a subject supports.
fn allowed(subject: Subject) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for (method, about, ..) in ROWS {
        if *about == subject && !methods.contains(method) {
            methods.push(method);
        }
    }
    methods.join(", ")
}

/// ListObjectsV2, or ListObjects if `list-type` is not 2.
fn list_any(call: &mut Call<'_>) -> Result<Response, Error> {
    match call.query("list-type") {
        Some("2") => list::objects_v2(call),
        _ => list::objects(call),
    }
}
