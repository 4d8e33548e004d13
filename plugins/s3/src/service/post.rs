//! POST Object: an upload from a form in a browser.

use plugin_kit::hex;

use super::acl;
use super::address;
use super::body::{self, Reader};
use super::call::Call;
use super::checksum::{self, Algorithm, Checksum, Claim};
use super::conditions;
use super::credentials;
use super::customer_key;
use super::error::{self, Error};
use super::form::{self, Form};
use super::limits;
use super::message::{Body, Request, Response};
use super::metadata;
use super::object_lock;
use super::post_policy;
use super::public;
use super::put;
use super::store::{self, Digest, ObjectInfo, Put};
use super::tagging;
use super::xml::Writer;

/// POST Object.
pub fn post(call: &mut Call<'_>) -> Result<Response, Error> {
    let is_signed = call.access_key.is_some() || !call.context.settings.verify_signatures;
    let content_type = call.header("content-type").unwrap_or_default();
    if !content_type.starts_with("multipart/form-data") {
        return Err(error::PRECONDITION_FAILED.with(
            "Condition",
            "Bucket POST must be of the enclosure-type multipart/form-data",
        ));
    }
    check_length(call)?;
    let bucket_info = call.bucket_info();
    let mut form = Form::open(content_type, Reader::new(call.request, call.body))?;
    let key = key(&form)?;
    credentials::authenticate_form(call.context.settings, &form)?;
    let sizes = post_policy::check(&form, &call.bucket, &key, call.context.now_ms)?;
    let access_key = credentials::access_key_of_form(&form);
    let fields = Request {
        headers: form.headers(),
        ..Request::default()
    };
    if !is_signed && form.field("policy").is_none() {
        public::check_form(&bucket_info.clone()?, &key)?;
    }
    let condition = conditions::write(&fields)?;
    let mut metadata = metadata::of_request(&fields)?;
    metadata.extend(match form.field("tagging") {
        Some(text) => form::tags(text)?,
        None => tagging::of_header(fields.header("x-amz-tagging"))?,
    });
    let (host, bucket) = (call.context.store, call.bucket.clone());
    metadata.extend(acl::of_request(&fields, || bucket_info.clone())?);
    metadata.extend(customer_key::of_request(host, &bucket, &fields)?);
    let lock = object_lock::of_request(&fields, call.context.now_ms, || bucket_info);
    metadata.extend(lock?);
    let claim = checksum::claim(&fields)?;
    let algorithm = claim.as_ref().map_or(Algorithm::DEFAULT, Claim::algorithm);

    let store_error = |error| super::call::of_store_error(error, &bucket, &key);
    let digests = store::distinct([Digest::Md5, algorithm.digest()]);
    let upload = host.upload(&bucket, &digests).map_err(store_error)?;
    let mut size = 0u64;
    while let Some(piece) = form.next()? {
        size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        sizes.check_so_far(size)?;
        host.write(upload, &piece).map_err(store_error)?;
    }
    sizes.check_whole(size)?;
    let status = form.field("success_action_status").map(str::to_owned);
    let redirect = form
        .field("success_action_redirect")
        .or(form.field("redirect"))
        .map(str::to_owned);
    drop(form);

    let finished = host.finish(upload).map_err(store_error)?;
    let digest = |wanted| {
        store::computed(&digests, &finished, wanted).ok_or_else(|| error::INTERNAL_ERROR.error())
    };
    let computed = Checksum::new(algorithm, digest(algorithm.digest())?);
    let md5 = hex::encode(digest(Digest::Md5)?);
    if let Some(claim) = &claim {
        claim.verify(&computed, |_| None)?;
    }
    metadata.push(computed.pair());
    call.key = key;
    call.access_key = call.access_key.take().or(access_key);
    let put = Put {
        etag: md5,
        metadata,
        condition: condition.clone(),
        completes: None,
        event: Some(call.event("ObjectCreated:Post")),
    };
    let info = call
        .store()
        .put(&call.bucket, &call.key, upload, put)
        .map_err(|error| conditions::failed(call, &condition, error))?;
    Ok(answer(call, &info, status.as_deref(), redirect.as_deref()))
}

/// Refuses a form whose file must be too long, before any of it is read.
fn check_length(call: &Call<'_>) -> Result<(), Error> {
    let head = u64::try_from(limits::MAX_FORM_HEAD).unwrap_or(u64::MAX);
    // The end of the form has about the length of a boundary.
    let max = limits::MAX_SINGLE_PUT.saturating_add(head);
    match body::length(call.request) {
        Some(length) if length > max => Err(error::ENTITY_TOO_LARGE
            .with("ProposedSize", length.to_string())
            .with("MaxSizeAllowed", limits::MAX_SINGLE_PUT.to_string())),
        _ => Ok(()),
    }
}

/// The key of the object. `${filename}` stands for the name of the file, if the client sent one.
fn key(form: &Form<'_>) -> Result<String, Error> {
    let template = form.field("key").ok_or_else(|| {
        error::invalid_argument(
            "key",
            "",
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
        )
    })?;
    if template.is_empty() {
        return Err(error::invalid_argument(
            "key",
            "",
            "User key must have a length greater than 0.",
        ));
    }
    let name = form
        .file_name
        .as_deref()
        .and_then(|path| path.rsplit(['/', '\\']).next());
    let key = match name {
        Some(name) => template.replace("${filename}", name),
        None => template.to_owned(),
    };
    address::check_key(&key)?;
    Ok(key)
}

fn answer(
    call: &Call<'_>,
    info: &ObjectInfo,
    status: Option<&str>,
    redirect: Option<&str>,
) -> Response {
    let etag = format!("\"{}\"", info.etag);
    let location = address::location(call);
    let created = |status| {
        metadata::with_checksum(put::respond_to_write(call, status, info), &info.metadata)
            .with("ETag", etag.as_str())
    };
    if let Some(url) = redirect {
        return created(303).with(
            "Location",
            form::redirect(url, &call.bucket, &call.key, &info.etag),
        );
    }
    match status {
        Some("200") => created(200).with("Location", location),
        Some("201") => {
            let document = Writer::document_without_namespace("PostResponse", |xml| {
                xml.text("Location", &location);
                xml.text("Bucket", &call.bucket);
                xml.text("Key", &call.key);
                xml.text("ETag", &etag);
            });
            let mut response = created(201)
                .with("Location", location.as_str())
                .with("Content-Type", "application/xml");
            response.body = Body::Bytes(document.into_bytes());
            response
        }
        _ => created(204).with("Location", location),
    }
}
