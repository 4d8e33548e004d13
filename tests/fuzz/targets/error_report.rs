//! See `lambkin_lambda::fuzzing::error_report`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::error_report(bytes));
