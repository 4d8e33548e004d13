//! The rounds: all subjects in turn, several times, so that a slow moment of the machine affects all of them.
//!
//! Each measurement runs on a freshly started subject. One that fails [`ATTEMPTS`] times in a row is dropped with the
//! reason.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::features::{self, Pairs};
use crate::load::{self, Calls, Seen, Until};
use crate::process;
use crate::server::Server;
use crate::subject::{Name, Subject};

/// The numbers of callers that are tried.
pub const CALLERS: [usize; 3] = [1, 8, 64];

/// How often a subject may fail in one measurement before it is dropped.
const ATTEMPTS: usize = 3;

/// The amount of measurements.
pub struct Plan {
    /// Starts of each subject for the start figures.
    pub starts: usize,
    /// Rounds of load.
    pub rounds: usize,
    /// Calls of the single caller in each round.
    pub calls: usize,
    /// How long several callers call in each round.
    pub span: Duration,
    /// Calls with a pause after each, and streamed responses, in each round.
    pub paced: usize,
    /// How long after a storm memory is measured; `None`: it is not.
    pub rest: Option<Duration>,
}

/// What is measured; the number is that of the callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Process start to the first TCP connection, ms.
    Listening,
    /// Process start to the ready line, ms.
    Ready,
    /// Process start to the first answer, ms.
    FirstAnswer,
    /// The middle latency of a warm call with one caller, µs.
    P50,
    /// The latency 99 of 100 warm calls stay under, µs.
    P99,
    /// Answered calls per second.
    Throughput(usize),
    /// CPU time of the server process, seconds per 10,000 answered calls.
    Cpu(usize),
    /// Resident memory of the server process, MB: 0 callers is before the first call, others after their load.
    Resident(usize),
    /// Proportional memory of the server process, MB.
    Proportional(usize),
    /// Proportional memory of one supervisor process, MB.
    Supervisor(usize),
}

/// The calls of one subject with one number of callers, starts and warm-ups included.
#[derive(Default)]
pub struct Faults {
    /// Answered as they should be.
    pub calls: usize,
    /// Not answered with status 200.
    pub errors: usize,
    /// Answered with status 200 and something else than the event.
    pub wrong: usize,
    /// What the first of either was.
    pub first: Option<String>,
}

/// Everything measured.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(Figure, Name), Vec<f64>>,
    /// What lambkin's features cost.
    pub pairs: Pairs,
    /// By subject and number of callers.
    pub faults: BTreeMap<(Name, usize), Faults>,
    /// The fewest bootstraps seen running at the end of a load, by subject and number of callers.
    pub environments: BTreeMap<(Name, usize), usize>,
    /// Why a subject is missing.
    pub skipped: BTreeMap<Name, String>,
}

impl Results {
    /// The median over all rounds.
    pub fn median(&self, figure: Figure, name: Name) -> Option<f64> {
        median(self.samples.get(&(figure, name))?)
    }

    /// Whether any subject gave an answer that is not the event.
    pub fn any_wrong(&self) -> bool {
        self.faults.values().any(|faults| faults.wrong > 0)
    }

    fn add(&mut self, figure: Figure, name: Name, value: f64) {
        self.samples.entry((figure, name)).or_default().push(value);
    }

    /// Counts calls; their latencies stay.
    pub fn add_faults(&mut self, name: Name, callers: usize, seen: &mut Seen) {
        let faults = self.faults.entry((name, callers)).or_default();
        faults.calls += seen.latencies.len();
        faults.errors += seen.errors;
        faults.wrong += seen.wrong;
        faults.first = faults.first.take().or(seen.first_fault.take());
    }
}

/// The middle one, or what is between the middle two.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    let upper = *samples.get(samples.len() / 2)?;
    let lower = *samples.get(samples.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Runs the plan. Progress goes to stderr.
pub async fn all(plan: &Plan, mut subjects: Vec<Subject>, results: &mut Results) {
    for start in 0..plan.starts {
        eprintln!("start {} of {}", start + 1, plan.starts);
        in_turn(&mut subjects, results, async |subject, results| {
            starting(subject, results).await
        })
        .await;
    }
    for round in 0..plan.rounds {
        if let Some(lambkin) = subjects.iter().find(|one| one.name == Name::Lambkin) {
            eprintln!("round {} of {}, features", round + 1, plan.rounds);
            if let Err(error) = features::measure(plan, lambkin, results).await {
                results.pairs.failed(format!("{error:#}"));
            }
        }
        for callers in CALLERS {
            eprintln!("round {} of {}, {callers} callers", round + 1, plan.rounds);
            in_turn(&mut subjects, results, async |subject, results| {
                if subject.name.serves(callers) {
                    loaded(plan, subject, callers, results).await?;
                }
                Ok(())
            })
            .await;
        }
    }
}

/// Does the same with every subject, begins with another one next time, and drops those that fail.
async fn in_turn(
    subjects: &mut Vec<Subject>,
    results: &mut Results,
    measure: impl AsyncFn(&Subject, &mut Results) -> Result<()>,
) {
    let mut kept = Vec::with_capacity(subjects.len());
    for subject in subjects.drain(..) {
        // A subject may fail right after its start: RIE accepts calls before its Runtime API is ready.
        let mut measured = measure(&subject, results).await;
        for _ in 1..ATTEMPTS {
            if measured.is_ok() {
                break;
            }
            measured = measure(&subject, results).await;
        }
        match measured {
            Ok(()) => kept.push(subject),
            Err(error) => {
                results.skipped.insert(subject.name, format!("{error:#}"));
            }
        }
    }
    if !kept.is_empty() {
        kept.rotate_left(1);
    }
    *subjects = kept;
}

/// A cold start, up to the first answer.
async fn starting(subject: &Subject, results: &mut Results) -> Result<()> {
    let server = Server::start(subject, 1)?;
    let mut seen = load::run(&server.target, Calls::new(1, Until::Calls(1))).await?;
    let answered = server.age();
    let fault = seen.first_fault.clone();
    results.add_faults(subject.name, 1, &mut seen);
    if let Some(fault) = fault {
        bail!(
            "its first call failed: {fault} (last output: {})",
            server.last_words()
        );
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    results.add(Figure::Listening, subject.name, ms(server.listening));
    results.add(Figure::FirstAnswer, subject.name, ms(answered));
    if let Some(ready) = server.ready() {
        results.add(Figure::Ready, subject.name, ms(ready));
    }
    Ok(())
}

/// A warm run with this many callers.
async fn loaded(
    plan: &Plan,
    subject: &Subject,
    callers: usize,
    results: &mut Results,
) -> Result<()> {
    const IDLE: Duration = Duration::from_millis(200);
    let server = Server::start(subject, callers)?;
    if callers == 1 {
        tokio::time::sleep(IDLE).await; // by then, startup work that continues after it listens has finished
        memory(&server, subject.name, 0, results)?;
    }
    for mut seen in warm_up(&server, callers).await? {
        results.add_faults(subject.name, callers, &mut seen);
    }

    let until = if callers == 1 {
        Until::Calls(plan.calls)
    } else {
        Until::Passed(plan.span)
    };
    let before = process::cpu(server.pid())?;
    let mut seen = load::run(&server.target, Calls::new(callers, until)).await?;
    let cpu = process::cpu(server.pid())
        .with_context(|| format!("it died: {}", server.last_words()))?
        - before;
    memory(&server, subject.name, callers, results)?;
    if subject.name.is_lambkin()
        && let (sum, count @ 1..) = server.supervisors()
    {
        let one = sum / count as f64;
        results.add(Figure::Supervisor(callers), subject.name, one);
    }

    let environments = results
        .environments
        .entry((subject.name, callers))
        .or_insert(usize::MAX);
    *environments = (*environments).min(server.environments());
    results.add_faults(subject.name, callers, &mut seen);
    record(results, subject.name, callers, &mut seen, cpu);
    Ok(())
}

fn memory(server: &Server, name: Name, callers: usize, results: &mut Results) -> Result<()> {
    let pid = server.pid();
    results.add(Figure::Resident(callers), name, process::resident_mb(pid)?);
    let proportional = process::proportional_mb(pid)?;
    results.add(Figure::Proportional(callers), name, proportional);
    Ok(())
}

/// Makes the server start as many bootstraps as there are callers, if it supports that, and warms it up.
pub async fn warm_up(server: &Server, callers: usize) -> Result<Vec<Seen>> {
    const WARM: Duration = Duration::from_millis(300);
    const TRIES: usize = 10;

    let mut seen = Vec::new();
    for _ in 0..TRIES {
        // Calls that take a moment overlap.
        let overlapping = Calls {
            extra: ",\"sleep_ms\":200",
            ..Calls::new(callers, Until::Calls(1))
        };
        seen.push(load::run(&server.target, overlapping).await?);
        if server.environments() >= callers {
            break;
        }
    }
    seen.push(load::run(&server.target, Calls::new(callers, Until::Passed(WARM))).await?);
    Ok(seen)
}

fn record(results: &mut Results, name: Name, callers: usize, seen: &mut Seen, cpu: Duration) {
    let calls = seen.latencies.len();
    if calls == 0 {
        return;
    }
    results.add(Figure::Throughput(callers), name, seen.per_second());
    results.add(
        Figure::Cpu(callers),
        name,
        cpu.as_secs_f64() * 1e4 / calls as f64,
    );
    if callers == 1 {
        for (figure, hundredths) in [(Figure::P50, 50), (Figure::P99, 99)] {
            if let Some(latency) = seen.hundredth(hundredths) {
                results.add(figure, name, latency.as_secs_f64() * 1e6);
            }
        }
    }
}
