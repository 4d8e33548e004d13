//! The response object that a function returned: `statusCode`, `headers`, `body` and so on.
//!
//! The payload is read once, and the fields are kept as spans of its text, so that a body of several megabytes is
//! copied once and no tree of values is built. Other keys are ignored. If a key is repeated, the last value counts.
//!
//! On failure: [`JsonError`] if the text is not a JSON object, or if a field has the wrong type.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::contract::Body;
use crate::json::JsonError;
use crate::json::read;

/// Padding may be missing, as AWS allows.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A name and a value.
pub type Header = (String, String);

/// The fields of a response object. A field that is null counts as absent.
#[derive(Debug)]
pub struct Fields<'a> {
    /// `statusCode` as JSON text. Null is not absent here: a function that sets the key returns a response object.
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
    /// The text is not a JSON object.
    pub fn read(payload: &'a str) -> Result<Self, JsonError> {
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

    /// `statusCode`: an integer from 200 to 599, or a string that contains one.
    ///
    /// # Errors
    ///
    /// The field is missing, null, out of range or not an integer.
    pub fn status(&self) -> Result<u16, JsonError> {
        let text = self.status.ok_or(JsonError)?;
        let digits = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(JsonError);
        }
        digits
            .parse()
            .ok()
            .filter(|status| (200..=599).contains(status))
            .ok_or(JsonError)
    }

    /// `headers`: an object of strings, numbers and booleans. Names keep their case.
    ///
    /// # Errors
    ///
    /// The field has another type.
    pub fn headers(&self) -> Result<Vec<Header>, JsonError> {
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
    /// The field has another type.
    pub fn multi_value_headers(&self) -> Result<Vec<Header>, JsonError> {
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
    /// The field has another type.
    pub fn cookies(&self) -> Result<Vec<String>, JsonError> {
        let Some(raw) = present(self.cookies) else {
            return Ok(Vec::new());
        };
        read::list(raw)?
            .into_iter()
            .map(|raw| read::string(raw).map(Cow::into_owned))
            .collect()
    }

    /// `body`, decoded if `isBase64Encoded` is true.
    ///
    /// # Errors
    ///
    /// The body is not a string, the flag is not a boolean, or the body is not valid Base64.
    pub fn body(&self) -> Result<Body, JsonError> {
        let is_base64 = match present(self.is_base64) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(JsonError),
        };
        let Some(raw) = present(self.body) else {
            return Ok(Body::Empty);
        };
        let text = read::string(raw)?;
        Ok(if text.is_empty() {
            Body::Empty
        } else if is_base64 {
            Body::Binary(BASE64.decode(text.as_bytes()).map_err(|_| JsonError)?)
        } else {
            Body::Text(text.into_owned())
        })
    }
}

fn present(field: Option<&str>) -> Option<&str> {
    field.filter(|raw| *raw != "null")
}

/// The value of a header: a string, or the JSON text of a number or a boolean.
fn scalar(raw: &str) -> Result<String, JsonError> {
    match raw.as_bytes().first() {
        Some(b'"') => read::string(raw).map(Cow::into_owned),
        Some(b'{' | b'[' | b'n') | None => Err(JsonError),
        Some(_) => Ok(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields<'_> {
        Fields::read(json).unwrap()
    }

    #[test]
    fn the_status_is_an_integer_or_a_string_with_one() {
        for (json, expected) in [
            (r#"{"statusCode":200}"#, Ok(200)),
            (r#"{"statusCode":"599"}"#, Ok(599)),
            (r#"{"statusCode":100}"#, Err(JsonError)),
            (r#"{"statusCode":600}"#, Err(JsonError)),
            (r#"{"statusCode":200.0}"#, Err(JsonError)),
            (r#"{"statusCode":null}"#, Err(JsonError)),
            (r#"{"statusCode":"ok"}"#, Err(JsonError)),
            ("{}", Err(JsonError)),
        ] {
            assert_eq!(fields(json).status(), expected, "{json}");
        }
    }

    #[test]
    fn headers_are_strings_numbers_and_booleans() {
        let fields = fields(
            r#"{"headers":{"A":"b","n":1.50,"t":true,"x":null},"multiValueHeaders":{"m":["1",2]}}"#,
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields.headers().unwrap(),
            [pair("A", "b"), pair("n", "1.50"), pair("t", "true")]
        );
        assert_eq!(
            fields.multi_value_headers().unwrap(),
            [pair("m", "1"), pair("m", "2")]
        );
        for json in [
            r#"{"headers":{"a":[]}}"#,
            r#"{"headers":{"a":{}}}"#,
            r#"{"headers":[]}"#,
        ] {
            assert_eq!(Fields::read(json).unwrap().headers(), Err(JsonError));
        }
    }

    #[test]
    fn a_body_is_text_or_base64_with_or_without_padding() {
        for (json, expected) in [
            ("{}", Ok(Body::Empty)),
            (r#"{"body":""}"#, Ok(Body::Empty)),
            (r#"{"body":"a"}"#, Ok(Body::Text("a".to_owned()))),
            (
                r#"{"body":"/w==","isBase64Encoded":true}"#,
                Ok(Body::Binary(vec![0xff])),
            ),
            (
                r#"{"body":"/w","isBase64Encoded":true}"#,
                Ok(Body::Binary(vec![0xff])),
            ),
            (r#"{"body":"?","isBase64Encoded":true}"#, Err(JsonError)),
            (r#"{"body":1}"#, Err(JsonError)),
            (r#"{"body":"a","isBase64Encoded":"yes"}"#, Err(JsonError)),
        ] {
            assert_eq!(fields(json).body(), expected, "{json}");
        }
    }

    #[test]
    fn cookies_are_strings() {
        assert_eq!(
            fields(r#"{"cookies":["a=b","c"]}"#).cookies().unwrap(),
            ["a=b", "c"]
        );
        assert_eq!(fields(r#"{"cookies":[1]}"#).cookies(), Err(JsonError));
        assert_eq!(fields("{}").cookies().unwrap(), Vec::<String>::new());
    }
}
