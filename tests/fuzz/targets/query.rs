//! See `lambkin_lambda::fuzzing::query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::query(bytes));
