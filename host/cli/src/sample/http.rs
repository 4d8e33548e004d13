//! The samples of front doors: requests, their authorizers, and the messages of WebSocket connections.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use lambkin_trigger::http::HttpSource;
use lambkin_trigger::{Arrival, Place, Sample};
use serde_json::{Value, json};

use super::definition::{FUNCTION, SampleTrigger, Values};
use super::field;
use super::http_fields::DEFAULT_STAGE;

/// The default headers of a request, without those that follow from its body.
const HEADERS: [(&str, &str); 2] = [("Accept", "*/*"), AGENT];
const AGENT: (&str, &str) = ("User-Agent", "sample-client");

/// The path of a request, and what stands for the rest of one.
const SAMPLE_PATH: &str = "path/to/resource";

/// A request to a REST API.
pub fn rest(values: &Values) -> anyhow::Result<SampleTrigger> {
    let settings = rest_api(values);
    let sample = request(values, &stage_prefix(values), api_host(values))?;
    Ok(trigger(values, settings, sample))
}

/// A test of a REST API's method in AWS's console: no client, and no stage in the path.
pub fn rest_test(values: &Values) -> anyhow::Result<SampleTrigger> {
    let settings = rest_api(values);
    let mut sample = request(values, "", api_host(values))?;
    sample.is_test = true;
    sample.fields = values.all(&field::HEADER).to_vec();
    Ok(trigger(values, settings, sample))
}

/// The event of a `TOKEN` authorizer.
pub fn rest_token(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut settings = rest_api(values);
    set_authorizer(&mut settings, json!({ "type": "token" }));
    let mut sample = request(values, &stage_prefix(values), api_host(values))?;
    add_token(values, &mut sample);
    Ok(trigger(values, settings, sample))
}

/// The event of a REST API's `REQUEST` authorizer.
pub fn rest_authorizer(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut settings = rest_api(values);
    set_authorizer(&mut settings, json!({ "type": "request" }));
    let mut sample = request(values, &stage_prefix(values), api_host(values))?;
    add_token(values, &mut sample);
    Ok(trigger(values, settings, sample))
}

/// A request to an HTTP API.
pub fn http(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut settings = http_api(values);
    set(
        &mut settings,
        "payload-format-version",
        values.text(&field::FORMAT),
    );
    let sample = request(values, &stage_prefix(values), api_host(values))?;
    Ok(trigger(values, settings, sample))
}

/// The event of an HTTP API's `REQUEST` authorizer.
pub fn http_authorizer(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut settings = http_api(values);
    let version = values.text(&field::FORMAT);
    let authorizer = json!({
        "type": "request",
        "payload-format-version": version,
        "identity-source": "$request.header.Authorization",
    });
    set_authorizer(&mut settings, authorizer);
    let mut sample = request(values, &stage_prefix(values), api_host(values))?;
    add_token(values, &mut sample);
    Ok(trigger(values, settings, sample))
}

/// A new connection to a WebSocket API.
pub fn connect(values: &Values) -> anyhow::Result<SampleTrigger> {
    let settings = websocket_api(values);
    Ok(trigger(values, settings, connection(values, "CONNECT")?))
}

/// The event of a WebSocket API's authorizer.
pub fn websocket_authorizer(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut settings = websocket_api(values);
    set_authorizer(&mut settings, json!({ "type": "request" }));
    let mut sample = connection(values, "CONNECT")?;
    add_token(values, &mut sample);
    Ok(trigger(values, settings, sample))
}

/// A message on a connection of a WebSocket API.
pub fn message(values: &Values) -> anyhow::Result<SampleTrigger> {
    let mut sample = connection(values, "MESSAGE")?;
    sample.bodies = body(values, true)?;
    let mut settings = websocket_api(values);
    if let Some(action) = sample.bodies.first().and_then(|body| action(body)) {
        set(
            &mut settings,
            "routes",
            json!({ "$connect": FUNCTION, "$default": FUNCTION, action: FUNCTION }),
        );
        drop_function(&mut settings);
    }
    Ok(trigger(values, settings, sample))
}

/// The end of a connection to a WebSocket API.
pub fn disconnect(values: &Values) -> anyhow::Result<SampleTrigger> {
    let settings = websocket_api(values);
    Ok(trigger(values, settings, connection(values, "DISCONNECT")?))
}

/// A request to a function URL.
pub fn function_url(values: &Values) -> anyhow::Result<SampleTrigger> {
    let id = values.text(&field::URL_ID);
    let region = values.text(&field::REGION);
    let settings = json!({ "function": FUNCTION, "url-id": id });
    let sample = request(values, "", format!("{id}.lambda-url.{region}.on.aws"))?;
    Ok(trigger(values, settings, sample))
}

/// A request to a load balancer.
pub fn alb(values: &Values) -> anyhow::Result<SampleTrigger> {
    let has_lists = values.text(&field::MULTI_VALUE) == "true";
    let settings = json!({ "function": FUNCTION, "multi-value-headers": has_lists });
    let suffix = dns_suffix(values, ".elb");
    let mut sample = request(values, "", format!("lambda-alb-1234567890.{suffix}"))?;
    if let Some(arrival) = &mut sample.arrival {
        arrival.scheme = "http";
    }
    Ok(trigger(values, settings, sample))
}

fn trigger(values: &Values, settings: Value, sample: Sample) -> SampleTrigger {
    SampleTrigger {
        // Nothing listens there.
        source: Box::new(HttpSource {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 443)),
            certificate: None,
            place: Place::default(),
        }),
        settings,
        account: values.account(),
        sample,
    }
}

fn rest_api(values: &Values) -> Value {
    let mut settings = api(values);
    if let Some(resource) = resource(values) {
        let route = format!("ANY {}", rooted(resource));
        set(&mut settings, "routes", json!({ route: FUNCTION }));
        drop_function(&mut settings);
    }
    settings
}

fn http_api(values: &Values) -> Value {
    let mut settings = rest_api(values);
    set(&mut settings, "account-id", values.text(&field::ACCOUNT));
    settings
}

fn websocket_api(values: &Values) -> Value {
    api(values)
}

fn api(values: &Values) -> Value {
    json!({
        "function": FUNCTION,
        "stage": values.text(&field::STAGE),
        "api-id": values.text(&field::API_ID),
    })
}

fn set(settings: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(settings) = settings {
        settings.insert(key.to_owned(), value.into());
    }
}

/// Routes take the place of the one function of all requests.
fn drop_function(settings: &mut Value) {
    if let Value::Object(settings) = settings {
        settings.remove("function");
    }
}

/// Gives every route this authorizer, with the function.
fn set_authorizer(settings: &mut Value, mut authorizer: Value) {
    set(&mut authorizer, "function", FUNCTION);
    set(settings, "authorizers", json!({ "sample": authorizer }));
    set(settings, "authorizer", "sample");
}

fn add_token(values: &Values, sample: &mut Sample) {
    let is_given = has_header(sample, "authorization");
    if !is_given || values.given(&field::TOKEN).is_some() {
        let token = values.text(&field::TOKEN);
        sample.fields.push(format!("Authorization: {token}"));
    }
}

/// The first segment of the paths of an API.
fn stage_prefix(values: &Values) -> String {
    match values.text(&field::STAGE) {
        DEFAULT_STAGE => String::new(),
        stage => format!("/{stage}"),
    }
}

fn api_host(values: &Values) -> String {
    let id = values.text(&field::API_ID);
    format!("{id}.execute-api.{}", dns_suffix(values, ""))
}

/// The end of a host name in the region of the sample. `service` follows the region.
fn dns_suffix(values: &Values, service: &str) -> String {
    if let Some(suffix) = values.given(&field::DNS_SUFFIX) {
        return suffix.to_owned();
    }
    let region = values.text(&field::REGION);
    let country = match lambkin_model::partition(region) {
        "aws-cn" => ".cn",
        _ => "",
    };
    format!("{region}{service}.amazonaws.com{country}")
}

/// What happens on a connection to a WebSocket API.
fn connection(values: &Values, action: &str) -> anyhow::Result<Sample> {
    let query = query(values)?;
    let mut sample = Sample {
        trigger: FUNCTION.to_owned(),
        action: Some(action.to_owned()),
        target: Some(with_query(&stage_prefix(values), &query)),
        fields: values.all(&field::HEADER).to_vec(),
        arrival: Some(arrival(values, api_host(values))),
        ..Sample::default()
    };
    add_headers(&mut sample, &[AGENT]);
    Ok(sample)
}

fn request(values: &Values, prefix: &str, host: String) -> anyhow::Result<Sample> {
    let method = values.text(&field::METHOD).to_ascii_uppercase();
    let path = path(values);
    let (path, query) = match path.split_once('?') {
        Some((path, query)) if values.given(&field::QUERY).is_none() => {
            (path.to_owned(), encode(query))
        }
        Some(_) => {
            anyhow::bail!("--path has a query, and --query is another one; give one of them")
        }
        None => (path, query(values)?),
    };
    let bodies = match values.definition().field(field::BODY.name) {
        Some(_) => body(values, matches!(&*method, "POST" | "PUT" | "PATCH"))?,
        None => Vec::new(),
    };
    let mut sample = Sample {
        trigger: FUNCTION.to_owned(),
        action: Some(method),
        target: Some(with_query(&format!("{prefix}{}", encode(&path)), &query)),
        fields: values.all(&field::HEADER).to_vec(),
        bodies,
        arrival: Some(arrival(values, host)),
        ..Sample::default()
    };
    add_headers(&mut sample, &HEADERS);
    if sample.bodies.iter().any(|body| !body.is_empty()) {
        add_headers(&mut sample, &[("Content-Type", "application/json")]);
    }
    Ok(sample)
}

fn arrival(values: &Values, host: String) -> Arrival {
    Arrival {
        scheme: "https",
        host,
        peer: values.text(&field::SOURCE_IP).to_owned(),
    }
}

/// Adds the headers that the user has not given.
fn add_headers(sample: &mut Sample, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        if !has_header(sample, name) {
            sample.fields.push(format!("{name}: {value}"));
        }
    }
}

fn has_header(sample: &Sample, name: &str) -> bool {
    let names = sample
        .fields
        .iter()
        .filter_map(|field| field.split(':').next());
    names
        .into_iter()
        .any(|known| known.trim().eq_ignore_ascii_case(name))
}

/// The body: the one that is given, or the default if there usually is one.
fn body(values: &Values, is_usual: bool) -> anyhow::Result<Vec<Vec<u8>>> {
    let given = values.bodies()?;
    let default = values.text(&field::BODY).as_bytes();
    Ok(match given.is_empty() && is_usual {
        true => vec![default.to_vec()],
        false => given,
    })
}

/// The path that is given, else one that fits the resource.
fn path(values: &Values) -> String {
    if let Some(path) = values.given(&field::PATH) {
        return rooted(path);
    }
    let Some(resource) = resource(values) else {
        return rooted(SAMPLE_PATH);
    };
    let segments = resource.trim_start_matches('/').split('/');
    let filled = segments.map(|segment| {
        let variable = segment
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        match variable {
            Some(greedy) if greedy.ends_with('+') => SAMPLE_PATH,
            Some(name) => name,
            None => segment,
        }
    });
    rooted(&filled.collect::<Vec<_>>().join("/"))
}

/// The resource that is given, unless all requests have the function anyway.
fn resource(values: &Values) -> Option<&str> {
    let default = values.definition().field(field::RESOURCE.name)?.default;
    let given = values.given(&field::RESOURCE);
    given.filter(|resource| *resource != default)
}

fn rooted(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

fn query(values: &Values) -> anyhow::Result<String> {
    let given = values.text(&field::QUERY);
    if !given.starts_with('{') {
        return Ok(encode(given.trim_start_matches('?')));
    }
    let members = field::query_object(given).map_err(anyhow::Error::msg)?;
    let pairs = members
        .iter()
        .map(|(name, value)| format!("{}={}", encode_all(name), encode_all(value)));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

fn with_query(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Percent-encodes what clients do not send in a path or a query; `%` stays.
fn encode(text: &str) -> String {
    encode_unless(text, |byte| {
        byte.is_ascii_graphic() && !b"\"<>#".contains(&byte)
    })
}

/// Percent-encodes all that means something in a query.
fn encode_all(text: &str) -> String {
    encode_unless(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
    })
}

fn encode_unless(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // writing to a String does not fail
        }
    }
    encoded
}

/// The action of a message, if it can be the name of a route.
fn action(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let action = value.get("action")?.as_str()?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_route = !action.is_empty() && action.bytes().all(is_part);
    is_route.then(|| action.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::table::named;

    fn sample(service: &str, kind: &str, fields: &[(&str, &str)]) -> Sample {
        let definition = named(service, kind).unwrap();
        let fields = fields
            .iter()
            .map(|(name, value)| (*name, vec![(*value).to_owned()]));
        let values = Values::read(definition, fields).unwrap();
        (definition.make)(&values).unwrap().sample
    }

    fn target(fields: &[(&str, &str)]) -> String {
        let target = sample("api-gateway-rest", "request", fields).target;
        target.unwrap()
    }

    #[test]
    fn a_path_is_as_clients_send_it_and_fits_the_resource() {
        assert_eq!(target(&[]), "/prod/path/to/resource?foo=bar");
        assert_eq!(
            target(&[("path", "a b/ü%20\"")]),
            "/prod/a%20b/%C3%BC%20%22?foo=bar"
        );
        assert_eq!(target(&[("path", "/a?x=1&y=ä")]), "/prod/a?x=1&y=%C3%A4");
        assert_eq!(
            target(&[("resource", "orders/{id}/{proxy+}"), ("query", "")]),
            "/prod/orders/id/path/to/resource"
        );
        assert_eq!(
            target(&[
                ("querystringparameters", r#"{"a": "b&c", "d": "é"}"#),
                ("path", "/")
            ]),
            "/prod/?a=b%26c&d=%C3%A9"
        );
        let definition = named("api-gateway-http", "request").unwrap();
        let both = [
            ("path", vec!["/a?x".to_owned()]),
            ("query", vec!["y".to_owned()]),
        ];
        let values = Values::read(definition, both).unwrap();
        let error = (definition.make)(&values).unwrap_err().to_string();
        assert!(error.contains("give one of them"), "{error}");
    }

    #[test]
    fn methods_that_usually_have_none_get_no_body() {
        let bodies = |fields| sample("alb", "request", fields).bodies;
        assert_eq!(bodies(&[]), [br#"{"test":"body"}"#.to_vec()]);
        assert!(bodies(&[("method", "get")]).is_empty());
        assert_eq!(
            bodies(&[("method", "GET"), ("body", "é")]),
            ["é".as_bytes()]
        );
    }

    #[test]
    fn headers_that_are_given_replace_the_default_ones() {
        let given = sample("function-url", "request", &[("header", "user-agent: mine")]);
        assert_eq!(
            given.fields,
            [
                "user-agent: mine",
                "Accept: */*",
                "Content-Type: application/json"
            ]
        );
    }

    #[test]
    fn the_action_of_a_message_is_its_route() {
        assert_eq!(action(br#"{"action":"send"}"#).as_deref(), Some("send"));
        for body in [
            &b"text"[..],
            b"{}",
            br#"{"action":7}"#,
            br#"{"action":"$default"}"#,
        ] {
            assert_eq!(action(body), None);
        }
    }
}
