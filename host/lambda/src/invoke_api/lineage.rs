//! The recursion guard: how often a function has been called in one chain of calls.
//!
//! AWS counts in a part of the trace header, `Lineage=CALLS:HASH:ROUNDS`, which a function's SDK hands on when it
//! calls the next function: so many calls in the chain, and so many times round since the function with this hash was
//! called first. Whoever does not hand it on is not counted, as on AWS.
//!
//! One hash has room for one function, but a loop need not contain the chain's first. So each time the number of calls
//! is a power of two the function called then is looked out for instead (Brent's way of finding cycles): a loop is
//! found wherever it begins and however many functions it has.
//!
//! A lineage that can not be read counts as none.

use std::fmt::Write;

use crate::function::FunctionSpec;
use crate::limits::RECURSION_LIMIT;

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

    /// The lineage after a call of a function.
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
        // Not away from a function that keeps coming round: that is the loop.
        let keeps_coming = self.rounds.saturating_mul(RECURSION_LIMIT) >= calls;
        if calls.is_power_of_two() && !keeps_coming {
            return Self {
                calls,
                hash,
                rounds: 0,
            };
        }
        Self { calls, ..self }
    }
}

/// Adds a call of a function to a trace header. `false`, with a word in the log, if it was called too often in this chain
/// and is not to be called once more.
pub(crate) fn goes_on(trace_id: &mut String, function: &FunctionSpec) -> bool {
    let name = &function.name;
    if add_call(trace_id, name) <= RECURSION_LIMIT || !function.stops_recursion {
        return true;
    }
    tracing::warn!(
        "function {name} was called more than {RECURSION_LIMIT} times in one chain of calls and is stopped; \
         recursive-loop = \"Allow\" in lambkin.toml lets it go on"
    );
    false
}

/// Adds a call of a function to a trace header. Returns how often the function that is looked out for has been called.
pub(crate) fn add_call(trace_id: &mut String, function: &str) -> u32 {
    let hash = crc32fast::hash(function.as_bytes());
    let lineage = match take(trace_id) {
        Some(lineage) => lineage.called(hash),
        None => Lineage::first(hash),
    };
    let _strings_take_all = write!(
        trace_id,
        ";{PART}{}:{:08x}:{}",
        lineage.calls, lineage.hash, lineage.rounds
    );
    if lineage.hash == hash {
        lineage.rounds.saturating_add(1)
    } else {
        0
    }
}

/// Cuts the lineage out of a trace header: the first, and any other, so that the next call finds the one written now.
fn take(trace_id: &mut String) -> Option<Lineage> {
    let lineage = take_first(trace_id);
    while trace_id.contains(PART) {
        take_first(trace_id);
    }
    lineage
}

fn take_first(trace_id: &mut String) -> Option<Lineage> {
    let at = trace_id.find(PART)?;
    let value = trace_id.get(at + PART.len()..)?;
    let (value, behind) = value.split_once(';').unwrap_or((value, ""));
    let lineage = Lineage::parse(value.trim());
    let before = trace_id.get(..at)?.trim_end_matches([';', ' ']);
    let alone = before.is_empty() || behind.is_empty();
    let separator = if alone { "" } else { ";" };
    *trace_id = format!("{before}{separator}{behind}");
    lineage
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many calls run until one is the 17th of its function.
    fn stopped_after(mut next: impl FnMut(usize) -> String) -> usize {
        let mut trace_id = "Root=1-2-3".to_owned();
        (0..1000)
            .find(|call| add_call(&mut trace_id, &next(*call)) > 16)
            .expect("a loop that is found")
    }

    #[test]
    fn a_first_call_begins_a_lineage_and_the_next_one_adds_to_it() {
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
    fn a_lineage_that_can_not_be_read_counts_as_none() {
        for broken in ["x", "1:2", "1:zz:0", "1:2:3:4", "-1:0:0", ""] {
            let mut trace_id = format!("Root=1;Lineage={broken};Parent=2");
            assert_eq!(add_call(&mut trace_id, "a"), 1, "{broken}");
            assert_eq!(trace_id, "Root=1;Parent=2;Lineage=1:e8b7be43:0");
        }
    }

    #[test]
    fn of_several_lineages_one_is_left() {
        let mut trace_id = "Root=1;Lineage=1:e8b7be43:0;Lineage=7:0:0".to_owned();
        assert_eq!(add_call(&mut trace_id, "a"), 2);
        assert_eq!(trace_id, "Root=1;Lineage=2:e8b7be43:1");
    }

    #[test]
    fn a_loop_of_any_length_is_found_wherever_it_begins() {
        assert_eq!(stopped_after(|_| "a".to_owned()), 16, "the 17th call");
        // The second call is one to look out from: it is the second function that comes round.
        assert_eq!(stopped_after(|call| (call % 2).to_string()), 33);
        for (lead, length) in [(1, 1), (5, 3), (3, 20), (40, 7)] {
            let found = stopped_after(|call| match call.checked_sub(lead) {
                Some(inside) => format!("loop-{}", inside % length),
                None => format!("lead-{call}"),
            });
            assert!(found < 2 * lead + 50 * length, "{found}");
        }
        let stays_at_b = |call| if call < 2 { "a" } else { "b" }.to_owned();
        assert!(stopped_after(stays_at_b) < 50, "not taken in by a");
    }

    #[test]
    fn a_long_chain_without_a_loop_is_let_through() {
        let mut trace_id = String::new();
        for call in 0..200 {
            assert!(add_call(&mut trace_id, &call.to_string()) <= 1);
        }
    }
}
