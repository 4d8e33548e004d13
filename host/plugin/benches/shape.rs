//! What a request costs in the plugin quota: `cargo bench --workspace --bench shape -- [COMPONENT [CONFIG]]`.
//!
//! The component is a built-in's name or a file's path. Without one the fixture of the tests is measured, which does
//! next to nothing: the price of the quota itself. Each line is the median and the best of many rounds, in
//! microseconds.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs};

use lambkin_model::{Body, HttpHeader, HttpRequest};
use lambkin_plugin::{
    Ending, HttpTrigger, Options, Plugin, PluginHost, Reuse, Step, Surroundings, TriggerOutcome,
};

/// For `api-gateway-http`; the fixture takes anything.
const CONFIG: &str = r#"{"routes":{"GET /hello/{name}":"f","$default":"f"}}"#;

const ROUNDS: usize = 200;
const CALLS: usize = 100;

/// Tells the measuring process where the compiling one left the compiled code.
const CACHE: &str = "LAMBKIN_BENCH_CACHE";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some(lambkin_plugin::COMPILER_ARGUMENT) {
        return Ok(lambkin_plugin::compile_for_host());
    }
    // Without the `--bench` that cargo adds.
    let mut arguments = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let (name, component) = match arguments.next() {
        Some(name) => match lambkin_builtin::find(&name) {
            Some(component) => (name, component),
            None => (name.clone(), fs::read(name)?),
        },
        None => ("the test fixture".to_owned(), fixture()?),
    };
    let config = arguments.next().unwrap_or_else(|| CONFIG.into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Some(cache) = env::var_os(CACHE) {
        runtime.block_on(async {
            let plugin = start(cache.as_ref(), component, "start from the cache").await?;
            let trigger = plugin
                .http_trigger(&config, &surroundings(), &[], Reuse::DEFAULT)
                .await?;
            measure(&trigger).await
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{name}: {} bytes", component.len());
    let cache = tempfile::tempdir()?;
    runtime.block_on(start(cache.path(), component, "start that compiles"))?;
    // In a process of its own, which has compiled nothing.
    Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(CACHE, cache.path())
        .status()?;
    Ok(ExitCode::SUCCESS)
}

async fn start(cache: &Path, component: Vec<u8>, what: &str) -> Result<Plugin, Box<dyn Error>> {
    let begin = Instant::now();
    let host = PluginHost::new(Options {
        cache: Some(cache.to_owned()),
        ..Options::default()
    })?;
    let engine = begin.elapsed();
    let plugin = host.load("bench", component.into()).await?;
    let load = begin.elapsed() - engine;
    println!(
        "{what}: engine {engine:.2?}, load {load:.2?}, resident memory {} KiB",
        resident()?
    );
    Ok(plugin)
}

async fn measure(trigger: &HttpTrigger) -> Result<(), Box<dyn Error>> {
    let request = request();
    let token = match trigger.shape(&request).await? {
        Step::Invoke(shaped) => shaped.resumption.token,
        other => return Err(format!("the request is not routed: {other:?}").into()),
    };
    let outcome = TriggerOutcome {
        ending: Ending::Completed(r#"{"statusCode":200,"body":"hello"}"#.into()),
        at_ms: 1_700_000_000_000,
        cached: false,
    };
    let (mut shape, mut resume, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for _ in 0..CALLS {
            black_box(trigger.shape(&request).await?);
        }
        let between = Instant::now();
        for _ in 0..CALLS {
            black_box(trigger.resume(&token, &outcome, None).await?);
        }
        shape.push(between - begin);
        resume.push(between.elapsed());
        whole.push(begin.elapsed());
    }
    print("shape", &mut shape);
    print("resume", &mut resume);
    print("both", &mut whole);
    println!("resident memory {} KiB", resident()?);
    Ok(())
}

fn print(what: &str, rounds: &mut [Duration]) {
    rounds.sort_unstable();
    let micros = |round: Option<&Duration>| {
        round.map_or(f64::NAN, |round| round.as_secs_f64() * 1e6 / CALLS as f64)
    };
    println!(
        "{what:8} median {:6.2} µs   best {:6.2} µs",
        micros(rounds.get(ROUNDS / 2)),
        micros(rounds.first())
    );
}

/// What this process keeps in memory, in KiB.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

fn surroundings() -> Surroundings {
    Surroundings {
        name: "web".into(),
        address: None,
        region: "us-east-1".into(),
        account: "000000000000".into(),
        environment: Vec::new(),
        functions: Vec::new(),
        extra: Vec::new(),
    }
}

fn request() -> HttpRequest {
    let headers = (0..12).map(|n| HttpHeader {
        name: format!("x-header-{n}"),
        name_as_sent: None,
        value: format!("value number {n}, as long as most"),
    });
    HttpRequest {
        id: "b4a5f2f6-0000-4000-8000-000000000000".into(),
        trace_id: "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0"
            .into(),
        at_ms: 1_700_000_000_000,
        peer: "127.0.0.1".into(),
        scheme: "http",
        port: 8000,
        protocol: "HTTP/1.1".into(),
        authority: "localhost:8000".into(),
        method: "GET".into(),
        path: "/hello/ada".into(),
        query: "x=1&y=2".into(),
        headers: headers.collect(),
        body: Some(Body::Text("a".repeat(1_024))),
        extra: Vec::new(),
    }
}

#[allow(
    dead_code,
    clippy::expect_used,
    reason = "shared with the tests, of which the benchmark needs a part"
)]
#[path = "../tests/all/template.rs"]
mod template;

fn fixture() -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(template::good().bytes().into())
}
