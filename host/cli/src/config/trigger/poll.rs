//! `poll = { … }`: messages of an external system, fetched by a plugin. The table names the plugin, unless it is the
//! trigger's own, grants network origins and environment variables, and holds the plugin's settings.

use lambkin_trigger::poll::PollSource;

use super::kind::{Context, ReadSource, TriggerKind};
use super::origin::check_origin;
use crate::config::key::{Key, Kind, Role, Table};
use crate::config::reader::Reader;
use crate::config::section::{Section, read_plugin};

pub const KIND: TriggerKind = TriggerKind {
    key: Key::optional(
        "poll",
        Kind::Table(&TABLE),
        "For messages of another system: how a plugin fetches them.",
    ),
    role: "batch-trigger",
    events: "messages of an external system",
    read,
    #[cfg(test)]
    samples: &[
        ("poll.network", "['http://127.0.0.1:9324']"),
        ("poll.pass-environment", "['HOME']"),
        ("poll.plugin", "'sqs'"),
    ],
};

/// `[triggers.NAME.poll]`
const TABLE: Table = Table {
    keys: &[&[
        Key::required(
            "network",
            Kind::Texts,
            "The origins that the plugin can reach, with `http` or `https`, such as `[\"http://127.0.0.1:9324\"]`.",
        ),
        Key::with_default(
            "pass-environment",
            Kind::Texts,
            "[]",
            "Names of variables of Lambkin's environment that the plugin can read.",
        ),
        Key::optional(
            "plugin",
            Kind::Text,
            "The plugin that fetches the messages, if it is not the plugin of the trigger.",
        ),
    ]],
    roles: &[Role {
        name: "source",
        key: None,
    }],
};

fn read(context: &mut Context<'_>, table: &mut Reader<'_>) -> Option<ReadSource> {
    let mut table = table.table(KIND.key.name)?;
    let plugin = if table.has("plugin") {
        read_plugin(&mut table, context.project, context.diagnostics)
    } else {
        context.plugin.clone()
    };
    if !table.has("network") {
        let message = "needs `network`, a list of the origins that the plugin may connect to, such as \
                       [\"http://127.0.0.1:9324\"]; it can reach no others";
        context.diagnostics.add(table.span(), table.path(), message);
    }
    let network = table.texts("network");
    if let Some(network) = &network {
        for origin in &network.value {
            context.report(check_origin(origin), network);
        }
    }
    let passed = table.texts("pass-environment");
    let source = PollSource {
        network: network.map_or_else(Vec::new, |network| network.value),
        pass_environment: passed.map_or_else(Vec::new, |passed| passed.value),
    };
    Some(ReadSource {
        source: Box::new(source),
        section: Some(Section::new(
            plugin?,
            table,
            context.project,
            context.diagnostics,
        )),
    })
}
