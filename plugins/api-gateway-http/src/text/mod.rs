//! Small conversions of text that know nothing of API Gateway. None of them can fail.

pub mod json;
pub mod percent;
