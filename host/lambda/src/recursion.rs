//! Recursive loop detection: how often a function has been called in one chain of calls.
//!
//! Like AWS, this counts in a part of the trace header, `Lineage=CALLS:HASH:ROUNDS`, which a function's SDK copies
//! into the calls that the function makes: the number of calls in the chain, the hash of the watched function's name,
//! and how often that function has been called again. A call that does not carry the header starts a new chain, as on
//! AWS.
//!
//! The header names only one function, but a loop need not contain the chain's first one. Each time the number of calls
//! reaches a power of two, the function called then is watched instead (Brent's algorithm for finding cycles), so a
//! loop is found wherever it begins and however many functions it has.
//!
//! A lineage that cannot be parsed is ignored.

use std::fmt::Write;

use crate::limits::RECURSION_LIMIT;
use crate::spec::{FunctionSpec, RecursiveLoop};

const PART: &str = "Lineage=";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lineage {
    calls: u32,
    hash: u32,
    rounds: u32,
}

impl Lineage {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let lineage = Self {
            calls: parts.next()?.parse().ok()?,
            hash: u32::from_str_radix(parts.next()?, 16).ok()?,
            rounds: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(lineage)
    }

    fn first(hash: u32) -> Self {
        Self {
            calls: 1,
            hash,
            rounds: 0,
        }
    }

    /// The lineage after one more call, of the function with this hash.
    fn called(self, hash: u32) -> Self {
        let calls = self.calls.saturating_add(1);
        if hash == self.hash {
            let rounds = self.rounds.saturating_add(1);
            return Self {
                calls,
                rounds,
                ..self
            };
        }
        // A function that is called again and again is in a loop: keep watching it.
        let recurs = self.rounds.saturating_mul(RECURSION_LIMIT) >= calls;
        if calls.is_power_of_two() && !recurs {
            return Self {
                calls,
                hash,
                rounds: 0,
            };
        }
        Self { calls, ..self }
    }
}

/// Counts a call of the function in a trace header. Returns `false`, and logs a warning, if the function has been
/// called too often in this chain and must not be called again.
pub(crate) fn check_recursion(trace_id: &mut String, function: &FunctionSpec) -> bool {
    let name = &function.name;
    let calls = add_call(trace_id, name);
    if calls <= RECURSION_LIMIT || function.recursive_loop == RecursiveLoop::Allow {
        return true;
    }
    tracing::warn!(
        "function {name} was called more than {RECURSION_LIMIT} times in one chain of calls and is not called again; \
         set recursive-loop = \"Allow\" in lambkin.toml to allow this"
    );
    false
}

/// Counts a call of the function in a trace header. Returns how often it has been called if it is the watched function,
/// else 0.
pub(crate) fn add_call(trace_id: &mut String, function: &str) -> u32 {
    let hash = crc32fast::hash(function.as_bytes());
    let lineage = match take(trace_id) {
        Some(lineage) => lineage.called(hash),
        None => Lineage::first(hash),
    };
    let _ = write!(
        trace_id,
        ";{PART}{}:{:08x}:{}",
        lineage.calls, lineage.hash, lineage.rounds
    ); // writing to a String does not fail
    if lineage.hash == hash {
        lineage.rounds.saturating_add(1)
    } else {
        0
    }
}

/// Removes all lineages from a trace header and returns the first one.
fn take(trace_id: &mut String) -> Option<Lineage> {
    let lineage = take_first(trace_id);
    while trace_id.contains(PART) {
        take_first(trace_id);
    }
    lineage
}

fn take_first(trace_id: &mut String) -> Option<Lineage> {
    let at = trace_id.find(PART)?;
    let rest = trace_id.get(at + PART.len()..)?;
    let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
    let lineage = Lineage::parse(value.trim());
    let before = trace_id.get(..at)?.trim_end_matches([';', ' ']);
    let one_is_empty = before.is_empty() || after.is_empty();
    let separator = if one_is_empty { "" } else { ";" };
    *trace_id = format!("{before}{separator}{after}");
    lineage
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of calls before the first one that is the 17th of its function.
    fn stopped_after(mut next: impl FnMut(usize) -> String) -> usize {
        let mut trace_id = "Root=1-2-3".to_owned();
        (0..1000)
            .find(|call| add_call(&mut trace_id, &next(*call)) > 16)
            .expect("a loop that is found")
    }

    #[test]
    fn the_first_call_starts_a_lineage_and_the_next_one_extends_it() {
        let mut trace_id = "Root=1-2-3;Parent=4;Sampled=0".to_owned();
        assert_eq!(add_call(&mut trace_id, "a"), 1);
        assert_eq!(
            trace_id,
            "Root=1-2-3;Parent=4;Sampled=0;Lineage=1:e8b7be43:0"
        );
        assert_eq!(add_call(&mut trace_id, "a"), 2);
        assert_eq!(
            trace_id,
            "Root=1-2-3;Parent=4;Sampled=0;Lineage=2:e8b7be43:1"
        );
        let mut odd = "Lineage=1:e8b7be43:0;Root=1-2-3".to_owned();
        assert_eq!(add_call(&mut odd, "a"), 2);
        assert_eq!(odd, "Root=1-2-3;Lineage=2:e8b7be43:1");
    }

    #[test]
    fn a_lineage_that_cannot_be_parsed_is_ignored() {
        for broken in ["x", "1:2", "1:zz:0", "1:2:3:4", "-1:0:0", ""] {
            let mut trace_id = format!("Root=1;Lineage={broken};Parent=2");
            assert_eq!(add_call(&mut trace_id, "a"), 1, "{broken}");
            assert_eq!(trace_id, "Root=1;Parent=2;Lineage=1:e8b7be43:0");
        }
    }

    #[test]
    fn several_lineages_are_reduced_to_one() {
        let mut trace_id = "Root=1;Lineage=1:e8b7be43:0;Lineage=7:0:0".to_owned();
        assert_eq!(add_call(&mut trace_id, "a"), 2);
        assert_eq!(trace_id, "Root=1;Lineage=2:e8b7be43:1");
    }

    #[test]
    fn a_loop_of_any_length_is_found_wherever_it_begins() {
        assert_eq!(stopped_after(|_| "a".to_owned()), 16, "the 17th call");
        // The second call moves the watch to the second function, which is then called again.
        assert_eq!(stopped_after(|call| (call % 2).to_string()), 33);
        for (lead, length) in [(1, 1), (5, 3), (3, 20), (40, 7)] {
            let found = stopped_after(|call| match call.checked_sub(lead) {
                Some(inside) => format!("loop-{}", inside % length),
                None => format!("lead-{call}"),
            });
            assert!(found < 2 * lead + 50 * length, "{found}");
        }
        let stays_at_b = |call| if call < 2 { "a" } else { "b" }.to_owned();
        assert!(stopped_after(stays_at_b) < 50, "the watch moves on from a");
    }

    #[test]
    fn a_long_chain_without_a_loop_is_allowed() {
        let mut trace_id = String::new();
        for call in 0..200 {
            assert!(add_call(&mut trace_id, &call.to_string()) <= 1);
        }
    }
}
