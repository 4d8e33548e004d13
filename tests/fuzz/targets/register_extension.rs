//! See `lambkin_lambda::fuzzing::register_extension`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::register_extension(bytes));
