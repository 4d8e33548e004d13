//! The table: medians of all subjects, lambkin's ratio to each of the others, and the goals.

use std::fmt::Write as _;

use crate::features::{self, Pairs};
use crate::measure::{CALLERS, Figure, Plan, Results};
use crate::subject::Name;

/// The rows in the order they are shown: label, unit, figure.
const ROWS: [(&str, &str, Figure); 18] = [
    ("warm call, 1 caller, p50", "µs", Figure::P50),
    ("warm call, 1 caller, p99", "µs", Figure::P99),
    ("throughput, 1 caller", "calls/s", Figure::Throughput(1)),
    ("throughput, 8 callers", "calls/s", Figure::Throughput(8)),
    ("throughput, 64 callers", "calls/s", Figure::Throughput(64)),
    ("CPU per 10,000 calls, 1 caller", "s", Figure::Cpu(1)),
    ("CPU per 10,000 calls, 8 callers", "s", Figure::Cpu(8)),
    ("CPU per 10,000 calls, 64 callers", "s", Figure::Cpu(64)),
    ("start to listening", "ms", Figure::Listening),
    ("start to ready line", "ms", Figure::Ready),
    ("start to first answer", "ms", Figure::FirstAnswer),
    ("memory, idle after start", "MB", Figure::Resident(0)),
    ("memory, idle after 1 caller", "MB", Figure::Resident(1)),
    ("memory, idle after 64 callers", "MB", Figure::Resident(64)),
    ("PSS, idle after start", "MB", Figure::Proportional(0)),
    ("PSS, idle after 1 caller", "MB", Figure::Proportional(1)),
    ("PSS, idle after 64 callers", "MB", Figure::Proportional(64)),
    ("PSS of one of 64 supervisors", "MB", Figure::Supervisor(64)),
];

/// The required value of a figure.
enum Limit {
    /// At most this multiple of another subject's figure.
    Times(f64, Name),
    /// At least this multiple of another subject's figure.
    AtLeastTimes(f64, Name),
    /// At most this, in the row's unit.
    AtMost(f64),
}

use Limit::{AtLeastTimes, AtMost, Times};

const GOALS: [(Name, Figure, Limit); 23] = [
    (Name::Lambkin, Figure::P50, Times(1.2, Name::Relay)),
    (Name::Lambkin, Figure::P50, Times(0.62, Name::CargoLambda)),
    (Name::Lambkin, Figure::P50, Times(0.33, Name::Rie)),
    (Name::Lambkin, Figure::P99, Times(1.5, Name::Relay)),
    (
        Name::Lambkin,
        Figure::Throughput(8),
        AtLeastTimes(0.85, Name::Relay),
    ),
    (
        Name::Lambkin,
        Figure::Throughput(8),
        AtLeastTimes(2.2, Name::CargoLambda),
    ),
    (
        Name::Lambkin,
        Figure::Throughput(64),
        AtLeastTimes(0.85, Name::Relay),
    ),
    (
        Name::Lambkin,
        Figure::Throughput(64),
        AtLeastTimes(2.2, Name::CargoLambda),
    ),
    (Name::Lambkin, Figure::Cpu(1), Times(1.4, Name::Relay)),
    (Name::Lambkin, Figure::Cpu(8), Times(1.4, Name::Relay)),
    (Name::Lambkin, Figure::Cpu(64), Times(1.4, Name::Relay)),
    (Name::Lambkin, Figure::Listening, AtMost(5.0)),
    (Name::Lambkin, Figure::FirstAnswer, AtMost(15.0)),
    (Name::Lambkin, Figure::Proportional(0), AtMost(15.0)),
    (Name::Lambkin, Figure::Proportional(1), AtMost(15.0)),
    (Name::Plugin, Figure::P50, Times(1.35, Name::Relay)),
    (
        Name::Plugin,
        Figure::Throughput(8),
        AtLeastTimes(0.65, Name::Relay),
    ),
    (
        Name::Plugin,
        Figure::Throughput(64),
        AtLeastTimes(0.65, Name::Relay),
    ),
    (Name::Plugin, Figure::Cpu(1), Times(1.5, Name::Relay)),
    (Name::Plugin, Figure::Cpu(8), Times(1.5, Name::Relay)),
    (Name::Plugin, Figure::Cpu(64), Times(1.5, Name::Relay)),
    (Name::Plugin, Figure::FirstAnswer, Times(1.5, Name::Lambkin)),
    (Name::Plugin, Figure::Proportional(0), AtMost(15.0)),
];

/// The whole report as text.
pub fn text(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut text, plan, results);
    text
}

fn write_all(text: &mut String, plan: &Plan, results: &Results) -> std::fmt::Result {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(
        text,
        "One echo function behind each; {processors} processors; medians of {} rounds ({} starts for the start times).\n",
        plan.rounds, plan.starts
    )?;
    write_table(text, results)?;
    write_features(text, &results.pairs)?;
    writeln!(
        text,
        "\nerrors of all rounds (calls not answered with the event)"
    )?;
    write_faults(text, results)?;
    writeln!(text, "\ngoals")?;
    write_goals(text, results)?;
    writeln!(
        text,
        "\nplugin: lambkin, called through its listener with the plugin api-gateway-http. Events have 955 bytes.\n\
         CPU and memory are the server process's alone (utime + stime of all its threads; VmRSS; PSS): not the\n\
         bootstraps' and not the callers'. Callers, server and bootstraps share the processors. Before each load\n\
         every subject is made to start as many bootstraps as there are callers. RIE serves one call at a time."
    )?;
    for (name, why) in &results.skipped {
        writeln!(text, "{} skipped: {why}", name.text())?;
    }
    Ok(())
}

fn write_table(text: &mut String, results: &Results) -> std::fmt::Result {
    write!(text, "{:<34}{:>8}", "", "")?;
    for name in Name::ALL {
        write!(text, "{:>14}", name.text())?;
    }
    write!(text, "   lambkin ÷")?;
    for name in others() {
        write!(text, "{:>14}", name.text())?;
    }
    writeln!(text, "   plugin ÷ relay")?;
    for (label, unit, figure) in ROWS {
        write!(text, "{label:<34}{unit:>8}")?;
        for name in Name::ALL {
            write!(text, "{:>14}", cell(results, figure, name))?;
        }
        write!(text, "{:>12}", "")?;
        for name in others() {
            let ratio = ratio(results, figure, Name::Lambkin, name);
            write!(
                text,
                "{:>14}",
                ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
            )?;
        }
        let ratio = ratio(results, figure, Name::Plugin, Name::Relay);
        let ratio = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        writeln!(text, "{ratio:>17}")?;
    }
    Ok(())
}

fn write_features(text: &mut String, pairs: &Pairs) -> std::fmt::Result {
    writeln!(
        text,
        "\nlambkin's features, each beside the same without it"
    )?;
    for (feature, label, beside, unit) in features::ROWS {
        write!(text, "  {label:<32}{unit:>6}")?;
        match pairs.medians(feature) {
            Some((with, without)) => writeln!(
                text,
                "{:>12}   {beside:<28}{:>10}   ÷ {:.2}",
                number(with),
                number(without),
                with / without
            )?,
            None => writeln!(text, "{:>12}   not measured", "–")?,
        }
    }
    for fault in &pairs.faults {
        writeln!(text, "  broken off: {fault}")?;
    }
    Ok(())
}

fn write_faults(text: &mut String, results: &Results) -> std::fmt::Result {
    for ((name, callers), faults) in &results.faults {
        let bad = faults.errors + faults.wrong;
        write!(
            text,
            "  {:<14}callers: {callers:>2}, calls: {:>7}, errors: {bad}",
            name.text(),
            faults.calls
        )?;
        if let Some(environments) = results.environments.get(&(*name, *callers))
            && environments != callers
        {
            write!(text, ", bootstraps: only {environments}")?;
        }
        if faults.wrong > 0 {
            write!(text, ", WRONG ANSWERS: {}", faults.wrong)?;
        }
        match &faults.first {
            Some(first) => writeln!(text, "; first: {first}")?,
            None => writeln!(text)?,
        }
    }
    Ok(())
}

fn write_goals(text: &mut String, results: &Results) -> std::fmt::Result {
    for (name, figure, limit) in &GOALS {
        let row = ROWS.iter().find(|(_, _, other)| other == figure);
        let (label, unit, _) = row.copied().unwrap_or(("", "", *figure));
        let label = format!("{}: {label}", name.text());
        let (goal, value) = match *limit {
            Times(factor, other) => (
                format!("≤ {factor:.2} × {}", other.text()),
                ratio(results, *figure, *name, other).map(|ratio| (ratio, ratio <= factor)),
            ),
            AtLeastTimes(factor, other) => (
                format!("≥ {factor:.2} × {}", other.text()),
                ratio(results, *figure, *name, other).map(|ratio| (ratio, ratio >= factor)),
            ),
            AtMost(limit) => (
                format!("≤ {limit:.0} {unit}"),
                results
                    .median(*figure, *name)
                    .map(|value| (value, value <= limit)),
            ),
        };
        write_goal(text, &label, &goal, value)?;
    }
    for name in [Name::Lambkin, Name::Plugin] {
        for callers in CALLERS {
            let faults = results.faults.get(&(name, callers));
            let errors = faults.map(|faults| faults.errors + faults.wrong);
            let label = format!("{}: errors, callers: {callers}", name.text());
            write_goal(
                text,
                &label,
                "none",
                errors.map(|errors| (errors as f64, errors == 0)),
            )?;
        }
    }
    Ok(())
}

fn write_goal(
    text: &mut String,
    label: &str,
    goal: &str,
    value: Option<(f64, bool)>,
) -> std::fmt::Result {
    match value {
        Some((value, reached)) => {
            let verdict = if reached { "reached" } else { "not reached" };
            writeln!(text, "  {label:<44}{goal:<24}{value:>8.2}   {verdict}")
        }
        None => writeln!(text, "  {label:<44}{goal:<24}{:>8}   not measured", "–"),
    }
}

fn cell(results: &Results, figure: Figure, name: Name) -> String {
    if let Some(value) = results.median(figure, name) {
        return number(value);
    }
    let impossible = match figure {
        Figure::Throughput(callers) | Figure::Cpu(callers) => !name.serves(callers),
        _ => false,
    };
    let text = match results.skipped.contains_key(&name) {
        true => "skipped",
        false if impossible => "dies",
        false => "–",
    };
    text.to_owned()
}

/// Formats a number with a useful number of decimals.
fn number(value: f64) -> String {
    let decimals = if value >= 1000.0 {
        0
    } else if value >= 100.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

fn others() -> impl Iterator<Item = Name> {
    Name::ALL.into_iter().filter(|name| *name != Name::Lambkin)
}

fn ratio(results: &Results, figure: Figure, name: Name, other: Name) -> Option<f64> {
    Some(results.median(figure, name)? / results.median(figure, other)?)
}
