//! The names here of functions, queues, buckets, topics and APIs, and the ids that AWS would make up.
//!
//! Contract: a resource has the name that its properties give it, if it can be used here, else its logical id; in a CDK
//! project, the path of its construct. No two of a kind have the same name, unless the template says so.
//!
//! On failure: a name that cannot be used here is noted. That a template gives two of a kind the same name is told where
//! sections are made of them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::resolver::{Resolver, Scope};
use crate::ProjectError;
use crate::file::Place;
use crate::value::Value;

/// The most characters of a function's name here.
const FUNCTION_NAME: usize = 64;

/// An id of ten letters and digits, the same each time for the resource with this path.
#[must_use]
pub fn api_id(path: &str) -> String {
    const DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let hash = Sha256::digest(path.as_bytes());
    let letters = hash.iter().take(10).map(|byte| {
        let digit = DIGITS.get(usize::from(*byte) % DIGITS.len());
        char::from(digit.copied().unwrap_or(b'a'))
    });
    letters.collect()
}

/// The name of the stack of a template: that of its folder.
pub(super) fn stack_name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(Path::file_name);
    let name = folder
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name = fitted(&name.replace('_', "-"), 100);
    match name.trim_matches('-') {
        "" => "local".to_owned(),
        name if name.starts_with(|first: char| first.is_ascii_alphabetic()) => name.to_owned(),
        name => format!("stack-{name}"),
    }
}

/// A name in words of lower-case letters: `ServerlessRestApi` is `serverless-rest-api`.
#[must_use]
pub fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::with_capacity(name.len() + 4);
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !kebab.is_empty() && !kebab.ends_with('-') {
                kebab.push('-');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase)
            });
        if begins && !kebab.ends_with('-') {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab.trim_end_matches('-').to_owned()
}

/// Whether a function can have this name.
#[must_use]
pub fn is_function_name(name: &str) -> bool {
    (1..=FUNCTION_NAME).contains(&name.len()) && is_word(name)
}

fn is_word(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_queue_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    (1..=80).contains(&name.len()) && !stem.is_empty() && is_word(stem)
}

fn is_bucket_name(name: &str) -> bool {
    let is_letter = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    };
    (3..=63).contains(&name.len())
        && name.bytes().all(is_letter)
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
}

/// A name with other characters as dashes, cut to a length so that it stays unlike others.
fn fitted(name: &str, most: usize) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') => letter,
        _ => '-',
    };
    let word: String = name.chars().map(letter).collect();
    if word.len() <= most {
        return word;
    }
    let start: String = word.chars().take(most.saturating_sub(9)).collect();
    let hash: String = api_id(name).chars().take(8).collect();
    format!("{start}-{hash}")
}

fn bucket_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let mut fitted = fitted(&lower, 63).trim_matches(['-', '.']).to_owned();
    while fitted.len() < 3 {
        fitted.push('0');
    }
    fitted
}

impl Resolver<'_> {
    /// The name of a resource.
    pub fn name(&self, scope: &Scope, place: Place, id: &str) -> Result<String, ProjectError> {
        let key = format!("the name of {id}");
        let name = self.once(scope, place, &key, || self.make_name(scope, place, id))?;
        Ok(name.as_str().unwrap_or(id).to_owned())
    }

    fn make_name(&self, scope: &Scope, place: Place, id: &str) -> Result<Value, ProjectError> {
        let Some(resource) = scope.resource(id) else {
            return Ok(Value::text(place, id));
        };
        let place = resource.place;
        let kind = scope.kind(id).unwrap_or_default();
        let shown = shown_id(scope, id);
        let name = match kind {
            "AWS::Lambda::Function" | "AWS::Serverless::Function" => {
                let own = self.own_name(scope, id, "FunctionName")?;
                let own = self.usable(place, "function", own, is_function_name);
                self.untaken(scope, id, "function", own, fitted(&shown, FUNCTION_NAME))
            }
            "AWS::SQS::Queue" => {
                let is_fifo = match scope.property(id, "FifoQueue") {
                    Some(value) => self.value_of(scope, value)?.as_bool() == Some(true),
                    None => false,
                };
                let own = self.own_name(scope, id, "QueueName")?;
                let own = own.map(|own| with_suffix(own, is_fifo));
                let own = self.usable(place, "queue", own, is_queue_name);
                let default = with_suffix(fitted(&shown, 75), is_fifo);
                self.untaken(scope, id, "queue", own, default)
            }
            "AWS::SNS::Topic" => {
                let is_fifo = match scope.property(id, "FifoTopic") {
                    Some(value) => self.value_of(scope, value)?.as_bool() == Some(true),
                    None => false,
                };
                let own = self.own_name(scope, id, "TopicName")?;
                let own = own.map(|own| with_suffix(own, is_fifo));
                self.untaken(scope, id, "topic", own, with_suffix(shown, is_fifo))
            }
            "AWS::S3::Bucket" => {
                let own = self.own_name(scope, id, "BucketName")?;
                let own = self.usable(place, "bucket", own, is_bucket_name);
                self.untaken(scope, id, "bucket", own, bucket_name(&shown))
            }
            "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api" => {
                self.untaken(scope, id, "trigger", None, kebab(&shown))
            }
            "AWS::Lambda::Url" => {
                let function = match scope.property(id, "TargetFunctionArn") {
                    Some(value) => self.value_of(scope, value)?,
                    None => Value::null(place),
                };
                let function = function.as_str().and_then(crate::resource::function_name);
                let default = match function {
                    Some((name, _)) => format!("{name}-url"),
                    None => kebab(&shown),
                };
                self.untaken(scope, id, "trigger", None, default)
            }
            _ => {
                let last = match kind.rsplit("::").next().unwrap_or_default() {
                    "GlobalTable" => "Table",
                    last => last,
                };
                let own = match self.own_name(scope, id, &format!("{last}Name"))? {
                    Some(own) => Some(own),
                    None => self.own_name(scope, id, "Name")?,
                };
                own.unwrap_or_else(|| shown_id(scope, id))
            }
        };
        Ok(Value::text(place, name))
    }

    /// The name that a property gives, if it is known.
    fn own_name(&self, scope: &Scope, id: &str, key: &str) -> Result<Option<String>, ProjectError> {
        let Some(property) = scope.property(id, key) else {
            return Ok(None);
        };
        let value = self.value_of(scope, property)?;
        Ok(value
            .as_text()
            .filter(|text| !text.is_empty())
            .map(Into::into))
    }

    fn usable(
        &self,
        place: Place,
        what: &str,
        own: Option<String>,
        is_usable: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let own = own?;
        if is_usable(&own) {
            return Some(own);
        }
        let note = format!("{own:?} cannot be the name of a {what}: the logical id is used");
        self.context.report.note(place, note);
        None
    }

    /// The own name, or the default with something before or after it, so that no other has it.
    fn untaken(
        &self,
        scope: &Scope,
        id: &str,
        what: &'static str,
        own: Option<String>,
        default: String,
    ) -> String {
        let mut taken = self.taken.borrow_mut();
        if let Some(own) = own {
            // That two have the same name is told where sections are made of them.
            taken.insert((what, own.clone()));
            return own;
        }
        let (stem, suffix) = match default.strip_suffix(".fifo") {
            Some(stem) => (stem, ".fifo"),
            None => (default.as_str(), ""),
        };
        let stack = match is_from_cdk(scope, id) {
            true => scope.construct.replace('/', "-"),
            false => scope.prefix.trim_end_matches('/').replace('/', "-"),
        };
        let stack = match what {
            "bucket" => stack.to_ascii_lowercase(),
            "trigger" => kebab(&stack),
            _ => stack,
        };
        let most = FUNCTION_NAME - suffix.len();
        let prefixed = (!stack.is_empty()).then(|| {
            format!(
                "{}{suffix}",
                fitted(&format!("{stack}-{stem}"), most.min(63))
            )
        });
        let numbered = (2..).map(|number| format!("{}-{number}{suffix}", fitted(stem, most - 10)));
        let shared = self.shared.borrow();
        let is_beside_others = !scope.files.is_empty() && shared.stacks.contains(&scope.construct);
        let is_free = !is_beside_others && !shared.names.contains(&(what, default.clone()));
        let plain = is_free.then(|| default.clone());
        let mut names = plain.into_iter().chain(prefixed).chain(numbered);
        // There are more numbers than names.
        names
            .find(|name| taken.insert((what, name.clone())))
            .unwrap_or(default)
    }

    /// Finds the names that resources of several outermost stacks would have, which are then preceded by the stack's.
    pub fn share(&self, roots: &[Rc<Scope>]) {
        let mut seen: HashMap<(&str, String), &str> = HashMap::new();
        let mut shared = self.shared.borrow_mut();
        for root in roots {
            let own: HashSet<(&str, String)> = root
                .section("Resources")
                .into_iter()
                .flatten()
                .filter_map(|(id, _)| {
                    let shown = shown_id(root, id);
                    Some(match root.kind(id)? {
                        "AWS::Lambda::Function" => ("function", fitted(&shown, FUNCTION_NAME)),
                        "AWS::SQS::Queue" => ("queue", fitted(&shown, 75)),
                        "AWS::SNS::Topic" => ("topic", shown),
                        "AWS::S3::Bucket" => ("bucket", bucket_name(&shown)),
                        "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api" => {
                            ("trigger", kebab(&shown))
                        }
                        _ => return None,
                    })
                })
                .collect();
            for name in own {
                if let Some(other) = seen.insert(name.clone(), &root.construct) {
                    shared.names.insert(name);
                    shared
                        .stacks
                        .extend([other.to_owned(), root.construct.clone()]);
                }
            }
        }
    }
}

fn with_suffix(name: String, is_fifo: bool) -> String {
    match is_fifo && !name.ends_with(".fifo") {
        true => format!("{name}.fifo"),
        false => name,
    }
}

fn is_from_cdk(scope: &Scope, id: &str) -> bool {
    let resource = scope.resource(id);
    resource.is_some_and(|resource| resource.at(&["Metadata", "aws:cdk:path"]).is_some())
}

/// The logical id, or the path of the construct that it was made of, after the stack's.
fn shown_id(scope: &Scope, id: &str) -> String {
    let path = scope
        .resource(id)
        .and_then(|resource| resource.at(&["Metadata", "aws:cdk:path"]))
        .and_then(Value::as_str);
    let Some(path) = path else {
        return id.to_owned();
    };
    let stack = format!("{}/", scope.construct);
    let rest = match path.strip_prefix(&stack) {
        Some(rest) => rest,
        None => path.split_once('/').map_or(path, |(_, rest)| rest),
    };
    let rest = rest.strip_suffix("/Resource").unwrap_or(rest);
    rest.replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        assert_eq!(kebab("ServerlessRestApi"), "serverless-rest-api");
        assert_eq!(kebab("MyHTTPApi2Go"), "my-http-api2-go");
        assert_eq!(kebab("my_api"), "my-api");
        assert_eq!(kebab("Api"), "api");
    }

    #[test]
    fn ids_look_like_those_of_aws_and_stay() {
        let id = api_id("ServerlessRestApi");
        assert_eq!(id.len(), 10);
        assert!(
            id.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
        assert_eq!(id, api_id("ServerlessRestApi"));
        assert_ne!(id, api_id("ServerlessHttpApi"));
    }

    #[test]
    fn names_are_made_to_fit() {
        assert_eq!(bucket_name("My_Bucket"), "my-bucket");
        assert_eq!(bucket_name("A"), "a00");
        let long = "x".repeat(100);
        let fit = fitted(&long, 64);
        assert!(is_function_name(&fit), "{fit}");
    }
}
