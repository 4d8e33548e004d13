//! What the operator grants a trigger's plugin: origins, environment variables, and the reuse of instances.

use std::time::Duration;

use lambkin_plugin::Reuse;
use lambkin_trigger::Grants;

use super::kind::Context;
use super::origin::check_origin;
use crate::config::key::{Key, Kind, Table};
use crate::config::reader::Reader;

pub const KEYS: &[Key] = &[
    Key::with_default(
        "network",
        Kind::Texts,
        "[]",
        "With `listen`: the origins that Lambkin fetches documents from for the plugin, such as the keys of a token's \
         issuer: `[\"https://issuer.example.com\"]`. A `poll` table has its own.",
    ),
    Key::with_default(
        "pass-environment",
        Kind::Texts,
        "[]",
        "Names of variables of Lambkin's environment that the plugin can read, such as the secret of a webhook.",
    ),
    Key::optional(
        "reuse",
        Kind::FlagOrTable(&REUSE),
        "Whether instances of the plugin may serve several calls, if the plugin says that they can; or the limits on \
         that. It is the default; `false` gives each call a new instance.",
    ),
];

/// A legal value for each key of tables in [`KEYS`].
#[cfg(test)]
pub const SAMPLES: &[(&str, &str)] = &[
    ("network", "['http://127.0.0.1:8080']"),
    ("pass-environment", "['HOME']"),
    ("reuse", "true"),
    ("reuse.instances", "2"),
    ("reuse.calls", "100"),
    ("reuse.idle", "1.5"),
];

/// `[triggers.NAME.reuse]`
const REUSE: Table = Table::new(&[&[
    Key::with_default(
        "instances",
        Kind::Integer {
            min: 1,
            max: 64,
            unit: "instances",
        },
        "4",
        "The number of instances that are kept between calls. Calls that find all of them at work have new ones.",
    ),
    Key::with_default(
        "calls",
        Kind::Integer {
            min: 1,
            max: 1_000_000_000,
            unit: "calls",
        },
        "10000",
        "The number of calls after which an instance is replaced.",
    ),
    Key::with_default(
        "idle",
        Kind::Number {
            max: 86_400.0,
            unit: "seconds",
        },
        "60",
        "How long an instance without calls is kept.",
    ),
]]);

/// Reads the grants of a trigger. `listens` if its events are HTTP requests.
pub fn read(context: &Context<'_>, table: &mut Reader<'_>, listens: bool) -> Grants {
    let network = table.texts("network");
    if let Some(network) = &network {
        for origin in &network.value {
            context.report(check_origin(origin), network);
        }
        if !listens {
            let message = "is for triggers with `listen`; a `poll` table has its own `network`";
            context.report(Err::<(), _>(message.to_owned()), network);
        }
    }
    let passed = table.texts("pass-environment");
    Grants {
        network: network.map_or_else(Vec::new, |network| network.value),
        pass_environment: passed.map_or_else(Vec::new, |passed| passed.value),
        reuse: read_reuse(table),
    }
}

fn read_reuse(table: &mut Reader<'_>) -> Reuse {
    match table.flag_or_table("reuse") {
        None | Some((true, None)) => Reuse::DEFAULT,
        Some((false, _)) => Reuse {
            instances: 0,
            ..Reuse::DEFAULT
        },
        Some((true, Some(mut table))) => {
            let instances = table.integer("instances");
            let calls = table.integer("calls");
            let idle = table.number("idle");
            table.finish();
            let default = Reuse::DEFAULT;
            Reuse {
                instances: instances.map_or(default.instances, |it| it.value as usize),
                calls: calls.map_or(default.calls, |it| {
                    u32::try_from(it.value).unwrap_or(u32::MAX)
                }),
                idle: idle.map_or(default.idle, |it| Duration::from_secs_f64(it.value)),
            }
        }
    }
}
