//! The keys for the account and the region.

use lambkin_lambda::Account;

use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};

pub const KEYS: &[Key] = &[
    Key::with_default(
        "region",
        Kind::Text,
        "\"us-east-1\"",
        "The AWS region in ARNs and in the variables of functions.",
    ),
    Key::with_default(
        "account",
        Kind::Text,
        "\"123456789012\"",
        "The AWS account in ARNs: twelve digits.",
    ),
    Key::with_default(
        "service-endpoints",
        Kind::Flag,
        "true",
        "Whether functions receive the addresses of the services and of the Invoke API, and credentials for them.",
    ),
];

const REGION: &str = "us-east-1";
/// The account if none is configured.
pub const ACCOUNT: &str = "123456789012";

/// Whether a text is the id of an account.
pub fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads the account and the region. Mistakes are reported.
pub fn read(root: &mut Reader<'_>, diagnostics: &Diagnostics) -> Account {
    let region = root
        .text("region")
        .map_or(REGION.to_owned(), |region| region.value);
    let id = match root.text("account") {
        Some(id) if is_account(&id.value) => id.value,
        Some(id) => {
            let message = format!("must be twelve digits, not {:?}", id.value);
            diagnostics.add(id.span, &id.key, message);
            ACCOUNT.to_owned()
        }
        None => ACCOUNT.to_owned(),
    };
    Account { region, id }
}
