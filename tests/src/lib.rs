//! Code shared by the end-to-end tests, their fixtures and the benchmarks.

pub mod wire;
