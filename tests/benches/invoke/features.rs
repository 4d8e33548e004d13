//! The cost of Lambkin's features: each figure beside the one without the feature, measured right after it.
//!
//! A cold start is compared with a bare start of the same bootstrap, up to its first request to a plain listener.
//! Everything else is compared with Lambkin itself: without freezing, without an extension, with a buffered response,
//! or with a synchronous call.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::extension;
use crate::load::{self, Calls, Kind, Seen, Target, Until};
use crate::measure::{Plan, Results, median, warm_up};
use crate::process;
use crate::server::Server;
use crate::stream;
use crate::subject::{BOOTSTRAP, Name, Subject};

/// Pause of a paced caller after each call: long enough for its environment to be frozen.
const PACE: Duration = Duration::from_millis(20);

/// Time after which a server that has started does nothing more.
const IDLE: Duration = Duration::from_millis(300);

/// The clients of a storm, and the length of what each of them gets.
const STORM_CLIENTS: usize = 100;
const STORM_BYTES: usize = 5_000_000;

/// Number of callers that send asynchronous events.
const SENDERS: usize = 16;

/// What is measured, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// The first call of a function, ms.
    ColdStart,
    /// The first call of a function in a sandbox, ms.
    Sandbox,
    /// Warm calls, one right after the other, µs; the number is the hundredth.
    Freeze(usize),
    /// Calls that come when the environment is frozen, µs.
    PacedFreeze(usize),
    /// Warm calls with a subscriber of telemetry, µs.
    Telemetry(usize),
    /// To the first piece of a streamed response, µs.
    FirstPiece,
    /// The same, beside the whole response, ms.
    FirstOfWhole,
    /// To the answer that an event is stored, µs.
    Accepted(usize),
    /// Events stored per second.
    AcceptedPerSecond,
    /// Idle memory with all built-in plugins, PSS, MB.
    AllPlugins,
    /// Memory a while after a storm, PSS, MB.
    AfterStorm,
}

use Feature::{
    Accepted, AcceptedPerSecond, AfterStorm, AllPlugins, ColdStart, FirstOfWhole, FirstPiece,
    Freeze, PacedFreeze, Sandbox, Telemetry,
};

/// The rows of the table: figure, label, what it is compared with, unit.
pub const ROWS: [(Feature, &str, &str, &str); 15] = [
    (
        ColdStart,
        "cold start, first call, p50",
        "bare start of the bootstrap",
        "ms",
    ),
    (
        Sandbox,
        "cold start in a sandbox, p50",
        "cold start without",
        "ms",
    ),
    (Freeze(50), "warm call, freezing, p50", "not freezing", "µs"),
    (Freeze(99), "warm call, freezing, p99", "not freezing", "µs"),
    (
        PacedFreeze(50),
        "call every 20 ms, frozen, p50",
        "not freezing",
        "µs",
    ),
    (
        PacedFreeze(99),
        "call every 20 ms, frozen, p99",
        "not freezing",
        "µs",
    ),
    (
        Telemetry(50),
        "warm call, telemetry, p50",
        "no extension",
        "µs",
    ),
    (
        Telemetry(99),
        "warm call, telemetry, p99",
        "no extension",
        "µs",
    ),
    (
        FirstPiece,
        "stream, first piece, p50",
        "buffered call every 20 ms",
        "µs",
    ),
    (
        FirstOfWhole,
        "stream, first piece, p50",
        "its end, 20 ms after",
        "ms",
    ),
    (Accepted(50), "event stored, p50", "call that waits", "µs"),
    (Accepted(99), "event stored, p99", "call that waits", "µs"),
    (
        AcceptedPerSecond,
        "events stored, 16 callers",
        "calls that wait",
        "/s",
    ),
    (
        AllPlugins,
        "idle, all built-in plugins, PSS",
        "idle, no plugin",
        "MB",
    ),
    (
        AfterStorm,
        "a minute after 100 × 5 MB, PSS",
        "idle, before it",
        "MB",
    ),
];

/// The samples of all rounds, of each figure and of what it is compared with.
#[derive(Default)]
pub struct Pairs {
    samples: BTreeMap<Feature, (Vec<f64>, Vec<f64>)>,
    /// Why something could not be measured.
    pub faults: Vec<String>,
}

impl Pairs {
    /// The medians of a figure and of what it is compared with.
    pub fn medians(&self, feature: Feature) -> Option<(f64, f64)> {
        let (with, without) = self.samples.get(&feature)?;
        Some((median(with)?, median(without)?))
    }

    /// Something could not be measured.
    pub fn failed(&mut self, why: String) {
        self.faults.push(why);
    }

    fn add(&mut self, feature: Feature, with: f64, without: f64) {
        let samples = self.samples.entry(feature).or_default();
        samples.0.push(with);
        samples.1.push(without);
    }

    fn add_latencies(
        &mut self,
        feature: impl Fn(usize) -> Feature,
        with: &mut Seen,
        without: &mut Seen,
    ) {
        for hundredths in [50, 99] {
            let pair = (with.hundredth(hundredths), without.hundredth(hundredths));
            if let (Some(with), Some(without)) = pair {
                self.add(feature(hundredths), us(with), us(without));
            }
        }
    }
}

/// One round of everything.
///
/// # Errors
/// When Lambkin cannot be started or closes a connection early.
pub async fn measure(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    cold_starts(plan, lambkin, results).await?;
    freezing(plan, lambkin, results).await?;
    telemetry(plan, lambkin, results).await?;
    streaming(plan, lambkin, results).await?;
    events(plan, lambkin, results).await?;
    plugins(lambkin, results).await?;
    match plan.rest {
        Some(rest) => storm(rest, lambkin, results).await,
        None => Ok(()),
    }
}

/// Calls many new functions once each, alternating with bare starts, and with functions in the sandbox that works here.
async fn cold_starts(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let functions = |sandbox: &str| {
        let functions = (0..plan.starts).map(|number| {
            format!("[functions.cold-{number}]\ncode = {BOOTSTRAP:?}\nsandbox = {sandbox:?}\n")
        });
        functions.collect::<String>()
    };
    let without = Server::start(&lambkin.with(&functions("process")), 1)?;
    let with = Server::start(&lambkin.with(&functions("auto")), 1)?;
    for number in 0..plan.starts {
        let mut firsts = Vec::new();
        for server in [&without, &with] {
            let target = Target {
                path: format!("/2015-03-31/functions/cold-{number}/invocations"),
                ..server.target.clone()
            };
            let mut seen = run(&target, Calls::new(1, Until::Calls(1)), results).await?;
            firsts.extend(seen.hundredth(50));
        }
        if let [first, in_sandbox] = firsts[..] {
            results.pairs.add(ColdStart, ms(first), ms(bare_start()?));
            results.pairs.add(Sandbox, ms(in_sandbox), ms(first));
        }
    }
    Ok(())
}

/// The time from before the bootstrap is started until its first request arrives.
fn bare_start() -> Result<Duration> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let started = Instant::now();
    let mut child = Command::new(BOOTSTRAP)
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .spawn()?;
    let (mut connection, _) = listener.accept()?;
    let read = connection.read(&mut [0; 1024])?;
    let took = started.elapsed();
    child.kill()?;
    child.wait()?;
    anyhow::ensure!(read > 0, "the bare bootstrap asked for nothing");
    Ok(took)
}

async fn freezing(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let back_to_back = Calls::new(1, Until::Calls(plan.calls));
    let paced = Calls {
        pause: PACE,
        ..Calls::new(1, Until::Calls(plan.paced))
    };
    let mut seen = Vec::new();
    for setting in ["freeze = true\n", "freeze = false\n"] {
        let server = started(&lambkin.with(setting), 1, results).await?;
        seen.push((
            run(&server.target, back_to_back, results).await?,
            run(&server.target, paced, results).await?,
        ));
    }
    if let [(with, with_paced), (without, without_paced)] = seen.as_mut_slice() {
        let pairs = &mut results.pairs;
        pairs.add_latencies(Freeze, with, without);
        pairs.add_latencies(PacedFreeze, with_paced, without_paced);
    }
    Ok(())
}

async fn telemetry(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let layer = layer()?;
    let with = lambkin.with(&format!("layers = [{:?}]\n", layer.path()));
    let calls = Calls::new(1, Until::Calls(plan.calls));
    let mut seen = Vec::new();
    for subject in [&with, lambkin] {
        let server = started(subject, 1, results).await?;
        seen.push(run(&server.target, calls, results).await?);
    }
    if let [with, without] = seen.as_mut_slice() {
        results.pairs.add_latencies(Telemetry, with, without);
    }
    Ok(())
}

/// A layer with one extension, which is this program.
fn layer() -> Result<TempDir> {
    let layer = TempDir::with_prefix("lambkin-bench-layer-")?;
    let program = layer.path().join("extensions").join(extension::NAME);
    fs::create_dir(layer.path().join("extensions"))?;
    let here = std::env::current_exe()?;
    let script = format!("#!/bin/sh\nexec '{}' --extension\n", here.display());
    fs::write(&program, script)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    Ok(layer)
}

async fn streaming(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let server = started(&lambkin.with("freeze = false\n"), 1, results).await?;
    // The function pauses between its pieces, which lets processors enter sleep states: callers of the echo pause as
    // well.
    let calls = Calls {
        pause: stream::PAUSE,
        ..Calls::new(1, Until::Calls(plan.paced))
    };
    let buffered = run(&server.target, calls, results).await?.hundredth(50);
    let times = stream::calls(&server.target, plan.paced).await?;
    let first = middle(times.iter().map(|times| us(times.first)))?;
    let whole = middle(times.iter().map(|times| us(times.whole)))?;
    let buffered = buffered.context("no buffered call was answered")?;
    results.pairs.add(FirstPiece, first, us(buffered));
    results.pairs.add(FirstOfWhole, first / 1e3, whole / 1e3);
    Ok(())
}

/// Events run in the background in the meantime, as in normal use.
async fn events(plan: &Plan, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let one = Calls::new(1, Until::Calls(plan.calls));
    let many = Calls::new(SENDERS, Until::Passed(plan.span));
    let mut seen = Vec::new();
    for kind in [Kind::Event, Kind::RequestResponse] {
        let server = started(lambkin, SENDERS, results).await?;
        let alone = run(&server.target, Calls { kind, ..one }, results).await?;
        let together = run(&server.target, Calls { kind, ..many }, results).await?;
        seen.push((alone, together.per_second()));
    }
    if let [(with, stored), (without, waited)] = seen.as_mut_slice() {
        let pairs = &mut results.pairs;
        pairs.add_latencies(Accepted, with, without);
        pairs.add(AcceptedPerSecond, *stored, *waited);
    }
    Ok(())
}

/// Idle hosts, with all built-in plugins and with none.
async fn plugins(lambkin: &Subject, results: &mut Results) -> Result<()> {
    let all = "\n[queues.orders]\n[buckets.photos]\n\
        [services.sqs]\nlisten = \"127.0.0.1:0\"\nplugin = \"sqs\"\nqueues = [\"*\"]\n\
        [services.s3]\nlisten = \"127.0.0.1:0\"\nplugin = \"s3\"\nbuckets = [\"*\"]\n\
        [triggers.web]\nlisten = \"127.0.0.1:0\"\nplugin = \"api-gateway-http\"\nfunction = \"echo\"\n\
        [triggers.orders]\nqueue = \"orders\"\nplugin = \"sqs\"\nfunction = \"echo\"\n";
    let mut memory = Vec::new();
    for settings in [all, ""] {
        let server = Server::start(&lambkin.with(settings), 1)?;
        server.ready();
        tokio::time::sleep(IDLE).await;
        memory.push(process::proportional_mb(server.pid())?);
    }
    if let [with, without] = memory.as_slice() {
        results.pairs.add(AllPlugins, *with, *without);
    }
    Ok(())
}

/// Clients that do not read the responses that they asked for, and leave.
async fn storm(rest: Duration, lambkin: &Subject, results: &mut Results) -> Result<()> {
    let server = started(lambkin, 1, results).await?;
    let before = process::proportional_mb(server.pid())?;
    let event = format!("\"{}\"", "x".repeat(STORM_BYTES));
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{event}",
        server.target.path,
        server.target.address,
        event.len()
    );
    let mut clients = Vec::new();
    for _ in 0..STORM_CLIENTS {
        let mut client = TcpStream::connect(server.target.address).await?;
        client.write_all(request.as_bytes()).await?;
        clients.push(client);
    }
    for client in &clients {
        client.readable().await?;
    }
    drop(clients);
    tokio::time::sleep(rest).await;
    let after = process::proportional_mb(server.pid())?;
    results.pairs.add(AfterStorm, after, before);
    Ok(())
}

/// A server that has been warmed up.
async fn started(subject: &Subject, environments: usize, results: &mut Results) -> Result<Server> {
    let server = Server::start(subject, environments)?;
    for mut seen in warm_up(&server, environments).await? {
        results.add_faults(Name::Lambkin, environments, &mut seen);
    }
    Ok(server)
}

async fn run(target: &Target, calls: Calls, results: &mut Results) -> Result<Seen> {
    let mut seen = load::run(target, calls).await?;
    results.add_faults(Name::Lambkin, calls.callers, &mut seen);
    Ok(seen)
}

fn middle(samples: impl Iterator<Item = f64>) -> Result<f64> {
    median(&samples.collect::<Vec<_>>()).context("nothing was measured")
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
