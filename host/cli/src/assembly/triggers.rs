//! Triggers: their plugins, configured, and what the configuration says they are joined to.

use std::net::SocketAddr;

use lambkin_plugin::{
    BatchTrigger, HttpTrigger, ObjectTrigger, Origin, Source, SourceSetup, Target,
};

use super::{Plugins, diagnostics_of, resolve, unknown_function};
use crate::config::{Config, Diagnostic, FIFO_SUFFIX, Feed, Poll, Trigger, suggestion};

/// A trigger whose plugin has accepted its settings.
pub struct Joined {
    pub name: String,
    /// What the operator calls the plugin.
    pub plugin: String,
    pub front: Front,
}

/// A plugin in the role it plays, and where its events come from.
pub enum Front {
    Http(SocketAddr, HttpTrigger),
    /// The queue's name.
    Queue(String, BatchTrigger),
    Poll(Source, BatchTrigger),
    /// The bucket's name.
    Bucket(String, ObjectTrigger),
}

impl Front {
    /// The functions that get its events.
    fn functions(&self) -> Vec<&str> {
        match self {
            Self::Http(_, trigger) => trigger.functions().iter().map(String::as_str).collect(),
            Self::Queue(_, trigger) | Self::Poll(_, trigger) => vec![trigger.function()],
            Self::Bucket(_, trigger) => match trigger.target() {
                Target::Function(function) => vec![function],
                Target::Queue(_) => Vec::new(),
            },
        }
    }
}

impl Joined {
    /// What it does, a line each.
    pub fn summary(&self) -> &[String] {
        match &self.front {
            Front::Http(_, trigger) => trigger.summary(),
            Front::Queue(_, trigger) | Front::Poll(_, trigger) => trigger.summary(),
            Front::Bucket(_, trigger) => trigger.summary(),
        }
    }

    /// Where its events come from, in a word or two.
    pub fn feed(&self) -> String {
        match &self.front {
            Front::Http(address, _) => address.to_string(),
            Front::Queue(name, _) => format!("queue {name}"),
            Front::Poll(source, _) => format!("outside queue {}", source.origin().name),
            Front::Bucket(name, _) => format!("bucket {name}"),
        }
    }
}

/// Has the plugin of a trigger check its settings, and checks that what it names exists.
pub async fn configure_trigger(
    plugins: &Plugins,
    trigger: &Trigger,
    config: &Config,
) -> Result<Joined, Vec<Diagnostic>> {
    let section = &trigger.section;
    let front = configure_front(plugins, trigger, config).await?;
    let mut problems = Vec::new();
    for function in front.functions() {
        let unknown = unknown_function(function, config);
        problems.extend(unknown.map(|message| section.diagnostic_for_name(function, message)));
    }
    if let Front::Bucket(_, object) = &front
        && let Target::Queue(queue) = object.target()
        && let Err(message) = check_target(queue, config)
    {
        problems.push(section.diagnostic_for_name(queue, message));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Joined {
        name: trigger.name.clone(),
        plugin: section.plugin.name(),
        front,
    })
}

async fn configure_front(
    plugins: &Plugins,
    trigger: &Trigger,
    config: &Config,
) -> Result<Front, Vec<Diagnostic>> {
    let section = &trigger.section;
    let plugin = plugins.of(section).map_err(|problem| vec![problem])?;
    let (name, settings) = (&trigger.name, &section.settings);
    let refused = |error| diagnostics_of(error, section);
    Ok(match &trigger.feed {
        Feed::Listen(address) => {
            let http = plugin.http_trigger(name, settings).await;
            Front::Http(*address, http.map_err(refused)?)
        }
        Feed::Queue(queue) => {
            let origin = origin(queue, config);
            let batch = plugin.batch_trigger(name, settings, &origin, &[]).await;
            Front::Queue(queue.clone(), batch.map_err(refused)?)
        }
        Feed::Poll(poll) => {
            let source = configure_source(plugins, name, poll, config).await?;
            let batch = plugin
                .batch_trigger(name, settings, source.origin(), &[])
                .await;
            Front::Poll(source, batch.map_err(refused)?)
        }
        Feed::Bucket(bucket) => {
            let origin = origin(bucket, config);
            let object = plugin.object_trigger(name, settings, &origin).await;
            Front::Bucket(bucket.clone(), object.map_err(refused)?)
        }
    })
}

async fn configure_source(
    plugins: &Plugins,
    trigger: &str,
    poll: &Poll,
    config: &Config,
) -> Result<Source, Vec<Diagnostic>> {
    let plugin = plugins.of(&poll.section).map_err(|problem| vec![problem])?;
    let variable = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
    let setup = SourceSetup {
        settings: poll.section.settings.clone(),
        network: poll.network.clone(),
        environment: poll.pass_environment.iter().filter_map(variable).collect(),
        region: config.account.region.clone(),
        account: config.account.id.clone(),
    };
    let source = plugin.source(trigger, setup).await;
    source.map_err(|error| diagnostics_of(error, &poll.section))
}

fn origin(name: &str, config: &Config) -> Origin {
    Origin {
        name: name.to_owned(),
        ordered: name.ends_with(FIFO_SUFFIX),
        lease_ms: None,
        region: config.account.region.clone(),
        account: config.account.id.clone(),
    }
}

/// A queue that gets events of objects is there and, as on AWS, a standard one.
fn check_target(queue: &str, config: &Config) -> Result<(), String> {
    let names = config.queues.iter().map(|queue| queue.name.as_str());
    if !names.clone().any(|name| name == queue) {
        let hint = suggestion(queue, names);
        return Err(format!(
            "sends to the queue {queue:?}, which is not defined; {hint}"
        ));
    }
    if queue.ends_with(FIFO_SUFFIX) {
        return Err(format!(
            "sends to {queue}, a FIFO queue, and S3's events go to standard queues only, as on AWS"
        ));
    }
    Ok(())
}

/// What would run and may not do what was meant.
pub fn warning(joined: &Joined, config: &Config) -> Option<String> {
    let Front::Queue(queue, trigger) = &joined.front else {
        return None;
    };
    let window = trigger.batching().window.as_secs_f64();
    let warning = short_visibility(queue, trigger.function(), window, config)?;
    Some(format!("trigger {}: {warning}", joined.name))
}

/// AWS refuses a visibility time-out shorter than the function's, and asks for one that has room for the window, too; here it
/// is up to the operator.
fn short_visibility(queue: &str, function: &str, window: f64, config: &Config) -> Option<String> {
    let mut queues = config.queues.iter();
    let queue = queues.find(|other| other.name == queue)?;
    let timeout = resolve(function, config)?.timeout.as_secs_f64();
    let visibility = queue.settings.lease_ms as f64 / 1000.0;
    if visibility < timeout {
        return Some(format!(
            "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds; \
             a message may be handed out again while the function still works on it"
        ));
    }
    (visibility < window + timeout).then(|| {
        format!(
            "Queue visibility timeout: {visibility} seconds is less than MaximumBatchingWindowInSeconds: {window} seconds \
             and Function timeout: {timeout} seconds together; a message may be handed out again while its batch waits, \
             which ends that wait, or while the function still works on it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
        [queues.orders]
        VisibilityTimeout = 30
        [functions.quick]
        code = '/'
        timeout = 30
        [functions.slow]
        code = '/'
        [functions.slow.versions.2]
        timeout = 60.5
        [functions.slow.aliases]
        live = '2'
    ";

    fn config() -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambkin.toml");
        std::fs::write(&path, CONFIG).unwrap();
        Config::read(&path).unwrap()
    }

    #[test]
    fn a_visibility_timeout_shorter_than_the_function_is_told_in_awss_words() {
        let config = config();
        for function in ["quick", "slow", "slow:$LATEST", "nobody"] {
            assert_eq!(short_visibility("orders", function, 0.0, &config), None);
        }
        for function in ["slow:2", "slow:live"] {
            let warning = short_visibility("orders", function, 0.0, &config).unwrap();
            let words =
                "Queue visibility timeout: 30 seconds is less than Function timeout: 60.5 seconds";
            assert!(warning.starts_with(words), "{warning}");
        }
        assert_eq!(short_visibility("orders", "slow", 27.0, &config), None);
        let warning = short_visibility("orders", "slow", 28.0, &config).unwrap();
        assert!(warning.contains("while its batch waits"), "{warning}");
    }

    #[test]
    fn a_function_that_is_not_there_is_shown_with_the_nearest_one() {
        let config = config();
        assert_eq!(unknown_function("slow:live", &config), None);
        for (function, message) in [
            (
                "quik",
                "the function \"quik\", which is not defined; did you mean `quick`?",
            ),
            (
                "slow:liev",
                "the version or alias \"liev\" of slow, which is not defined; did you mean `live`?",
            ),
        ] {
            let problem = unknown_function(function, &config).unwrap();
            assert!(problem.contains(message), "{problem}");
        }
    }
}
