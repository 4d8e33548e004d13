//! The source role: messages of a queue elsewhere, at AWS or in another emulator.
//!
//! [`settings`] reads the trigger's `poll` table, [`sign`] signs requests as AWS wants them, [`wire`] words requests and
//! reads answers. All of it is plain functions from text to text; the guest carries the requests.
//!
//! On failure: an answer that is not understood, an overload or a broken connection is tried again later; a queue that does
//! not exist or may not be read is said to be so, with the outside system's own words.

pub mod contract;
pub mod settings;
pub mod sign;
pub mod wire;

pub use settings::Settings;
pub use sign::Credentials;
