//! The response object that a function returned: `statusCode`, `headers`, `body` and so on.
//!
//! The payload is read once, and the fields are kept as spans of its text, so that a body of several megabytes is
//! copied once and no tree of values is built. Other keys are ignored. If a key is repeated, the last value counts.
//!
//! On failure: a [`Misfit`], which names the field and says what it has to be. Values are not repeated in it.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::contract::ResponseBody;
use crate::json::{JsonError, read};

/// Padding may be missing, as AWS allows.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with a response object, as a sentence without its full stop: `` `headers.x` is a list, and has to be a
/// string, a number or a boolean ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit(pub String);

impl Misfit {
    /// A value of the wrong type, as JSON: where it is, and what it has to be.
    pub fn of(at: &str, raw: &str, wanted: &str) -> Self {
        Self(format!(
            "`{at}` is {}, and has to be {wanted}",
            kind_of(raw)
        ))
    }
}

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
    pub fn read(payload: &'a str) -> Result<Self, Misfit> {
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
        ] = read::members(payload, keys)
            .map_err(|JsonError| Misfit("the function's result is not a JSON object".to_owned()))?;
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
    pub fn status(&self) -> Result<u16, Misfit> {
        const WANTED: &str = "an integer from 200 to 599";
        let Some(text) = self.status else {
            return Err(Misfit(format!(
                "`statusCode` is missing; it has to be {WANTED}"
            )));
        };
        let digits = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let status = digits.parse().ok().filter(|_| is_number);
        status
            .filter(|status| (200..=599).contains(status))
            .ok_or_else(|| match status {
                Some(status) => Misfit(format!("`statusCode` is {status}, and has to be {WANTED}")),
                None if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
                    Misfit(format!("`statusCode` is a number, and has to be {WANTED}"))
                }
                None => Misfit::of("statusCode", text, WANTED),
            })
    }

    /// `headers`: an object of strings, numbers and booleans. Names keep their case.
    ///
    /// # Errors
    ///
    /// The field has another type.
    pub fn headers(&self) -> Result<Vec<Header>, Misfit> {
        let Some(raw) = present(self.headers) else {
            return Ok(Vec::new());
        };
        let pairs =
            read::object(raw).map_err(|JsonError| Misfit::of("headers", raw, "an object"))?;
        pairs
            .into_iter()
            .filter(|(_, raw)| *raw != "null")
            .map(|(name, raw)| {
                let value = scalar(raw)
                    .map_err(|JsonError| Misfit::of(&format!("headers.{name}"), raw, SCALAR))?;
                Ok((name.into_owned(), value))
            })
            .collect()
    }

    /// `multiValueHeaders`: an object of lists of strings, numbers and booleans.
    ///
    /// # Errors
    ///
    /// The field has another type.
    pub fn multi_value_headers(&self) -> Result<Vec<Header>, Misfit> {
        let Some(raw) = present(self.multi_value_headers) else {
            return Ok(Vec::new());
        };
        let mut headers = Vec::new();
        let pairs = read::object(raw)
            .map_err(|JsonError| Misfit::of("multiValueHeaders", raw, "an object"))?;
        for (name, values) in pairs {
            let at = format!("multiValueHeaders.{name}");
            let list = read::list(values).map_err(|JsonError| Misfit::of(&at, values, "a list"))?;
            for (index, raw) in list.into_iter().enumerate() {
                let value = scalar(raw)
                    .map_err(|JsonError| Misfit::of(&format!("{at}[{index}]"), raw, SCALAR))?;
                headers.push((name.clone().into_owned(), value));
            }
        }
        Ok(headers)
    }

    /// `cookies`: a list of strings.
    ///
    /// # Errors
    ///
    /// The field has another type.
    pub fn cookies(&self) -> Result<Vec<String>, Misfit> {
        let Some(raw) = present(self.cookies) else {
            return Ok(Vec::new());
        };
        let list =
            read::list(raw).map_err(|JsonError| Misfit::of("cookies", raw, "a list of strings"))?;
        list.into_iter()
            .enumerate()
            .map(|(index, raw)| {
                let cookie = read::string(raw).map(Cow::into_owned);
                cookie
                    .map_err(|JsonError| Misfit::of(&format!("cookies[{index}]"), raw, "a string"))
            })
            .collect()
    }

    /// `body`, decoded if `isBase64Encoded` is true.
    ///
    /// # Errors
    ///
    /// The body is not a string, the flag is not a boolean, or the body is not valid Base64.
    pub fn body(&self) -> Result<ResponseBody, Misfit> {
        let is_base64 = match present(self.is_base64) {
            None | Some("false") => false,
            Some("true") => true,
            Some(raw) => return Err(Misfit::of("isBase64Encoded", raw, "`true` or `false`")),
        };
        let Some(raw) = present(self.body) else {
            return Ok(ResponseBody::Empty);
        };
        let text = read::string(raw).map_err(|JsonError| {
            Misfit::of("body", raw, "a string; JSON has to be returned as text")
        })?;
        Ok(if text.is_empty() {
            ResponseBody::Empty
        } else if is_base64 {
            let bytes = BASE64.decode(text.as_bytes());
            ResponseBody::Binary(bytes.map_err(|error| {
                Misfit(format!(
                    "`body` is not valid Base64 ({error}), although `isBase64Encoded` is true"
                ))
            })?)
        } else {
            ResponseBody::Text(text.into_owned())
        })
    }
}

fn present(field: Option<&str>) -> Option<&str> {
    field.filter(|raw| *raw != "null")
}

/// What the value of a header has to be.
const SCALAR: &str = "a string, a number or a boolean";

/// The type of a value, from its JSON text, as messages name it: `a string`, `an object`.
pub fn kind_of(raw: &str) -> &'static str {
    match raw.trim_start().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "empty",
    }
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
            assert_eq!(
                fields(json).status().map_err(|_| JsonError),
                expected,
                "{json}"
            );
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
            assert!(Fields::read(json).unwrap().headers().is_err());
        }
    }

    #[test]
    fn a_body_is_text_or_base64_with_or_without_padding() {
        for (json, expected) in [
            ("{}", Ok(ResponseBody::Empty)),
            (r#"{"body":""}"#, Ok(ResponseBody::Empty)),
            (r#"{"body":"a"}"#, Ok(ResponseBody::Text("a".to_owned()))),
            (
                r#"{"body":"/w==","isBase64Encoded":true}"#,
                Ok(ResponseBody::Binary(vec![0xff])),
            ),
            (
                r#"{"body":"/w","isBase64Encoded":true}"#,
                Ok(ResponseBody::Binary(vec![0xff])),
            ),
            (r#"{"body":"?","isBase64Encoded":true}"#, Err(JsonError)),
            (r#"{"body":1}"#, Err(JsonError)),
            (r#"{"body":"a","isBase64Encoded":"yes"}"#, Err(JsonError)),
        ] {
            assert_eq!(
                fields(json).body().map_err(|_| JsonError),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn cookies_are_strings() {
        assert_eq!(
            fields(r#"{"cookies":["a=b","c"]}"#).cookies().unwrap(),
            ["a=b", "c"]
        );
        assert!(fields(r#"{"cookies":[1]}"#).cookies().is_err());
        assert_eq!(fields("{}").cookies().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_misfit_names_the_field_and_what_it_has_to_be() {
        for (json, expected) in [
            (
                r#"{"statusCode":600}"#,
                "`statusCode` is 600, and has to be an integer from 200 to 599",
            ),
            (
                r#"{"statusCode":2.5}"#,
                "`statusCode` is a number, and has to be an integer",
            ),
            (
                r#"{"statusCode":"x"}"#,
                "`statusCode` is a string, and has to be an integer",
            ),
            (
                r#"{"statusCode":null}"#,
                "`statusCode` is null, and has to be an integer",
            ),
            ("{}", "`statusCode` is missing; it has to be an integer"),
            (
                r#"{"statusCode":200,"headers":[]}"#,
                "`headers` is a list, and has to be an object",
            ),
            (
                r#"{"statusCode":200,"headers":{"x-a":["b"]}}"#,
                "`headers.x-a` is a list, and has to be a string, a number or a boolean",
            ),
            (
                r#"{"statusCode":200,"multiValueHeaders":{"a":"b"}}"#,
                "`multiValueHeaders.a` is a string, and has to be a list",
            ),
            (
                r#"{"statusCode":200,"multiValueHeaders":{"a":["b",{}]}}"#,
                "`multiValueHeaders.a[1]` is an object, and has to be a string",
            ),
            (
                r#"{"statusCode":200,"cookies":"a"}"#,
                "`cookies` is a string, and has to be a list",
            ),
            (
                r#"{"statusCode":200,"cookies":["a",1]}"#,
                "`cookies[1]` is a number, and has to be",
            ),
            (
                r#"{"statusCode":200,"body":{"a":1}}"#,
                "`body` is an object, and has to be a string",
            ),
            (
                r#"{"statusCode":200,"body":"a","isBase64Encoded":"true"}"#,
                "`isBase64Encoded` is a string, and has to be `true` or `false`",
            ),
            (
                r#"{"statusCode":200,"body":"?","isBase64Encoded":true}"#,
                "`body` is not valid Base64 (",
            ),
        ] {
            let fields = fields(json);
            let misfit = fields
                .status()
                .map(drop)
                .and_then(|()| fields.headers().map(drop))
                .and_then(|()| fields.multi_value_headers().map(drop))
                .and_then(|()| fields.cookies().map(drop))
                .and_then(|()| fields.body().map(drop));
            let Misfit(text) = misfit.unwrap_err();
            assert!(text.starts_with(expected), "{json}: {text}");
        }
        let Misfit(text) = Fields::read("[]").unwrap_err();
        assert_eq!(text, "the function's result is not a JSON object");
    }
}
