//! What each HTTP front door adds to a warm call, over TLS, too, how soon a streamed piece reaches the client, and what
//! TLS handshakes cost.
//!
//!     cargo bench --workspace --bench doors
//!     cargo bench --workspace --bench doors -- --quick
//!
//! Everything is measured in one run against one host, in turns: a call of each kind, then the next one. So what else
//! the machine does affects all of them alike, and the differences mean something even if the times do not. All doors
//! are in front of the same function. It is called without a pause, and then every 20 ms, as a developer calls: its
//! environment has been frozen in between.
//!
//! The exit code is 0 if all answers were right, and 1 otherwise, whatever the figures are.

#[path = "../host.rs"]
mod host;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lambkin_tests::wire::Responses;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use crate::host::{BOOTSTRAP, Host, percentile};

/// The front doors, and what each needs besides a function.
const DOORS: [(&str, &str); 4] = [
    ("api-gateway-http", ""),
    ("api-gateway-rest", "base-path = ''"),
    ("function-url", ""),
    ("alb", ""),
];

/// Other triggers: their names, and their settings.
const OTHERS: [(&str, &str); 4] = [
    (
        "websocket",
        "plugin = 'api-gateway-websocket'\nroutes = { '$default' = { function = 'answer', route-response = true } }",
    ),
    (
        "tls",
        "plugin = 'function-url'\nfunction = 'answer'\ntls = true",
    ),
    (
        "stream-url",
        "plugin = 'function-url'\nfunction = 'stream'\ninvoke-mode = 'RESPONSE_STREAM'",
    ),
    (
        "stream-rest",
        "plugin = 'api-gateway-rest'\nbase-path = ''\n\
         routes = { 'ANY /{proxy+}' = { function = 'stream', response-transfer-mode = 'STREAM' } }",
    ),
];

/// How long the function waits between the two pieces of a stream.
const PAUSE: Duration = Duration::from_millis(20);

/// The pause between calls that find their environment frozen.
const PACE: Duration = Duration::from_millis(20);

const FIRST: &str = "the first piece";
const SECOND: &str = "the second piece";

fn main() -> Result<ExitCode> {
    let (calls, paced, streams) = match std::env::args().any(|argument| argument == "--quick") {
        true => (500, 20, 20),
        false => (5_000, 400, 200),
    };
    let host = Host::start(&[("lambkin.toml", &config("freeze = false"))])?;
    warm_calls(&host, calls, Duration::ZERO)?;
    // By default, an environment is frozen 5 ms after a call.
    let freezing = Host::start(&[("lambkin.toml", &config("freeze = true"))])?;
    warm_calls(&freezing, paced, PACE)?;
    drop(freezing);
    streamed_pieces(&host, streams)?;
    handshakes(&host, calls)?;
    Ok(ExitCode::SUCCESS)
}

/// A warm call through each door, against the same function called through the Invoke API, with this pause before each.
fn warm_calls(host: &Host, calls: usize, pause: Duration) -> Result<()> {
    const INVOKE: &str = "/2015-03-31/functions/answer/invocations";
    let mut calls_of: Vec<(&str, Call)> =
        vec![call("Invoke API", host.address(&["invoke"])?, INVOKE)?];
    for (door, _) in DOORS {
        calls_of.push(call(door, host.address(&["triggers", door])?, PATH)?);
    }
    calls_of.push(message(host)?);
    calls_of.push(call_over_tls(host)?);
    let mut times = vec![Vec::with_capacity(calls); calls_of.len()];
    for number in 0..calls + calls / 10 {
        for ((_, call), times) in calls_of.iter_mut().zip(&mut times) {
            std::thread::sleep(pause);
            let took = call()?;
            // The first ones warm everything up.
            if number >= calls / 10 {
                times.push(took);
            }
        }
    }
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|times| us(percentile(times, 50)))
        .collect();
    let plain = *medians.first().context("nothing was measured")?;
    let title = match pause.is_zero() {
        true => format!("warm call, {calls} of each in turns"),
        false => format!("one every {} ms, {calls} of each", pause.as_millis()),
    };
    println!("{title:<38}  p50 µs    p99 µs   against the Invoke API, p50");
    for (((name, _), median), times) in calls_of.iter().zip(&medians).zip(&mut times) {
        let p99 = us(percentile(times, 99));
        let (more, ratio) = (median - plain, median / plain * 100.0 - 100.0);
        println!("  {name:<36}{median:>8.1}  {p99:>8.1}   {more:>+7.1} µs  {ratio:>+6.1} %");
    }
    Ok(())
}

/// One warm call, and the time it takes.
type Call = Box<dyn FnMut() -> Result<Duration>>;

const PATH: &str = "/orders/7?full=1";

/// A call on a connection that is kept.
fn call(name: &'static str, address: &str, path: &str) -> Result<(&'static str, Call)> {
    let mut client = Client::new(name, connect(address)?, address, path);
    Ok((name, Box::new(move || client.call())))
}

/// The same as `function-url`, on a connection with TLS.
fn call_over_tls(host: &Host) -> Result<(&'static str, Call)> {
    const NAME: &str = "function-url, over TLS";
    let address = host.address(&["triggers", "tls"])?;
    let stream = shake_hands(&trusting(host)?, address)?;
    let mut client = Client::new(NAME, stream, address, PATH);
    Ok((NAME, Box::new(move || client.call())))
}

/// A message on a WebSocket, and the function's answer to it.
fn message(host: &Host) -> Result<(&'static str, Call)> {
    const NAME: &str = "api-gateway-websocket, a message";
    let address = host.address(&["triggers", "websocket"])?;
    let mut stream = connect(address)?;
    write!(
        stream,
        "GET /prod HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    ensure!(head.starts_with("HTTP/1.1 101 "), "no WebSocket: {head}");
    let mut socket = WebSocket::from_raw_socket(stream, Role::Client, None);
    let call = move || {
        let called = Instant::now();
        socket.send(Message::text("{}"))?;
        let answer = socket.read()?;
        let took = called.elapsed();
        ensure!(
            answer == Message::text("done"),
            "{NAME} was answered with {answer}"
        );
        Ok(took)
    };
    Ok((NAME, Box::new(call)))
}

/// From the request to the first piece of a streamed response: more than the time that the piece takes.
fn streamed_pieces(host: &Host, streams: usize) -> Result<()> {
    let nulls = r"\u0000".repeat(8);
    let order = format!(
        r#"{{"stream":{{"pieces":["{{\"statusCode\":200}}{nulls}{FIRST}","{SECOND}"],"pause_ms":{},
            "content_type":"application/vnd.awslambda.http-integration-response"}}}}"#,
        PAUSE.as_millis()
    );
    println!(
        "from a request to the first piece of its response, {streams} calls     p50 µs    p99 µs"
    );
    for (name, trigger) in [
        ("function-url", "stream-url"),
        ("api-gateway-rest", "stream-rest"),
    ] {
        let address = host.address(&["triggers", trigger])?;
        let mut client = Client::new(name, connect(address)?, address, "/a");
        let mut first = Vec::new();
        for _ in 0..streams {
            first.push(client.first_piece(order.as_bytes())?);
        }
        let (p50, p99) = (percentile(&mut first, 50), percentile(&mut first, 99));
        println!("  {name:<36}{:>8.1}  {:>8.1}", us(p50), us(p99));
    }
    Ok(())
}

/// Connections with TLS, and warm calls of a client without it beside them.
fn handshakes(host: &Host, calls: usize) -> Result<()> {
    let address = host.address(&["triggers", "tls"])?.to_owned();
    let config = trusting(host)?;
    let mut times = Vec::new();
    for _ in 0..calls / 10 {
        let started = Instant::now();
        drop(shake_hands(&config, &address)?);
        times.push(started.elapsed());
    }
    let (p50, p99) = (percentile(&mut times, 50), percentile(&mut times, 99));
    println!(
        "a connection with its TLS handshake: p50 {:.1} µs, p99 {:.1} µs",
        us(p50),
        us(p99)
    );

    let (_, mut call) = call(
        "function-url",
        host.address(&["triggers", "function-url"])?,
        PATH,
    )?;
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut warm = |calls: usize| -> Result<Duration> {
        let mut times = (0..calls).map(|_| call()).collect::<Result<Vec<_>>>()?;
        Ok(percentile(&mut times, 50))
    };
    let alone = warm(calls)?;
    let beside = std::thread::scope(|scope| -> Result<Duration> {
        let other = scope.spawn(|| -> Result<()> {
            while !stop.load(Relaxed) {
                drop(shake_hands(&config, &address)?);
                made.fetch_add(1, Relaxed);
            }
            Ok(())
        });
        let started = Instant::now();
        let beside = warm(calls);
        let took = started.elapsed();
        stop.store(true, Relaxed);
        other
            .join()
            .map_err(|_| anyhow::anyhow!("the other client panicked"))??;
        println!(
            "beside it, another client made {:.0} handshakes per second",
            made.load(Relaxed) as f64 / took.as_secs_f64()
        );
        beside
    })?;
    println!(
        "a warm call without TLS: p50 {:.1} µs alone, {:.1} µs beside them",
        us(alone),
        us(beside)
    );
    Ok(())
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What a client reads from and writes to.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// A new connection whose TLS handshake is complete.
fn shake_hands(
    config: &Arc<ClientConfig>,
    address: &str,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from("localhost")?;
    let mut stream = StreamOwned::new(
        ClientConnection::new(config.clone(), name)?,
        connect(address)?,
    );
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// A client with one connection that is kept.
struct Client {
    name: &'static str,
    stream: Box<dyn Stream>,
    head: String,
}

impl Client {
    fn new(name: &'static str, stream: impl Stream + 'static, address: &str, path: &str) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        );
        let stream = Box::new(stream);
        Self { name, stream, head }
    }

    fn send(&mut self, body: &[u8]) -> Result<()> {
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, body.len());
        let request = [head.as_bytes(), body].concat();
        Ok(self.stream.write_all(&request)?)
    }

    /// The time of a call.
    fn call(&mut self) -> Result<Duration> {
        let called = Instant::now();
        self.send(b"{}")?;
        let (response, _) = self.receive("")?;
        let took = called.elapsed();
        let text = String::from_utf8_lossy(&response);
        // The Invoke API answers with the whole response object.
        let is_right = text == "done" || text.ends_with("\"done\"}");
        ensure!(is_right, "{} answered {text}", self.name);
        Ok(took)
    }

    /// The time to the first piece of a stream, whose second one follows after the pause.
    fn first_piece(&mut self, body: &[u8]) -> Result<Duration> {
        let called = Instant::now();
        self.send(body)?;
        let (response, first) = self.receive(FIRST)?;
        let whole = called.elapsed();
        let text = String::from_utf8_lossy(&response);
        ensure!(
            text == format!("{FIRST}{SECOND}"),
            "{} streamed {text}",
            self.name
        );
        let first = first.context("the first piece did not arrive alone")? - called;
        ensure!(
            whole - first > PAUSE / 2,
            "{} sent the first piece late",
            self.name
        );
        Ok(first)
    }

    /// The body of a response, and when a text of it arrived.
    fn receive(&mut self, text: &str) -> Result<(Vec<u8>, Option<Instant>)> {
        let (mut responses, mut received, mut arrived) = (Responses::default(), Vec::new(), None);
        let mut piece = [0; 4096];
        loop {
            let read = self.stream.read(&mut piece)?;
            ensure!(read > 0, "{} closed the connection", self.name);
            let bytes = piece.get(..read).unwrap_or_default();
            received.extend_from_slice(bytes);
            if arrived.is_none() && String::from_utf8_lossy(&received).contains(text) {
                arrived = Some(Instant::now());
            }
            responses.feed(bytes);
            if let Some(response) = responses.take()? {
                ensure!(
                    response.status == 200,
                    "{} answered {}",
                    self.name,
                    response.status
                );
                return Ok((response.body, arrived));
            }
        }
    }
}

/// The functions, and the triggers in front of them.
fn config(freeze: &str) -> String {
    let mut config = format!(
        "invoke.listen = '127.0.0.1:0'\n\
         [functions.answer]\ncode = '{BOOTSTRAP}'\n{freeze}\n[functions.answer.environment]\n\
         RAW_BOOTSTRAP_RECORD = '/dev/null'\nRAW_BOOTSTRAP_ANSWER = '{{\"statusCode\":200,\"body\":\"done\"}}'\n\
         [functions.stream]\ncode = '{BOOTSTRAP}'\nfreeze = false\n\
         environment = {{ RAW_BOOTSTRAP_ORDERS = 'body' }}\n"
    );
    for (door, settings) in DOORS {
        config.push_str(&format!(
            "[triggers.{door}]\nplugin = '{door}'\nlisten = '127.0.0.1:0'\nfunction = 'answer'\n{settings}\n"
        ));
    }
    for (name, settings) in OTHERS {
        config.push_str(&format!(
            "[triggers.{name}]\nlisten = '127.0.0.1:0'\n{settings}\n"
        ));
    }
    config
}

/// A configuration of TLS that trusts the host's authority.
fn trusting(host: &Host) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(host.url(&["authority"])?)?)?;
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}
