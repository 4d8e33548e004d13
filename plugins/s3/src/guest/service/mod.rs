//! The service role: requests of `wasi:http` in, `lambkin:store/objects` out.
//!
//! On failure: a request that has no sensible form is answered with 400 before the service sees it; an answer whose
//! object can not be read to its end is cut, which the host tells the client by closing the connection.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "generated items carry the documentation of the WIT files, and can not be written without"
)]

mod convert;
mod stream;

use std::cell::RefCell;
use std::collections::HashMap;

use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

use crate::service::store as plain;
use crate::service::{self, Context, Request};

wit_bindgen::generate!({
    inline: "
        package lambkin:s3-service;
        world service {
            import lambkin:store/objects@0.1.0;
            export lambkin:service/settings@0.1.0;
        }
    ",
    path: ["../../wit/store", "../../wit/service"],
    world: "lambkin:s3-service/service",
    generate_all,
});

use exports::lambkin::service::settings as wit_settings;
use lambkin::store::objects as wit;

struct Service;

export!(Service);

mod proxy {
    use super::Service;
    wasip2::http::proxy::export!(Service);
}

impl wit_settings::Guest for Service {
    fn check(settings: String) -> Vec<wit_settings::Problem> {
        service::check(&settings)
            .into_iter()
            .map(|problem| wit_settings::Problem {
                at: problem.at,
                message: problem.message,
                extra: Vec::new(),
            })
            .collect()
    }
}

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let head = head(&request);
        let mut body = stream::Incoming::of(request);
        let store = Host::default();
        let region = variable("LAMBKIN_REGION", "us-east-1");
        let account = variable("LAMBKIN_ACCOUNT", "000000000000");
        let now = wasip2::clocks::wall_clock::now();
        let mut random = [0; 64];
        for (byte, new) in random
            .iter_mut()
            .zip(wasip2::random::random::get_random_bytes(64))
        {
            *byte = new;
        }
        let context = Context {
            store: &store,
            region: &region,
            account: &account,
            now_ms: now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000),
            random,
        };
        let response = service::answer(&head, &mut body, context);
        stream::send(response, &store, out);
    }
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Everything of a request but its body.
fn head(request: &IncomingRequest) -> Request {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    };
    let mut headers: Vec<(String, String)> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect();
    // The contract of wasi:http keeps the host's name apart.
    if let Some(authority) = request.authority()
        && !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        headers.push(("host".to_owned(), authority));
    }
    let target = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    Request::new(&method, &target, headers)
}

/// A header's value: UTF-8 or, as HTTP once had it, Latin-1.
fn text(value: Vec<u8>) -> String {
    String::from_utf8(value)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// The host's objects. Buckets are opened once for a request; handles are places in the lists.
#[derive(Default)]
pub struct Host {
    buckets: RefCell<HashMap<String, std::rc::Rc<wit::Bucket>>>,
    uploads: RefCell<Vec<Option<wit::Upload>>>,
    opened: RefCell<Vec<wit::Object>>,
}

impl Host {
    fn open(&self, name: &str) -> Result<std::rc::Rc<wit::Bucket>, plain::Fault> {
        if let Some(bucket) = self.buckets.borrow().get(name) {
            return Ok(bucket.clone());
        }
        let bucket = std::rc::Rc::new(wit::open(name)?);
        self.buckets
            .borrow_mut()
            .insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    fn keep(&self, upload: wit::Upload) -> plain::Upload {
        let mut uploads = self.uploads.borrow_mut();
        uploads.push(Some(upload));
        plain::Upload(uploads.len() - 1)
    }

    fn with_upload<T>(
        &self,
        upload: plain::Upload,
        what: impl FnOnce(&wit::Upload) -> Result<T, wit::Error>,
    ) -> Result<T, plain::Fault> {
        match self.uploads.borrow().get(upload.0) {
            Some(Some(upload)) => Ok(what(upload)?),
            _ => Err(used_up()),
        }
    }

    fn take(&self, upload: plain::Upload) -> Result<wit::Upload, plain::Fault> {
        self.uploads
            .borrow_mut()
            .get_mut(upload.0)
            .and_then(Option::take)
            .ok_or_else(used_up)
    }
}

fn used_up() -> plain::Fault {
    plain::Fault::Invalid("the upload has been put already".to_owned())
}

impl plain::Store for Host {
    fn buckets(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: u32,
    ) -> Result<Vec<plain::BucketInfo>, plain::Fault> {
        let buckets = wit::buckets(prefix, after, max)?;
        Ok(buckets.into_iter().map(Into::into).collect())
    }

    fn create(&self, bucket: &str, attributes: plain::Pairs) -> Result<(), plain::Fault> {
        wit::create(bucket, &attributes)?;
        Ok(())
    }

    fn bucket(&self, bucket: &str) -> Result<plain::BucketInfo, plain::Fault> {
        Ok(self.open(bucket)?.info()?.into())
    }

    fn change(
        &self,
        bucket: &str,
        versioning: plain::Versioning,
        attributes: plain::Pairs,
    ) -> Result<(), plain::Fault> {
        Ok(self.open(bucket)?.change(versioning.into(), &attributes)?)
    }

    fn delete(&self, bucket: &str) -> Result<(), plain::Fault> {
        Ok(wit::delete(bucket)?)
    }

    fn upload(
        &self,
        bucket: &str,
        digests: &[plain::Digest],
    ) -> Result<plain::Upload, plain::Fault> {
        let digests: Vec<_> = digests.iter().copied().map(Into::into).collect();
        Ok(self.keep(self.open(bucket)?.upload(&digests)?))
    }

    fn write(&self, upload: plain::Upload, bytes: &[u8]) -> Result<(), plain::Fault> {
        self.with_upload(upload, |upload| upload.write(bytes))
    }

    fn copy(
        &self,
        upload: plain::Upload,
        source: plain::Opened,
        offset: u64,
        length: u64,
    ) -> Result<(), plain::Fault> {
        let opened = self.opened.borrow();
        let source = opened.get(source.0).ok_or(plain::Fault::Missing)?;
        self.with_upload(upload, |upload| upload.copy(source, offset, length))
    }

    fn finish(&self, upload: plain::Upload) -> Result<plain::Finished, plain::Fault> {
        let finished = self.with_upload(upload, wit::Upload::finish)?;
        Ok(plain::Finished {
            size: finished.size,
            digests: finished.digests,
        })
    }

    fn open(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(plain::Opened, plain::ObjectInfo), plain::Fault> {
        let object = self.open(bucket)?.open(key, version)?;
        let info = object.info().into();
        let mut opened = self.opened.borrow_mut();
        opened.push(object);
        Ok((plain::Opened(opened.len() - 1), info))
    }

    fn read(
        &self,
        object: plain::Opened,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, plain::Fault> {
        let opened = self.opened.borrow();
        let object = opened.get(object.0).ok_or(plain::Fault::Missing)?;
        Ok(object.read(offset, length)?)
    }

    fn describe(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<plain::ObjectInfo, plain::Fault> {
        Ok(self.open(bucket)?.describe(key, version)?.into())
    }

    fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: plain::Upload,
        put: plain::Put,
    ) -> Result<plain::ObjectInfo, plain::Fault> {
        let upload = self.take(upload)?;
        let put = wit::Put {
            etag: put.etag,
            metadata: put.metadata,
            condition: put.condition.into(),
            completes: put.completes,
            event: put.notice.map(Into::into),
        };
        Ok(self.open(bucket)?.put(key, upload, &put)?.into())
    }

    fn revise(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        metadata: plain::Pairs,
        notice: Option<plain::Notice>,
    ) -> Result<plain::ObjectInfo, plain::Fault> {
        let notice = notice.map(Into::into);
        let bucket = self.open(bucket)?;
        Ok(bucket
            .replace_metadata(key, version, &metadata, notice.as_ref())?
            .into())
    }

    fn remove(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: plain::Condition,
        notice: Option<plain::Notice>,
    ) -> Result<plain::Removed, plain::Fault> {
        let notice = notice.map(Into::into);
        let bucket = self.open(bucket)?;
        let removed = bucket.remove(key, version, &condition.into(), notice.as_ref())?;
        Ok(plain::Removed {
            existed: removed.existed,
            version: removed.version,
            marker: removed.delete_marker,
        })
    }

    fn objects(&self, bucket: &str, query: &plain::Query) -> Result<plain::Listing, plain::Fault> {
        Ok(self.open(bucket)?.objects(&query.into())?.into())
    }

    fn versions(&self, bucket: &str, query: &plain::Query) -> Result<plain::Listing, plain::Fault> {
        Ok(self.open(bucket)?.versions(&query.into())?.into())
    }

    fn start_parts(
        &self,
        bucket: &str,
        key: &str,
        metadata: plain::Pairs,
    ) -> Result<String, plain::Fault> {
        Ok(self.open(bucket)?.start_multipart(key, &metadata)?)
    }

    fn describe_parts(&self, bucket: &str, id: &str) -> Result<plain::PartsUpload, plain::Fault> {
        Ok(self.open(bucket)?.describe_multipart(id)?.into())
    }

    fn put_part(
        &self,
        bucket: &str,
        id: &str,
        number: u32,
        upload: plain::Upload,
        etag: &str,
        metadata: plain::Pairs,
    ) -> Result<plain::Part, plain::Fault> {
        let upload = self.take(upload)?;
        let bucket = self.open(bucket)?;
        Ok(bucket.put_part(id, number, upload, etag, &metadata)?.into())
    }

    fn parts(
        &self,
        bucket: &str,
        id: &str,
        after: u32,
        max: u32,
    ) -> Result<Vec<plain::Part>, plain::Fault> {
        let parts = self.open(bucket)?.parts(id, after, max)?;
        Ok(parts.into_iter().map(Into::into).collect())
    }

    fn compose(
        &self,
        bucket: &str,
        id: &str,
        parts: &[(u32, String)],
        digests: &[plain::Digest],
    ) -> Result<plain::Upload, plain::Fault> {
        let digests: Vec<_> = digests.iter().copied().map(Into::into).collect();
        Ok(self.keep(self.open(bucket)?.compose(id, parts, &digests)?))
    }

    fn abort_parts(&self, bucket: &str, id: &str) -> Result<(), plain::Fault> {
        Ok(self.open(bucket)?.abort_multipart(id)?)
    }

    fn parts_uploads(
        &self,
        bucket: &str,
        query: &plain::Query,
    ) -> Result<plain::PartsListing, plain::Fault> {
        Ok(self.open(bucket)?.multipart_uploads(&query.into())?.into())
    }
}
