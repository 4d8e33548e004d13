//! Compares the speed of warm calls through Lambkin, AWS's RIE, `cargo lambda watch` and a bare relay, and measures the
//! cost of Lambkin's features.
//!
//!     cargo bench --workspace --bench invoke
//!     cargo bench --workspace --bench invoke -- --quick --only lambkin,relay
//!
//! The exit code does not depend on the figures: it is 0 on success, 1 if a subject answered with anything but the
//! event, and 2 if the benchmark itself could not run. Linux only, because it reads `/proc`.

mod extension;
mod features;
mod load;
mod measure;
mod process;
mod relay;
mod report;
mod server;
mod stream;
mod subject;
mod tools;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use measure::{Plan, Results};
use subject::{Name, Subject};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("invoke: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    if let [flag, port, bootstraps, bootstrap] = arguments
        && flag == "--relay"
    {
        relay::serve(port.parse()?, bootstraps.parse()?, Path::new(bootstrap))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let [flag] = arguments
        && flag == "--extension"
    {
        extension::run()?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(arguments)?;
    server::adopt_orphans()?;
    let mut results = Results::default();
    let subjects = prepare(&options.only, &mut results)?;
    // The callers share one thread, to leave as much processor time as possible to the subjects.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let finished = runtime.block_on(async {
        tokio::select! {
            () = measure::all(&options.plan, subjects, &mut results) => true,
            _ = interrupted() => false,
        }
    });
    if !finished {
        bail!("interrupted; everything it started has been ended");
    }
    print!("{}", report::text(&options.plan, &results));
    Ok(if results.any_wrong() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

struct Options {
    plan: Plan,
    only: Vec<Name>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            plan: Plan {
                starts: 10,
                rounds: 4,
                calls: 5000,
                span: Duration::from_secs(2),
                paced: 100,
                rest: Some(Duration::from_secs(60)),
            },
            only: Name::ALL.to_vec(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => {} // Cargo adds it
                "--quick" => {
                    options.plan = Plan {
                        starts: 3,
                        rounds: 1,
                        calls: 1000,
                        span: Duration::from_millis(500),
                        paced: 25,
                        rest: None,
                    }
                }
                "--only" => {
                    let names = arguments
                        .next()
                        .context("--only needs names, such as `lambkin,relay`")?;
                    options.only = names.split(',').map(name).collect::<Result<_>>()?;
                }
                other => bail!("{other:?} is unknown; there are --quick and --only NAME,NAME"),
            }
        }
        Ok(options)
    }
}

fn name(text: &str) -> Result<Name> {
    let known = Name::ALL.into_iter().find(|name| name.text() == text);
    known.with_context(|| {
        let names = Name::ALL.map(Name::text).join(", ");
        format!("there is no subject called {text:?}; there are {names}")
    })
}

/// The available subjects; the others are recorded with the reason.
fn prepare(wanted: &[Name], results: &mut Results) -> Result<Vec<Subject>> {
    let executable = std::env::current_exe()?;
    let target = executable
        .ancestors()
        .nth(3)
        .context("the benchmark is not in a target folder")?;
    let tools = target.join("bench-tools");
    let mut subjects = Vec::new();
    for name in Name::ALL {
        if !wanted.contains(&name) {
            results
                .skipped
                .insert(name, "left out by --only".to_owned());
            continue;
        }
        match Subject::prepare(name, &tools) {
            Ok(subject) => subjects.push(subject),
            Err(error) => {
                results.skipped.insert(name, format!("{error:#}"));
            }
        }
    }
    Ok(subjects)
}

/// Waits for SIGINT or SIGTERM. The servers and everything they started are then stopped by dropping them.
async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
