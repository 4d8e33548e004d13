//! `configure`: reads the trigger's configuration, an event source mapping with AWS's property names.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `function` | function that receives the batches | required |
//! | `BatchSize` | maximum number of messages in a batch: 1 to 10,000; for a FIFO queue 1 to 10 | 10 |
//! | `MaximumBatchingWindowInSeconds` | maximum time to wait for a full batch: 0 to 300 s; not for FIFO queues | 0 |
//! | `FunctionResponseTypes` | `["ReportBatchItemFailures"]`: the function reports which messages failed | `[]` |
//! | `ScalingConfig` | `{ MaximumConcurrency = 2 to 1000 }`: maximum number of concurrent batches | the function's limit |
//! | `FilterCriteria` | `{ Filters = [{ Pattern = … }] }`, up to 10: see [`filter`] | all messages |
//! | `Enabled` | only `true` is supported | `true` |
//!
//! On failure: returns every mistake at once, each with the path of keys that leads to it. Properties that AWS supports
//! for other event sources only are refused with the reason.

use event_pattern::Pattern;
use plugin_kit::arn;
use plugin_kit::settings::{self, Item, Problems, Table, is_function};

use super::contract::{Batching, FunctionInfo, FunctionReference, Problem, Setup, Source};
use super::state::State;
use super::{filter, limits, visibility};

const KEYS: [&str; 7] = [
    "function",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FunctionResponseTypes",
    "ScalingConfig",
    "FilterCriteria",
    "Enabled",
];

/// Properties of event source mappings that are not supported here, each with the reason.
const REFUSED: [(&str, &str); 18] = [
    ("MaximumRetryAttempts", RETRIES),
    ("MaximumRecordAgeInSeconds", RETENTION),
    ("DestinationConfig", DEAD_LETTERS),
    ("BisectBatchOnFunctionError", STREAM),
    ("ParallelizationFactor", STREAM),
    ("StartingPosition", STREAM),
    ("StartingPositionTimestamp", STREAM),
    ("TumblingWindowInSeconds", STREAM),
    ("AmazonManagedKafkaEventSourceConfig", OTHER_SOURCE),
    ("DocumentDBEventSourceConfig", OTHER_SOURCE),
    ("Queues", OTHER_SOURCE),
    ("SelfManagedEventSource", OTHER_SOURCE),
    ("SelfManagedKafkaEventSourceConfig", OTHER_SOURCE),
    ("SourceAccessConfigurations", OTHER_SOURCE),
    ("Topics", OTHER_SOURCE),
    (
        "ProvisionedPollerConfig",
        "there are no pollers to provision: messages are delivered as soon as they are sent",
    ),
    ("FunctionName", "the function is named by `function`"),
    ("EventSourceArn", "the queue is named by `queue`"),
];

const RETRIES: &str = "unsupported for Amazon SQS event sources: the queue decides how often a message is delivered, see \
    `maxReceiveCount` in its RedrivePolicy";
const RETENTION: &str = "unsupported for Amazon SQS event sources: the queue decides how long a message is kept, see its \
    MessageRetentionPeriod";
const DEAD_LETTERS: &str = "unsupported for Amazon SQS event sources: the queue decides where failed messages go, see \
    `deadLetterTargetArn` in its RedrivePolicy";
const STREAM: &str = "unsupported for Amazon SQS event sources: a queue is not a stream";
const OTHER_SOURCE: &str =
    "unsupported for Amazon SQS event sources: it belongs to another kind of event source";

const REPORTS: &str = "ReportBatchItemFailures";

/// Reads the trigger's configuration, a JSON object.
///
/// # Errors
///
/// Returns every mistake in the configuration.
pub fn configure(
    config: &str,
    source: &Source,
    functions: &[FunctionInfo],
) -> Result<Setup, Vec<Problem>> {
    read(config, source, functions)
        .map_err(|problems| problems.into_iter().map(Problem::from).collect())
}

fn read(
    config: &str,
    source: &Source,
    functions: &[FunctionInfo],
) -> Result<Setup, Vec<settings::Problem>> {
    let members = settings::parse(config)?;
    let mut problems = Problems::default();
    let setup = read_table(&Table::root(&members), source, functions, &mut problems);
    problems.into_result(setup)
}

/// Reads every key, even after a mistake, so that all mistakes are found.
fn read_table(
    table: &Table<'_>,
    source: &Source,
    functions: &[FunctionInfo],
    problems: &mut Problems,
) -> Option<Setup> {
    table.refuse_unknown(&KEYS, &REFUSED, problems);
    let function = function(table, problems);
    let batching = batching(table, source, problems);
    let reports_failures = reports_failures(table, problems);
    let filters = filters(table, problems);
    if table.boolean("Enabled", problems) == Some(false) {
        let message = "a disabled trigger is not supported; remove the section to disable it";
        problems.add(table.path_of("Enabled"), message);
    }
    let function = function?;
    let warning = visibility::warning(source, &function, functions, batching.window_ms);
    let summary = summary(&function, batching, reports_failures, &filters, source);
    let state = State {
        arn: arn::queue(&source.region, &source.account, &source.name),
        region: source.region.clone(),
        account: source.account.clone(),
        reports_failures,
        patterns: filters.into_iter().map(|filter| filter.text).collect(),
    };
    Some(Setup {
        state: state.write(),
        function: FunctionReference {
            name: function,
            at: table.path_of("function"),
        },
        batching,
        reusable: true,
        summary,
        warnings: warning.into_iter().collect(),
        extra: Vec::new(),
    })
}

fn function(table: &Table<'_>, problems: &mut Problems) -> Option<String> {
    if table.get("function").is_none() {
        problems.add(
            Vec::new(),
            "needs `function`: the function that receives the batches",
        );
    }
    let rule = "this must be a function's name, such as \"orders\" or \"orders:live\"";
    let name = table.text("function", is_function, rule, problems)?;
    Some(name.to_owned())
}

fn batching(table: &Table<'_>, source: &Source, problems: &mut Problems) -> Batching {
    let sizes = if source.ordered {
        limits::FIFO_BATCH_SIZE
    } else {
        limits::BATCH_SIZE
    };
    let max_messages = table
        .integer("BatchSize", *sizes.start(), *sizes.end(), problems)
        .unwrap_or(limits::DEFAULT_BATCH_SIZE);
    let (shortest, longest) = limits::WINDOW_SECONDS.into_inner();
    let key = "MaximumBatchingWindowInSeconds";
    let window = table.integer(key, shortest, longest, problems);
    if source.ordered && table.get(key).is_some() {
        let message = "a FIFO queue has no batching window: its messages are delivered as soon as they are sent";
        problems.add(table.path_of(key), message);
    } else if max_messages > limits::LARGEST_WITHOUT_WINDOW && window.unwrap_or_default() == 0 {
        let message = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10: \
            set `MaximumBatchingWindowInSeconds`";
        problems.add(table.path_of("BatchSize"), message);
    }
    Batching {
        max_messages,
        max_bytes: limits::batch_bytes(max_messages),
        window_ms: window.unwrap_or_default() * 1000,
        max_concurrency: concurrency(table, problems),
    }
}

fn concurrency(table: &Table<'_>, problems: &mut Problems) -> Option<u32> {
    let scaling = table.table("ScalingConfig", problems)?;
    scaling.refuse_unknown(&["MaximumConcurrency"], &[], problems);
    let (min, max) = limits::CONCURRENCY.into_inner();
    scaling.integer("MaximumConcurrency", min, max, problems)
}

fn reports_failures(table: &Table<'_>, problems: &mut Problems) -> bool {
    let rule = "this must be a list: [\"ReportBatchItemFailures\"], or []";
    let items = table
        .list("FunctionResponseTypes", rule, problems)
        .unwrap_or_default();
    for item in &items {
        if item.value != REPORTS {
            let message = format!(
                "the only response type is \"{REPORTS}\", not {}",
                settings::excerpt(item.value)
            );
            problems.add(item.at.clone(), message);
        }
    }
    !items.is_empty()
}

/// A filter, and the keys of a record other than `body` that it uses.
struct Filter {
    text: String,
    metadata: Vec<String>,
}

fn filters(table: &Table<'_>, problems: &mut Problems) -> Vec<Filter> {
    let Some(criteria) = table.table("FilterCriteria", problems) else {
        return Vec::new();
    };
    criteria.refuse_unknown(&["Filters"], &[], problems);
    let rule = "this must be a list of filters: [{ Pattern = '{\"body\": …}' }]";
    let items = criteria.list("Filters", rule, problems).unwrap_or_default();
    if items.len() > limits::FILTERS {
        let message = format!(
            "an event source mapping has up to {} filters, not {}",
            limits::FILTERS,
            items.len()
        );
        problems.add(criteria.path_of("Filters"), message);
    }
    items
        .iter()
        .filter_map(|item| read_filter(item, problems))
        .collect()
}

fn read_filter(item: &Item<'_>, problems: &mut Problems) -> Option<Filter> {
    let table = item.table(problems)?;
    table.refuse_unknown(&["Pattern"], &[], problems);
    let Some(pattern) = table.get("Pattern") else {
        problems.add(
            item.at.clone(),
            "needs `Pattern`: an event pattern as JSON text",
        );
        return None;
    };
    let text = match pattern.as_str() {
        Some(text) => text.to_owned(),
        // In TOML a pattern may be a table instead of a string with JSON.
        None => pattern.to_string(),
    };
    let wrong = |what: String| format!("Invalid filter pattern definition. {what}");
    let length = text.chars().count();
    let parsed = if length > limits::PATTERN {
        let max = limits::PATTERN;
        Err(wrong(format!(
            "It has {length} characters; the maximum is {max}"
        )))
    } else {
        Pattern::parse(&text).map_err(|error| wrong(error.to_string()))
    };
    match parsed {
        Ok(pattern) => {
            let keys = filter::metadata_of(&pattern);
            Some(Filter {
                text,
                metadata: keys.into_iter().map(str::to_owned).collect(),
            })
        }
        Err(message) => {
            problems.add(table.path_of("Pattern"), message);
            None
        }
    }
}

fn summary(
    function: &str,
    batching: Batching,
    reports_failures: bool,
    filters: &[Filter],
    source: &Source,
) -> Vec<String> {
    let size = match batching.max_messages {
        1 => "one message at a time".to_owned(),
        max => format!("batches of up to {max} messages"),
    };
    let mut lines = vec![format!(
        "{size} from queue {} to function {function}",
        source.name
    )];
    if batching.window_ms > 0 {
        let seconds = batching.window_ms / 1000;
        lines.push(format!("waits up to {seconds} s for a full batch"));
    }
    if let Some(max) = batching.max_concurrency {
        lines.push(format!("up to {max} batches at the same time"));
    }
    if reports_failures {
        lines.push(
            "only the messages that the function reports as failed are delivered again".to_owned(),
        );
    }
    match filters.len() {
        0 => {}
        1 => lines.push(
            "messages that do not match the filter are removed without invoking the function"
                .to_owned(),
        ),
        count => lines.push(format!(
            "messages that match none of {count} filters are removed without invoking the function"
        )),
    }
    let mut metadata: Vec<_> = filters.iter().flat_map(|filter| &filter.metadata).collect();
    metadata.sort_unstable();
    metadata.dedup();
    for key in metadata {
        lines.push(format!(
            "a filter uses `{key}`; for queues AWS documents filters on `body` only"
        ));
    }
    lines
}
