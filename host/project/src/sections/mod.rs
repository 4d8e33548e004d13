//! Resources as sections of `lambkin.toml`.
//!
//! Contract: [`write`] makes the document of a stack. [`verdicts`] says of each type of resource what becomes of it, and
//! each kind of section has a module, which reads the resources that it consists of. A function, queue, bucket and trigger
//! has the name of its resource, paths start from [`crate::Options::folder`], and every part of the document has the place
//! of the template that it was made from, so that what `lambkin check` finds wrong with it is shown there.
//!
//! On failure: nothing fails. What cannot be served is refused in the report, and left out.

pub mod function;
pub mod item;
pub mod ports;
#[cfg(test)]
pub(crate) mod testing;

use crate::context::Context;
use crate::document::Document;
use crate::resource::Stack;

/// The sections in their order.
const SECTIONS: [&str; 6] = [
    "invoke",
    "functions",
    "queues",
    "buckets",
    "services",
    "triggers",
];

/// Makes the `lambkin.toml` of a stack.
pub fn write(context: &Context, stack: &Stack) -> Document {
    let mut document = Document::default();
    let root = &mut document.root;
    if let Some(region) = &context.options.region {
        root.set("region", region.as_str(), None);
    }
    if context.options.account != crate::Options::default().account {
        root.set("account", context.options.account.as_str(), None);
    }
    for section in SECTIONS {
        root.table(section);
    }
    if let Some(listen) = ports::invoke(context) {
        root.table("invoke").set("listen", listen, None);
    }
    function::write(context, stack, &mut document);
    for section in SECTIONS {
        if document.root.table(section).is_empty() {
            document.root.remove(section);
        }
    }
    document
}
