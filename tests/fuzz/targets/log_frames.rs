//! See `lambkin_lambda::fuzzing::log_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::log_frames(bytes));
