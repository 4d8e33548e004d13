//! See `lambkin_image::fuzzing::layers`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    lambkin_image::fuzzing::layers(bytes, folder.path());
});
