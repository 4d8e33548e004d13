//! The event that `integration: lambda` gives to a function, as templates.

/// Members of the event that are maps of texts, with what they are made of.
const MAPS: [(&str, &str); 6] = [
    ("enhancedAuthContext", "$context.authorizer"),
    ("headers", "$input.params().header"),
    ("query", "$input.params().querystring"),
    ("path", "$input.params().path"),
    ("identity", "$context.identity"),
    ("stageVariables", "$stageVariables"),
];

/// The templates by content type. `claims` are those of a token that the function gets besides `sub`.
pub fn requests(claims: &[String]) -> [(&'static str, String); 2] {
    let json = "#set($body = $input.json('$'))\n".to_owned();
    // Every pair is written behind a comma, apart from the first.
    let form = "#set($form = $input.body)\n#set($body = '{')\n#set($comma = '')\n#foreach($pair in $form.split('&'))\n\
                #set($sides = $pair.split('='))\n#if($sides.size() > 0)\n#set($name = $util.escapeJavaScript($util.urlDecode($sides[0])))\n\
                #set($text = '')\n#if($sides.size() > 1)\n#set($text = \
                $util.escapeJavaScript($util.urlDecode($sides[1])).replaceAll(\"\\\\'\", \"'\"))\n#end\n\
                #set($body = $body + $comma + '\"' + $name + '\": \"' + $text + '\"')\n#set($comma = ', ')\n#end\n#end\n\
                #set($body = $body + '}')\n"
        .to_owned();
    [
        ("application/json", json + &event(claims)),
        ("application/x-www-form-urlencoded", form + &event(claims)),
    ]
}

fn event(claims: &[String]) -> String {
    let mut text = "{\n\"body\": $body,\n\"method\": \"$context.httpMethod\",\n\
                    \"principalId\": \"$context.authorizer.principalId\",\n\"stage\": \"$context.stage\",\n\
                    \"cognitoPoolClaims\": {"
        .to_owned();
    for claim in claims {
        match claim.split_once(':') {
            Some((_, name)) => text.push_str(&format!(
                "\"{name}\": \"$context.authorizer.claims['{claim}']\", "
            )),
            None => text.push_str(&format!(
                "\"{claim}\": \"$context.authorizer.claims.{claim}\", "
            )),
        }
    }
    text.push_str("\"sub\": \"$context.authorizer.claims.sub\"},\n");
    for (name, source) in MAPS {
        // Each has a variable of its own, as a value that is not there leaves a variable as it is.
        text.push_str(&format!(
            "#set($map_{name} = {source})\n\"{name}\": {{#foreach($key in $map_{name}.keySet())\"$util.escapeJavaScript($key)\": \
             \"$util.escapeJavaScript($map_{name}.get($key)).replaceAll(\"\\\\'\", \"'\")\"#if($foreach.hasNext), #end#end}},\n"
        ));
    }
    text.push_str("\"requestPath\": \"$context.resourcePath\"\n}\n");
    text
}

#[cfg(test)]
mod tests {
    use vtl::{Params, Scope, Template, Value};

    use super::requests;

    /// What the template for a content type makes of a body.
    fn event(content_type: &str, body: &str, claims: &[&str]) -> serde_json::Value {
        let texts = |pairs: &[(&str, &str)]| {
            Value::map(
                pairs
                    .iter()
                    .map(|(name, value)| (*name, Value::text(*value))),
            )
        };
        let claims: Vec<String> = claims.iter().map(|claim| (*claim).to_owned()).collect();
        let templates = requests(&claims);
        let (_, template) = templates
            .iter()
            .find(|(kind, _)| *kind == content_type)
            .unwrap();
        let params = Params {
            path: texts(&[("id", "7")]),
            querystring: texts(&[("q", "it's"), ("r", "\"b\"")]),
            header: texts(&[("Accept", "*/*")]),
        };
        let authorizer = Value::map([
            ("principalId", Value::text("me")),
            (
                "claims",
                texts(&[("sub", "s"), ("email", "a@b"), ("custom:team", "t")]),
            ),
        ]);
        let context = Value::map([
            ("httpMethod", Value::text("POST")),
            ("stage", Value::text("dev")),
            ("resourcePath", Value::text("/items/{id}")),
            ("identity", texts(&[("sourceIp", "127.0.0.1")])),
            ("authorizer", authorizer),
        ]);
        let variables = texts(if claims.is_empty() {
            &[]
        } else {
            &[("alias", "live")]
        });
        let scope = Scope::new(body, params, context, variables);
        let text = Template::parse(template).unwrap().render(&scope).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn an_event_has_the_request_in_its_members() {
        let event = event(
            "application/json",
            r#"{"a": [1, "x"]}"#,
            &["email", "custom:team"],
        );
        assert_eq!(event["body"], serde_json::json!({"a": [1, "x"]}));
        assert_eq!(event["method"], "POST");
        assert_eq!(event["principalId"], "me");
        assert_eq!(event["stage"], "dev");
        assert_eq!(
            event["cognitoPoolClaims"],
            serde_json::json!({"email": "a@b", "team": "t", "sub": "s"})
        );
        assert_eq!(event["headers"], serde_json::json!({"Accept": "*/*"}));
        assert_eq!(
            event["query"],
            serde_json::json!({"q": "it's", "r": "\"b\""})
        );
        assert_eq!(event["path"], serde_json::json!({"id": "7"}));
        assert_eq!(event["identity"]["sourceIp"], "127.0.0.1");
        assert_eq!(
            event["stageVariables"],
            serde_json::json!({"alias": "live"})
        );
        assert_eq!(event["requestPath"], "/items/{id}");
    }

    #[test]
    fn a_form_is_a_map() {
        let kind = "application/x-www-form-urlencoded";
        let form = event(kind, "a=1&b=x%20%22y%22&c=it's&d", &[]);
        assert_eq!(
            form["body"],
            serde_json::json!({"a": "1", "b": "x \"y\"", "c": "it's", "d": ""})
        );
    }
}
