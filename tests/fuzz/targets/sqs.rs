//! See `plugins/sqs/src/fuzzing.rs`. The plugin is a component and cannot be linked, so its source is included.

#![no_main]
#![allow(
    dead_code,
    unexpected_cfgs,
    unused_imports,
    reason = "other roles of the plugin are left out, and its lints are not those of this workspace"
)]

#[path = "../../../plugins/sqs/src/attribute.rs"]
mod attribute;
#[path = "../../../plugins/sqs/src/fuzzing.rs"]
mod fuzzing;
#[path = "../../../plugins/sqs/src/md5.rs"]
mod md5;
#[path = "../../../plugins/sqs/src/service/mod.rs"]
mod service;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::requests(bytes));
