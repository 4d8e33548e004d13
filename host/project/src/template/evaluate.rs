//! Intrinsic functions: what stands in a template in place of a value.
//!
//! Contract: [`Resolver::evaluate`] gives the value, or none for `AWS::NoValue`. A function of a value that exists on AWS
//! only is such a value too. Only the branch of `Fn::If` that is taken is evaluated.
//!
//! On failure: see [`super::resolver`].

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::addresses;
use super::resolver::{Resolver, Scope, meant, unknown};
use crate::ProjectError;
use crate::file::Place;
use crate::value::{Kind, Map, Value};

const FUNCTIONS: [&str; 20] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::ForEach",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::GetStackOutput",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
];

/// The intrinsic function that a map is, with its argument.
pub(super) fn function_in(map: &Map) -> Option<(&str, &Value)> {
    map.only().filter(|(name, argument)| match *name {
        // With `AWS::LanguageExtensions`, the name can be made by functions.
        "Ref" => {
            let inner = argument.as_map().and_then(Map::only);
            argument.as_str().is_some() || inner.is_some_and(|(name, _)| name.starts_with("Fn::"))
        }
        name => name.starts_with("Fn::"),
    })
}

/// A value, or the value that is there instead because it is a mistake or not known here.
type Known<T> = Result<Result<T, Value>, ProjectError>;

/// The value of a [`Known`], or a return of what is there instead.
macro_rules! known {
    ($known:expr) => {
        match $known? {
            Ok(known) => known,
            Err(instead) => return Ok(Some(instead)),
        }
    };
}

impl Resolver<'_> {
    /// The value without functions; none if it is `AWS::NoValue`.
    pub fn evaluate(&self, scope: &Scope, value: &Value) -> Result<Option<Value>, ProjectError> {
        self.deeper(value.place, || match &value.kind {
            Kind::Null | Kind::Unknown(_) => Ok(Some(value.clone())),
            Kind::Plain(text) | Kind::Text(text) => {
                self.made(value.place, text)?;
                self.with_dynamic_references(scope, value).map(Some)
            }
            Kind::List(items) => {
                let mut evaluated = Vec::with_capacity(items.len());
                for item in items {
                    evaluated.extend(self.evaluate(scope, item)?);
                }
                Ok(Some(Value::list(value.place, evaluated)))
            }
            Kind::Map(map) => match function_in(map) {
                Some((name, argument)) => {
                    let result = self.call(scope, value.place, name, argument)?;
                    match result {
                        Some(result) => {
                            if let Some(text) = result.as_str() {
                                self.made(value.place, text)?;
                            }
                            Ok(Some(result))
                        }
                        None => Ok(None),
                    }
                }
                None => {
                    let mut evaluated = Map::default();
                    for (key, member) in map {
                        if let Some(value) = self.evaluate(scope, &member.value)? {
                            evaluated.insert(key, member.place, value);
                        }
                    }
                    Ok(Some(Value::new(value.place, Kind::Map(evaluated))))
                }
            },
        })
    }

    /// The value, null in place of `AWS::NoValue`.
    pub fn value_of(&self, scope: &Scope, value: &Value) -> Result<Value, ProjectError> {
        let evaluated = self.evaluate(scope, value)?;
        Ok(evaluated.unwrap_or_else(|| Value::null(value.place)))
    }

    fn call(
        &self,
        scope: &Scope,
        place: Place,
        name: &str,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        match name {
            "Ref" => {
                let name = known!(self.text(scope, name, argument));
                self.reference(scope, place, &name)
            }
            "Fn::GetAtt" => self.get_att(scope, place, argument),
            "Fn::Sub" => self.sub(scope, place, argument),
            "Fn::Join" => self.join(scope, place, argument),
            "Fn::Split" => self.split(scope, place, argument),
            "Fn::Select" => self.select(scope, place, argument),
            "Fn::If" => self.choose(scope, place, argument),
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => {
                let whole = Value::map(place, [(name, argument.clone())]);
                let holds = self.holds(scope, &whole)?;
                Ok(Some(Value::plain(place, holds)))
            }
            "Fn::Base64" => {
                let text = known!(self.text(scope, name, argument));
                Ok(Some(Value::text(place, BASE64_STANDARD.encode(text))))
            }
            "Fn::FindInMap" => self.find_in_map(scope, place, argument),
            "Fn::Length" => {
                let list = known!(self.list(scope, name, argument));
                Ok(Some(Value::plain(place, list.len())))
            }
            "Fn::ToJsonString" => {
                let value = self.value_of(scope, argument)?;
                if let Some(why) = first_unknown(&value) {
                    return Ok(Some(unknown(place, why)));
                }
                Ok(Some(Value::text(place, value.to_json().to_string())))
            }
            "Fn::GetAZs" => {
                let region = match self.evaluate(scope, argument)? {
                    Some(region) => region.as_str().unwrap_or_default().to_owned(),
                    None => String::new(),
                };
                let region = if region.is_empty() {
                    &self.region
                } else {
                    &region
                };
                let zones =
                    ["a", "b", "c"].map(|zone| Value::text(place, format!("{region}{zone}")));
                Ok(Some(Value::list(place, zones.to_vec())))
            }
            "Fn::Cidr" => self.cidr(scope, place, argument),
            "Fn::ImportValue" => {
                let export = known!(self.text(scope, name, argument));
                self.import(scope, place, &export).map(Some)
            }
            "Fn::GetStackOutput" => self.stack_output(scope, place, argument),
            _ => Ok(Some(self.mistake(scope, place, unknown_function(name)))),
        }
    }

    fn join(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let Some([separator, items]) = argument.as_list() else {
            let message = "Fn::Join takes a separator and a list: [SEPARATOR, [ITEM, …]]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let separator = known!(self.text(scope, "Fn::Join", separator));
        let items = known!(self.list(scope, "Fn::Join", items));
        let mut texts = Vec::with_capacity(items.len());
        for item in &items {
            // A list in the list is joined too: AWS flattens those that functions give.
            for item in item.items() {
                texts.push(known!(self.as_text(scope, "Fn::Join", item)));
            }
        }
        Ok(Some(Value::text(place, texts.join(&separator))))
    }

    fn split(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let Some([separator, text]) = argument.as_list() else {
            let message = "Fn::Split takes a separator and a text: [SEPARATOR, TEXT]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let separator = known!(self.text(scope, "Fn::Split", separator));
        let text = known!(self.text(scope, "Fn::Split", text));
        if separator.is_empty() {
            return Ok(Some(self.mistake(
                scope,
                place,
                "Fn::Split needs a separator",
            )));
        }
        let parts = text.split(&separator).map(|part| Value::text(place, part));
        Ok(Some(Value::list(place, parts.collect())))
    }

    fn select(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let Some([index, items]) = argument.as_list() else {
            let message = "Fn::Select takes an index and a list: [INDEX, [ITEM, …]]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let index = self.value_of(scope, index)?;
        if let Some(why) = index.as_unknown() {
            return Ok(Some(unknown(place, why)));
        }
        // A literal list is evaluated as far as it is needed.
        let items = match items.as_list() {
            Some(items) => items.to_vec(),
            None => known!(self.list(scope, "Fn::Select", items)),
        };
        let number = index
            .as_integer()
            .and_then(|index| usize::try_from(index).ok());
        match number.and_then(|index| items.get(index)) {
            Some(item) => self.evaluate(scope, item),
            None => {
                let (index, count) = (index.as_text().unwrap_or_default(), items.len());
                let message = format!("Fn::Select: there is no item {index} in a list of {count}");
                Ok(Some(self.mistake(scope, place, message)))
            }
        }
    }

    fn choose(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let Some([condition, yes, no]) = argument.as_list() else {
            let message = "Fn::If takes a condition and two values: [CONDITION, IF_TRUE, IF_FALSE]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let holds = match condition.as_str() {
            Some(name) => self.condition(scope, condition.place, name)?,
            None => self.holds(scope, condition)?,
        };
        self.evaluate(scope, if holds { yes } else { no })
    }

    fn sub(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let (template, variables) = match argument.as_list() {
            Some([template, variables]) => (template, variables.as_map()),
            _ => (argument, None),
        };
        let Some(template) = template.as_text() else {
            let message =
                "Fn::Sub takes a text, or a text and a map of variables: [TEXT, {NAME: VALUE}]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let mut text = String::with_capacity(template.len());
        let mut rest: &str = &template;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push_str("${");
                rest = after;
                continue;
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str("${");
                text.push_str(literal);
                text.push('}');
                continue;
            }
            let name = name.trim();
            let value = match variables.and_then(|variables| variables.get(name)) {
                Some(value) => self.evaluate(scope, value)?,
                None => match name.split_once('.') {
                    Some((id, attribute)) => Some(self.attribute_of(scope, place, id, attribute)?),
                    None => self.reference(scope, place, name)?,
                },
            };
            let value = value.unwrap_or_else(|| Value::text(place, ""));
            text.push_str(&known!(self.as_text(
                scope,
                &format!("${{{name}}} in Fn::Sub"),
                &value
            )));
            self.made(place, &text)?;
        }
        text.push_str(rest);
        let text = Value::text(place, text);
        self.with_dynamic_references(scope, &text).map(Some)
    }

    fn get_att(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let (id, attribute) = match argument.as_list() {
            Some([id, attribute]) => {
                let attribute = known!(self.text(scope, "Fn::GetAtt", attribute));
                (known!(self.text(scope, "Fn::GetAtt", id)), attribute)
            }
            _ => match argument.as_str().and_then(|text| text.split_once('.')) {
                Some((id, attribute)) => (id.to_owned(), attribute.to_owned()),
                None => {
                    let message = "Fn::GetAtt takes a logical id and an attribute: [ID, ATTRIBUTE]";
                    return Ok(Some(self.mistake(scope, place, message)));
                }
            },
        };
        self.attribute_of(scope, place, &id, &attribute).map(Some)
    }

    fn find_in_map(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let (keys, default) = match argument.as_list() {
            Some([map, first, second]) => ([map, first, second], None),
            Some([map, first, second, options]) => {
                ([map, first, second], options.get("DefaultValue"))
            }
            _ => {
                let message = "Fn::FindInMap takes a map and two keys: [MAP, KEY, KEY]";
                return Ok(Some(self.mistake(scope, place, message)));
            }
        };
        let mut names = Vec::with_capacity(3);
        for key in keys {
            let name = self.value_of(scope, key)?;
            match (name.as_text(), default) {
                (Some(name), _) => names.push(name.into_owned()),
                (None, Some(default)) => return self.evaluate(scope, default),
                (None, None) => {
                    names.push(known!(self.as_text(scope, "Fn::FindInMap", &name)));
                }
            }
        }
        let [map, first, second] = names.as_slice() else {
            return Ok(None);
        };
        let found = scope
            .section("Mappings")
            .and_then(|maps| maps.get(map)?.get(first)?.get(second));
        match (found, default) {
            (Some(value), _) => self
                .evaluate(scope, value)
                .map(|value| value.map(|value| Value::new(place, value.kind))),
            (None, Some(default)) => self.evaluate(scope, default),
            (None, None) => {
                let message = format!("Fn::FindInMap: the mapping {map} has no {first}, {second}");
                Ok(Some(self.mistake(scope, place, message)))
            }
        }
    }

    fn cidr(
        &self,
        scope: &Scope,
        place: Place,
        argument: &Value,
    ) -> Result<Option<Value>, ProjectError> {
        let arguments = known!(self.list(scope, "Fn::Cidr", argument));
        let mut texts = Vec::new();
        for argument in &arguments {
            texts.push(known!(self.as_text(scope, "Fn::Cidr", argument)));
        }
        let blocks = match texts.as_slice() {
            [block, count] => addresses::cidr(block, count, "8"),
            [block, count, bits] => addresses::cidr(block, count, bits),
            _ => None,
        };
        let Some(blocks) = blocks else {
            let message = "Fn::Cidr takes a block of addresses, a number up to 256, and the bits of each part: \
                [10.0.0.0/16, 6, 8]";
            return Ok(Some(self.mistake(scope, place, message)));
        };
        let blocks = blocks.into_iter().map(|block| Value::text(place, block));
        Ok(Some(Value::list(place, blocks.collect())))
    }

    /// The text that a function's argument is.
    fn text(&self, scope: &Scope, function: &str, argument: &Value) -> Known<String> {
        let value = self.value_of(scope, argument)?;
        self.as_text(scope, function, &value)
    }

    fn as_text(&self, scope: &Scope, function: &str, value: &Value) -> Known<String> {
        if let Some(text) = value.as_text() {
            return Ok(Ok(text.into_owned()));
        }
        Ok(Err(match value.as_unknown() {
            Some(why) => unknown(value.place, why),
            None => {
                let message = format!("{function}: a text is needed, not {}", value.described());
                self.mistake(scope, value.place, message)
            }
        }))
    }

    /// The list that a function's argument is.
    fn list(&self, scope: &Scope, function: &str, argument: &Value) -> Known<Vec<Value>> {
        let value = self.value_of(scope, argument)?;
        Ok(match value.kind {
            Kind::List(items) => Ok(items),
            Kind::Unknown(why) => Err(unknown(value.place, why)),
            _ => {
                let message = format!("{function}: a list is needed, not {}", value.described());
                Err(self.mistake(scope, value.place, message))
            }
        })
    }
}

fn unknown_function(name: &str) -> String {
    match name {
        "Fn::Transform" => "a macro runs only on AWS: replace it with its result".to_owned(),
        _ if name.starts_with("Fn::ForEach") => {
            "Fn::ForEach can be used in Resources, Properties, Outputs and Conditions only, \
            with Transform: AWS::LanguageExtensions"
                .to_owned()
        }
        _ => format!("there is no function {name}{}", meant(name, FUNCTIONS)),
    }
}

/// Why a part of a value exists on AWS only.
pub(super) fn first_unknown(value: &Value) -> Option<&str> {
    match &value.kind {
        Kind::Unknown(why) => Some(why),
        Kind::List(items) => items.iter().find_map(first_unknown),
        Kind::Map(map) => map
            .iter()
            .find_map(|(_, member)| first_unknown(&member.value)),
        _ => None,
    }
}
