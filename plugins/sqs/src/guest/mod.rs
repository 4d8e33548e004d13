//! The component's sides of its contracts.

mod poll;
