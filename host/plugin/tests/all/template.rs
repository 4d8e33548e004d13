//! Plugins for tests and benchmarks, made of the two texts in `fixtures/`: a good one, and what one change makes of
//! it.

use bytes::Bytes;

const COMPONENT: &str = include_str!("../fixtures/component.wat");
const CORE: &str = include_str!("../fixtures/core.wat");

/// A component in the making.
#[derive(Clone)]
pub struct Fixture {
    parts: Vec<(&'static str, String)>,
}

/// A good plugin.
pub fn good() -> Fixture {
    let parts = [
        ("core", CORE),
        ("name", "lambkin:http-trigger/shaper@0.1.0"),
        ("imports", ""),
        ("with", ""),
        ("lower", ""),
        ("id", "string"),
        ("module", ""),
        (
            "configure",
            "(call $setup (local.get $config) (local.get $length))",
        ),
        (
            "shape",
            "(call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))",
        ),
        (
            "respond",
            "(call $response (i32.const 200) (i32.const 0) (i32.const 0) (local.get $text) (local.get $length))",
        ),
    ];
    Fixture {
        parts: parts.map(|(part, text)| (part, text.to_owned())).into(),
    }
}

impl Fixture {
    /// Replaces a part of the templates.
    pub fn with(mut self, part: &str, text: &str) -> Self {
        let (_, old) = self
            .parts
            .iter_mut()
            .find(|(name, _)| *name == part)
            .expect("the templates have this part");
        text.clone_into(old);
        self
    }

    /// The component's bytes.
    pub fn bytes(&self) -> Bytes {
        let mut text = COMPONENT.to_owned();
        for (part, replacement) in &self.parts {
            text = text.replace(&format!("{{{{{part}}}}}"), replacement);
        }
        wat::parse_str(&text)
            .expect("the fixture is valid text")
            .into()
    }
}
