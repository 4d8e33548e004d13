//! See `lambkin_lambda::fuzzing::subscription`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::subscription(bytes));
