//! Plugins for tests and benchmarks, generated from the texts in `fixtures/`: valid ones, and variants with one part
//! replaced.

use bytes::Bytes;

const COMPONENT: &str = include_str!("../fixtures/component.wat");

/// A component that is being generated.
#[derive(Clone)]
pub struct Fixture {
    /// The parts that replace placeholders of the templates, in this order: a part may contain placeholders of later
    /// ones.
    parts: Vec<(&'static str, String)>,
}

/// A valid plugin for HTTP triggers.
pub fn good() -> Fixture {
    Fixture::new(&[
        ("core", include_str!("../fixtures/core.wat")),
        ("interface", include_str!("../fixtures/http.wat")),
        ("name", "lambkin:http-trigger/http-shaper@0.2.0"),
        (
            "configure",
            "(call $setup (local.get $config) (local.get $length))",
        ),
        (
            "shape",
            "(call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))",
        ),
        (
            "resume",
            "(call $response (i32.const 200) (i32.const 0) (i32.const 0) (local.get $text) (local.get $length))",
        ),
    ])
}

/// Functions for `module` that are never called, and that take the compiler long: each is one block of this many
/// operations on many variables.
pub fn slow_functions(functions: u32, operations: u32) -> String {
    const VARIABLES: u32 = 500;
    let mut text = String::new();
    let mut random = 1_u32;
    let mut any = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % VARIABLES
    };
    for _ in 0..functions {
        text += "(func (param i32) (result i32) (local";
        text += &" i32".repeat(VARIABLES as usize);
        text += ")";
        for _ in 0..operations {
            let [to, a, b, c] = [(); 4].map(|()| any());
            text += &format!(
                "(local.set {to} (i32.add (i32.mul (local.get {a}) (local.get {b})) (i32.load8_u (local.get {c}))))"
            );
        }
        text += "(local.get 0))";
    }
    text
}

/// A valid plugin for batch triggers.
pub fn good_batch() -> Fixture {
    Fixture::new(&[
        ("core", include_str!("../fixtures/batch-core.wat")),
        ("interface", include_str!("../fixtures/batch.wat")),
        ("name", "lambkin:batch-trigger/batch-shaper@0.2.0"),
        (
            "configure",
            "(call $setup (local.get $config) (local.get $length) (i32.const 10) (i32.const 0x600000) (i32.const 0))",
        ),
        (
            "shape",
            "(call $invocation (local.get $state) (local.get $length) (i32.const 0))",
        ),
        ("settle", "(call $verdicts (i32.const 0))"),
    ])
}

/// A valid plugin for object triggers.
pub fn good_object() -> Fixture {
    Fixture::new(&[
        ("core", include_str!("../fixtures/object-core.wat")),
        ("interface", include_str!("../fixtures/object.wat")),
        ("name", "lambkin:object-trigger/object-shaper@0.2.0"),
        (
            "configure",
            "(call $setup (local.get $config) (local.get $length) (i32.const 0) (i32.const 0x100) (i32.const 1))",
        ),
        (
            "shape",
            "(call $event (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))",
        ),
    ])
}

impl Fixture {
    fn new(parts: &[(&'static str, &str)]) -> Self {
        let common = [
            ("common", include_str!("../fixtures/common.wat")),
            ("id", "string"),
            ("imports", ""),
            ("with", ""),
            ("lower", ""),
            ("module", ""),
        ];
        let parts = parts.iter().chain(&common);
        Self {
            parts: parts
                .map(|(part, text)| (*part, (*text).to_owned()))
                .collect(),
        }
    }

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
        wat::parse_str(self.text())
            .expect("the fixture is valid text")
            .into()
    }

    fn text(&self) -> String {
        let mut text = COMPONENT.to_owned();
        for (part, replacement) in &self.parts {
            text = text.replace(&format!("{{{{{part}}}}}"), replacement);
        }
        text
    }

    fn part(&self, part: &str) -> &str {
        let found = self.parts.iter().find(|(name, _)| *name == part);
        found.map(|(_, text)| &**text).unwrap_or_default()
    }
}

/// One component with the exports of several fixtures, none of which may have imports.
pub fn together(fixtures: &[Fixture]) -> Bytes {
    let mut text = String::from("(component");
    for (n, fixture) in fixtures.iter().enumerate() {
        let component = fixture.text();
        let component = component
            .split_once("(component")
            .expect("the template is a component")
            .1;
        let name = fixture.part("name");
        text += &format!(
            "(component $c{n} {component} (instance $i{n} (instantiate $c{n}))
             (export \"{name}\" (instance $i{n} \"{name}\"))"
        );
    }
    text += ")";
    wat::parse_str(&text)
        .expect("the fixtures go together")
        .into()
}
