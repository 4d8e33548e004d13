//! What each HTTP front door adds to a warm call, and how soon a streamed piece reaches the client.
//!
//!     cargo bench --workspace --bench doors
//!     cargo bench --workspace --bench doors -- --quick
//!
//! Everything is measured in one run against one host, in turns: a call of each kind, then the next one. So what else
//! the machine does affects all of them alike, and the differences mean something even if the times do not. All doors
//! are in front of the same function; its environments are not frozen, because a frozen one has nothing to do with
//! doors.
//!
//! The exit code is 0 if all answers were right, and 1 otherwise, whatever the figures are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lambkin_tests::wire::Responses;
use serde_json::Value;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_raw-bootstrap");

/// The front doors, and what each needs besides a function.
const DOORS: [(&str, &str); 4] = [
    ("api-gateway-http", ""),
    ("api-gateway-rest", "base-path = ''"),
    ("function-url", ""),
    ("alb", ""),
];

/// How long the function waits between the two pieces of a stream.
const PAUSE: Duration = Duration::from_millis(20);

const FIRST: &str = "the first piece";
const SECOND: &str = "the second piece";

fn main() -> Result<ExitCode> {
    let (calls, streams) = match std::env::args().any(|argument| argument == "--quick") {
        true => (500, 20),
        false => (5_000, 200),
    };
    let host = Host::start()?;
    warm_calls(&host, calls)?;
    streamed_pieces(&host, streams)?;
    Ok(ExitCode::SUCCESS)
}

/// A warm call through each door, against the same function called through the Invoke API.
fn warm_calls(host: &Host, calls: usize) -> Result<()> {
    const INVOKE: &str = "/2015-03-31/functions/answer/invocations";
    let mut clients = vec![Client::connect(
        "Invoke API",
        host.url(&["invoke"])?,
        INVOKE,
    )?];
    for (door, _) in DOORS {
        clients.push(Client::connect(
            door,
            host.url(&["triggers", door])?,
            "/orders/7?full=1",
        )?);
    }
    let mut times = vec![Vec::with_capacity(calls); clients.len()];
    for number in 0..calls + calls / 10 {
        for (client, times) in clients.iter_mut().zip(&mut times) {
            let took = client.call(b"{}", |body| {
                body.ends_with(b"done") || body.ends_with(b"\"done\"}")
            })?;
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
    println!(
        "warm call, {calls} of each in turns     p50 µs    p99 µs   against the Invoke API, p50"
    );
    for ((client, median), times) in clients.iter().zip(&medians).zip(&mut times) {
        let p99 = us(percentile(times, 99));
        let (more, ratio) = (median - plain, median / plain * 100.0 - 100.0);
        println!(
            "  {:<36}{median:>8.1}  {p99:>8.1}   {more:>+7.1} µs  {ratio:>+6.1} %",
            client.name
        );
    }
    Ok(())
}

/// From the request to the first piece of a streamed response: more than the time that the piece takes.
fn streamed_pieces(host: &Host, streams: usize) -> Result<()> {
    let mut client = Client::connect("function-url", host.url(&["triggers", "stream"])?, "/")?;
    let order = format!(
        r#"{{"stream":{{"pieces":["{FIRST}","{SECOND}"],"pause_ms":{},"content_type":"text/plain"}}}}"#,
        PAUSE.as_millis()
    );
    let mut first = Vec::new();
    for _ in 0..streams {
        first.push(client.first_piece(order.as_bytes())?);
    }
    println!("streamed response, {streams} calls          p50 µs    p99 µs");
    let (p50, p99) = (
        us(percentile(&mut first, 50)),
        us(percentile(&mut first, 99)),
    );
    println!(
        "  {:<36}{p50:>8.1}  {p99:>8.1}",
        "from the request to the first piece"
    );
    Ok(())
}

fn percentile(times: &mut [Duration], hundredths: usize) -> Duration {
    times.sort_unstable();
    let index = times.len() * hundredths / 100;
    times.get(index).copied().unwrap_or_default()
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A client with one connection that is kept.
struct Client {
    name: &'static str,
    stream: TcpStream,
    head: String,
}

impl Client {
    fn connect(name: &'static str, url: &str, path: &str) -> Result<Self> {
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        );
        Ok(Self { name, stream, head })
    }

    fn send(&mut self, body: &[u8]) -> Result<()> {
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, body.len());
        let request = [head.as_bytes(), body].concat();
        Ok(self.stream.write_all(&request)?)
    }

    /// The time of a call whose response has a body that is right.
    fn call(&mut self, body: &[u8], is_right: impl Fn(&[u8]) -> bool) -> Result<Duration> {
        let called = Instant::now();
        self.send(body)?;
        let (response, _) = self.receive("")?;
        let took = called.elapsed();
        let text = String::from_utf8_lossy(&response);
        ensure!(is_right(&response), "{} answered {text}", self.name);
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

/// A host with the doors. Dropping it ends it.
struct Host {
    child: Child,
    ready: Value,
    _folder: tempfile::TempDir,
}

impl Host {
    fn start() -> Result<Self> {
        let folder = tempfile::TempDir::with_prefix("lambkin-bench-doors-")?;
        let record = folder.path().join("events");
        std::os::unix::fs::symlink("/dev/null", &record)?;
        let mut config = format!(
            "invoke.listen = '127.0.0.1:0'\n\
             [functions.answer]\ncode = '{BOOTSTRAP}'\nfreeze = false\n[functions.answer.environment]\n\
             RAW_BOOTSTRAP_RECORD = '{}'\nRAW_BOOTSTRAP_ANSWER = '{{\"statusCode\":200,\"body\":\"done\"}}'\n\
             [functions.stream]\ncode = '{BOOTSTRAP}'\nfreeze = false\n\
             environment = {{ RAW_BOOTSTRAP_ORDERS = 'body' }}\n\
             [triggers.stream]\nplugin = 'function-url'\nlisten = '127.0.0.1:0'\nfunction = 'stream'\n\
             invoke-mode = 'RESPONSE_STREAM'\n",
            record.display()
        );
        for (door, settings) in DOORS {
            config.push_str(&format!(
                "[triggers.{door}]\nplugin = '{door}'\nlisten = '127.0.0.1:0'\nfunction = 'answer'\n{settings}\n"
            ));
        }
        std::fs::write(folder.path().join("lambkin.toml"), config)?;
        let mut child = Command::new(lambkin()?)
            .args(["serve", "--json"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).context("lambkin does not start")?;
        Ok(Self {
            child,
            ready,
            _folder: folder,
        })
    }

    fn url(&self, path: &[&str]) -> Result<&str> {
        let found = path
            .iter()
            .try_fold(&self.ready, |value, key| value.get(key));
        found
            .and_then(Value::as_str)
            .context("a listener is missing")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// The program: `LAMBKIN_BIN`, or the one that was built last.
fn lambkin() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("LAMBKIN_BIN") {
        return Ok(std::fs::canonicalize(given)?);
    }
    let folder = Path::new(BOOTSTRAP).parent().context("no folder")?;
    let beside = folder.join("lambkin");
    ensure!(
        beside.is_file(),
        "{} does not exist; build it with `cargo build --release -p lambkin`, or name another with LAMBKIN_BIN",
        beside.display()
    );
    Ok(beside)
}
