//! See `lambkin_lambda::fuzzing::function_name`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::function_name(bytes));
