//! See `lambkin_lambda::fuzzing::front_ends`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_lambda::fuzzing::front_ends(bytes));
