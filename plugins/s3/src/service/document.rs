//! Requests whose body is a document: it is read as a whole, compared with what the client claims about it, and parsed.

use super::body::{self, Reader};
use super::call::Call;
use super::checksum::{self, Checksum, Claim};
use super::error::{self, Error};
use super::limits;
use super::store::Digest;
use super::xml::Element;

impl Call<'_> {
    /// Reads the body as a document and compares it with what the client claims about it.
    pub fn document(&mut self) -> Result<Vec<u8>, Error> {
        let document = self.unchecked_document()?;
        check(self, &document)?;
        Ok(document)
    }

    /// Reads the body as a document without comparing it: before the bucket exists, nothing can compute digests.
    pub fn unchecked_document(&mut self) -> Result<Vec<u8>, Error> {
        let too_long = || {
            error::DOCUMENT_TOO_LARGE
                .with("MaxMessageLengthBytes", limits::MAX_DOCUMENT.to_string())
        };
        let max = u64::try_from(limits::MAX_DOCUMENT).unwrap_or(u64::MAX);
        if body::length(self.request).is_some_and(|length| length > max) {
            // Not even its beginning is read: the client may wait for `100 Continue`.
            return Err(too_long());
        }
        let mut document = Vec::new();
        let mut reader = Reader::new(self.request, self.body);
        while let Some(piece) = reader.next()? {
            if document.len() + piece.len() > limits::MAX_DOCUMENT {
                return Err(too_long());
            }
            document.extend_from_slice(&piece);
        }
        Ok(document)
    }

    /// Reads the body as an XML document whose root has this name.
    pub fn xml(&mut self, root: &str) -> Result<Element, Error> {
        let document = self.document()?;
        if document.is_empty() {
            return Err(error::MISSING_BODY.error());
        }
        Element::parse(&document)
            .filter(|element| element.name == root)
            .ok_or_else(|| error::MALFORMED_XML.error())
    }
}

/// Compares a document with what the client claims about it. Digests are computed only if the client claims one.
fn check(call: &Call<'_>, document: &[u8]) -> Result<(), Error> {
    if let Some(claimed) = body::claimed_md5(call.request)? {
        body::compare_md5(
            call.request,
            Some(&claimed),
            &call.digest(Digest::Md5, document)?,
        )?;
    }
    // The checksum of CompleteMultipartUpload is that of the object, not that of the document.
    if call.query("uploadId").is_some() {
        return Ok(());
    }
    if let Some(Claim::Header(checksum)) = checksum::claim(call.request)? {
        let digest = call.digest(checksum.algorithm.digest(), document)?;
        let computed = Checksum::new(checksum.algorithm, &digest);
        Claim::Header(checksum).verify(&computed, |_| None)?;
    }
    Ok(())
}
