//! `environment`, `url-variables` and `pass-environment` of functions.
//!
//! Contract: a variable has the first value of these, as in `sam local`: the one in the file of `sam local --env-vars`, the
//! one of the shell, that of the template. A function's own entry in the file can have variables that the template does
//! not have; those below `Parameters` are for variables that it has. A value that is not known here is an empty text, with
//! a note. What URLs of this configuration are in goes to `url-variables`.

use std::collections::BTreeSet;

use crate::ProjectError;
use crate::context::Context;
use crate::document::Table;
use crate::file::{Place, TEMPLATE_BYTES};
use crate::local_url::{as_setting, has_url};
use crate::resource::{Resource, Stack};
use crate::value::{Kind, Value};

/// The type of functions.
const KIND: &str = "AWS::Lambda::Function";

/// Variables by which programs know that they do not run on AWS: those of SAM and of serverless-offline.
const LOCAL: [&str; 2] = ["AWS_SAM_LOCAL", "IS_OFFLINE"];

/// Variables that the file may have, as they reach the containers of `sam local`, and that functions cannot have.
const RESERVED: [&str; 6] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_FUNCTION_NAME",
];

/// The variables with which SDKs find emulators of services, by the types of their resources. Functions get those that the
/// shell has, if the project has such resources.
const ENDPOINTS: &[(&str, &str)] = &[
    (
        "AWS::Cognito::",
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
    ),
    ("AWS::DynamoDB::", "AWS_ENDPOINT_URL_DYNAMODB"),
    ("AWS::Events::EventBus", "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    ("AWS::Kinesis::", "AWS_ENDPOINT_URL_KINESIS"),
    ("AWS::KinesisFirehose::", "AWS_ENDPOINT_URL_FIREHOSE"),
    ("AWS::SNS::", "AWS_ENDPOINT_URL_SNS"),
    ("AWS::SSM::", "AWS_ENDPOINT_URL_SSM"),
    ("AWS::SecretsManager::", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    ("AWS::Serverless::StateMachine", "AWS_ENDPOINT_URL_SFN"),
    ("AWS::StepFunctions::", "AWS_ENDPOINT_URL_SFN"),
];

/// The entry of the file that is for all functions.
const ALL: &str = "Parameters";

/// The file of `sam local --env-vars`.
#[derive(Debug)]
pub struct Overrides {
    file: Option<Value>,
    /// Variables of the shell that functions get, whether or not it has them.
    endpoints: Vec<&'static str>,
}

impl Overrides {
    /// Reads the file that the options name, and notes entries that are for no function of the stack. A file that cannot
    /// be read is refused.
    pub fn read(context: &Context, stack: &Stack) -> Self {
        let file = Self::read_file(context, stack);
        let file = file.unwrap_or_else(|error| {
            context.report.refuse(None, error.to_string());
            None
        });
        let has = |beginning: &str| {
            let mut resources = stack.resources.values();
            resources.any(|resource| resource.kind.starts_with(beginning))
        };
        let endpoints = ENDPOINTS.iter().filter(|(beginning, _)| has(beginning));
        let mut endpoints: Vec<&str> = endpoints.map(|(_, variable)| *variable).collect();
        endpoints.dedup();
        Self { file, endpoints }
    }

    fn read_file(context: &Context, stack: &Stack) -> Result<Option<Value>, ProjectError> {
        let Some(path) = &context.options.environment_file else {
            return Ok(None);
        };
        let file = context.load(path, TEMPLATE_BYTES)?;
        let Some(entries) = file.as_map() else {
            let message = format!(
                "a file of environment variables is a map of functions, not {}",
                file.described()
            );
            return Err(context.error(file.place, &message));
        };
        let functions = || stack.of_kind(KIND);
        for (name, member) in entries {
            if name == ALL || functions().any(|function| is_named(function, name)) {
                continue;
            }
            let names: Vec<&str> = functions().map(|one| one.id.as_str()).collect();
            let hint = match plugin_kit::nearest::nearest(name, &names) {
                Some(near) => format!("; did you mean {near}?"),
                None => String::new(),
            };
            let message = format!("there is no function {name}: its variables are not used{hint}");
            context.report.note(member.place, message);
        }
        Ok(Some(file))
    }

    /// The entry of a function.
    fn of(&self, function: &Resource) -> Option<&Value> {
        let file = self.file.as_ref()?;
        let names = [&function.path, &function.name, &function.id];
        names.into_iter().find_map(|name| file.get(name))
    }

    /// The value for all functions.
    fn of_all(&self, variable: &str) -> Option<&Value> {
        self.file.as_ref()?.get(ALL)?.as_map()?.get(variable)
    }
}

fn is_named(function: &Resource, name: &str) -> bool {
    [&function.path, &function.name, &function.id]
        .into_iter()
        .any(|other| other == name)
}

/// Writes the variables of a function.
pub fn write(context: &Context, function: &Resource, overrides: &Overrides, table: &mut Table) {
    let variables = function.properties.at(&["Environment", "Variables"]);
    let own = overrides.of(function);
    let mut passed = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in variables.into_iter().flat_map(Value::members) {
        seen.insert(name);
        let overridden = own.and_then(|own| own.as_map()?.get(name));
        if let Some(value) = overridden.or_else(|| overrides.of_all(name)) {
            set(context, function, table, name, value);
        } else if context.options.shell_variables.contains(name) {
            passed.push(name.to_owned());
        } else {
            set(context, function, table, name, value);
        }
    }
    for (name, value) in own.into_iter().flat_map(Value::members) {
        if RESERVED.contains(&name) {
            let message = format!("{name} of {} is set by Lambda itself", function.path);
            context.report.note(value.place, message);
        } else if !seen.contains(name) {
            set(context, function, table, name, value);
        }
    }
    for name in LOCAL {
        if !seen.contains(name) {
            table.table("environment").set(name, "true", None);
        }
    }
    if !passed.is_empty() {
        let message = format!(
            "{} of {} have the values of the shell, as with sam local",
            passed.join(", "),
            function.path
        );
        context.report.note(function.place, message);
    }
    let endpoints = overrides.endpoints.iter();
    let endpoints = endpoints.filter(|variable| !seen.contains(*variable));
    passed.extend(endpoints.map(|variable| (*variable).to_owned()));
    if !passed.is_empty() {
        table.set("pass-environment", passed, None);
    }
}

fn set(context: &Context, function: &Resource, table: &mut Table, name: &str, value: &Value) {
    let text = match &value.kind {
        Kind::Null => String::new(),
        Kind::Unknown(why) => {
            // The variables of a provider or of `Globals` are those of many functions, and are told once.
            let message = format!("{name} is empty, as its value is not known here: {why}");
            context.report.note(value.place, message);
            String::new()
        }
        Kind::List(_) | Kind::Map(_) => {
            let message = format!(
                "{name} of {} is {}, and a variable has to be a text: it is left out",
                function.path,
                value.described()
            );
            context.report.refuse(value.place, message);
            return;
        }
        Kind::Plain(_) | Kind::Text(_) => value.as_text().unwrap_or_default().into_owned(),
    };
    match has_url(&text) {
        true => table
            .table("url-variables")
            .set(name, as_setting(&text), value.place),
        false => table.table("environment").set(name, text, value.place),
    }
}

/// The variables whose values are made of a resource: `TABLE of Fn`.
#[must_use]
pub fn pointing_at(stack: &Stack, resource: &Resource) -> Vec<String> {
    let mut found = Vec::new();
    for function in stack.of_kind(KIND) {
        if function.is_helper {
            continue;
        }
        for reference in &function.references {
            if reference.property == "Environment"
                && reference.target == resource.path
                && let Some(name) = variable_at(function, reference.place)
            {
                let text = format!("{name} of {}", function.path);
                if !found.contains(&text) {
                    found.push(text);
                }
            }
        }
    }
    found
}

/// The variable whose value has a place in it: the last one whose key precedes it.
fn variable_at(function: &Resource, place: Place) -> Option<&str> {
    let variables = function.properties.at(&["Environment", "Variables"])?;
    let members = variables.as_map()?.iter();
    let before = members.filter(|(_, member)| member.place <= place);
    before
        .max_by_key(|(_, member)| member.place)
        .map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::Project;

    const FN: &str = "Fn:\n  Type: AWS::Lambda::Function\n  Properties:\n    FunctionName: fn-dev\n    Code: .\n    \
                      Environment:\n      Variables:\n        A: text\n        B: true\n        C: 012\n        \
                      Q: !Url queue:orders\n        N: !Unknown Key is an AWS::KMS::Key\n";

    #[test]
    fn variables_are_texts_and_urls() {
        let written = Project::new()
            .file("bootstrap", "")
            .write(&format!("{FN}orders:\n  Type: AWS::SQS::Queue\n"));
        assert!(
            written.text.contains(
                "[functions.fn-dev.environment]\nA = \"text\"\nB = \"true\"\nC = \"012\"\nN = \"\"\n\
                 AWS_SAM_LOCAL = \"true\"\nIS_OFFLINE = \"true\"\n\n\
                 [functions.fn-dev.url-variables]\nQ = \"{queue:orders}\"\n"
            ),
            "{}",
            written.text
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:12:12: N is empty, as its value is not known here: Key is an AWS::KMS::Key"
            ]
        );
    }

    #[test]
    fn emulators_of_services_are_those_of_the_shell() {
        let written = Project::new().file("bootstrap", "").write(
            "Fn: {Type: 'AWS::Lambda::Function', Properties: {Code: .}}\nT: {Type: 'AWS::DynamoDB::Table'}\n",
        );
        assert!(
            written
                .text
                .contains("pass-environment = [\"AWS_ENDPOINT_URL_DYNAMODB\"]\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn the_file_of_sam_local_and_the_shell_override_variables() {
        let mut project = Project::new().file("bootstrap", "").file(
            "env.json",
            "{\"Fn\": {\"A\": 1, \"New\": \"x\", \"N\": null}, \"Parameters\": {\"A\": 2, \"B\": false, \"Other\": 3}, \
             \"Fm\": {}}",
        );
        project.options.environment_file = Some(project.path().join("env.json"));
        project.options.shell_variables = ["A", "B", "C", "HOME"].map(str::to_owned).into();
        let written = project.write(FN);
        assert!(
            written
                .text
                .contains("pass-environment = [\"C\"]\nother-names = [\"Fn\"]\n\n[functions.fn-dev.environment]\nA = \"1\"\nB = \"false\"\n"),
            "{}",
            written.text
        );
        assert!(
            written
                .text
                .contains("N = \"\"\nNew = \"x\"\nAWS_SAM_LOCAL"),
            "{}",
            written.text
        );
        let notes = written.notes.join("\n");
        assert!(
            notes.contains("there is no function Fm: its variables are not used; did you mean Fn?"),
            "{notes}"
        );
        assert!(
            notes.contains("C of Fn have the values of the shell"),
            "{notes}"
        );
    }
}
