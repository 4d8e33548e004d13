//! The trigger's `poll` table.

use serde_json::{Map, Value};

/// The keys of the table, for the nearest right one.
const KEYS: [&str; 3] = ["queue-url", "region", "endpoint"];

/// A queue elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// As the outside system names it.
    pub queue_url: String,
    /// `scheme://host:port`, where to send requests.
    pub endpoint: String,
    /// For the signature and ARNs; none is the host's.
    pub region: Option<String>,
}

/// A mistake, with the key it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Empty: the table as a whole.
    pub at: Vec<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Settings {
    /// Reads the table, as JSON; all of its mistakes at once.
    pub fn read(config: &str) -> Result<Self, Vec<Problem>> {
        let table = serde_json::from_str::<Map<String, Value>>(config).unwrap_or_default();
        let mut problems = Vec::new();
        for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            problems.push(problem(
                key,
                format!("is unknown; there are {}", KEYS.join(", ")),
            ));
        }
        let mut text = |key: &str| match table.get(key) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => {
                problems.push(problem(key, format!("must be a string, not {other}")));
                None
            }
        };
        let queue_url = text("queue-url");
        let endpoint = text("endpoint");
        let region = text("region");
        match queue_url.as_deref().map(origin_and_path) {
            None if !table.contains_key("queue-url") => problems.push(Problem {
                at: Vec::new(),
                message: "needs `queue-url`: the queue's URL, such as \
                          \"https://sqs.eu-west-1.amazonaws.com/123456789012/orders\""
                    .to_owned(),
            }),
            Some(None) => problems.push(problem(
                "queue-url",
                "must be a URL with an account and a name, such as \"http://127.0.0.1:9324/000000000000/orders\"",
            )),
            _ => {}
        }
        if endpoint
            .as_deref()
            .is_some_and(|endpoint| origin(endpoint).is_none())
        {
            problems.push(problem(
                "endpoint",
                "must be a URL, such as \"http://127.0.0.1:9324\"",
            ));
        }
        let read = queue_url.and_then(|queue_url| {
            let (origin_of_queue, _) = origin_and_path(&queue_url)?;
            let endpoint = match &endpoint {
                Some(endpoint) => origin(endpoint)?.to_owned(),
                None => origin_of_queue.to_owned(),
            };
            let region = region.or_else(|| region_of(&endpoint));
            Some(Self {
                queue_url,
                endpoint,
                region,
            })
        });
        match read {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        self.queue_url.rsplit('/').next().unwrap_or_default()
    }

    /// The account in the queue's URL.
    pub fn account(&self) -> &str {
        self.queue_url.rsplit('/').nth(1).unwrap_or_default()
    }

    /// `host:port`.
    pub fn authority(&self) -> &str {
        self.endpoint
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    /// For the guest's `state`.
    pub fn to_json(&self) -> String {
        let mut table = Map::new();
        table.insert("queue-url".into(), self.queue_url.clone().into());
        table.insert("endpoint".into(), self.endpoint.clone().into());
        if let Some(region) = &self.region {
            table.insert("region".into(), region.clone().into());
        }
        Value::Object(table).to_string()
    }
}

fn problem(key: &str, message: impl Into<String>) -> Problem {
    Problem {
        at: vec![key.to_owned()],
        message: message.into(),
    }
}

/// `scheme://host:port` of a URL.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let known = matches!(scheme, "http" | "https") && !authority.is_empty();
    known.then(|| &url[..scheme.len() + 3 + authority.len()])
}

fn origin_and_path(url: &str) -> Option<(&str, &str)> {
    let origin = origin(url)?;
    let path = url.strip_prefix(origin)?.strip_prefix('/')?;
    let (account, name) = path.split_once('/')?;
    let whole = !account.is_empty() && !name.is_empty() && !name.contains('/');
    whole.then_some((origin, path))
}

/// AWS says it in the host's name: `sqs.eu-west-1.amazonaws.com`.
fn region_of(endpoint: &str) -> Option<String> {
    let host = endpoint.split_once("://")?.1;
    let rest = host.strip_prefix("sqs.")?;
    let (region, _) = rest.split_once(".amazonaws.com")?;
    Some(region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_says_almost_everything() {
        let read = Settings::read(
            r#"{"queue-url":"https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo"}"#,
        );
        let settings = read.unwrap();
        assert_eq!(settings.endpoint, "https://sqs.eu-west-1.amazonaws.com");
        assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
        assert_eq!(
            (settings.account(), settings.name()),
            ("123456789012", "orders.fifo")
        );
        assert_eq!(Settings::read(&settings.to_json()), Ok(settings));
    }

    #[test]
    fn an_emulator_may_live_elsewhere_than_its_urls_say() {
        let read = Settings::read(
            r#"{"queue-url":"http://localhost:9324/000000000000/orders","endpoint":"http://10.0.0.7:9324/","region":"r"}"#,
        );
        let settings = read.unwrap();
        assert_eq!(settings.endpoint, "http://10.0.0.7:9324");
        assert_eq!(settings.authority(), "10.0.0.7:9324");
        assert_eq!(settings.region.as_deref(), Some("r"));
    }

    #[test]
    fn every_mistake_is_told() {
        let problems = |config: &str| -> Vec<String> {
            let problems = Settings::read(config).unwrap_err();
            problems
                .into_iter()
                .map(|problem| problem.at.join("."))
                .collect()
        };
        assert_eq!(problems("{}"), [""]);
        assert_eq!(
            problems(r#"{"queue-url":"orders","nonsense":1}"#),
            ["nonsense", "queue-url"]
        );
        assert_eq!(problems(r#"{"queue-url":7}"#), ["queue-url"]);
        assert_eq!(
            problems(r#"{"queue-url":"http://h/1/q","endpoint":"h"}"#),
            ["endpoint"]
        );
    }
}
