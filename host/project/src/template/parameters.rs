//! The parameters of templates: their values, or what stands for them.
//!
//! Contract: a parameter has the value that the user gives, else its default, else a placeholder of its type, which is
//! noted when something uses it. A parameter of the type `AWS::SSM::Parameter::Value<…>` has a path as its default; its
//! value exists on AWS only, unless the user gives it.
//!
//! On failure: a value that the template does not allow is a [`ProjectError`].

use indexmap::IndexMap;

use super::resolver::{Parameter, unknown};
use crate::ProjectError;
use crate::context::Context;
use crate::file::Place;
use crate::resource::Template;
use crate::value::{Kind, Map, Value};

/// The values of a template's parameters. Those that `given` has are texts, or lists.
pub(super) fn parameters(
    context: &Context,
    template: &Template,
    given: &IndexMap<String, Value>,
) -> Result<IndexMap<String, Parameter>, ProjectError> {
    let mut parameters = IndexMap::new();
    let declared = template.root.get("Parameters").and_then(Value::as_map);
    for (name, member) in declared.into_iter().flatten() {
        let parameter = match given.get(name) {
            Some(value) => {
                check(context, name, &member.value, value)?;
                Parameter {
                    value: given_value(context, name, &member.value, value),
                    note: None,
                }
            }
            None => own_value(context, template, name, member.place, &member.value),
        };
        parameters.insert(name.clone(), parameter);
    }
    Ok(parameters)
}

/// What the user gives to the outermost templates.
pub(super) fn given_by_user(context: &Context, template: &Template) -> IndexMap<String, Value> {
    let declared = template.root.get("Parameters").and_then(Value::as_map);
    let given = declared.into_iter().flatten().filter_map(|(name, member)| {
        let text = context.options.parameters.get(name)?;
        Some((name.clone(), Value::text(member.place, text)))
    });
    given.collect()
}

/// Sets the default of each parameter to its value, for those who read the template before it is resolved.
pub(super) fn settle(template: &mut Template, parameters: &IndexMap<String, Parameter>) {
    let Some(declared) = template
        .root
        .get_mut("Parameters")
        .and_then(Value::as_map_mut)
    else {
        return;
    };
    for (name, parameter) in parameters {
        let value = match &parameter.value.kind {
            Kind::Unknown(_) => continue,
            Kind::List(items) => {
                let texts: Vec<_> = items.iter().filter_map(Value::as_text).collect();
                Value::text(parameter.value.place, texts.join(","))
            }
            _ => parameter.value.clone(),
        };
        if let Some(map) = declared.get_mut(name).and_then(Value::as_map_mut) {
            map.insert("Default", value.place, value);
        }
    }
}

fn kind_of(declaration: &Value) -> String {
    declaration
        .text_of("Type")
        .map_or_else(|| "String".to_owned(), |kind| kind.trim().to_owned())
}

/// The type of the value that an SSM parameter has.
fn ssm_type(kind: &str) -> Option<&str> {
    kind.strip_prefix("AWS::SSM::Parameter::Value<")?
        .strip_suffix('>')
}

fn is_list(kind: &str) -> bool {
    let kind = ssm_type(kind).unwrap_or(kind);
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

/// A value as the type of the parameter has it.
fn typed(place: Place, kind: &str, value: &Value) -> Value {
    if value.as_unknown().is_some() {
        return Value::new(place, value.kind.clone());
    }
    if is_list(kind) {
        let items: Vec<Value> = match value.as_list() {
            Some(items) => items.to_vec(),
            None => {
                let text = value.as_text().unwrap_or_default();
                text.split(',')
                    .map(|item| Value::text(place, item.trim()))
                    .collect()
            }
        };
        return Value::list(place, items);
    }
    match value.as_list() {
        // A list for a text, as nested stacks are given one: its items with commas.
        Some(items) => {
            let texts: Vec<_> = items.iter().filter_map(Value::as_text).collect();
            Value::text(place, texts.join(","))
        }
        None => {
            let text = value.as_text().unwrap_or_default();
            match kind {
                "Number" => Value::plain(place, text.trim()),
                _ => Value::text(place, text),
            }
        }
    }
}

fn given_value(context: &Context, name: &str, declaration: &Value, value: &Value) -> Value {
    let kind = kind_of(declaration);
    let path = value.as_str().filter(|text| text.starts_with('/'));
    match (ssm_type(&kind), path) {
        (Some(_), Some(path)) => ssm_parameter(context, name, &kind, value.place, path),
        _ => typed(value.place, &kind, value),
    }
}

/// The value of an SSM parameter, if the user gives it.
fn ssm_parameter(context: &Context, name: &str, kind: &str, place: Place, path: &str) -> Value {
    match context.options.parameters.get(&format!("ssm:{path}")) {
        Some(given) => typed(place, kind, &Value::text(place, given)),
        None => ssm_value(place, name, path),
    }
}

fn ssm_value(place: Place, name: &str, path: &str) -> Value {
    unknown(
        place,
        format!(
            "the parameter {name} is the SSM parameter {path}, whose value exists only on AWS; \
            --parameter {name}=VALUE sets it"
        ),
    )
}

fn own_value(
    context: &Context,
    template: &Template,
    name: &str,
    place: Place,
    declaration: &Value,
) -> Parameter {
    let kind = kind_of(declaration);
    let default = declaration.as_map().and_then(|map| map.get("Default"));
    if ssm_type(&kind).is_some() {
        let path = default.and_then(Value::as_text).unwrap_or_default();
        let value = ssm_parameter(context, name, &kind, place, &path);
        return Parameter { value, note: None };
    }
    if let Some(default) = default {
        return Parameter {
            value: typed(default.place, &kind, default),
            note: None,
        };
    }
    if let Some(deployed) = context.options.deployed_parameters.get(name) {
        let note = format!(
            "the parameter {name} has no default: {deployed:?} is used, as in samconfig when the stack is deployed; \
            --parameter {name}=VALUE sets it"
        );
        return Parameter {
            value: typed(place, &kind, &Value::text(place, deployed)),
            note: Some((place, note)),
        };
    }
    let text = match mapped(template, name) {
        Some(key) if declaration.get("AllowedValues").is_none() => key,
        _ => placeholder(name, &kind, declaration),
    };
    let note = format!(
        "the parameter {name} has no default: {text:?} is used; --parameter {name}=VALUE sets it"
    );
    Parameter {
        value: typed(place, &kind, &Value::text(place, text)),
        note: Some((place, note)),
    }
}

/// The first key of the mapping in which the value of a parameter is looked up.
fn mapped(template: &Template, name: &str) -> Option<String> {
    let mappings = template.root.get("Mappings")?.as_map()?;
    let sections = ["Resources", "Conditions", "Outputs"];
    let sections = sections
        .iter()
        .filter_map(|section| template.root.get(section));
    sections
        .into_iter()
        .find_map(|section| lookup_in(section, mappings, name))
}

fn lookup_in(value: &Value, mappings: &Map, name: &str) -> Option<String> {
    match &value.kind {
        Kind::List(items) => items
            .iter()
            .find_map(|item| lookup_in(item, mappings, name)),
        Kind::Map(map) => {
            if let Some(("Fn::FindInMap", argument)) = map.only()
                && let Some([mapping, first, ..]) = argument.as_list()
                && first.get("Ref").and_then(Value::as_str) == Some(name)
            {
                let mapping = mappings.get(mapping.as_str()?)?.as_map()?;
                return mapping.iter().next().map(|(key, _)| key.clone());
            }
            map.iter()
                .find_map(|(_, member)| lookup_in(&member.value, mappings, name))
        }
        _ => None,
    }
}

/// Something that is allowed for a parameter without a value.
fn placeholder(name: &str, kind: &str, declaration: &Value) -> String {
    if let Some(first) = declaration
        .get("AllowedValues")
        .and_then(|values| values.items().first())
    {
        return first.as_text().unwrap_or_default().into_owned();
    }
    let inner = kind
        .strip_prefix("List<")
        .and_then(|kind| kind.strip_suffix('>'))
        .unwrap_or(kind);
    let text = match inner {
        "Number" => {
            let min = declaration.get("MinValue").and_then(Value::as_text);
            return min.map_or_else(|| "1".to_owned(), |min| min.into_owned());
        }
        "AWS::EC2::AvailabilityZone::Name" => "us-east-1a".to_owned(),
        "AWS::EC2::Image::Id" => "ami-00000000".to_owned(),
        "AWS::EC2::Instance::Id" => "i-00000000".to_owned(),
        "AWS::EC2::SecurityGroup::Id" => "sg-00000000".to_owned(),
        "AWS::EC2::Subnet::Id" => "subnet-00000000".to_owned(),
        "AWS::EC2::VPC::Id" => "vpc-00000000".to_owned(),
        "AWS::EC2::Volume::Id" => "vol-00000000".to_owned(),
        "AWS::Route53::HostedZone::Id" => "Z00000000".to_owned(),
        _ => name.to_lowercase(),
    };
    let min = declaration.get("MinLength").and_then(Value::as_integer);
    let min = min
        .and_then(|min| usize::try_from(min).ok())
        .unwrap_or(0)
        .min(4096);
    let mut text = text;
    while text.len() < min {
        text.push('x');
    }
    let max = declaration.get("MaxLength").and_then(Value::as_integer);
    if let Some(max) = max.and_then(|max| usize::try_from(max).ok()) {
        text = text.chars().take(max).collect();
    }
    text
}

/// Refuses a value that the template does not allow.
fn check(
    context: &Context,
    name: &str,
    declaration: &Value,
    value: &Value,
) -> Result<(), ProjectError> {
    let kind = kind_of(declaration);
    let texts: Vec<String> = match typed(value.place, &kind, value).kind {
        Kind::Unknown(_) => return Ok(()),
        Kind::List(items) => items
            .iter()
            .filter_map(|item| item.as_text().map(Into::into))
            .collect(),
        kind => Value::new(value.place, kind)
            .as_text()
            .map(Into::into)
            .into_iter()
            .collect(),
    };
    let allowed = declaration
        .get("AllowedValues")
        .map(Value::items)
        .unwrap_or_default();
    for text in texts {
        if !allowed.is_empty()
            && !allowed
                .iter()
                .any(|one| one.as_text().is_some_and(|one| one == text))
        {
            let values: Vec<_> = allowed.iter().filter_map(Value::as_text).collect();
            let message = format!(
                "the parameter {name} cannot be {text:?}; allowed: {}",
                values.join(", ")
            );
            return Err(context.error(declaration.place, &message));
        }
        let is_number = kind == "Number" || kind == "List<Number>";
        if is_number
            && Value::text(value.place, text.as_str())
                .as_number()
                .is_none()
        {
            let message = format!("the parameter {name} is a number, not {text:?}");
            return Err(context.error(declaration.place, &message));
        }
    }
    Ok(())
}
