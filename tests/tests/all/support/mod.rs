//! The basis of every test: a [`Project`] in a temporary folder, a [`Server`] that runs it, and a plain HTTP client.

mod barrier;
mod bash;
#[cfg(target_os = "linux")]
mod disk_recorder;
mod doors;
mod emulator_process;
pub mod http;
#[cfg(target_os = "linux")]
mod image;
mod issuer;
mod mock_server;
mod project;
mod queues;
mod scripted;
mod server;
mod tls_front;
mod tools;
mod websocket;

pub use barrier::Barrier;
pub use bash::curl;
#[cfg(target_os = "linux")]
pub use disk_recorder::disk_recorder;
pub use doors::{DOORS, Doors};
pub use emulator_process::{EmulatorProcess, fixed_port, free_port, lambkin_alone};
pub use http::{Reply, raw, request};
#[cfg(target_os = "linux")]
pub use image::Image;
pub use issuer::{Issuer, SigningKey, standard_claims};
pub use mock_server::{Answer, MockServer, Request as RecordedRequest};
pub use project::{Project, RAW_BOOTSTRAP, cache_folder};
pub use queues::{RecorderProject, S3_AUTHORIZATION, SERVICES};
pub use scripted::{PROBE, invoke, with};
pub use server::{Server, lambkin};
pub use tls_front::{Authority, Identity, TlsFront};
pub use tools::{Missing, installed, interpreter, tool};
pub use websocket::Client;

/// Waits up to a minute for a condition and panics if it does not become true.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds() {
        assert!(
            std::time::Instant::now() < deadline,
            "timed out waiting for {what}"
        );
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
}
