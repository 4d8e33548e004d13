//! Parts of CloudFormation templates, to be written from other descriptions.

use crate::file::Place;
use crate::value::{Kind, Map, Value};

/// `{"Ref": ID}`
pub fn reference(place: Place, id: &str) -> Value {
    Value::map(place, [("Ref", Value::text(place, id))])
}

/// `{"Fn::GetAtt": [ID, ATTRIBUTE]}`
pub fn attribute(place: Place, id: &str, attribute: &str) -> Value {
    let parts = [id, attribute].map(|part| Value::text(place, part));
    Value::map(place, [("Fn::GetAtt", Value::list(place, parts.to_vec()))])
}

/// `{"Fn::Join": [SEPARATOR, PARTS]}`
pub fn join(place: Place, separator: &str, parts: Vec<Value>) -> Value {
    let arguments = vec![Value::text(place, separator), Value::list(place, parts)];
    Value::map(place, [("Fn::Join", Value::list(place, arguments))])
}

/// The URI by which API Gateway invokes the function with this ARN.
pub fn invocation_uri(place: Place, arn: Vec<Value>, is_streaming: bool) -> Value {
    let (version, action) = match is_streaming {
        true => ("2021-11-15", "/response-streaming-invocations"),
        false => ("2015-03-31", "/invocations"),
    };
    let mut parts = vec![
        Value::text(place, "arn:"),
        reference(place, "AWS::Partition"),
        Value::text(place, ":apigateway:"),
        reference(place, "AWS::Region"),
        Value::text(place, format!(":lambda:path/{version}/functions/")),
    ];
    parts.extend(arn);
    parts.push(Value::text(place, action));
    join(place, "", parts)
}

/// The URL of an API's stage.
pub fn execute_api_url(place: Place, api: Value, scheme: &str, path: &str) -> Value {
    let mut parts = vec![
        Value::text(place, format!("{scheme}://")),
        api,
        Value::text(place, ".execute-api."),
        reference(place, "AWS::Region"),
        Value::text(place, "."),
        reference(place, "AWS::URLSuffix"),
    ];
    if !path.is_empty() {
        parts.push(Value::text(place, path));
    }
    join(place, "", parts)
}

/// A map of tags as the list that CloudFormation has.
pub fn tags(place: Place, tags: &Value) -> Value {
    let tags = tags.members().map(|(key, value)| {
        Body::new(place)
            .text("Key", key)
            .set("Value", value.clone())
            .done()
    });
    Value::list(place, tags.collect())
}

/// A value as JSON, its members in their order.
pub fn json(value: &Value) -> String {
    match &value.kind {
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(json).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Map(map) => {
            let members = map.iter().map(|(key, member)| {
                let key = serde_json::Value::from(key.as_str());
                format!("{key}:{}", json(&member.value))
            });
            let members: Vec<String> = members.collect();
            format!("{{{}}}", members.join(","))
        }
        _ => value.to_json().to_string(),
    }
}

/// A map that is being written.
pub struct Body {
    place: Place,
    map: Map,
}

impl Body {
    /// An empty map.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            map: Map::default(),
        }
    }

    /// A map with these members.
    pub fn from_map(place: Place, map: Map) -> Self {
        Self { place, map }
    }

    /// Sets a member.
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.map.insert(key, value.place, value);
        self
    }

    /// Sets a member to a text.
    pub fn text(self, key: &str, text: impl Into<String>) -> Self {
        let place = self.place;
        self.set(key, Value::text(place, text))
    }

    /// Sets a member to a number or a boolean.
    pub fn plain(self, key: &str, value: impl ToString) -> Self {
        let place = self.place;
        self.set(key, Value::plain(place, value))
    }

    /// Sets a member, if there is a value.
    pub fn set_some(self, key: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Takes members of another map, unless they are null there: pairs of the key here and the key there.
    pub fn take(mut self, from: &Value, keys: &[(&str, &str)]) -> Self {
        for (key, from_key) in keys {
            if let Some(member) = from.as_map().and_then(|map| map.member(from_key))
                && !member.value.is_null()
            {
                self.map.insert(*key, member.place, member.value.clone());
            }
        }
        self
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The map.
    pub fn done(self) -> Value {
        Value::new(self.place, Kind::Map(self.map))
    }
}

/// The resources and outputs of a template that is being written.
#[derive(Default)]
pub struct Compiled {
    /// The resources, by logical id.
    pub resources: Map,
    /// The outputs.
    pub outputs: Map,
}

impl Compiled {
    /// Adds a resource. One with the same id is replaced.
    pub fn add(&mut self, id: impl Into<String>, kind: &str, properties: Body) -> &mut Self {
        let place = properties.place;
        let resource = Body::new(place)
            .text("Type", kind)
            .set("Properties", properties.done());
        self.resources.insert(id, place, resource.done());
        self
    }

    /// Whether there is a resource with this id.
    pub fn has(&self, id: &str) -> bool {
        self.resources.contains(id)
    }

    /// Sets something beside the properties of a resource: its `Condition` or `Metadata`.
    pub fn set(&mut self, id: &str, key: &str, value: Value) {
        let resource = self.resources.get_mut(id).and_then(Value::as_map_mut);
        if let Some(resource) = resource {
            resource.insert(key, value.place, value);
        }
    }

    /// Adds members to the metadata of a resource.
    pub fn add_metadata(&mut self, id: &str, members: &Value) {
        let resource = self.resources.get_mut(id).and_then(Value::as_map_mut);
        let (Some(resource), Some(members)) = (resource, members.as_map()) else {
            return;
        };
        for (key, member) in members {
            set(resource, &format!("Metadata.{key}"), member.value.clone());
        }
    }

    /// The properties of a resource, to be changed.
    pub fn properties(&mut self, id: &str) -> Option<&mut Map> {
        let resource = self.resources.get_mut(id)?.as_map_mut()?;
        resource.get_mut("Properties")?.as_map_mut()
    }

    /// Adds an output.
    pub fn output(&mut self, id: &str, description: &str, value: Value) {
        let place = value.place;
        let output = Body::new(place)
            .text("Description", description)
            .set("Value", value);
        self.outputs.insert(id, place, output.done());
    }
}

/// Sets a property at a path with dots.
pub fn set(map: &mut Map, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        map.insert(path, value.place, value);
        return;
    };
    if map.get(first).and_then(Value::as_map).is_none() {
        map.insert(
            first,
            value.place,
            Value::new(value.place, Kind::Map(Map::default())),
        );
    }
    if let Some(inner) = map.get_mut(first).and_then(Value::as_map_mut) {
        set(inner, rest, value);
    }
}
