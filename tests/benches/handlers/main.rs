//! What a handler costs in each way to run it: cold starts and warm calls with Lambkin's runtime clients and with AWS's,
//! and in each sandbox mode.
//!
//!     cargo bench --workspace --bench handlers
//!     cargo bench --workspace --bench handlers -- --quick
//!
//! Everything is measured in one run against one host, in turns: a call of each kind, then the next one. So what else
//! the machine does affects all of them alike, and the differences mean something even if the times do not. Environments
//! are not frozen in between. AWS's clients are those that `tests/tools/install` has installed; without them, and without
//! an interpreter or namespaces, rows are missing, and what is missing is printed.
//!
//! The exit code is 0 if all answers were right, and 1 otherwise, whatever the figures are.

#[path = "../host.rs"]
mod host;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lambkin_tests::wire::Responses;

use crate::host::{BOOTSTRAP, Host, lambkin, percentile};

/// Makes `image.tar` in the current folder, as `docker save` does: the program, the libraries that it needs, and 22 MB
/// that do not compress. The argument is the program.
const MAKE_IMAGE: &str = r#"
set -eu
mkdir -p layer/var/runtime
cp "$1" layer/var/runtime/bootstrap
for library in $(ldd "$1" | grep -o '/[^ )]*'); do
  mkdir -p "layer$(dirname "$library")"
  cp -L "$library" "layer$library"
done
head -c 22000000 /dev/urandom >layer/filler
tar -C layer -cf layer.tar .
digest=$(sha256sum layer.tar | cut -d' ' -f1)
case $(uname -m) in aarch64 | arm64) architecture=arm64 ;; *) architecture=amd64 ;; esac
cat >config.json <<JSON
{"architecture":"$architecture","os":"linux","config":{"Entrypoint":["/var/runtime/bootstrap"]},
 "rootfs":{"type":"layers","diff_ids":["sha256:$digest"]}}
JSON
echo '[{"Config":"config.json","RepoTags":["bench:1"],"Layers":["layer.tar"]}]' >manifest.json
tar -cf image.tar manifest.json config.json layer.tar
"#;

/// A way to run the same handler.
struct Way {
    name: &'static str,
    /// The row with which it is compared; itself, if with none.
    against: &'static str,
    /// The keys of its functions.
    keys: String,
}

const PYTHON: &str = "def handler(event, context):\n    return event\n";

/// With which AWS's runtimes start their client with 512 MB, and Lambkin its own: what Node.js has compiled in advance it
/// does not use with some of them.
const AWS_FLAGS: &str = "'--expose-gc', '--max-http-header-size=81920', '--max-semi-space-size=25', \
                         '--max-old-space-size=461'";

const NODE: &str = "exports.handler = async (event) => event;\n";

fn main() -> Result<ExitCode> {
    let (starts, calls) = match std::env::args().any(|argument| argument == "--quick") {
        true => (5, 200),
        false => (40, 3_000),
    };
    let folder = tempfile::tempdir()?;
    let ways = ways(folder.path())?;
    let mut config = "[invoke]\nlisten = '127.0.0.1:0'\n".to_owned();
    for (number, way) in ways.iter().enumerate() {
        for start in 0..=starts {
            config += &format!(
                "[functions.f{number}-{start}]\ntimeout = 30\nmemory = 512\nfreeze = false\n{}\n",
                way.keys
            );
        }
    }
    let host = Host::start(&[
        ("lambkin.toml", &config),
        ("python/app.py", PYTHON),
        ("node/index.js", NODE),
    ])?;
    let mut client = Client::connect(host.address(&["invoke"])?)?;
    let mut cold = vec![Vec::new(); ways.len()];
    for start in 0..=starts {
        for (number, times) in cold.iter_mut().enumerate() {
            let took = client.call(&format!("f{number}-{start}"))?;
            // The first ones fill the caches of the system.
            if start > 0 {
                times.push(took);
            }
        }
    }
    let mut warm = vec![Vec::new(); ways.len()];
    for call in 0..calls + calls / 10 {
        for (number, times) in warm.iter_mut().enumerate() {
            let took = client.call(&format!("f{number}-0"))?;
            if call >= calls / 10 {
                times.push(took);
            }
        }
    }
    print(
        &format!("cold start, {starts} of each in turns"),
        "ms",
        1e3,
        &ways,
        &mut cold,
    );
    print(
        &format!("warm call, {calls} of each in turns"),
        "µs",
        1e6,
        &ways,
        &mut warm,
    );
    Ok(ExitCode::SUCCESS)
}

/// The ways that are possible on this machine. `folder` is empty.
fn ways(folder: &Path) -> Result<Vec<Way>> {
    let way = |name, against, keys: String| Way {
        name,
        against,
        keys,
    };
    let native = format!("code = {BOOTSTRAP:?}");
    let mut ways = vec![way("native", "native", native.clone())];
    let has_namespaces = namespaces()?;
    if has_namespaces {
        ways.push(way(
            "native, in namespaces",
            "native",
            native + "\nsandbox = 'namespace'",
        ));
    }
    if has_namespaces && let Some(image) = image(folder)? {
        let keys = format!("image = {image:?}");
        ways.push(way("native, in an image of 22 MB", "native", keys));
    }
    if has("python3") {
        let own = "code = 'python'\nhandler = 'app.handler'".to_owned();
        ways.push(way(
            "Python, Lambkin's client",
            "Python, Lambkin's client",
            own.clone(),
        ));
        if let Some(package) = tool("examples/python/hello/package") {
            let keys = format!(
                "code = 'python'\nhandler = 'app.handler'\ncommand = ['python3', '-m', 'awslambdaric', 'app.handler']\n\
                 environment = {{ PYTHONPATH = {package:?} }}"
            );
            ways.push(way(
                "Python, AWS's client",
                "Python, Lambkin's client",
                keys,
            ));
        }
        if has_namespaces {
            let keys = own + "\nsandbox = 'namespace'";
            ways.push(way(
                "Python, in namespaces",
                "Python, Lambkin's client",
                keys,
            ));
        }
    }
    if has("node") {
        let own = "code = 'node'\nhandler = 'index.handler'".to_owned();
        ways.push(way(
            "Node.js, Lambkin's client",
            "Node.js, Lambkin's client",
            own,
        ));
        if let Some(client) = tool("examples/node/hello/node_modules/.bin/aws-lambda-ric") {
            let keys = format!(
                "code = 'node'\nhandler = 'index.handler'\ncommand = [{client:?}, 'index.handler']"
            );
            ways.push(way(
                "Node.js, AWS's client",
                "Node.js, Lambkin's client",
                keys,
            ));
            let keys = format!(
                "code = 'node'\nhandler = 'index.handler'\ncommand = ['node', {AWS_FLAGS}, {client:?}, 'index.handler']"
            );
            ways.push(way(
                "Node.js, AWS's client and flags",
                "Node.js, Lambkin's client",
                keys,
            ));
        }
    }
    Ok(ways)
}

/// Makes an image, and prints how long it takes to unpack it and to find it unpacked.
fn image(folder: &Path) -> Result<Option<PathBuf>> {
    let made = Command::new("sh")
        .args(["-c", MAKE_IMAGE, "sh", BOOTSTRAP])
        .current_dir(folder)
        .output()?;
    if !made.status.success() {
        let reason = String::from_utf8_lossy(&made.stderr).into_owned();
        println!("not measured: an image: {reason}");
        return Ok(None);
    }
    let image = folder.join("image.tar");
    let config = format!("[functions.f]\nimage = {image:?}\n[invoke]\nlisten = '127.0.0.1:0'\n");
    std::fs::write(folder.join("lambkin.toml"), config)?;
    let check = || -> Result<f64> {
        let started = Instant::now();
        let check = Command::new(lambkin()?)
            .arg("check")
            .current_dir(folder)
            .env("LAMBKIN_CACHE_DIR", folder.join("cache"))
            .output()?;
        let reason = String::from_utf8_lossy(&check.stderr);
        ensure!(check.status.success(), "the image does not work: {reason}");
        Ok(started.elapsed().as_secs_f64() * 1e3)
    };
    println!(
        "lambkin check of an image of 22 MB: {:.0} ms, then {:.0} ms",
        check()?,
        check()?
    );
    Ok(Some(image))
}

fn has(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let has = started.is_ok_and(|status| status.success());
    if !has {
        println!("not measured: {program} is missing");
    }
    has
}

/// What `tests/tools/install` has installed.
fn tool(name: &str) -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools");
    let path = tools.join(name);
    if !path.exists() {
        println!("not measured: {name} is missing; tests/tools/install installs it");
        return None;
    }
    Some(path)
}

/// Whether sandbox mode `namespace` works here.
fn namespaces() -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let config = format!(
        "[functions.f]\ncode = {BOOTSTRAP:?}\nsandbox = 'namespace'\n[invoke]\nlisten = '127.0.0.1:0'\n"
    );
    std::fs::write(folder.path().join("lambkin.toml"), config)?;
    let check = Command::new(lambkin()?)
        .arg("check")
        .current_dir(folder.path())
        .output()?;
    if !check.status.success() {
        println!(
            "not measured: namespaces: {}",
            String::from_utf8_lossy(&check.stderr)
        );
    }
    Ok(check.status.success())
}

fn print(title: &str, unit: &str, per_second: f64, ways: &[Way], times: &mut [Vec<Duration>]) {
    let p50s: Vec<f64> = times
        .iter_mut()
        .map(|times| percentile(times, 50).as_secs_f64() * per_second)
        .collect();
    println!(
        "{title:<40}{:>10}{:>10}   compared, p50",
        format!("p50 {unit}"),
        format!("p90 {unit}")
    );
    for ((way, p50), times) in ways.iter().zip(&p50s).zip(times) {
        let p90 = percentile(times, 90).as_secs_f64() * per_second;
        let other = ways.iter().position(|other| other.name == way.against);
        let base = other
            .and_then(|index| p50s.get(index))
            .copied()
            .unwrap_or(*p50);
        let compared = match way.against == way.name {
            true => String::new(),
            false => format!(
                "{:+.2} {unit}, {:.2} times {}",
                p50 - base,
                p50 / base,
                way.against
            ),
        };
        println!("  {:<38}{p50:>10.2}{p90:>10.2}   {compared}", way.name);
    }
}

/// A client with one connection that is kept.
struct Client {
    stream: TcpStream,
    address: String,
}

impl Client {
    fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let address = address.to_owned();
        Ok(Self { stream, address })
    }

    /// The time of a call, which is answered with its event.
    fn call(&mut self, function: &str) -> Result<Duration> {
        const EVENT: &str = r#"{"order":7}"#;
        let request = format!(
            "POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{EVENT}",
            self.address,
            EVENT.len()
        );
        let called = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        let (mut responses, mut piece) = (Responses::default(), [0; 4096]);
        loop {
            let read = self.stream.read(&mut piece)?;
            ensure!(read > 0, "the host closed the connection");
            responses.feed(piece.get(..read).context("more than fits")?);
            if let Some(response) = responses.take()? {
                let took = called.elapsed();
                let body = String::from_utf8_lossy(&response.body).replace(' ', "");
                ensure!(
                    response.status == 200 && body == EVENT,
                    "{function} answered {body}"
                );
                return Ok(took);
            }
        }
    }
}
