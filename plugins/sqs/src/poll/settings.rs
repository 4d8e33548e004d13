//! The trigger's `poll` table: which queue to poll, and where.

use plugin_kit::settings::{self, Problem, Problems, Table};
use serde_json::{Map, Value};

const QUEUE_URL: &str = "queue-url";
const REGION: &str = "region";
const ENDPOINT: &str = "endpoint";

/// A queue outside the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The queue's URL, as its service knows it.
    pub queue_url: String,
    /// The address to send requests to: `scheme://host:port`.
    pub endpoint: String,
    /// The region for signatures and ARNs; `None` means the host's.
    pub region: Option<String>,
}

impl Settings {
    /// Reads the table from JSON.
    ///
    /// # Errors
    ///
    /// Returns every mistake in the table.
    pub fn read(config: &str) -> Result<Self, Vec<Problem>> {
        let members = settings::parse(config)?;
        let table = Table::root(&members);
        let mut problems = Problems::default();
        table.refuse_unknown(&[QUEUE_URL, REGION, ENDPOINT], &[], &mut problems);
        let settings = Self::parse(&table, &mut problems);
        problems.into_result(settings)
    }

    fn parse(table: &Table<'_>, problems: &mut Problems) -> Option<Self> {
        if table.get(QUEUE_URL).is_none() {
            let message = "needs `queue-url`: the queue's URL, such as \
                           \"https://sqs.eu-west-1.amazonaws.com/123456789012/orders\"";
            problems.add(Vec::new(), message);
        }
        let rule = "this must be a URL with an account and a name, such as \
                    \"http://127.0.0.1:9324/000000000000/orders\"";
        let queue_url = table.text(QUEUE_URL, is_queue_url, rule, problems);
        let rule = "this must be a URL, such as \"http://127.0.0.1:9324\"";
        let endpoint = table.text(ENDPOINT, |url| origin(url).is_some(), rule, problems);
        let rule = "this must be a region, such as \"eu-west-1\"";
        let region = table.text(REGION, |region| !region.is_empty(), rule, problems);
        let queue_url = queue_url?;
        let endpoint = origin(endpoint.unwrap_or(queue_url))?.to_owned();
        Some(Self {
            queue_url: queue_url.to_owned(),
            region: region.map(str::to_owned).or_else(|| region_of(&endpoint)),
            endpoint,
        })
    }

    /// The queue's name: the last part of its URL.
    pub fn name(&self) -> &str {
        self.queue_url.rsplit('/').next().unwrap_or_default()
    }

    /// The account id in the queue's URL.
    pub fn account(&self) -> &str {
        self.queue_url.rsplit('/').nth(1).unwrap_or_default()
    }

    /// The endpoint's authority: `host:port`.
    pub fn authority(&self) -> &str {
        self.endpoint
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    /// The settings as JSON, which [`read`](Self::read) reads again.
    pub fn to_json(&self) -> String {
        let mut table = Map::new();
        table.insert(QUEUE_URL.into(), self.queue_url.clone().into());
        table.insert(ENDPOINT.into(), self.endpoint.clone().into());
        if let Some(region) = &self.region {
            table.insert(REGION.into(), region.clone().into());
        }
        Value::Object(table).to_string()
    }
}

/// The origin of a URL: `scheme://host:port`.
fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let known = matches!(scheme, "http" | "https") && !authority.is_empty();
    known.then(|| url.get(..scheme.len() + 3 + authority.len()))?
}

/// Whether the path of a URL consists of an account and a queue name.
fn is_queue_url(url: &str) -> bool {
    let path = origin(url).and_then(|origin| url.strip_prefix(origin)?.strip_prefix('/'));
    let parts = path.and_then(|path| path.split_once('/'));
    parts.is_some_and(|(account, name)| {
        !account.is_empty() && !name.is_empty() && !name.contains('/')
    })
}

/// The region in a host name of AWS: `sqs.eu-west-1.amazonaws.com`.
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
    fn endpoint_and_region_default_to_those_of_the_url() {
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
    fn an_endpoint_may_differ_from_the_url() {
        let read = Settings::read(
            r#"{"queue-url":"http://localhost:9324/000000000000/orders","endpoint":"http://10.0.0.7:9324/","region":"r"}"#,
        );
        let settings = read.unwrap();
        assert_eq!(settings.endpoint, "http://10.0.0.7:9324");
        assert_eq!(settings.authority(), "10.0.0.7:9324");
        assert_eq!(settings.region.as_deref(), Some("r"));
    }

    #[test]
    fn every_mistake_is_reported() {
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
