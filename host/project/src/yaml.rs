//! YAML and JSON, as values with places.
//!
//! Contract: the first document of a file becomes a [`Value`]. CloudFormation's short tags become maps, as in the long
//! form: `!Sub x` is `{"Fn::Sub": "x"}`, `!Ref x` is `{"Ref": "x"}`, `!GetAtt a.b` is `{"Fn::GetAtt": ["a", "b"]}`. Merge
//! keys (`<<`) are merged. Of a key that occurs twice, the last value counts, and the report says so. JSON is read in the
//! same way, as it is YAML.
//!
//! On failure: [`YamlError`] with a place. Depth, and the number of values including those of aliases, are limited, so that
//! a small file cannot fill the memory.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::file::{FileId, Files, Place};
use crate::value::{Kind, Map, Value};

/// How deep values may be nested.
const DEPTH: usize = 100;

/// How many values a file may have, those that aliases repeat included.
const VALUES: usize = 1_000_000;

/// Why a text is not YAML, or more than what is accepted.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// What a file says, and the keys that it has twice.
pub struct Loaded {
    /// The content of the first document.
    pub value: Value,
    /// The places of keys that replace others of the same name in their maps, with the name.
    pub repeated: Vec<(Place, String)>,
}

/// Reads a file.
///
/// # Errors
///
/// [`YamlError`]
pub fn load(files: &Files, file: FileId) -> Result<Loaded, YamlError> {
    let mut loader = Loader {
        events: Parser::new_from_str(files.text(file)),
        file,
        anchors: HashMap::new(),
        values: 0,
        repeated: Vec::new(),
    };
    let value = loader.document()?;
    Ok(Loaded {
        value,
        repeated: loader.repeated,
    })
}

struct Loader<'t> {
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    file: FileId,
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
    repeated: Vec<(Place, String)>,
}

impl<'t> Loader<'t> {
    fn document(&mut self) -> Result<Value, YamlError> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::Nothing | Event::DocumentStart(_) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Ok(Value::null(self.place(span.start)));
                }
                event => return self.value(event, span, 0),
            }
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Value, YamlError> {
        let place = self.place(span.start);
        if depth > DEPTH {
            return Err(self.error(place, format!("values are nested more than {DEPTH} deep")));
        }
        self.count(1, place)?;
        let before = self.values;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar(text.into_owned(), style, tag.as_deref());
                (
                    self.tagged(Value::new(place, kind), tag.as_deref())?,
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.value(event, span, depth + 1)?),
                    }
                }
                let list = Value::list(place, items);
                (self.tagged(list, tag.as_deref())?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                let map = Value::new(place, Kind::Map(self.map(depth)?));
                (self.tagged(map, tag.as_deref())?, anchor)
            }
            Event::Alias(anchor) => {
                let Some((value, count)) = self.anchors.get(&anchor) else {
                    return Err(self.error(place, "an alias refers to itself".to_owned()));
                };
                let (value, count) = (value.clone(), *count);
                self.count(count, place)?;
                return Ok(value);
            }
            other => {
                return Err(self.error(place, format!("a value is missing, there is {other:?}")));
            }
        };
        if anchor > 0 {
            let count = self.values - before;
            self.anchors.insert(anchor, (value.clone(), count + 1));
        }
        Ok(value)
    }

    fn map(&mut self, depth: usize) -> Result<Map, YamlError> {
        let mut map = Map::default();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.value(event, span, depth + 1)?;
            let Some(name) = key.as_str().map(str::to_owned) else {
                let message = format!("a key must be a text, not {}", key.described());
                return Err(self.error(key.place, message));
            };
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth + 1)?;
            if name == "<<" && matches!(key.kind, Kind::Plain(_)) {
                merged.push(value);
            } else if map.insert(name.clone(), key.place, value).is_some() {
                self.repeated.push((key.place, name));
            }
        }
        for value in merged {
            for source in value.items() {
                let Some(members) = source.as_map() else {
                    let message = format!("`<<` merges maps, not {}", source.described());
                    return Err(self.error(source.place, message));
                };
                for (key, member) in members {
                    if !map.contains(key) {
                        map.insert(key, member.place, member.value.clone());
                    }
                }
            }
        }
        Ok(map)
    }

    /// The long form of a value with a short tag of CloudFormation.
    fn tagged(&self, value: Value, tag: Option<&Tag>) -> Result<Value, YamlError> {
        let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else {
            return Ok(value);
        };
        let place = value.place;
        let is_nonspecific = tag.handle.is_empty() && tag.suffix == "!"
            || tag.handle == "!" && tag.suffix.is_empty();
        if is_nonspecific {
            return Ok(value);
        }
        if tag.handle != "!" {
            return Err(self.error(place, format!("the tag {tag} means nothing in a template")));
        }
        let (name, value) = match tag.suffix.as_str() {
            name @ ("Ref" | "Condition") => (name.to_owned(), value),
            "GetAtt" => ("Fn::GetAtt".to_owned(), attribute(value)),
            name => (format!("Fn::{name}"), value),
        };
        Ok(Value::map(place, [(name, value)]))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), YamlError> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let place = self.place(*error.marker());
                Err(self.error(place, error.info().to_owned()))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), YamlError> {
        self.values = self.values.saturating_add(more);
        if self.values > VALUES {
            let message = format!("there are more than {VALUES} values, those of aliases included");
            return Err(self.error(place, message));
        }
        Ok(())
    }

    fn place(&self, at: Marker) -> Place {
        Place {
            file: self.file,
            line: u32::try_from(at.line()).unwrap_or(u32::MAX).max(1),
            column: u32::try_from(at.col() + 1).unwrap_or(u32::MAX),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what it is about")]
    fn error(&self, place: Place, message: String) -> YamlError {
        YamlError { place, message }
    }
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Kind {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    match style {
        ScalarStyle::Plain if is_text => Kind::Text(text),
        ScalarStyle::Plain => match text.as_str() {
            // An empty scalar with a tag, such as `!Ref ""`, is written with quotes.
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            _ => Kind::Plain(text),
        },
        _ => Kind::Text(text),
    }
}

/// `a.b.c` as `[a, b.c]`.
fn attribute(value: Value) -> Value {
    let place = value.place;
    let Some((resource, attribute)) = value.as_str().and_then(|text| text.split_once('.')) else {
        return value;
    };
    let parts = [resource, attribute].map(|part| Value::text(place, part));
    Value::list(place, parts.to_vec())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn load_text(text: &str) -> Result<Loaded, YamlError> {
        let mut files = Files::default();
        let file = files.add(Path::new("template.yaml"), text.to_owned());
        load(&files, file)
    }

    fn json(text: &str) -> serde_json::Value {
        load_text(text).unwrap().value.to_json()
    }

    #[test]
    fn short_tags_become_long_forms() {
        assert_eq!(json("a: ! 'x'\n"), serde_json::json!({"a": "x"}));
        let text = "a: !Ref X\nb: !GetAtt X.Y.Z\nc: !Sub\n  - ${x}\n  - x: !Ref Q\nd: !If [C, 1, !Ref 'AWS::NoValue']\n";
        assert_eq!(
            json(text),
            serde_json::json!({
                "a": {"Ref": "X"},
                "b": {"Fn::GetAtt": ["X", "Y.Z"]},
                "c": {"Fn::Sub": ["${x}", {"x": {"Ref": "Q"}}]},
                "d": {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
            })
        );
    }

    #[test]
    fn scalars_keep_their_text_and_their_place() {
        let loaded =
            load_text("v: 2010-09-09\nid: 012345678901\nport: \"80\"\non: yes\nempty:\n").unwrap();
        let value = loaded.value;
        assert_eq!(value.text_of("v").unwrap(), "2010-09-09");
        assert_eq!(value.text_of("id").unwrap(), "012345678901");
        assert_eq!(value.get("port").unwrap().as_integer(), Some(80));
        assert_eq!(value.get("on").unwrap().as_bool(), Some(true));
        assert_eq!(value.text_of("on").unwrap(), "true");
        assert!(value.get("empty").is_none());
        let place = value.get("port").unwrap().place;
        assert_eq!((place.line, place.column), (3, 7));
    }

    #[test]
    fn json_is_read_too() {
        assert_eq!(
            json("{\"a\": [1, 2.5, true, null, \"x\\u00e9/\"],\n\t\"b\": {}}"),
            serde_json::json!({"a": [1, 2.5, true, null, "xé/"], "b": {}})
        );
    }

    #[test]
    fn merge_keys_and_aliases_are_resolved() {
        let text = "base: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}\nd: *b\n";
        assert_eq!(json(text)["c"], serde_json::json!({"y": 3, "x": 1}));
        assert_eq!(json(text)["d"], serde_json::json!({"x": 1, "y": 2}));
    }

    #[test]
    fn a_repeated_key_is_told() {
        let loaded = load_text("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(loaded.value.to_json()["a"], 3);
        let (place, name) = loaded.repeated.first().unwrap();
        assert_eq!((place.line, name.as_str()), (3, "a"));
    }

    #[test]
    fn what_is_not_yaml_has_a_place() {
        let error = load_text("a: [1\nb: }\n").err().unwrap();
        assert!(error.place.line >= 1, "{error:?}");
        let error = load_text("? [x]\n: 1\n").err().unwrap();
        assert_eq!(error.message, "a key must be a text, not a list");
    }

    #[test]
    fn a_small_file_cannot_fill_the_memory() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
            let aliases = vec![format!("*{before}"); 10].join(",");
            text.push_str(&format!("{name}: &{name} [{aliases}]\n"));
        }
        assert!(
            load_text(&text)
                .err()
                .unwrap()
                .message
                .contains("more than")
        );
        let deep = "[".repeat(5000);
        assert!(load_text(&deep).is_err());
        let nested = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        assert!(load_text(&nested).err().unwrap().message.contains("deep"));
        assert!(load_text("a: &a [*a]\n").is_err());
    }
}
