//! Sample events: which there are, and what each is made of.
//!
//! [`definition`] says what a sample is: names, [fields](field) and a trigger in memory. [`table`] has all of them;
//! help, completions, suggestions, the documentation and tests are made from it. [`http`] and [`records`] make the triggers,
//! and [`arguments`] reads a sample and its fields from the command line. There are no templates of events here: a
//! built-in plugin makes each event, as it makes those of `lambkin serve`.
//!
//! On failure: the sample, the field and its value, what would be legal, and the nearest name.

mod arguments;
mod definition;
mod field;
mod http;
mod http_fields;
mod records;
mod table;

pub use arguments::{EventArguments, SampleArguments};
pub use definition::{FUNCTION, SampleTrigger, Values};
pub use table::{list, named, service};
