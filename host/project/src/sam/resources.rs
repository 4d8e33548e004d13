//! Types of SAM that become one resource each: LayerVersion, SimpleTable, Application, CapacityProvider, Connector.

use crate::value::{Kind, Map, Value};

use super::attributes::Attributes;
use super::build::{At, copy, copy_as, is_intrinsic};
use super::expansion::Expansion;
use super::function::{location, tag_list};

/// Replaces a layer.
pub(super) fn layer(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let mut layer = Map::default();
    if let Some(properties) = resource.get("Properties") {
        let keys = [
            "LayerName",
            "Description",
            "CompatibleArchitectures",
            "CompatibleRuntimes",
            "LicenseInfo",
        ];
        copy(properties, &mut layer, &keys);
        if let Some(content) = properties.get("ContentUri") {
            layer.insert("Content", content.place, location(content));
        }
    }
    if !layer.contains("LayerName") {
        layer.insert("LayerName", place, At(place).text(id));
    }
    expansion.replace(id, "AWS::Lambda::LayerVersion", layer);
}

/// Leaves a state machine as it is, and adds the role that the macro gives it, which outputs refer to.
pub(super) fn state_machine(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let role = resource
        .get("Properties")
        .and_then(|properties| properties.get("Role"));
    if role.is_none_or(|role| role.get("Fn::If").is_some()) {
        expansion.add_role(format!("{id}Role"), place, Attributes::of(&resource));
    }
}

/// Leaves a GraphQL API as it is, and adds the keys that the macro makes for it, which outputs refer to.
pub(super) fn graphql_api(expansion: &mut Expansion<'_>, id: &str) {
    let Some((_, resource)) = expansion.resource(id) else {
        return;
    };
    let keys = resource
        .get("Properties")
        .and_then(|properties| properties.get("ApiKeys"));
    let attributes = Attributes::of(&resource);
    for (name, key) in keys.into_iter().flat_map(Value::members) {
        let id = format!("{id}{name}");
        expansion.add(
            &id,
            key.place,
            "AWS::AppSync::ApiKey",
            Map::default(),
            &attributes,
        );
    }
}

/// Replaces a table.
pub(super) fn table(expansion: &mut Expansion<'_>, id: &str) {
    let Some((place, resource)) = expansion.resource(id) else {
        return;
    };
    let empty = Value::new(place, Kind::Map(Map::default()));
    let properties = resource.get("Properties").unwrap_or(&empty);
    let at = At(place);
    let mut table = Map::default();
    let keys = [
        "TableName",
        "ProvisionedThroughput",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
    ];
    copy(properties, &mut table, &keys);
    if !table.contains("ProvisionedThroughput") {
        table.insert("BillingMode", place, at.text("PAY_PER_REQUEST"));
    }
    if let Some(tags) = properties.get("Tags").and_then(tag_list) {
        table.insert("Tags", tags.place, tags);
    }
    let (name, kind) = match properties.get("PrimaryKey") {
        None => (at.text("id"), at.text("S")),
        Some(key) => {
            let kind = match key.text_of("Type").as_deref() {
                Some("String") => "S",
                Some("Number") => "N",
                Some("Binary") => "B",
                _ => {
                    let text = format!("PrimaryKey of {id} needs a Type: String, Number or Binary");
                    return expansion.refuse(key.place, text);
                }
            };
            let Some(name) = key.get("Name") else {
                return expansion.refuse(key.place, format!("PrimaryKey of {id} needs a Name"));
            };
            (name.clone(), At(key.place).text(kind))
        }
    };
    let attribute = at.map([("AttributeName", name.clone()), ("AttributeType", kind)]);
    let hash = at.map([("AttributeName", name), ("KeyType", at.text("HASH"))]);
    table.insert("AttributeDefinitions", place, at.list([attribute]));
    table.insert("KeySchema", place, at.list([hash]));
    expansion.replace(id, "AWS::DynamoDB::Table", table);
}

/// Replaces an application by a nested stack. Those of the Serverless Application Repository stay on AWS.
pub(super) fn application(expansion: &mut Expansion<'_>, id: &str) {
    let Some((_, resource)) = expansion.resource(id) else {
        return;
    };
    let Some(properties) = resource.get("Properties") else {
        return;
    };
    let mut stack = Map::default();
    let keys = ["Parameters", "NotificationARNs", "TimeoutInMinutes"];
    copy(properties, &mut stack, &keys);
    if let Some(tags) = properties.get("Tags").and_then(tag_list) {
        stack.insert("Tags", tags.place, tags);
    }
    match properties.get("Location") {
        Some(location) if location.as_str().is_some() || is_intrinsic(location) => {
            stack.insert("TemplateURL", location.place, location.clone());
        }
        Some(location) => {
            let text = format!(
                "{id} is an application of the Serverless Application Repository, which cannot be read here: \
                 download its template, and write Location: ./its-template.yaml"
            );
            return expansion.refuse(location.place, text);
        }
        None => return,
    }
    expansion.replace(id, "AWS::CloudFormation::Stack", stack);
}

/// Replaces a capacity provider.
pub(super) fn capacity_provider(expansion: &mut Expansion<'_>, id: &str) {
    let Some((_, resource)) = expansion.resource(id) else {
        return;
    };
    let mut provider = Map::default();
    if let Some(properties) = resource.get("Properties") {
        copy_as(
            properties,
            "CapacityProviderName",
            &mut provider,
            "CapacityProviderName",
        );
    }
    expansion.replace(id, "AWS::Lambda::CapacityProvider", provider);
}
