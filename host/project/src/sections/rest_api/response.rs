//! Responses of integrations, in the two forms that they have.

use crate::value::Value;

/// A response of an integration.
#[derive(Debug, Clone, Copy)]
pub struct Response<'v> {
    /// What it is for; none for all that no other response is for.
    pub pattern: Option<&'v str>,
    /// The rest.
    pub value: &'v Value,
}

/// The responses of an integration: a list in CloudFormation, in OpenAPI a map by their patterns.
pub fn responses_of(integration: &Value) -> Vec<Response<'_>> {
    if let Some(list) = integration.get("IntegrationResponses") {
        let responses = list.items().iter().map(|value| Response {
            pattern: value.get("SelectionPattern").and_then(Value::as_str),
            value,
        });
        return responses.collect();
    }
    let map = integration.get("responses").into_iter();
    map.flat_map(Value::members)
        .map(|(pattern, value)| Response {
            pattern: Some(pattern).filter(|pattern| *pattern != "default"),
            value,
        })
        .collect()
}
