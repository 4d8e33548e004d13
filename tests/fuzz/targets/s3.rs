//! See `plugins/s3/src/fuzzing.rs`. The plugin is a component and cannot be linked, so its source is included.

#![no_main]
#![allow(
    dead_code,
    unexpected_cfgs,
    unused_imports,
    reason = "other roles of the plugin are left out, and its lints are not those of this workspace"
)]

#[path = "../../../plugins/s3/src/encoding.rs"]
mod encoding;
#[path = "../../../plugins/s3/src/event_type.rs"]
mod event_type;
#[path = "../../../plugins/s3/src/fuzzing.rs"]
mod fuzzing;
#[path = "../../../plugins/s3/src/service/mod.rs"]
mod service;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::requests(bytes));
