//! URLs of APIs on AWS that a template builds, as those of the listeners here.
//!
//! Contract: `https://ID.execute-api.REGION.amazonaws.com`, where `ID` is that of an API of the project, becomes the URL of
//! its trigger, and `wss://…` that for clients of WebSocket; what follows stays, as the stage is in the paths here too. That a variable of a function is changed is
//! noted.

use std::collections::HashMap;

use crate::context::Context;
use crate::file::Place;
use crate::local_url::{Target, url_of};
use crate::resource::Stack;
use crate::value::{Kind, Value};

const HOST: &str = ".execute-api.";

/// Replaces the URLs in all resources and outputs.
pub(super) fn replace(context: &Context, stack: &mut Stack) {
    let apis: HashMap<String, String> = stack
        .resources
        .values()
        .filter(|resource| {
            matches!(
                resource.kind.as_str(),
                "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api"
            )
        })
        .map(|api| (api.reference.clone(), api.name.clone()))
        .collect();
    if apis.is_empty() {
        return;
    }
    let mut urls = Urls {
        apis,
        found: Vec::new(),
    };
    for resource in stack.resources.values_mut() {
        urls.found.clear();
        urls.walk(&mut resource.properties);
        if resource.kind == "AWS::Lambda::Function" {
            for (place, name) in &urls.found {
                let note = format!(
                    "the URL of the API on AWS is replaced by that of the trigger {name} here"
                );
                context.report.note(*place, note);
            }
        }
    }
    for output in &mut stack.outputs {
        urls.walk(&mut output.value);
    }
}

struct Urls {
    /// The names of triggers by the ids of their APIs.
    apis: HashMap<String, String>,
    found: Vec<(Place, String)>,
}

impl Urls {
    fn walk(&mut self, value: &mut Value) {
        match &mut value.kind {
            Kind::Plain(text) | Kind::Text(text) => {
                if text.contains(HOST) {
                    let replaced = self.replaced(text, value.place);
                    value.kind = Kind::Text(replaced);
                }
            }
            Kind::List(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Kind::Map(map) => map.values_mut().for_each(|member| self.walk(member)),
            Kind::Null | Kind::Unknown(_) => {}
        }
    }

    fn replaced(&mut self, text: &str, place: Place) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(HOST) {
            let (before, after) = rest.split_at(at);
            let is_host =
                |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
            let host = after.find(|letter| !is_host(letter)).unwrap_or(after.len());
            let (host, after) = after.split_at(host);
            let start = ["https://", "wss://"].into_iter().find_map(|scheme| {
                let start = before.rfind(scheme)?;
                let name = self.apis.get(before.get(start + scheme.len()..)?)?;
                let target = match scheme {
                    "wss://" => Target::Socket,
                    _ => Target::Trigger,
                };
                Some((start, target, name.clone()))
            });
            match start {
                Some((start, target, name)) => {
                    result.push_str(before.get(..start).unwrap_or_default());
                    result.push_str(&url_of(target, &name));
                    self.found.push((place, name));
                }
                None => {
                    result.push_str(before);
                    result.push_str(host);
                }
            }
            rest = after;
        }
        result.push_str(rest);
        result
    }
}
