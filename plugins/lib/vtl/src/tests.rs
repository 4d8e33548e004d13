//! Templates and what they write.

#![allow(clippy::unwrap_used, reason = "a test panics if it fails")]

use alloc::string::String;

use crate::{Params, Scope, Template, Value};

fn scope(body: &str) -> Scope<'_> {
    let texts = |pairs: &[(&str, &str)]| {
        Value::map(
            pairs
                .iter()
                .map(|(name, value)| (*name, Value::text(*value))),
        )
    };
    let override_of = |names: &[&str]| Value::map(names.iter().map(|name| (*name, texts(&[]))));
    let context = Value::map([
        ("requestId", Value::text("r1")),
        ("identity", texts(&[("sourceIp", "127.0.0.1")])),
        (
            "requestOverride",
            override_of(&["header", "path", "querystring"]),
        ),
        ("responseOverride", override_of(&["header"])),
    ]);
    let params = Params {
        path: texts(&[("id", "7")]),
        querystring: texts(&[("q", "a b"), ("id", "8")]),
        header: texts(&[("X-Name", "é\"/'")]),
    };
    Scope::new(body, params, context, texts(&[("stage", "dev")]))
}

fn render_with(template: &str, body: &str) -> Result<String, String> {
    let template = Template::parse(template).map_err(|error| format!("{error}"))?;
    template
        .render(&scope(body))
        .map_err(|error| format!("{error}"))
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let body = r#"{"a":{"b":[1,2.50,"x"],"c":null,"d":true},"e":"é\"","list":[{"n":1},{"n":2}]}"#;
    for (template, expected) in cases {
        let rendered = render_with(template, body);
        assert_eq!(rendered.as_deref(), Ok(*expected), "{template}");
    }
}

#[test]
fn references_are_written() {
    check(&[
        (
            "$context.requestId|${context.requestId}x|$!context.requestId",
            "r1|r1x|r1",
        ),
        ("$context.identity.sourceIp.", "127.0.0.1."),
        (
            "[$context.authorizer.none][$!none][$none][${none}]",
            "[][][$none][${none}]",
        ),
        ("$stageVariables.stage $stageVariables['stage']", "dev dev"),
        (
            "costs $5, $ 5, $$ and #fff, a#b, #1",
            "costs $5, $ 5, $$ and #fff, a#b, #1",
        ),
        (
            r"\$context.requestId \#set( a\nb",
            r"$context.requestId #set( a\nb",
        ),
        ("$input.body.length()", "77"),
        ("#[[$context.requestId #if]]#", "$context.requestId #if"),
    ]);
}

#[test]
fn input_reads_the_body_and_the_parameters() {
    check(&[
        ("$input.json('$.a.b')", r#"[1,2.5,"x"]"#),
        ("$input.json('$.e') $input.json('a.d')", r#""é\"" true"#),
        ("$input.json('$.none')|$input.path('$.none')|", "\"\"||"),
        ("$input.path('$.a')", r#"{b=[1,2.5,"x"], c=null, d=true}"#),
        (
            "$input.path('$.a').b[1] $input.path('$').a.b.get(-0)",
            "2.5 1",
        ),
        (
            "$input.path('$.list[*].n') $input.path('$..n') $input.path(\"$['list'][1]['n']\")",
            "[1,2] [1,2] 2",
        ),
        (
            "$input.json('$.a.b[0:2]') $input.json('$.a.b[-1]') $input.json('$.a.b[0,2]')",
            r#"[1,2.5] "x" [1,"x"]"#,
        ),
        (
            "$input.params('id') $input.params('q') $input.params('x-name') [$input.params('none')]",
            "7 a b é\"/' []",
        ),
        (
            "$input.params().querystring.id $input.params().get('path')",
            "8 {id=7}",
        ),
    ]);
    let nothing = render_with("$input.body $input.json('$')", "");
    assert_eq!(nothing.as_deref(), Ok("{} {}"));
    let broken = Template::parse("\n$input.json('$')").unwrap();
    let error = broken.render(&scope("{")).unwrap_err();
    assert!(error.is_body && error.line == 2, "{error}");
    assert!(
        error
            .message
            .starts_with("Could not parse request body into json"),
        "{error}"
    );
}

#[test]
fn util_encodes_and_decodes() {
    check(&[
        (
            "$util.escapeJavaScript($input.params('X-Name'))",
            "\\u00E9\\\"\\/\\'",
        ),
        (
            "$util.escapeJavaScript('x').replaceAll(\"\\\\'\",\"'\")",
            "x",
        ),
        (
            "$util.escapeJavaScript(\"it's\").replaceAll(\"\\\\'\",\"'\")",
            "it's",
        ),
        (
            "$util.urlEncode('a b+é/*') $util.urlDecode('a+b%2B%C3%A9')",
            "a+b%2B%C3%A9%2F* a b+é",
        ),
        (
            "$util.base64Encode('é') $util.base64Decode('w6k=')",
            "w6k= é",
        ),
        ("$util.parseJson('{\"a\":[1]}').a[0]", "1"),
    ]);
    let error = render_with("\n\n$util.parseJson('{')", "{}").unwrap_err();
    assert!(
        error.starts_with("line 3: $util.parseJson got a text that is not JSON"),
        "{error}"
    );
}

#[test]
fn variables_are_set_and_keep_their_value_if_null() {
    check(&[
        ("#set($a = 'x')$a#set($a = $input.path('$.a').none)$a", "xx"),
        (
            "#set( $a = \"v-$context.requestId-${stageVariables.stage}\" )\n$a",
            "v-r1-dev",
        ),
        (
            "#set($a = '$context')$a #set($b = 'it''s')$b #[[ ]]##set($c = \"a \"\"b\"\"\")$c",
            "$contextit'sa \"b\"",
        ),
        (
            "  #set($a = {'k': [1, 2], \"l\": {}})\n$a.k[1] $a.l $a",
            "2 {} {k=[1, 2], l={}}",
        ),
        (
            "#set($a = {})#set($a.b = 1)#set($a['c'] = 2)#set($x = $a.put('d', 3))$a $a.d",
            "{b=1, c=2, d=3} 3",
        ),
        ("#set($a = [1..3])#set($a[0] = 9)$a", "[9, 2, 3]"),
        (
            "#set($a = [3..1])$a.size() $a.isEmpty() $a.contains(2) $a.subList(1, 3)",
            "3 false true [2, 1]",
        ),
    ]);
}

#[test]
fn operators_have_their_order() {
    check(&[
        ("#set($a = 1 + 2 * 3 - 4 / 2 % 2)$a", "7"),
        (
            "#set($a = (1 + 2) * -3)$a #set($b = 7 / 2)$b #set($c = 7 / 2.0)$c #set($d = 1 / 0)[$!d]",
            "-933.5[]",
        ),
        ("#set($a = 'n' + 1)$a", "n1"),
        (
            "#if(1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2)yes#end",
            "yes",
        ),
        ("#if(1 lt 2 and not (2 gt 3) or false)yes#end", "yes"),
        (
            "#if('400' == 400 && $input.path('$.a.d') == true)yes#end",
            "yes",
        ),
        ("#if(!$none || false)yes#{else}no#{end}", "yes"),
        (
            "#if($input.path('$.none') == '')empty#elseif(true)other#end",
            "empty",
        ),
        ("#if('')true#end#if($input.path('$.a').none)x#end", "true"),
    ]);
}

#[test]
fn branches_and_loops_leave_out_their_lines() {
    check(&[
        (
            "a\n#if(true)\nb\n#elseif(true)\nc\n#else\nd\n#end\ne",
            "a\nb\ne",
        ),
        ("#if(false)a#elseif(false)b#{else}c#end", "c"),
        (
            "#foreach($i in $input.path('$.list'))$i.n:$foreach.index:$foreach.count:$velocityCount#if($foreach.hasNext),#end#end",
            "1:0:1:1,2:1:2:2",
        ),
        (
            "#foreach($k in $input.path('$.a').keySet())$k #end#set($m = {'x': 1})#foreach($e in $m.entrySet())$e.key=$e.value#end",
            "b c d x=1",
        ),
        ("#foreach($v in {'x': 1, 'y': 2})$v#end|$!v", "12|"),
        (
            "#foreach($a in [1, 2])#foreach($b in [1, 2])$a$b$foreach.parent.index #end#end",
            "110 120 211 221 ",
        ),
        (
            "#foreach($a in [1..9])#if($a == 3)#break#end$a#end after",
            "12 after",
        ),
        ("a #stop b", "a "),
        (
            "#foreach($a in [1..2000])#set($n = $foreach.count)#end$n",
            "1000",
        ),
        ("a ## comment $none\nb #* two\nlines *#c", "a b c"),
    ]);
}

#[test]
fn methods_are_those_of_java() {
    check(&[
        (
            "#set($t = ' Abc,d ')$t.trim().toLowerCase().split(',').size() $t.trim().substring(1, 3) $t.indexOf('c') $t.length()",
            "2 bc 3 7",
        ),
        (
            "#set($t = 'abc')$t.contains('b') $t.startsWith('b') $t.replace('b', '-') $t.matches('[a-c]+')",
            "true false a-c true",
        ),
        (
            "#set($t = 'a|b.c')$t.split('\\|').size() $t.split('[|.]').size() $t.replaceAll('\\.', '-')",
            "2 3 a|b-c",
        ),
        ("#set($t = 'ab')$t.replaceAll('(.)', '$1$1')", "aabb"),
        (
            "#set($i = 0)$i.parseInt('12') #set($n = $i.parseInt('2') + 1)$n",
            "123",
        ),
        (
            "#set($l = [])$l.add('a') #set($x = $l.add(0, 'b'))$l $l.indexOf('a')",
            "true[b, a] 1",
        ),
        (
            "#set($m = {'a': 1})$m.containsKey('a') $m.remove('a') $m.isEmpty() $m.getOrDefault('b', 2)",
            "true 1 true 2",
        ),
    ]);
}

#[test]
fn a_template_changes_what_is_sent() {
    let template = "#set($context.responseOverride.status = 404)\n\
        #set($name = 'X-A')#set($context.responseOverride.header[$name] = 'b')\
        $context.responseOverride.header.put('X-C', 'd')";
    let scope = scope("{}");
    let template = Template::parse(template).unwrap();
    assert_eq!(template.render(&scope).as_deref(), Ok(""));
    let sent = scope.context.member("responseOverride");
    assert_eq!(
        sent.to_json(),
        r#"{"header":{"X-A":"b","X-C":"d"},"status":404}"#
    );
}

#[test]
fn what_is_not_supported_is_refused_with_its_line() {
    for (template, line, part) in [
        ("a\n#macro(x)#end", 2, "`#macro` is not supported"),
        ("\n\n#parse('x')", 3, "there are #set, #if"),
        ("#foreech($a in $b)#end", 1, "did you mean `#foreach`?"),
        ("#if(true)", 1, "`#if` has no `#end`"),
        ("a\n#foreach($a in [])\n\n", 2, "`#foreach` has no `#end`"),
        ("#end", 1, "without `#if`"),
        ("\n$input.jsn('$')", 2, "did you mean `json`?"),
        (
            "$input.headers",
            1,
            "$input.body and the functions json, path, params",
        ),
        ("$input.params", 1, "did you mean `$input.params(…)`?"),
        (
            "\n$!{util.escapeJavascript}",
            2,
            "did you mean `$util.escapeJavaScript(…)`?",
        ),
        (
            "#if($context.requestID)a#end",
            1,
            "`$context.requestID` does not exist; did you mean `$context.requestId`?",
        ),
        ("\n$context.identity.foo", 2, "there are accessKey"),
        (
            "#set($context.responseOverride.statusCode = 1)",
            1,
            "did you mean `$context.responseOverride.status`?",
        ),
        ("$util.toJson($a)", 1, "those of $util are escapeJavaScript"),
        ("$a.getClass()", 1, "is not supported"),
        ("$input.path('$.a[?(@.b == 1)]')", 1, "is not supported"),
        (
            "$input.path('$.a.length()')",
            1,
            "functions are not supported",
        ),
        ("#set($a = )", 1, "is not a value"),
        ("#set($a 1)", 1, "`#set` needs `=`"),
        ("#if(true) #* open", 1, "has no `*#`"),
        ("#set($a = 'x)", 1, "has no ' at its end"),
        ("#set($a = 99999999999999999999)", 1, "64 bits"),
        ("${a.b", 1, "has no `}`"),
    ] {
        let error = Template::parse(template).unwrap_err();
        assert_eq!(error.line, line, "{template}: {error}");
        assert!(error.message.contains(part), "{template}: {error}");
    }
    let deep = "#if(true)".repeat(100);
    assert!(
        Template::parse(&deep)
            .unwrap_err()
            .message
            .contains("nested")
    );
    let deep = format!("#set($a = {}1", "[".repeat(100_000));
    assert!(
        Template::parse(&deep)
            .unwrap_err()
            .message
            .contains("nested")
    );
}

#[test]
fn limits_end_a_template() {
    let thousand = "#foreach($a in [1..1000])";
    let slow = format!("{thousand}{thousand}x#end#end");
    assert!(
        render_with(&slow, "{}")
            .unwrap_err()
            .contains("200000 steps")
    );
    let long = format!(
        "#set($t = '{}'){thousand}{thousand}$t#end#end",
        "x".repeat(100)
    );
    assert!(
        render_with(&long, "{}")
            .unwrap_err()
            .contains("6291456 bytes")
    );
    let itself = "#set($a = {})#set($a.self = $a)$a";
    assert!(render_with(itself, "{}").unwrap().contains('…'));
}

/// A template with everything that there is.
const EVERYTHING: &str = r##"#set($a = {'k': [1, 2.5, -3], "l": "x $context.requestId"})#* c *#
#foreach($i in [1..3])#if($foreach.hasNext && $i != 2)${i}#elseif(!($i >= 3))$!none#{else}#break#end#end## end
$input.json("$..n") $input.path('$.a.b[0:2]').get(0).toString() $input.params().header.get('X-Name')
$util.urlEncode($a.l.substring(0, 1)) #[[ $raw ]]# \$a $a.k[-1] $a['k'].size() $stageVariables.stage#stop"##;

#[test]
fn a_template_with_a_mistake_anywhere_is_refused_or_rendered() {
    let body = r#"{"a":{"b":[1,2]},"list":[{"n":1}]}"#;
    assert!(render_with(EVERYTHING, body).is_ok());
    let mut refused = 0;
    for (at, char) in EVERYTHING.char_indices() {
        let (before, after) = EVERYTHING.split_at(at);
        let rest = after.get(char.len_utf8()..).unwrap();
        for changed in [
            before.to_owned(),
            after.to_owned(),
            format!("{before}{rest}"),
            format!("{before}${{{after}"),
            format!("{before}é#({rest}"),
        ] {
            refused += usize::from(render_with(&changed, body).is_err());
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_json_path_with_a_mistake_anywhere_is_refused_or_followed() {
    let body = Value::from_json(r#"{"a":{"b":[1,2]},"list":[{"n":1}]}"#).unwrap();
    let path = "$.a['b'][0,1]..list[-1:][*].n.*";
    for (at, char) in path.char_indices() {
        let (before, after) = path.split_at(at);
        let rest = after.get(char.len_utf8()..).unwrap();
        for changed in [
            before.to_owned(),
            format!("{before}{rest}"),
            format!("{before}é{after}"),
        ] {
            // Whatever the result is, it is one.
            let _ = crate::find(&body, &changed);
        }
    }
    assert!(crate::find(&body, "$[?(@.a)]").is_err());
}
