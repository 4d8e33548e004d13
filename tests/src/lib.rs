//! What the end-to-end tests, their fixtures and the benchmarks share.

pub mod wire;
