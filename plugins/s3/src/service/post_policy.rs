//! The policy of a form: which uploads it allows, and until when. Its signature is verified in [`super::credentials`].
//!
//! On failure: the form is refused with the error of S3, and the part of the file that was read is discarded.

use plugin_kit::time;
use serde_json::Value;

use super::error::{self, Error, ErrorKind};
use super::form::Form;
use super::limits;
use crate::encoding;

const MALFORMED: ErrorKind = ErrorKind(
    "InvalidPolicyDocument",
    400,
    "Invalid Policy: Invalid JSON.",
);

/// The fields that need no condition in a policy.
const UNCONDITIONAL: [&str; 5] = [
    "policy",
    "x-amz-signature",
    "signature",
    "awsaccesskeyid",
    "file",
];

/// The allowed sizes of a file, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    smallest: u64,
    largest: u64,
}

impl Sizes {
    /// Refuses a file that is too large already.
    pub fn check_so_far(self, size: u64) -> Result<(), Error> {
        if size <= self.largest {
            return Ok(());
        }
        Err(error::ENTITY_TOO_LARGE
            .with("ProposedSize", size.to_string())
            .with("MaxSizeAllowed", self.largest.to_string()))
    }

    /// Refuses a complete file that is too small.
    pub fn check_whole(self, size: u64) -> Result<(), Error> {
        if size >= self.smallest {
            return Ok(());
        }
        Err(error::ENTITY_TOO_SMALL
            .with("ProposedSize", size.to_string())
            .with("MinSizeAllowed", self.smallest.to_string()))
    }
}

/// A condition of a policy.
enum Condition {
    /// A field has this value.
    Equal(String, String),
    /// The value of a field starts with this text.
    StartsWith(String, String),
    /// The size of the file is in this range.
    Size(Sizes),
}

impl Condition {
    /// Reads an item of `conditions`. An object may have several conditions.
    fn read(item: &Value) -> Option<Vec<Self>> {
        if let Some(pairs) = item.as_object() {
            return pairs
                .iter()
                .map(|(name, value)| {
                    let name = name.to_ascii_lowercase();
                    Some(Self::Equal(name, value.as_str()?.to_owned()))
                })
                .collect();
        }
        let [kind, left, right] = item.as_array()?.as_slice() else {
            return None;
        };
        let field = || Some(left.as_str()?.strip_prefix('$')?.to_ascii_lowercase());
        let text = || right.as_str().map(str::to_owned);
        Some(vec![match kind.as_str()?.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal(field()?, text()?),
            "starts-with" => Self::StartsWith(field()?, text()?),
            "content-length-range" => Self::Size(Sizes {
                smallest: number(left)?,
                largest: number(right)?,
            }),
            _ => return None,
        }])
    }

    /// The field that the condition is about.
    fn field(&self) -> &str {
        match self {
            Self::Equal(field, _) | Self::StartsWith(field, _) => field,
            Self::Size(_) => "",
        }
    }

    /// Checks the value of the field.
    fn check(&self, value: &str) -> Result<(), Error> {
        let (kind, field, wanted, holds) = match self {
            Self::Equal(field, wanted) => ("eq", field, wanted, value == wanted),
            Self::StartsWith(field, wanted) => {
                ("starts-with", field, wanted, value.starts_with(wanted))
            }
            Self::Size(_) => return Ok(()),
        };
        if holds {
            return Ok(());
        }
        Err(denied(&format!(
            "Policy Condition failed: [\"{kind}\", \"${field}\", \"{wanted}\"]"
        )))
    }
}

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn denied(why: &str) -> Error {
    error::ACCESS_DENIED.with_message(format!("Invalid according to Policy: {why}"))
}

/// Checks a form against its policy, if it has one. `key` is the key of the object with the name of the file inserted.
pub fn check(form: &Form<'_>, bucket: &str, key: &str, now_ms: u64) -> Result<Sizes, Error> {
    let mut sizes = Sizes {
        smallest: 0,
        largest: limits::MAX_SINGLE_PUT,
    };
    let Some(policy) = form.field("policy") else {
        return Ok(sizes);
    };
    check_signature(form)?;
    let (expires, conditions) = read(policy).ok_or_else(|| MALFORMED.error())?;
    if now_ms / 1000 > expires {
        return Err(denied("Policy expired."));
    }
    for condition in &conditions {
        if let Condition::Size(wanted) = condition {
            sizes = *wanted;
        }
        condition.check(match condition.field() {
            "bucket" => bucket,
            "key" => key,
            field => form.field(field).unwrap_or_default(),
        })?;
    }
    let is_extra = |name: &&str| {
        !UNCONDITIONAL.contains(name)
            && !name.starts_with("x-ignore-")
            && !conditions
                .iter()
                .any(|condition| condition.field() == *name)
    };
    let extra: Vec<&str> = form.names().filter(is_extra).collect();
    if extra.is_empty() {
        return Ok(sizes);
    }
    Err(denied(&format!("Extra input fields: {}", extra.join(", "))))
}

/// Checks that a form with a policy has all fields of a signature.
fn check_signature(form: &Form<'_>) -> Result<(), Error> {
    const VERSION_2: [&str; 2] = ["AWSAccessKeyId", "Signature"];
    const VERSION_4: [&str; 4] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Signature",
    ];
    let lacks = |name: &&&str| form.field(&name.to_ascii_lowercase()).is_none();
    let needed = if VERSION_2.iter().all(|name| lacks(&name)) {
        VERSION_4.as_slice()
    } else {
        VERSION_2.as_slice()
    };
    match needed.iter().find(lacks) {
        None => Ok(()),
        Some(name) => Err(error::invalid_argument(
            *name,
            "",
            format!(
                "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the \
                 fields."
            ),
        )),
    }
}

/// The expiration of a policy in seconds since 1970, and its conditions.
fn read(policy: &str) -> Option<(u64, Vec<Condition>)> {
    let policy: Value = serde_json::from_slice(&encoding::from_base64(policy.trim())?).ok()?;
    let expires = time::parse(policy.get("expiration")?.as_str()?)?;
    let conditions = policy.get("conditions")?.as_array()?;
    let read: Option<Vec<_>> = conditions.iter().map(Condition::read).collect();
    Some((expires, read?.into_iter().flatten().collect()))
}
