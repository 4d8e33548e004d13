//! Container images: an OCI layout, a `docker save` archive or an image of a registry becomes a root file system on
//! disk and the configuration of its program.
//!
//! Contract: [`open()`] returns an [`Image`] whose folder is complete and is not changed afterwards. Each image is
//! unpacked once, below a cache folder, under the digest of its configuration, which is the id that `docker images`
//! prints. What is unpacked has been compared with the digests that the image states. An image is untrusted: nothing of
//! it is written outside of its folder, and its size is limited ([`limits`]). Nothing is built or run.
//!
//! On failure: an [`ImageError`] for the developer, which says what was opened, what is wrong with it and what to do.
//! Nothing of the image is kept.
//!
//! The files in order, each of which uses only earlier ones: `limits`, `error`, `digest`, `platform`, `reference`,
//! `dockerfile`, `source`, `spec`, `entries`, `files`, `resolved`, `layout`, `docker_archive`, `layer`, `config`,
//! `tree`, `unpack`, `cache`, `compressed`, `lock`, those of `registry/` (`challenge`, `credentials`, `proxy`, `http`,
//! `client`, `mod`), `open`.

mod cache;
mod compressed;
mod config;
mod digest;
mod docker_archive;
mod dockerfile;
mod entries;
mod error;
mod files;
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub mod fuzzing;
mod layer;
mod layout;
pub mod limits;
mod lock;
mod open;
mod platform;
mod reference;
#[cfg(feature = "registry")]
mod registry;
mod resolved;
mod source;
mod spec;
#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
mod unpack;

pub use cache::Image;
pub use config::ImageConfig;
pub use error::ImageError;
pub use lock::Lock;
pub use open::open;
pub use reference::Reference;
pub use source::Source;
