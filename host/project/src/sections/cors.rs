//! The table `cors` of HTTP APIs and function URLs.
//!
//! Contract: `AWS::ApiGatewayV2::Api.CorsConfiguration`, `AWS::Lambda::Url.Cors` and `x-amazon-apigateway-cors` have the
//! same members, the last in lower camel case. Values are checked by the plugin, which has AWS's rules.
//!
//! On failure: values that exist on AWS only are left out with a note.

use crate::context::Context;
use crate::document::{Item, Table};
use crate::value::Value;

use super::read;

/// The lists of a CORS configuration: their names on AWS, and in lambkin.toml.
const LISTS: [([&str; 2], &str); 4] = [
    (["AllowOrigins", "allowOrigins"], "allow-origins"),
    (["AllowMethods", "allowMethods"], "allow-methods"),
    (["AllowHeaders", "allowHeaders"], "allow-headers"),
    (["ExposeHeaders", "exposeHeaders"], "expose-headers"),
];

/// The table, if browsers get anything from it.
#[must_use]
pub fn table(context: &Context, of: &str, cors: &Value) -> Option<Table> {
    let mut table = Table::default();
    for (keys, key) in LISTS {
        let Some(value) = read::one_of(cors, &keys) else {
            continue;
        };
        let items = read::texts(context, &format!("{} of {of}", keys[0]), value);
        if !items.is_empty() {
            table.set(key, items, value.place);
        }
    }
    if let Some(value) = read::one_of(cors, &["MaxAge", "maxAge"])
        && let Some(age) = value.as_integer()
    {
        table.set("max-age", age, value.place);
    }
    if let Some(value) = read::one_of(cors, &["AllowCredentials", "allowCredentials"])
        && value.as_bool() == Some(true)
    {
        table.set("allow-credentials", true, value.place);
    }
    if !matches!(table.get("allow-origins"), Some(Item::List(_))) {
        let message =
            format!("the CORS configuration of {of} allows no origin, so it has no effect");
        context.report.note(cors.place, message);
        return None;
    }
    Some(table)
}
