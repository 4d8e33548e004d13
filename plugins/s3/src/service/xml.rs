//! XML: documents are written as text and read into a tree.
//!
//! Only elements and texts are read; attributes and namespaces are ignored. A document that is not well-formed, or that
//! exceeds the limits of size and depth, is `None`, which becomes the error `MalformedXML`.

use plugin_kit::xml::Dialect;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::limits;

/// A document of S3 that is being written.
pub type Writer = plugin_kit::xml::Writer<S3>;

/// S3's dialect: quotes are escaped, and so are control characters, which XML 1.0 does not allow.
#[derive(Debug)]
pub struct S3;

impl Dialect for S3 {
    const DECLARATION: &'static str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    const NAMESPACE: &'static str = "http://s3.amazonaws.com/doc/2006-03-01/";
    const EMPTY_ELEMENT_TAGS: bool = false;

    fn reference(character: u8) -> Option<&'static str> {
        const CONTROLS: [&str; 0x20] = [
            "&#x0;", "&#x1;", "&#x2;", "&#x3;", "&#x4;", "&#x5;", "&#x6;", "&#x7;", "&#x8;",
            "&#x9;", "&#xa;", "&#xb;", "&#xc;", "&#xd;", "&#xe;", "&#xf;", "&#x10;", "&#x11;",
            "&#x12;", "&#x13;", "&#x14;", "&#x15;", "&#x16;", "&#x17;", "&#x18;", "&#x19;",
            "&#x1a;", "&#x1b;", "&#x1c;", "&#x1d;", "&#x1e;", "&#x1f;",
        ];

        match character {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'"' => Some("&quot;"),
            b'\n' | b'\t' => None,
            0x7f => Some("&#x7f;"),
            other => CONTROLS.get(usize::from(other)).copied(),
        }
    }
}

/// An element of a document that was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Element {
    /// The name without its namespace prefix.
    pub name: String,
    /// The text of the element, without that of its children.
    pub text: String,
    /// The children, in order.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document and returns its root.
    pub fn parse(document: &[u8]) -> Option<Self> {
        let text = str::from_utf8(document).ok()?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut count = 0usize;
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    count += 1;
                    if root.is_some()
                        || open.len() >= limits::MAX_DEPTH
                        || count > limits::MAX_ELEMENTS
                    {
                        return None;
                    }
                    open.push(Self::named(start.local_name().as_ref()));
                }
                Event::Empty(start) => {
                    count += 1;
                    if root.is_some() || count > limits::MAX_ELEMENTS {
                        return None;
                    }
                    let element = Self::named(start.local_name().as_ref());
                    close(element, &mut open, &mut root);
                }
                Event::End(_) => close(open.pop()?, &mut open, &mut root),
                Event::Text(piece) => add(&mut open, &piece.xml10_content())?,
                Event::CData(piece) => add(&mut open, &piece.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref().ok()? {
                        Some(character) => character.to_string(),
                        None => {
                            quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned()
                        }
                    };
                    add(&mut open, &character)?;
                }
                Event::Eof => return if open.is_empty() { root } else { None },
                // A document type could define entities, which S3's documents never do.
                Event::DocType(_) => return None,
                _ => {}
            }
        }
    }

    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The first child with this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children with this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child with this name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// Writes the element with its content.
    pub fn write(&self, out: &mut Writer) {
        out.element(&self.name, |out| {
            if self.children.is_empty() {
                out.characters(&self.text);
            }
            for child in &self.children {
                child.write(out);
            }
        });
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

/// Adds a text to the innermost element. Outside of the root, only white space is allowed.
fn add(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => {
            element.text.push_str(text);
            Some(())
        }
        None => text.trim().is_empty().then_some(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_a_tree() {
        let root = Element::parse(
            b"<?xml version=\"1.0\"?>\n<a xmlns=\"urn:x\"><n:b xmlns:n=\"urn:y\">x &amp; &#x79;</n:b><c/>\n</a>\n",
        )
        .unwrap();
        assert_eq!(root.name, "a");
        assert_eq!(root.text_of("b"), Some("x & y"));
        assert_eq!(root.text_of("c"), Some(""));
    }

    #[test]
    fn documents_that_are_not_well_formed_are_refused() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "text",
            "<a/><b/>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a><a/>",
            "<a/>x",
        ] {
            assert_eq!(Element::parse(text.as_bytes()), None, "{text}");
        }
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        assert_eq!(Element::parse(deep.as_bytes()), None);
    }

    #[test]
    fn texts_are_escaped_as_by_s3() {
        let text =
            Writer::document_without_namespace("a", |xml| xml.text("b", "<\"&\u{1}\r\t\u{7f}>"));
        assert!(text.ends_with("<a><b>&lt;&quot;&amp;&#x1;&#xd;\t&#x7f;&gt;</b></a>"));
    }
}
