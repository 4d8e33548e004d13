//! See `lambkin_lambda::fuzzing::trace_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::trace_header(bytes));
