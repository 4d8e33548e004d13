//! Access control lists: canned ones, which are stored with objects of buckets that allow them, and their operations.
//!
//! Objects in a new bucket belong to the bucket's owner (`BucketOwnerEnforced`), and ACLs are refused, as on AWS. In
//! other buckets a canned ACL is stored under [`NAME`] and determines whether an object is public.

use super::bucket_settings;
use super::call::Call;
use super::error::{self, Error};
use super::get;
use super::list;
use super::message::{self, Request, Response};
use super::store::{BucketInfo, Pairs};
use super::xml::{Element, Writer};

/// The name of the canned ACL in the metadata of an object and in the attributes of a bucket.
pub const NAME: &str = "acl";
const HEADER: &str = "x-amz-acl";
/// The ACL that gives everything to the owner, which is accepted everywhere.
const OWNER_ONLY: &str = "bucket-owner-full-control";
const CANNED: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "aws-exec-read",
    "authenticated-read",
    "bucket-owner-read",
    OWNER_ONLY,
    "log-delivery-write",
];
const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

/// The canned ACL in the headers of a request, or in the fields of a form.
fn canned(request: &Request) -> Result<Option<&str>, Error> {
    let field = request.header("acl").filter(|_| request.method.is_empty());
    match request.header(HEADER).or(field) {
        Some(name) if !CANNED.contains(&name) => Err(error::invalid_argument(HEADER, name, "")),
        name => Ok(name),
    }
}

fn has_grants(request: &Request) -> bool {
    request
        .headers
        .iter()
        .any(|(name, _)| name.starts_with("x-amz-grant-"))
}

/// The metadata about the ACL that a request for a new object asks for.
///
/// # Errors
///
/// The bucket does not allow ACLs.
pub fn of_request(
    request: &Request,
    bucket: impl FnOnce() -> Result<BucketInfo, Error>,
) -> Result<Pairs, Error> {
    let canned = canned(request)?;
    if matches!(canned, None | Some(OWNER_ONLY)) && !has_grants(request) {
        return Ok(Pairs::new());
    }
    let bucket = bucket()?;
    if bucket_settings::refuses_acls(&bucket) {
        return Err(error::ACL_NOT_SUPPORTED.error());
    }
    check_public(request, &bucket, &[])?;
    let stored = canned.filter(|name| *name != "private");
    Ok(stored
        .map(|name| (NAME.to_owned(), name.to_owned()))
        .into_iter()
        .collect())
}

/// The attribute for the ACL of a bucket that is being created. `enforced`: the bucket does not allow ACLs.
pub fn of_new_bucket(request: &Request, enforced: bool) -> Result<Pairs, Error> {
    let name = canned(request)?.filter(|name| *name != "private");
    if enforced && (name.is_some() || has_grants(request)) {
        return Err(error::BUCKET_ACL.error());
    }
    let pair = name.map(|name| (NAME.to_owned(), name.to_owned()));
    Ok(pair.into_iter().collect())
}

/// Whether a canned ACL lets everybody read, or write.
pub fn is_public(pairs: &[(String, String)], write: bool) -> bool {
    match message::find(pairs, NAME) {
        Some("public-read-write") => true,
        Some("public-read") => !write,
        _ => false,
    }
}

/// The ACL that a request puts: the canned one, or `None` for a document.
fn put(call: &mut Call<'_>, bucket: &BucketInfo) -> Result<Option<String>, Error> {
    let name = canned(call.request)?.map(str::to_owned);
    let grants = has_grants(call.request);
    let document = call.document()?;
    if name.is_none() && !grants && document.is_empty() {
        return Err(error::MISSING_SECURITY_HEADER.with("MissingHeaderName", HEADER));
    }
    let owner = call.context.owner();
    let is_owners = match name.as_deref() {
        Some(name) => name == OWNER_ONLY,
        None if grants => false,
        None => gives_all_to_owner(&document, &owner)?,
    };
    if bucket_settings::refuses_acls(bucket) && !is_owners {
        return Err(error::ACL_NOT_SUPPORTED.error());
    }
    check_public(call.request, bucket, &document)?;
    Ok(name)
}

/// Refuses an ACL that gives something to everybody, if the bucket blocks that. `document` is the body if it is the
/// ACL.
fn check_public(request: &Request, bucket: &BucketInfo, document: &[u8]) -> Result<(), Error> {
    const EVERYBODY: [&str; 2] = ["groups/global/AllUsers", "groups/global/AuthenticatedUsers"];

    let names_everybody = |text: &str| EVERYBODY.iter().any(|group| text.contains(group));
    let mut grants = request
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-amz-grant-"));
    let canned = canned(request)?.unwrap_or_default();
    let is_public = canned.starts_with("public-")
        || canned == "authenticated-read"
        || grants.any(|(_, value)| names_everybody(value))
        || names_everybody(&String::from_utf8_lossy(document));
    if is_public && bucket_settings::blocks_public(bucket, "BlockPublicAcls") {
        return Err(error::ACCESS_DENIED.error());
    }
    Ok(())
}

/// Whether the only grant of a document is full control for the owner.
fn gives_all_to_owner(document: &[u8], owner: &str) -> Result<bool, Error> {
    let root = Element::parse(document)
        .filter(|root| root.name == "AccessControlPolicy")
        .ok_or_else(|| error::MALFORMED_ACL.error())?;
    let list = root
        .child("AccessControlList")
        .ok_or_else(|| error::MALFORMED_ACL.error())?;
    Ok(list.all("Grant").all(|grant| {
        let grantee = grant.child("Grantee").and_then(|who| who.text_of("ID"));
        grant.text_of("Permission") == Some("FULL_CONTROL") && grantee == Some(owner)
    }))
}

/// GetObjectAcl.
pub fn get_object(call: &mut Call<'_>) -> Result<Response, Error> {
    let info = get::describe(call)?;
    Ok(Response::xml(document(call, &info.metadata))
        .with_some("x-amz-version-id", call.version_header(&info)))
}

/// PutObjectAcl. Of the ACLs only canned ones are stored.
pub fn put_object(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let info = get::describe(call)?;
    let name = put(call, &bucket)?;
    let response = Response::new(200).with_some("x-amz-version-id", call.version_header(&info));
    if bucket_settings::refuses_acls(&bucket)
        || name.as_deref() == message::find(&info.metadata, NAME)
    {
        return Ok(response);
    }
    let mut metadata = info.metadata;
    metadata.retain(|(key, _)| key != NAME);
    let stored = name.filter(|name| name != "private");
    metadata.extend(stored.map(|name| (NAME.to_owned(), name)));
    let version = call.version()?.or(info.version.as_deref());
    call.store()
        .replace_metadata(
            &call.bucket,
            &call.key,
            version,
            metadata,
            Some(call.event("ObjectAcl:Put")),
        )
        .map_err(|error| call.store_error(error))?;
    Ok(response)
}

/// GetBucketAcl.
pub fn get_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    Ok(Response::xml(document(call, &bucket.attributes)))
}

/// PutBucketAcl. Of the ACLs only canned ones are stored.
pub fn put_bucket(call: &mut Call<'_>) -> Result<Response, Error> {
    let bucket = call.bucket_info()?;
    let name = put(call, &bucket)?;
    if !bucket_settings::refuses_acls(&bucket) {
        let stored = name.filter(|name| name != "private");
        bucket_settings::set_attribute(call, NAME, stored)?;
    }
    Ok(Response::new(200))
}

/// The document of an ACL: the owner has full control, and a canned ACL adds groups.
fn document(call: &Call<'_>, pairs: &[(String, String)]) -> String {
    let owner = call.context.owner();
    let groups: &[(&str, &str)] = match message::find(pairs, NAME) {
        Some("public-read") => &[(EVERYBODY, "READ")],
        Some("public-read-write") => &[(EVERYBODY, "READ"), (EVERYBODY, "WRITE")],
        Some("authenticated-read") => &[(AUTHENTICATED, "READ")],
        _ => &[],
    };
    const SCHEMA: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    Writer::document("AccessControlPolicy", |xml| {
        list::write_owner(xml, "Owner", &owner);
        xml.element("AccessControlList", |xml| {
            xml.element("Grant", |xml| {
                xml.raw(&format!(
                    "<Grantee {SCHEMA} xsi:type=\"CanonicalUser\"><ID>{owner}</ID></Grantee>"
                ));
                xml.text("Permission", "FULL_CONTROL");
            });
            for (group, permission) in groups {
                xml.element("Grant", |xml| {
                    xml.raw(&format!(
                        "<Grantee {SCHEMA} xsi:type=\"Group\"><URI>{group}</URI></Grantee>"
                    ));
                    xml.text("Permission", permission);
                });
            }
        });
    })
}
