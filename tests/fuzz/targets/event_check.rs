//! See `lambkin_invoke_api::fuzzing::event_check`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_invoke_api::fuzzing::event_check(bytes));
