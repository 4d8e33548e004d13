//! A body of `multipart/form-data` whose last field is a file. The fields before the file are read first, the file is
//! streamed.

use crate::encoding;

use super::body::Reader;
use super::error::{self, Error};
use super::limits;
use super::message;

/// A form that was read up to its file.
pub struct Form<'a> {
    reader: Reader<'a>,
    /// The bytes that were read and not yet used.
    buffer: Vec<u8>,
    /// The separator: `\r\n--boundary`.
    boundary: Vec<u8>,
    /// Names in lower case and values, in order.
    fields: Vec<(String, String)>,
    /// The name of the file on the client's machine; `None` if the client sent the file as text.
    pub file_name: Option<String>,
    ended: bool,
    /// The number of bytes before the file that were read, up to the limit.
    before_file: usize,
}

fn malformed() -> Error {
    error::MALFORMED_POST.error()
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

/// A parameter of a header: `name` in `form-data; name="key"; filename="a.txt"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim_matches('"').to_owned())
    })
}

impl<'a> Form<'a> {
    /// Reads the fields before the file.
    pub fn open(content_type: &str, reader: Reader<'a>) -> Result<Self, Error> {
        let boundary = parameter(content_type, "boundary")
            .filter(|boundary| (1..=70).contains(&boundary.len()))
            .ok_or_else(malformed)?;
        let mut form = Self {
            reader,
            // The first boundary follows, as if after a field.
            buffer: b"\r\n".to_vec(),
            boundary: format!("\r\n--{boundary}").into_bytes(),
            fields: Vec::new(),
            file_name: None,
            ended: false,
            before_file: 0,
        };
        form.until_boundary()?;
        loop {
            let head = form.head()?;
            let mut name = None;
            for line in head.split("\r\n") {
                let (key, value) = line.split_once(':').unwrap_or((line, ""));
                if key.eq_ignore_ascii_case("content-disposition") {
                    name = parameter(value, "name");
                    form.file_name = parameter(value, "filename");
                }
            }
            let name = name.ok_or_else(malformed)?.to_ascii_lowercase();
            if name == "file" {
                return Ok(form);
            }
            let value = String::from_utf8(form.until_boundary()?).map_err(|_| malformed())?;
            form.fields.push((name, value));
        }
    }

    /// A field. The name is in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        message::find(&self.fields, name)
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// The fields as the headers that a PUT request would have.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.fields
            .iter()
            .filter(|(name, _)| name != "tagging" && name != "key")
            .cloned()
            .collect()
    }

    fn fill(&mut self) -> Result<(), Error> {
        match self.reader.next()? {
            Some(piece) => {
                self.buffer.extend_from_slice(&piece);
                Ok(())
            }
            None => Err(malformed()),
        }
    }

    /// Takes `length` bytes out of the buffer, and drops the separator after them.
    fn take(&mut self, length: usize, separator: usize) -> Vec<u8> {
        let rest = self
            .buffer
            .split_off((length + separator).min(self.buffer.len()));
        let mut taken = std::mem::replace(&mut self.buffer, rest);
        taken.truncate(length);
        taken
    }

    fn until(&mut self, separator: &[u8]) -> Result<Vec<u8>, Error> {
        // No more is searched than may still come before the file: else the time for a long form would be quadratic.
        let allowed = limits::MAX_FORM_HEAD.saturating_sub(self.before_file);
        loop {
            let end = self
                .buffer
                .len()
                .min(allowed.saturating_add(separator.len()));
            let window = self.buffer.get(..end).unwrap_or_default();
            if let Some(at) = find(window, separator) {
                self.before_file += at + separator.len();
                return Ok(self.take(at, separator.len()));
            }
            if self.buffer.len() > allowed {
                return Err(error::FORM_TOO_LARGE.error());
            }
            self.fill()?;
        }
    }

    fn until_boundary(&mut self) -> Result<Vec<u8>, Error> {
        self.until(&self.boundary.clone())
    }

    /// The header lines of the next field.
    fn head(&mut self) -> Result<String, Error> {
        let end = self.until(b"\r\n")?;
        if end == b"--" {
            // The form ended without a file.
            return Err(error::invalid_argument(
                "file",
                "0",
                "POST requires exactly one file upload per request.",
            ));
        }
        String::from_utf8(self.until(b"\r\n\r\n")?).map_err(|_| malformed())
    }

    /// The next piece of the file; `None` at its end.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if self.ended {
                // The rest is read, so that the client can finish sending.
                while self.reader.next()?.is_some() {}
                return Ok(None);
            }
            if let Some(at) = find(&self.buffer, &self.boundary) {
                self.ended = true;
                let last = self.take(at, self.boundary.len());
                if last.is_empty() {
                    continue;
                }
                return Ok(Some(last));
            }
            // The end of the buffer may be the start of a boundary.
            let sure = self.buffer.len().saturating_sub(self.boundary.len());
            if sure > 0 {
                return Ok(Some(self.take(sure, 0)));
            }
            self.fill()?;
        }
    }
}

/// The tags in a field of a form.
pub fn tags(text: &str) -> Result<super::store::Pairs, Error> {
    let root = super::xml::Element::parse(text.as_bytes())
        .filter(|root| root.name == "Tagging")
        .ok_or_else(|| error::MALFORMED_XML.error())?;
    super::tagging::of_document(&root)
}

/// The URL of `success_action_redirect` with the parameters that describe the object.
pub fn redirect(url: &str, bucket: &str, key: &str, etag: &str) -> String {
    let join = if url.contains('?') { '&' } else { '?' };
    format!(
        "{url}{join}bucket={}&key={}&etag={}",
        encoding::value(bucket),
        encoding::value(key),
        encoding::value(&format!("\"{etag}\""))
    )
}
