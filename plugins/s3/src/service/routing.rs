//! Which operation a request asks for.
//!
//! A table: the method, whether it is about the service, a bucket or an object, and what else the request has to have.
//! The first row that fits is it, so the rows with more conditions come first.

use super::call::Call;
use super::error::{self, Error};
use super::message::{Request, Response};
use super::{
    attributes, bucket, bucket_settings as settings, complete, copy, cors, delete, get, list,
    multipart, post, put, tagging, uploads,
};

/// Does what was asked.
pub type Operation = fn(&mut Call<'_>) -> Result<Response, Error>;

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
    (
        "GET",
        Of::Bucket,
        &["?versioning"],
        settings::get_versioning,
    ),
    ("GET", Of::Bucket, &["?cors"], cors::get),
    ("GET", Of::Bucket, &["?tagging"], tagging::get_bucket),
    ("GET", Of::Bucket, &["?acl"], attributes::get_bucket_acl),
    ("GET", Of::Bucket, &["?uploads"], uploads::uploads),
    ("GET", Of::Bucket, &["?versions"], list::versions),
    ("GET", Of::Bucket, &["?encryption"], settings::get_document),
    (
        "GET",
        Of::Bucket,
        &["?publicAccessBlock"],
        settings::get_document,
    ),
    (
        "GET",
        Of::Bucket,
        &["?ownershipControls"],
        settings::get_document,
    ),
    ("GET", Of::Bucket, &["?policy"], settings::get_unset),
    ("GET", Of::Bucket, &["?policyStatus"], settings::get_unset),
    ("GET", Of::Bucket, &["?lifecycle"], settings::get_unset),
    ("GET", Of::Bucket, &["?website"], settings::get_unset),
    ("GET", Of::Bucket, &["?replication"], settings::get_unset),
    ("GET", Of::Bucket, &["?object-lock"], settings::get_unset),
    ("GET", Of::Bucket, &["?notification"], settings::get_unset),
    ("GET", Of::Bucket, &["?logging"], settings::get_unset),
    ("GET", Of::Bucket, &["?accelerate"], settings::get_unset),
    ("GET", Of::Bucket, &["?requestPayment"], settings::get_unset),
    ("GET", Of::Bucket, &["?analytics"], settings::get_unset),
    ("GET", Of::Bucket, &["?inventory"], settings::get_unset),
    ("GET", Of::Bucket, &["?metrics"], settings::get_unset),
    (
        "GET",
        Of::Bucket,
        &["?intelligent-tiering"],
        settings::not_implemented,
    ),
    (
        "GET",
        Of::Bucket,
        &["?metadataTable"],
        settings::not_implemented,
    ),
    (
        "GET",
        Of::Bucket,
        &["?metadataConfiguration"],
        settings::not_implemented,
    ),
    ("GET", Of::Bucket, &["?session"], settings::not_implemented),
    ("GET", Of::Bucket, &["?list-type"], list_any),
    ("GET", Of::Bucket, &[], list::objects),
    ("HEAD", Of::Bucket, &[], bucket::head),
    (
        "PUT",
        Of::Bucket,
        &["?versioning"],
        settings::put_versioning,
    ),
    ("PUT", Of::Bucket, &["?cors"], cors::put),
    ("PUT", Of::Bucket, &["?tagging"], tagging::put_bucket),
    ("PUT", Of::Bucket, &["?acl"], attributes::put_bucket_acl),
    ("PUT", Of::Bucket, &["?encryption"], settings::put_document),
    (
        "PUT",
        Of::Bucket,
        &["?publicAccessBlock"],
        settings::put_document,
    ),
    (
        "PUT",
        Of::Bucket,
        &["?ownershipControls"],
        settings::put_document,
    ),
    ("PUT", Of::Bucket, &[], create_bucket),
    ("DELETE", Of::Bucket, &["?cors"], cors::delete),
    ("DELETE", Of::Bucket, &["?tagging"], tagging::delete_bucket),
    (
        "DELETE",
        Of::Bucket,
        &["?encryption"],
        settings::delete_document,
    ),
    (
        "DELETE",
        Of::Bucket,
        &["?publicAccessBlock"],
        settings::delete_document,
    ),
    (
        "DELETE",
        Of::Bucket,
        &["?ownershipControls"],
        settings::delete_document,
    ),
    ("DELETE", Of::Bucket, &["?policy"], settings::delete_unset),
    (
        "DELETE",
        Of::Bucket,
        &["?lifecycle"],
        settings::delete_unset,
    ),
    ("DELETE", Of::Bucket, &["?website"], settings::delete_unset),
    (
        "DELETE",
        Of::Bucket,
        &["?replication"],
        settings::delete_unset,
    ),
    ("DELETE", Of::Bucket, &[], delete_bucket),
    ("POST", Of::Bucket, &["?delete"], delete::delete_many),
    (
        "POST",
        Of::Bucket,
        &["?metadataTable"],
        settings::not_implemented,
    ),
    (
        "POST",
        Of::Bucket,
        &["?metadataConfiguration"],
        settings::not_implemented,
    ),
    ("POST", Of::Bucket, &[], post::post),
    // Objects.
    ("GET", Of::Object, &["?acl"], attributes::get_object_acl),
    ("GET", Of::Object, &["?attributes"], attributes::get),
    ("GET", Of::Object, &["?tagging"], tagging::get_object),
    ("GET", Of::Object, &["?uploadId"], uploads::parts),
    (
        "GET",
        Of::Object,
        &["?retention"],
        settings::get_object_lock,
    ),
    (
        "GET",
        Of::Object,
        &["?legal-hold"],
        settings::get_object_lock,
    ),
    ("GET", Of::Object, &["?torrent"], settings::not_implemented),
    ("GET", Of::Object, &[], get::get),
    ("HEAD", Of::Object, &[], get::head),
    ("PUT", Of::Object, &["?acl"], attributes::put_object_acl),
    ("PUT", Of::Object, &["?tagging"], tagging::put_object),
    (
        "PUT",
        Of::Object,
        &["?retention"],
        settings::get_object_lock,
    ),
    (
        "PUT",
        Of::Object,
        &["?legal-hold"],
        settings::get_object_lock,
    ),
    (
        "PUT",
        Of::Object,
        &["?renameObject"],
        settings::not_implemented,
    ),
    (
        "PUT",
        Of::Object,
        &["?encryption"],
        settings::not_implemented,
    ),
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
        settings::not_implemented,
    ),
    ("PUT", Of::Object, &[], put::put),
    ("DELETE", Of::Object, &["?tagging"], tagging::delete_object),
    ("DELETE", Of::Object, &["?uploadId"], multipart::abort),
    ("DELETE", Of::Object, &[], delete::delete),
    ("POST", Of::Object, &["?uploads"], multipart::create),
    ("POST", Of::Object, &["?uploadId"], complete::complete),
    ("POST", Of::Object, &["?restore"], settings::not_implemented),
    ("POST", Of::Object, &["?select"], settings::not_implemented),
];

/// Parameters that make a PUT or DELETE of a bucket one of a setting: a setting that has no row must never create or
/// delete the bucket itself.
const SETTINGS: [&str; 16] = [
    "accelerate",
    "analytics",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "policy",
    "replication",
    "requestPayment",
    "website",
    "abac",
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

fn is_setting(call: &Call<'_>) -> bool {
    SETTINGS.iter().any(|name| call.query(name).is_some())
}

fn create_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    if is_setting(call) {
        return settings::not_implemented(call);
    }
    bucket::create(call)
}

fn delete_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    if is_setting(call) {
        return settings::not_implemented(call);
    }
    bucket::delete(call)
}
