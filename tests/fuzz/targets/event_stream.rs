//! See `lambkin_lambda::fuzzing::event_stream`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::event_stream(bytes));
