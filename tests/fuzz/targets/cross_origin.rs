//! See `lambkin_http::fuzzing::cross_origin`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lambkin_http::fuzzing::cross_origin(bytes));
