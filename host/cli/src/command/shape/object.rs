//! A change as an object trigger gets it: what happened and the key are given, the rest is made up.

use anyhow::bail;
use lambkin_model::ObjectChange;

use super::{AT_MS, id, read_body};
use crate::args::Shape;

/// Words for what happens most.
const EVENTS: [(&str, &str); 5] = [
    ("put", "ObjectCreated:Put"),
    ("post", "ObjectCreated:Post"),
    ("copy", "ObjectCreated:Copy"),
    ("complete", "ObjectCreated:CompleteMultipartUpload"),
    ("delete", "ObjectRemoved:Delete"),
];

/// In bytes, of an object without a body.
const SIZE: u64 = 1024;
const ETAG: &str = "0123456789abcdef0123456789abcdef";

/// The change that was typed.
pub fn change(args: &Shape, bucket: &str) -> anyhow::Result<ObjectChange> {
    let (Some(event), Some(key)) = (&args.what, &args.on) else {
        bail!(
            "the trigger {0} is told of objects: lambkin shape {0} put photos/cat.jpg",
            args.trigger
        );
    };
    let event = event_name(event)?;
    let size = match args.data.as_slice() {
        [] => SIZE,
        [data] => read_body(data)?.len() as u64,
        _ => bail!("an object has one body"),
    };
    // What is removed has neither.
    let there = event.starts_with("ObjectCreated:");
    Ok(ObjectChange {
        id: id(1),
        bucket: bucket.to_owned(),
        event,
        key: key.clone(),
        size: there.then_some(size),
        etag: there.then(|| ETAG.to_owned()),
        version: None,
        sequencer: 1,
        at: AT_MS,
        extra: Vec::new(),
    })
}

fn event_name(typed: &str) -> anyhow::Result<String> {
    let word = EVENTS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(typed));
    if let Some((_, event)) = word {
        return Ok((*event).to_owned());
    }
    let name = typed.strip_prefix("s3:").unwrap_or(typed);
    if name.contains(':') {
        return Ok(name.to_owned());
    }
    let words: Vec<&str> = EVENTS.iter().map(|(word, _)| *word).collect();
    bail!(
        "{typed:?} is no change of an object; say {}, or its name on AWS, such as ObjectRemoved:DeleteMarkerCreated",
        words.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_short_names_and_awss() {
        for (typed, event) in [
            ("put", "ObjectCreated:Put"),
            ("DELETE", "ObjectRemoved:Delete"),
            ("s3:ObjectTagging:Put", "ObjectTagging:Put"),
            ("ObjectRestore:Completed", "ObjectRestore:Completed"),
        ] {
            assert_eq!(event_name(typed).unwrap(), event);
        }
        let error = event_name("puts").unwrap_err().to_string();
        assert!(error.contains("say put, post, copy"), "{error}");
    }

    #[test]
    fn what_is_removed_has_no_size() {
        let typed = |what: &str| Shape {
            trigger: "uploads".to_owned(),
            what: Some(what.to_owned()),
            on: Some("a b.jpg".to_owned()),
            headers: Vec::new(),
            data: vec!["four".to_owned()],
        };
        let put = change(&typed("put"), "photos").unwrap();
        assert_eq!((put.size, put.key.as_str()), (Some(4), "a b.jpg"));
        let removed = change(&typed("delete"), "photos").unwrap();
        assert_eq!((removed.size, removed.etag), (None, None));
    }
}
