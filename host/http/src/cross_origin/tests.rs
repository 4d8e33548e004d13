//! The rules as tables.

use super::*;

fn allowlist(hosts: &[&str], origins: &[&str], settings: Settings) -> Allowlist {
    Allowlist::new(
        hosts
            .iter()
            .map(|host| HostPattern::parse(host).unwrap())
            .collect(),
        origins
            .iter()
            .map(|origin| OriginPattern::parse(origin).unwrap())
            .collect(),
        settings,
    )
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request = request.header(*name, value);
    }
    request.body(()).unwrap()
}

fn check_host(allowlist: &Allowlist, host: &str) -> Result<(), Refusal> {
    let rules = CrossOrigin::new(allowlist.clone(), ForeignPages::Accepted);
    rules.check(&mut request("GET", "/", &[("host", host)]))
}

#[test]
fn hosts_are_addresses_and_names_that_no_foreign_site_can_have() {
    let none = Allowlist::default();
    for host in [
        "127.0.0.1",
        "127.0.0.1:9001",
        "192.168.1.5:80",
        "0.0.0.0:9001",
        "127.0.0.1.",
        "127.1:9001",
        "0x7f.0.0.1",
        "2130706433",
        "[::1]",
        "[::1]:9001",
        "[::ffff:127.0.0.1]:9001",
        "[fe80::1%25eth0]:9001",
        "::1",
        "localhost",
        "localhost:9001",
        "LocalHost:9001",
        "localhost.:9001",
        "localhost:",
        "photos.localhost:9000",
        "my.site.s3.localhost",
        "lambkin:9001",
        "my_service:9001",
        "app.test",
        "app.Test.:80",
        "box.local",
        "host.docker.internal:9001",
        "queue.example",
        "photos.s3.amazonaws.com",
        "photos.s3.eu-west-1.AMAZONAWS.com:443",
        "sqs.cn-north-1.amazonaws.com.cn",
        "sqs.eusc-de-east-1.amazonaws.eu",
        "lambda.us-east-1.api.aws",
        "abc.lambda-url.us-east-1.on.aws",
    ] {
        assert_eq!(check_host(&none, host), Ok(()), "{host}");
    }
    for host in [
        "evil.com",
        "evil.com:9001",
        "EVIL.com.",
        "127.0.0.1.evil.com",
        "127.0.0.1.nip.io:9001",
        "localhost.evil.com",
        "evillocalhost.com",
        "test.evil.com",
        "amazonaws.com.evil.com",
        "evilamazonaws.com",
        "amazonaws.com.cn.evil.com",
        "a.b-test",
        ".localhost.com",
        "1.2.3.x",
    ] {
        let name = host.split(':').next().unwrap().trim_end_matches('.');
        let refusal = Err(Refusal::Host(name.to_ascii_lowercase()));
        assert_eq!(check_host(&none, host), refusal, "{host}");
    }
    for host in [
        "",
        ":9001",
        ".",
        "a b",
        "localhost:80:90",
        "localhost:http",
        "localhost:123456",
        "localhost@evil.com",
        "http://localhost",
        "localhost/",
        "[::1",
        "[::1]9001",
        "[::g]:1",
        "[]",
        "localhost, evil.com",
        "caf\u{e9}",
    ] {
        let refusal = check_host(&none, host);
        assert!(
            matches!(refusal, Err(Refusal::InvalidHost(_))),
            "{host:?}: {refusal:?}"
        );
    }
}

#[test]
fn a_host_in_the_target_is_checked_as_well() {
    let rules = CrossOrigin::new(Allowlist::default(), ForeignPages::Accepted);
    for (target, host, passes) in [
        ("http://localhost:9001/x", "127.0.0.1", true),
        ("http://evil.com/x", "localhost", false),
        ("http://localhost/x", "evil.com", false),
        ("evil.com:443", "localhost", false),
    ] {
        let mut request = request("GET", target, &[("host", host)]);
        assert_eq!(rules.check(&mut request).is_ok(), passes, "{target} {host}");
    }
    let two = [("host", "localhost"), ("host", "evil.com")];
    assert!(rules.check(&mut request("GET", "/", &two)).is_err());
    // HTTP/1.0
    assert!(rules.check(&mut request("GET", "/", &[])).is_ok());
}

#[test]
fn the_operator_allows_hosts() {
    let some = allowlist(
        &["Lambkin.Corp.dev", "*.preview.app", "lan."],
        &[],
        Settings::File,
    );
    for (host, passes) in [
        ("lambkin.corp.dev", true),
        ("lambkin.CORP.dev.:80", true),
        ("x.lambkin.corp.dev", false),
        ("corp.dev", false),
        ("a.preview.app", true),
        ("a.b.preview.app", true),
        ("preview.app", false),
        (".preview.app", false),
        ("evilpreview.app", false),
    ] {
        assert_eq!(check_host(&some, host).is_ok(), passes, "{host}");
    }
    let all = allowlist(&["*"], &[], Settings::File);
    assert_eq!(check_host(&all, "evil.com"), Ok(()));
    for text in [
        "",
        "*.",
        "*.*.com",
        "a.*.com",
        "*a.com",
        "http://a.com",
        "a.com:80",
        "a.com/",
        "a..com",
        "[::1]",
    ] {
        let error = HostPattern::parse(text).unwrap_err();
        assert!(error.contains("is not a host name"), "{text}: {error}");
    }
}

const SQS: (&str, &str) = ("host", "localhost:9324");
const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");

/// Checks a request without the marking of `ForeignPages`.
fn check_page(
    allowlist: &Allowlist,
    method: &str,
    headers: &[(&str, &str)],
) -> Result<(), Refusal> {
    let rules = CrossOrigin::new(allowlist.clone(), ForeignPages::Refused);
    rules.check(&mut request(method, "/", headers))
}

#[test]
fn pages_of_this_machine_are_accepted_and_others_are_not() {
    let none = Allowlist::default();
    for (origin, passes) in [
        ("http://localhost", true),
        ("http://localhost:3000", true),
        ("https://LOCALHOST:3000", true),
        ("http://127.0.0.1:3000", true),
        ("http://127.8.0.1", true),
        ("http://[::1]:3000", true),
        ("http://app.localhost:3000", true),
        ("null", false),
        ("", false),
        ("http://evil.com", false),
        ("http://evil.example", false),
        ("http://app.test:3000", false),
        ("http://lambkin:3000", false),
        ("http://192.168.1.5:3000", false),
        ("http://0.0.0.0:3000", false),
        ("http://localhost.evil.com", false),
        ("http://127.0.0.1.evil.com", false),
        ("http://evil.com/http://localhost", false),
        ("http://localhost@evil.com", false),
        ("http://localhost:3000 http://evil.com", false),
        ("file://", false),
        ("tauri://localhost", false),
        ("chrome-extension://abcdefghijklmnop", false),
        ("caf\u{e9}", false),
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let checked = check_page(&none, method, &[SQS, ("origin", origin)]);
            assert_eq!(checked.is_ok(), passes, "{method} {origin}");
        }
    }
    let two = [
        SQS,
        ("origin", "http://localhost"),
        ("origin", "http://evil.com"),
    ];
    assert!(check_page(&none, "POST", &two).is_err());
}

#[test]
fn the_operator_allows_origins() {
    let some = allowlist(
        &[],
        &[
            "https://App.example.com:443",
            "http://192.168.1.5:3000",
            "https://*.preview.app",
            "vscode-webview://*",
        ],
        Settings::File,
    );
    for (origin, passes) in [
        ("https://app.example.com", true),
        ("http://app.example.com", false),
        ("https://app.example.com:444", false),
        ("https://a.app.example.com", false),
        ("http://192.168.1.5:3000", true),
        ("http://192.168.1.5:3001", false),
        ("https://a.b.preview.app", true),
        ("https://.preview.app", false),
        ("https://preview.app", false),
        ("https://evil.com:1.preview.app", false),
        ("https://evil.com/x.preview.app", false),
        ("vscode-webview://1a2b", true),
        ("null", false),
    ] {
        let checked = check_page(&some, "POST", &[SQS, ("origin", origin)]);
        assert_eq!(checked.is_ok(), passes, "{origin}");
    }
    let null = allowlist(&[], &["null"], Settings::File);
    assert!(check_page(&null, "POST", &[SQS, ("origin", "null")]).is_ok());
    assert!(check_page(&null, "POST", &[SQS, ("origin", "http://evil.com")]).is_err());
    let all = allowlist(&[], &["*"], Settings::File);
    assert!(check_page(&all, "POST", &[SQS, ("origin", "http://evil.com")]).is_ok());
    assert!(check_page(&all, "GET", &[SQS, ("sec-fetch-site", "cross-site")]).is_ok());
    for text in [
        "",
        "app.example.com",
        "https://",
        "https://a.com/",
        "https://a.com/x",
        "https://a.com:x",
        "https://u@a.com",
        "https://*.*.com",
        "ht tp://a.com",
        "//a.com",
        "https://*:3000:1",
    ] {
        let error = OriginPattern::parse(text).unwrap_err();
        assert!(error.contains("is not an origin"), "{text}: {error}");
    }
}

/// What Chromium 156 sends; see `tests/tests/all/browser.rs`.
#[test]
fn requests_without_an_origin_are_judged_by_what_else_browsers_send() {
    let none = Allowlist::default();
    let site = |site: &'static str| ("sec-fetch-site", site);
    let lan = ("host", "lambkin:9324");
    let any_address = ("host", "0.0.0.0:9324");
    let v4_in_v6 = ("host", "[::ffff:7f00:1]:9324");
    for (what, method, headers, passes) in [
        ("curl", "GET", &[SQS][..], true),
        ("an SDK", "POST", &[lan], true),
        (
            "an image",
            "GET",
            &[SQS, BROWSER, site("cross-site")],
            false,
        ),
        (
            "a link or a form",
            "GET",
            &[SQS, site("cross-site"), ("sec-fetch-mode", "navigate")],
            false,
        ),
        (
            "the address bar",
            "GET",
            &[SQS, BROWSER, site("none")],
            true,
        ),
        (
            "an image on a page of another port",
            "GET",
            &[SQS, BROWSER, site("same-site")],
            true,
        ),
        (
            "its own page",
            "GET",
            &[SQS, BROWSER, site("same-origin")],
            true,
        ),
        (
            "a page of localhost that calls 127.0.0.1",
            "GET",
            &[SQS, site("cross-site"), ("origin", "http://localhost:3000")],
            true,
        ),
        // Browsers send no `Sec-Fetch-Site` to these hosts.
        ("an image, by name", "GET", &[lan, BROWSER], false),
        (
            "an image, by address",
            "GET",
            &[any_address, BROWSER],
            false,
        ),
        (
            "an image, by mapped address",
            "HEAD",
            &[v4_in_v6, BROWSER],
            false,
        ),
        (
            "an image, over TLS",
            "GET",
            &[lan, BROWSER, site("cross-site")],
            false,
        ),
        (
            "its own page, over TLS",
            "GET",
            &[lan, BROWSER, site("same-origin")],
            true,
        ),
        ("an old browser", "GET", &[SQS, BROWSER], true),
        ("a browser's own request", "POST", &[lan, BROWSER], true),
    ] {
        let checked = check_page(&none, method, headers);
        assert_eq!(checked.is_ok(), passes, "{what}: {checked:?}");
    }
}

#[test]
fn a_listener_can_accept_or_mark_foreign_pages_but_not_their_hosts() {
    let marks = |foreign_pages, headers: &[(&str, &str)]| {
        let rules = CrossOrigin::new(Allowlist::default(), foreign_pages);
        let mut request = request("PUT", "/", headers);
        let checked = rules.check(&mut request);
        checked.map(|()| request.extensions().get::<FromForeignPage>().is_some())
    };
    let foreign = [SQS, ("origin", "http://evil.com")];
    let local = [SQS, ("origin", "http://localhost")];
    assert_eq!(marks(ForeignPages::Accepted, &foreign), Ok(false));
    assert_eq!(marks(ForeignPages::Marked, &foreign), Ok(true));
    assert_eq!(marks(ForeignPages::Marked, &local), Ok(false));
    for foreign_pages in [ForeignPages::Accepted, ForeignPages::Marked] {
        assert!(marks(foreign_pages, &[("host", "evil.com")]).is_err());
    }
}

async fn refused(allowlist: &Allowlist, refusal: Refusal) -> (u16, String) {
    use http_body_util::BodyExt;

    let rules = CrossOrigin::new(allowlist.clone(), ForeignPages::Refused);
    let response = rules.refuse(&refusal, "127.0.0.1:9001");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    (status, body["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_refusal_names_the_setting_that_would_allow_the_request() {
    let file = allowlist(&["a.dev"], &["http://a.dev"], Settings::File);
    let variables = allowlist(&["a.dev"], &[], Settings::Variables);
    for (allowlist, refusal, status, text) in [
        (
            &file,
            Refusal::Host("b.dev".into()),
            403,
            "at the top of lambkin.toml: allowed-hosts = ['a.dev', 'b.dev']",
        ),
        (
            &file,
            Refusal::Origin("http://b.dev".into()),
            403,
            "at the top of lambkin.toml: allowed-origins = ['http://a.dev', 'http://b.dev']",
        ),
        (
            &file,
            Refusal::UnknownOrigin,
            403,
            "allowed-origins = ['http://a.dev', '*']",
        ),
        (
            &variables,
            Refusal::Host("b.dev".into()),
            403,
            "in the environment of lambkin: LAMBKIN_ALLOWED_HOSTS='a.dev,b.dev'",
        ),
        (
            &variables,
            Refusal::Origin("null".into()),
            403,
            "LAMBKIN_ALLOWED_ORIGINS='null'",
        ),
        (
            &file,
            Refusal::InvalidHost("a'b\u{7}".into()),
            400,
            "'a?b?'",
        ),
    ] {
        let (found, message) = refused(allowlist, refusal).await;
        assert_eq!(found, status, "{message}");
        assert!(message.contains(text), "{message}");
    }
}
