//! What a function returned, as far as API Gateway reads it.
//!
//! The payload is read once and only the keys that mean something are kept, as spans of the text, so a body of several
//! megabytes costs one more copy and no tree of values. Keys that mean nothing are skipped, whatever they hold; of a
//! repeated key the last counts.
//!
//! On failure: [`Fields::read`] is an error when the text is not a JSON object; a field of the wrong type is
//! [`NotThat`].

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::contract::Body;
use crate::text::json::read::{self, NotThat};

/// Padding may be missing, as it may for the decoders of AWS's own language.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A name and a value.
pub type Header = (String, String);

/// The fields of a response object; null counts as absent.
pub struct Fields<'a> {
    /// `statusCode`. Here null is kept: a function that names the key means a response.
    pub status: Option<&'a str>,
    headers: Option<&'a str>,
    multi_value_headers: Option<&'a str>,
    cookies: Option<&'a str>,
    body: Option<&'a str>,
    is_base64: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or not an object.
    pub fn read(payload: &'a str) -> Result<Self, NotThat> {
        let keys = [
            "statusCode",
            "headers",
            "multiValueHeaders",
            "cookies",
            "body",
            "isBase64Encoded",
        ];
        let [
            status,
            headers,
            multi_value_headers,
            cookies,
            body,
            is_base64,
        ] = read::members(payload, keys)?;
        Ok(Self {
            status,
            headers,
            multi_value_headers,
            cookies,
            body,
            is_base64,
        })
    }

    /// `statusCode`: an integer, or one in a string, from 200 to 599; a final answer can not be 1xx.
    ///
    /// # Errors
    ///
    /// It is missing, null, zero, out of range, a fraction or no number.
    pub fn status(&self) -> Result<u16, NotThat> {
        let text = self.status.ok_or(NotThat)?;
        let digits = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotThat);
        }
        digits
            .parse()
            .ok()
            .filter(|status| (200..=599).contains(status))
            .ok_or(NotThat)
    }

    /// `headers`: an object of strings, numbers and booleans. Names come back as given.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn headers(&self) -> Result<Vec<Header>, NotThat> {
        let Some(raw) = present(self.headers) else {
            return Ok(Vec::new());
        };
        let pairs = read::object(raw)?;
        pairs
            .into_iter()
            .filter(|(_, raw)| *raw != "null")
            .map(|(name, raw)| Ok((name.into_owned(), scalar(raw)?)))
            .collect()
    }

    /// `multiValueHeaders`: an object of lists of strings, numbers and booleans.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn multi_value_headers(&self) -> Result<Vec<Header>, NotThat> {
        let Some(raw) = present(self.multi_value_headers) else {
            return Ok(Vec::new());
        };
        let mut headers = Vec::new();
        for (name, values) in read::object(raw)? {
            for value in read::list(values)? {
                headers.push((name.clone().into_owned(), scalar(value)?));
            }
        }
        Ok(headers)
    }

    /// `cookies`: a list of strings.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn cookies(&self) -> Result<Vec<String>, NotThat> {
        let Some(raw) = present(self.cookies) else {
            return Ok(Vec::new());
        };
        read::list(raw)?
            .into_iter()
            .map(|raw| read::string(raw).map(Cow::into_owned))
            .collect()
    }

    /// `body`, decoded if `isBase64Encoded` says so.
    ///
    /// # Errors
    ///
    /// The body is not a string, the flag is not a boolean, or the base64 is not valid.
    pub fn body(&self) -> Result<Body, NotThat> {
        let is_base64 = match present(self.is_base64) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(NotThat),
        };
        let Some(raw) = present(self.body) else {
            return Ok(Body::Empty);
        };
        let text = read::string(raw)?;
        Ok(if text.is_empty() {
            Body::Empty
        } else if is_base64 {
            Body::Binary(BASE64.decode(text.as_bytes()).map_err(|_| NotThat)?)
        } else {
            Body::Text(text.into_owned())
        })
    }
}

fn present(field: Option<&str>) -> Option<&str> {
    field.filter(|raw| *raw != "null")
}

/// A header's value: a string, or the JSON text of a number or a boolean.
fn scalar(raw: &str) -> Result<String, NotThat> {
    match raw.as_bytes().first() {
        Some(b'"') => read::string(raw).map(Cow::into_owned),
        Some(b'{' | b'[' | b'n') | None => Err(NotThat),
        Some(_) => Ok(raw.to_owned()),
    }
}
