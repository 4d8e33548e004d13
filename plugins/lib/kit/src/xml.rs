//! XML, written element by element into one string.
//!
//! The writer escapes texts. It does not check names, which are the services' own constants.

use alloc::string::{String, ToString};
use core::fmt::Display;
use core::marker::PhantomData;

/// The points in which the services of AWS differ when they write XML.
pub trait Dialect {
    /// What precedes the root element: the XML declaration and the line break after it, if the service sends one.
    const DECLARATION: &'static str;
    /// The namespace that the root element declares.
    const NAMESPACE: &'static str;
    /// Whether an element without content is written as `<a/>` rather than as `<a></a>`.
    const EMPTY_ELEMENT_TAGS: bool;

    /// The reference that replaces an ASCII character of a text; `None` for a character that is written literally.
    fn reference(character: u8) -> Option<&'static str>;
}

/// A document being written.
#[derive(Debug)]
pub struct Writer<D> {
    text: String,
    dialect: PhantomData<D>,
}

impl<D: Dialect> Writer<D> {
    /// Writes a document whose root element declares the dialect's namespace; `write` adds the root's content.
    pub fn document(root: &str, write: impl FnOnce(&mut Self)) -> String {
        let mut document = Self::declared();
        document.push(&["<", root, " xmlns=\"", D::NAMESPACE, "\">"]);
        write(&mut document);
        document.push(&["</", root, ">"]);
        document.text
    }

    /// Writes a document without a namespace; `write` adds the root's content.
    pub fn document_without_namespace(root: &str, write: impl FnOnce(&mut Self)) -> String {
        let mut document = Self::declared();
        document.element(root, write);
        document.text
    }

    fn declared() -> Self {
        Self {
            text: D::DECLARATION.to_string(),
            dialect: PhantomData,
        }
    }

    /// Makes room for `bytes` more, so that a long document is not copied while it grows.
    pub fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    /// Writes an element; `write` adds its content.
    pub fn element(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.push(&["<", name, ">"]);
        let content = self.text.len();
        write(self);
        if D::EMPTY_ELEMENT_TAGS && self.text.len() == content {
            self.text.pop();
            self.text.push_str("/>");
        } else {
            self.push(&["</", name, ">"]);
        }
    }

    /// Writes an element that contains a text.
    pub fn text(&mut self, name: &str, text: impl AsRef<str>) {
        self.element(name, |element| element.characters(text.as_ref()));
    }

    /// Writes an element that contains a text; nothing for `None`.
    pub fn optional(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Writes an element that contains a number or a truth value.
    pub fn value(&mut self, name: &str, value: impl Display) {
        self.text(name, value.to_string());
    }

    /// Writes a text into the element that is open.
    pub fn characters(&mut self, text: &str) {
        let mut rest = text;
        while let Some((before, reference, after)) = Self::split(rest) {
            self.push(&[before, reference]);
            rest = after;
        }
        self.text.push_str(rest);
    }

    /// Writes text that is XML already.
    pub fn raw(&mut self, xml: &str) {
        self.text.push_str(xml);
    }

    /// The number of bytes that [`characters`](Self::characters) writes for a text.
    pub fn encoded_len(text: &str) -> usize {
        text.bytes()
            .map(|byte| D::reference(byte).map_or(1, str::len))
            .sum()
    }

    /// What precedes the first character that needs a reference, that reference, and what follows the character.
    fn split(text: &str) -> Option<(&str, &'static str, &str)> {
        let (at, reference) = text
            .bytes()
            .enumerate()
            .find_map(|(at, byte)| Some((at, D::reference(byte)?)))?;
        // Only ASCII characters have references, so both ends are boundaries of characters.
        Some((text.get(..at)?, reference, text.get(at + 1..)?))
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    struct Long;

    impl Dialect for Long {
        const DECLARATION: &'static str = "<?xml version=\"1.0\"?>\n";
        const NAMESPACE: &'static str = "urn:x";
        const EMPTY_ELEMENT_TAGS: bool = false;

        fn reference(character: u8) -> Option<&'static str> {
            match character {
                b'&' => Some("&amp;"),
                b'<' => Some("&lt;"),
                _ => None,
            }
        }
    }

    struct Short;

    impl Dialect for Short {
        const DECLARATION: &'static str = "";
        const NAMESPACE: &'static str = "urn:y";
        const EMPTY_ELEMENT_TAGS: bool = true;

        fn reference(character: u8) -> Option<&'static str> {
            Long::reference(character)
        }
    }

    fn content<D: Dialect>(writer: &mut Writer<D>) {
        writer.text("empty", "");
        writer.value("number", 3);
        writer.optional("absent", None::<String>);
        writer.element("outer", |outer| {
            outer.raw("<raw/>");
            outer.characters("a & é");
        });
    }

    #[test]
    fn elements_are_written_as_the_dialect_says() {
        assert_eq!(
            Writer::<Long>::document("root", content),
            "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:x\"><empty></empty><number>3</number>\
             <outer><raw/>a &amp; é</outer></root>"
        );
        assert_eq!(
            Writer::<Short>::document_without_namespace("root", content),
            "<root><empty/><number>3</number><outer><raw/>a &amp; é</outer></root>"
        );
    }

    #[test]
    fn the_encoded_length_is_that_of_what_is_written() {
        for text in ["", "plain", "&", "<é&>&"] {
            let written = Writer::<Short>::document_without_namespace("a", |a| {
                a.raw("!");
                a.characters(text);
            });
            let around = "<a>!</a>".len();
            assert_eq!(Writer::<Short>::encoded_len(text), written.len() - around);
        }
    }
}
