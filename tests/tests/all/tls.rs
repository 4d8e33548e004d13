//! Triggers, services and the Invoke API with TLS: certificates of the local authority and of files, and clients that do not speak it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::sdk_clients::{feed, fixture, javascript_client, python};
use crate::support::{
    Authority, DOORS, Doors, Missing, Project, RAW_BOOTSTRAP, Server, curl, lambkin, raw,
};

/// A server with its data in the project's folder, so that each test has an authority of its own.
fn serve(project: &Project) -> Server {
    let data = project.path().join("data");
    project.serve_with(&[], &[("XDG_DATA_HOME", data.to_str().unwrap())])
}

fn authority(server: &Server) -> PathBuf {
    server.ready()["authority"].as_str().unwrap().into()
}

/// Calls a URL with curl, which trusts the certificates of a file.
fn get(url: &str, trusted: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--cacert"]);
    command.arg(trusted).args(arguments).arg(url);
    command.output().expect("curl starts")
}

#[track_caller]
fn event(output: Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn every_door_has_https_with_a_certificate_that_clients_can_trust() {
    if curl().is_err() {
        return;
    }
    let doors = Doors::start("listen = '127.0.0.1:0'\ntls = true");
    let server = &doors.server;
    let trusted = authority(server);
    for door in DOORS {
        let url = server.trigger_url(door);
        let port = url.strip_prefix("https://127.0.0.1:").expect("https");
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("https://{host}:{port}/a");
            let output = get(&url, &trusted, &["--http1.1"]);
            assert_eq!(output.stdout, b"done", "{door}: {output:?}");
            let event = doors.last_event().to_string().to_ascii_lowercase();
            for expected in [
                "\"x-forwarded-proto\":\"https\"".to_owned(),
                format!("\"x-forwarded-port\":\"{port}\""),
            ] {
                assert!(event.contains(&expected), "{door} at {host}: {event}");
            }
        }
    }
}

/// `echo` behind an HTTP API with TLS.
fn gateway(tls: &str) -> Project {
    Project::gateway(&format!("function = 'echo'\ntls = {tls}\n"))
}

#[test]
fn a_client_that_does_not_trust_the_certificate_is_named_in_the_log() {
    if curl().is_err() {
        return;
    }
    let project = gateway("true");
    let server = serve(&project);
    let other = Authority::named("Another").root_in(project.path());
    let url = server.trigger_url("web");
    for _ in 0..3 {
        let refused = get(url, &other, &[]);
        assert!(!refused.status.success(), "{refused:?}");
    }
    let log = server.log_with("the client does not trust the certificate");
    assert_eq!(log.matches("no TLS connection with").count(), 1, "{log}");
    assert_eq!(event(get(url, &authority(&server), &[]))["rawPath"], "/");
}

#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let project = gateway("true");
    let certificate = |server: &Server| fs::read(authority(server)).unwrap();
    let server = serve(&project);
    let first = certificate(&server);
    let folder = authority(&server).parent().unwrap().to_owned();
    assert_eq!(folder, project.path().join("data/lambkin"));
    let mode = |file: &str| {
        fs::metadata(folder.join(file))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("authority.key"), mode("")), (0o600, 0o700));
    let second = serve(&project);
    assert_eq!(first, certificate(&second));
}

#[test]
fn the_ready_lines_say_what_clients_have_to_trust() {
    let project = gateway("true");
    let data = project.path().join("data");
    let mut child = lambkin()
        .arg("serve")
        .env("XDG_DATA_HOME", &data)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("lambkin starts");
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut lines = lines.map(Result::unwrap);
    let file = data.join("lambkin/authority.pem");
    assert!(lines.any(|line| line.starts_with("trigger web  https://127.0.0.1:")));
    assert!(lines.any(|line| line.contains(&format!("certificates are from {}", file.display()))));
    assert!(lines.any(|line| line.contains(&format!("curl --cacert {}", file.display()))));
    let added = format!("NODE_EXTRA_CA_CERTS={}", file.display());
    assert!(lines.any(|line| line.trim() == added));
    let replaced = data.join("lambkin/trusted.pem");
    let variable = format!("AWS_CA_BUNDLE={}", replaced.display());
    assert!(lines.any(|line| line.trim() == variable));
    let both = fs::read_to_string(replaced).unwrap();
    assert!(both.starts_with(&fs::read_to_string(&file).unwrap()));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn a_request_that_is_not_encrypted_gets_a_response_that_says_so() {
    let project = gateway("true");
    let server = serve(&project);
    let url = server.trigger_url("web").replace("https:", "http:");
    for _ in 0..2 {
        let reply = raw(&url, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("use https://"), "{reply:?}");
    }
    let log = server.log_with("does not speak TLS");
    assert_eq!(log.matches("does not speak TLS").count(), 1, "{log}");
}

#[test]
fn handshakes_that_stall_delay_no_other_client() {
    if curl().is_err() {
        return;
    }
    let project = gateway("true");
    let server = serve(&project);
    let url = server.trigger_url("web");
    let address = url.trim_start_matches("https://");
    // The beginning of a record with a handshake, a whole header of one, and nothing.
    let beginnings: [&[u8]; 3] = [&[22], &[22, 3, 1, 2, 0, 1], &[]];
    let _staying: Vec<TcpStream> = (0..60)
        .map(|index| {
            let mut stream = TcpStream::connect(address).expect("it listens");
            let beginning = beginnings[index % beginnings.len()];
            stream.write_all(beginning).expect("it reads");
            stream
        })
        .collect();
    assert_eq!(event(get(url, &authority(&server), &[]))["rawPath"], "/");
    // What is no TLS although it begins like it ends its own connection only.
    let mut nonsense = TcpStream::connect(address).expect("it listens");
    nonsense.write_all(&[22; 4096]).expect("it reads");
    server.log_with("no TLS connection with");
    assert_eq!(event(get(url, &authority(&server), &[]))["rawPath"], "/");
}

#[test]
fn a_certificate_can_be_given_as_files() {
    if curl().is_err() {
        return;
    }
    let authority = Authority::named("Test");
    let project = gateway("{ certificate = 'a.pem', key = 'a.key' }");
    let (certificate, key) = authority.identity(&["localhost"]).pem();
    project.file("a.pem", certificate);
    project.file("a.key", key);
    let server = serve(&project);
    assert!(server.ready().get("authority").is_none());
    assert!(!project.path().join("data").exists());
    let url = server.trigger_url("web").replace("127.0.0.1", "localhost");
    let root = authority.root_in(project.path());
    assert_eq!(event(get(&url, &root, &[]))["rawPath"], "/");
}

#[test]
fn mistakes_in_the_files_are_reported_at_their_keys() {
    let authority = Authority::named("Test");
    let (certificate, key) = authority.identity(&["localhost"]).pem();
    let (expired, key_of_expired) = authority.expired(&["localhost"]).pem();
    let project = gateway("{ certificate = 'a.pem', key = 'a.key' }");
    for (pem, key, message) in [
        (
            &*expired,
            &*key_of_expired,
            "web.tls.certificate: the certificate in a.pem has expired",
        ),
        (
            &*certificate,
            &*key_of_expired,
            "web.tls.key: a.key is the key of another certificate",
        ),
        (
            &*key,
            &*key,
            "web.tls.certificate: a.pem has no certificate: a PEM file has a line",
        ),
        (
            &*certificate,
            &*certificate,
            "a.key has no private key: a PEM file has a line",
        ),
        (&*certificate, "", "`-----BEGIN PRIVATE KEY-----`"),
        (
            "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----",
            &*key,
            "a.pem is not valid PEM",
        ),
    ] {
        project.file("a.pem", pem);
        project.file("a.key", key);
        let refusal = project.refusal();
        assert!(refusal.contains(message), "{message}: {refusal}");
    }
    let missing = gateway("{ certificate = 'a.pem' }").refusal();
    assert!(
        missing.contains("web.tls: needs `key`, a PEM file"),
        "{missing}"
    );
    let missing = gateway("{ certificate = 'a.pem', key = '.' }");
    missing.file("a.pem", certificate);
    let missing = missing.refusal();
    assert!(
        missing.contains("web.tls.key: . is a folder; name a PEM file"),
        "{missing}"
    );
}

/// Services and the Invoke API with TLS, with a function `echo` that has these settings.
fn encrypted(settings: &str) -> Project {
    let project = Project::new("");
    project.file(
        "lambkin.toml",
        format!(
            "[invoke]\nlisten = '127.0.0.1:0'\ntls = true\n[queues.orders]\n\
             [functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n{settings}\n\
             [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\ntls = true\nqueues = ['*']\n\
             [services.s3]\nplugin = 's3'\nlisten = '127.0.0.1:0'\ntls = true\nbuckets = ['*']\n"
        ),
    );
    project
}

/// The value of a variable of the function, which the Invoke API tells over TLS.
fn variable(server: &Server, name: &str) -> String {
    let url = server.ready()["invoke"].as_str().unwrap();
    let url = format!("{url}/2015-03-31/functions/echo/invocations");
    let ask = json!({ "env": name }).to_string();
    let output = get(&url, &authority(server), &["--data", &ask]);
    event(output).as_str().unwrap_or_default().to_owned()
}

#[test]
fn functions_can_call_services_with_tls_by_what_their_variables_say() {
    if curl().is_err() {
        return;
    }
    let project = encrypted("");
    let server = serve(&project);
    let set = |mut command: Command, trust: &str| {
        command.env(trust, variable(&server, trust));
        command
    };
    let [sqs, _] = ["sqs", "s3"].map(|service| {
        let url = variable(
            &server,
            &format!("AWS_ENDPOINT_URL_{}", service.to_uppercase()),
        );
        assert_eq!(url, server.service_url(service));
        assert!(url.starts_with("https://"), "{url}");
        url
    });
    assert!(variable(&server, "AWS_ENDPOINT_URL_LAMBDA").starts_with("https://"));
    let get_url = [json!({ "operation": "GetQueueUrl", "input": { "QueueName": "orders" } })];
    let sdk = |program: Result<Command, Missing>, script: &str, trust: &str| {
        let Ok(mut program) = program else { return };
        program.arg(fixture(script)).arg("sqs").arg(&sqs);
        let output = feed(set(program, trust), &get_url);
        let answers: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{script}: {error}: {output:?}"));
        // The SDK for JavaScript sends its requests to this URL.
        let url = format!("{sqs}/123456789012/orders");
        assert!(answers.to_string().contains(&url), "{script}: {answers}");
    };
    sdk(python(), "service.py", "AWS_CA_BUNDLE");
    sdk(javascript_client(), "service.cjs", "NODE_EXTRA_CA_CERTS");
}

#[test]
fn the_aws_cli_uses_services_with_tls() {
    let project = encrypted("");
    let server = serve(&project);
    let Ok(mut aws) = python() else { return };
    let (url, file) = (server.service_url("s3"), authority(&server));
    aws.args(["-m", "awscli", "--endpoint-url", url, "--ca-bundle"]);
    let output = aws.arg(&file).args(["s3", "mb", "s3://photos"]).output();
    assert_eq!(output.unwrap().stdout, b"make_bucket: photos\n");
}

#[test]
fn functions_keep_their_own_certificates_and_trust_what_the_system_trusts() {
    if curl().is_err() {
        return;
    }
    let project = encrypted("environment = { AWS_CA_BUNDLE = '/own.pem' }");
    let own = Authority::named("The system's").root_in(project.path());
    let data = project.path().join("data");
    let variables = [("XDG_DATA_HOME", &data), ("SSL_CERT_FILE", &own)];
    let variables = variables.map(|(name, path)| (name, path.to_str().unwrap()));
    let server = project.serve_with(&[], &variables);
    assert_eq!(variable(&server, "AWS_CA_BUNDLE"), "/own.pem");
    let added = fs::read_to_string(variable(&server, "NODE_EXTRA_CA_CERTS")).unwrap();
    let trusted = fs::read_to_string(variable(&server, "SSL_CERT_FILE")).unwrap();
    let first = |text: &str| -> String {
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----").unwrap();
        rest.split("-----END")
            .next()
            .unwrap()
            .split_whitespace()
            .collect()
    };
    let trusted: String = trusted.split_whitespace().collect();
    for root in [first(&added), first(&fs::read_to_string(&own).unwrap())] {
        assert!(trusted.contains(&root), "{root} is not in {trusted}");
    }
}

#[test]
fn functions_get_no_certificates_where_nothing_is_encrypted_by_the_authority() {
    let server = serve(&Project::echo(""));
    for name in ["NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let value = server.invoke("echo", format!(r#"{{"env":"{name}"}}"#));
        assert!(!value.text().contains("pem"), "{name}: {value:?}");
    }
}
