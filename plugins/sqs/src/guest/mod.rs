//! The component's sides of its contracts.

mod batch;
mod poll;
