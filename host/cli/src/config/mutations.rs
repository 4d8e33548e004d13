//! Mutated configurations: the reader reports what is wrong with them, at a place in the file, and never panics.
//!
//! `LAMBKIN_FUZZ_SEED` gives other mutations than the usual ones, `LAMBKIN_FUZZ_ROUNDS` more of them. This is not one
//! of the targets in `tests/fuzz`, because these would have to compile the WebAssembly engine with instrumentation.

use std::path::Path;
use std::{env, fs};

use super::reference::examples;
use super::{Config, Source};

/// What replaces a piece of a file, besides pieces of the same file.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'''",
    "\"\"\"",
    "[",
    "[[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "\\u00e9",
    "\\",
    "é",
    "日本",
    "\u{202e}",
    "\u{0}",
    "-1",
    "0",
    "9223372036854775807",
    "99999999999999999999",
    "1e400",
    "nan",
    "true",
    "1979-05-27T07:32:00Z",
    "[]",
    "{}",
    "'*'",
    "'f:1'",
    "'$LATEST'",
    "'queue:q'",
    "\n[triggers.t]\n",
    "\n[queues.\"q.fifo\"]\n",
    "\nlisten = '[::1]:99999'\n",
    "a.b.c.d = 1\n",
];

fn number(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// A number below `end`, of a sequence that looks random.
fn below(state: &mut u64, end: usize) -> usize {
    // splitmix64
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % end.max(1) as u64) as usize
}

/// A range of up to `longest` bytes, at boundaries of characters.
fn range(state: &mut u64, text: &str, longest: usize) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(below(state, text.len() + 1));
    let end = start + below(state, longest);
    start..text.ceil_char_boundary(end.min(text.len()))
}

fn mutate(state: &mut u64, text: &mut String) {
    let target = range(state, text, 30);
    let piece = match below(state, 5) {
        0 => text[range(state, text, 80)].to_owned(),
        1 => PIECES[below(state, PIECES.len())].repeat(below(state, 200)),
        _ => PIECES[below(state, PIECES.len())].to_owned(),
    };
    text.replace_range(target, &piece);
}

/// The configurations of the examples.
fn seeds() -> Vec<(std::path::PathBuf, String)> {
    let read = |path: std::path::PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    examples().into_iter().map(read).collect()
}

#[test]
fn mutated_configurations_are_read_or_refused_with_a_place() {
    let mut state = number("LAMBKIN_FUZZ_SEED", 1);
    let seeds = seeds();
    for round in 0..number("LAMBKIN_FUZZ_ROUNDS", 10_000) as usize {
        let (path, text) = &seeds[round % seeds.len()];
        let mut text = text.clone();
        for _ in 0..=below(&mut state, 4) {
            mutate(&mut state, &mut text);
        }
        let folder = path.parent().unwrap();
        if let Err(error) = Config::parse(Source::new(Path::new("lambkin.toml"), text), folder) {
            let message = error.to_string();
            assert!(message.contains("lambkin.toml:"), "{message}");
        }
    }
}
