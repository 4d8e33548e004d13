//! What a template costs beside the `lambkin.toml` that `lambkin init` writes of it: the time until Lambkin listens, and its
//! memory, for 50 functions and 100 routes of one API.
//!
//!     cargo bench --workspace --bench projects
//!     cargo bench --workspace --bench projects -- --quick
//!
//! Both are started in turns, so that what else the machine does affects them alike. Plugins are compiled before.
//!
//! The exit code is 0 if both listened with all functions, and 1 otherwise, whatever the figures are.

#[path = "../host.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod host;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::host::{lambkin, percentile};

const FUNCTIONS: usize = 50;
const ROUTES: usize = 100;

fn main() -> ExitCode {
    match run(std::env::args().any(|argument| argument == "--quick")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(is_quick: bool) -> Result<()> {
    let folder = tempfile::TempDir::with_prefix("lambkin-bench-")?;
    let (template, toml) = (folder.path().join("template"), folder.path().join("toml"));
    for folder in [&template, &toml] {
        std::fs::create_dir(folder)?;
        std::fs::write(
            folder.join("app.py"),
            "def handler(event, context):\n    return event\n",
        )?;
        std::fs::write(folder.join("template.yaml"), template_text())?;
    }
    let written = Command::new(lambkin()?)
        .arg("init")
        .current_dir(&toml)
        .output()?;
    ensure!(written.status.success(), "lambkin init: {written:?}");
    let starts = if is_quick { 5 } else { 40 };
    let mut measured = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    // The first start of each compiles plugins.
    for start in 0..=starts {
        for ((times, memory), folder) in measured.iter_mut().zip([&template, &toml]) {
            let (time, bytes) = measure(folder)?;
            if start > 0 {
                times.push(time);
                memory.push(bytes);
            }
        }
    }
    println!("{FUNCTIONS} functions, {ROUTES} routes; medians of {starts} starts");
    println!("{:<14} {:>12} {:>12}", "", "listens", "memory");
    for (name, (times, memory)) in ["template.yaml", "lambkin.toml"].iter().zip(&mut measured) {
        memory.sort_unstable();
        let time = percentile(times, 50).as_secs_f64() * 1000.0;
        let middle = memory.get(memory.len() / 2).context("no start")?;
        println!("{name:<14} {time:>9.1} ms {:>9.1} MB", *middle as f64 / 1e6);
    }
    Ok(())
}

/// The time from the start until Lambkin listens, and its memory then, in bytes.
fn measure(folder: &Path) -> Result<(Duration, u64)> {
    let begin = Instant::now();
    let mut host = Ended(
        Command::new(lambkin()?)
            .args(["serve", "--json", "--free-ports", "--no-watch"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let mut line = String::new();
    let stdout = host.0.stdout.take().context("no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let time = begin.elapsed();
    let ready: serde_json::Value = serde_json::from_str(&line).context("lambkin does not start")?;
    let functions = ready.get("functions").and_then(serde_json::Value::as_array);
    let functions = functions.map_or(0, Vec::len);
    ensure!(functions == FUNCTIONS, "there are {functions} functions");
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.0.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes =
        resident.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok((time, kilobytes.context("no memory")? * 1024))
}

/// A process that is ended when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

fn template_text() -> String {
    let mut text = "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function:\n    CodeUri: .\n    Handler: app.handler\n    \
                    Runtime: python3.13\nResources:\n"
        .to_owned();
    for function in 0..FUNCTIONS {
        let _ = write!(
            text,
            "  Function{function}:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment:\n        \
             Variables:\n          SELF: !Sub ${{AWS::StackName}}-{function}\n      Events:\n"
        ); // a String takes everything
        for event in 0..ROUTES / FUNCTIONS {
            let _ = write!(
                text,
                "        Event{event}:\n          Type: HttpApi\n          Properties: {{Path: /items/{function}/{event}, \
                 Method: GET}}\n"
            );
        }
    }
    text
}
