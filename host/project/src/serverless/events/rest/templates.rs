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
    let form = "#set($form = $input.path('$'))\n#set($body = '{')\n#set($comma = '')\n#foreach($pair in $form.split('&'))\n\
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
        text.push_str(&format!(
            "#set($map = {source})\n\"{name}\": {{#foreach($key in $map.keySet())\"$util.escapeJavaScript($key)\": \
             \"$util.escapeJavaScript($map.get($key)).replaceAll(\"\\\\'\", \"'\")\"#if($foreach.hasNext), #end#end}},\n"
        ));
    }
    text.push_str("\"requestPath\": \"$context.resourcePath\"\n}\n");
    text
}
