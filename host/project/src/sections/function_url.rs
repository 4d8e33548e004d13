//! `AWS::Lambda::Url` → triggers of the plugin `function-url`.
//!
//! On failure: a URL of a function that is not one of the project's is refused.

use crate::context::Context;
use crate::document::{Document, Item};
use crate::resource::{Resource, Stack};

use super::door::{self, Door};
use super::{cors, reference};

/// Writes a trigger for a URL.
pub fn write(context: &Context, stack: &Stack, url: &Resource, document: &mut Document) {
    let Some(target) = url.get("TargetFunctionArn") else {
        let message = format!("the URL {} has no TargetFunctionArn", url.id);
        context.report.refuse(url.place, message);
        return;
    };
    let mut invoked = match reference::invoked(stack, document, target, &[]) {
        Ok(invoked) => invoked.function,
        Err(why) => {
            let subject = format!("the URL {}", url.id);
            why.tell(context, target.place, &subject, "it is not served");
            return;
        }
    };
    if let Some(qualifier) = url.properties.text_of("Qualifier")
        && !invoked.contains(':')
    {
        invoked = format!("{invoked}:{qualifier}");
    }
    let mut table = door::table(context, document, Door::FunctionUrl);
    table.set("function", invoked, target.place);
    for (property, key, default) in [
        ("AuthType", "auth-type", "NONE"),
        ("InvokeMode", "invoke-mode", "BUFFERED"),
    ] {
        let Some(value) = url.get(property) else {
            continue;
        };
        if let Some(text) = value.as_text()
            && text != default
        {
            table.set(key, Item::Text(text.into_owned()), value.place);
        }
    }
    if let Some(value) = url.get("Cors")
        && let Some(cors) = cors::table(context, &format!("the URL {}", url.id), value)
    {
        table.set("cors", cors, value.place);
    }
    door::add(document, url, table);
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::triggers;

    #[test]
    fn a_url_is_a_trigger() {
        let written = triggers(
            "
u:
  Type: AWS::Lambda::Url
  Properties: {TargetFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f', AuthType: NONE}
v:
  Type: AWS::Lambda::Url
  Properties:
    TargetFunctionArn: g
    Qualifier: $LATEST
    AuthType: AWS_IAM
    InvokeMode: RESPONSE_STREAM
    Cors: {AllowOrigins: ['*'], AllowMethods: [GET], AllowHeaders: ['*'], MaxAge: 5, ExposeHeaders: [x-a]}
a:
  Type: AWS::Lambda::Alias
  Properties: {FunctionName: g, FunctionVersion: '1', Name: live}
",
        );
        assert_eq!(
            written.text,
            r#"[triggers.f-url]
plugin = "function-url"
listen = "127.0.0.1:3000"
function = "f"

[triggers.g-url]
plugin = "function-url"
listen = "127.0.0.1:3003"
function = "g:$LATEST"
auth-type = "AWS_IAM"
invoke-mode = "RESPONSE_STREAM"

[triggers.g-url.cors]
allow-origins = ["*"]
allow-methods = ["GET"]
allow-headers = ["*"]
expose-headers = ["x-a"]
max-age = 5
"#
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let written = triggers(
            "
u:
  Type: AWS::Lambda::Url
  Properties: {TargetFunctionArn: h, AuthType: NONE, Cors: {AllowMethods: [GET]}}
v:
  Type: AWS::Lambda::Url
  Properties: {TargetFunctionArn: f, AuthType: NONE, Cors: {AllowMethods: [GET]}}
",
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:4:35: the URL u invokes the function h, which is not one of the project's functions: it is \
              not served"
            ]
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:7:60: the CORS configuration of the URL v allows no origin, so it has no effect"
            ]
        );
    }
}
