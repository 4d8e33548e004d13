//! The keys of debugging, and the option of `lambkin serve` that has the same effect.

use std::collections::BTreeSet;

use lambkin_lambda::{DebugSettings, FunctionSpec};
use lambkin_runtimes::{Language, customary_debug_port};

use super::key::{Key, Kind};
use super::listeners::Listeners;
use super::reader::{Diagnostics, Reader};

pub const KEYS: &[Key] = &[
    Key::optional(
        "debug",
        Kind::Integer {
            min: 0,
            max: 65_535,
            unit: "",
        },
        "The port of `127.0.0.1` at which a debugger attaches to the function. 0 is any free port, which the log names. \
         Unless `concurrency` is set, the function then has one environment, so that all calls reach the debugger; \
         further ones that exist at the same time have the next free ports. Versions do not take it over. See section \
         *Debugging*.",
    ),
    Key::with_default(
        "debug-wait",
        Kind::Flag,
        "false",
        "Whether a function with `debug` waits for a debugger before its code runs.",
    ),
];

/// Reads the keys, and claims the port. Those that are left out keep the values of `spec`.
pub fn read(
    table: &mut Reader<'_>,
    spec: &mut FunctionSpec,
    listeners: &mut Listeners,
    diagnostics: &Diagnostics,
) {
    let port = table.integer("debug");
    let wait = table.flag("debug-wait");
    if let Some(port) = &port {
        let address = port.clone().map(|port| format!("127.0.0.1:{port}"));
        listeners.add(&address, None, diagnostics);
    }
    let port_number = port.and_then(|port| u16::try_from(port.value).ok());
    let port = port_number.or_else(|| spec.debug.map(|debug| debug.port));
    match (port, &wait) {
        (Some(port), _) => spec.debug(DebugSettings {
            port,
            wait: match wait {
                Some(wait) => wait.value,
                None => spec.debug.is_some_and(|debug| debug.wait),
            },
        }),
        (None, Some(wait)) if wait.value => diagnostics.add(
            wait.span.clone(),
            &wait.key,
            "needs `debug`, the port at which a debugger attaches",
        ),
        (None, _) => {}
    }
}

/// Limits a function that is debugged to one environment, unless another number is configured: a debugger is usually
/// attached to one, and would miss the calls of others. Returns what the developer should know.
pub fn limit(spec: &mut FunctionSpec, name: &str) -> Option<String> {
    let is_default = spec.concurrency == FunctionSpec::CONCURRENCY && !spec.reserved_concurrency;
    if spec.debug.is_none() || !is_default {
        return None;
    }
    spec.concurrency = 1;
    Some(format!(
        "function {name}: while it is debugged, one environment serves its calls one after the other, so that all of them \
         reach the debugger; `concurrency` sets another number"
    ))
}

/// A function that is to be debugged, as typed: `orders`, or `orders=9229` with the port. An empty name is the only
/// function's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugOption {
    pub function: String,
    /// `None`: the one that is customary for the language.
    pub port: Option<u16>,
}

impl DebugOption {
    /// Reads the option's value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((function, port)) = text.split_once('=') else {
            return Ok(Self {
                function: text.to_owned(),
                port: None,
            });
        };
        match port.parse() {
            Ok(port) => Ok(Self {
                function: function.to_owned(),
                port: Some(port),
            }),
            Err(_) => Err(format!(
                "{port:?} is not a port; write the function and a number from 0 to 65535: {function}=9229"
            )),
        }
    }

    /// The settings for a function; an error if no port is customary for its language. A customary port is never one of
    /// those in `taken`, which other functions have.
    pub fn settings(
        &self,
        spec: &FunctionSpec,
        language: Option<Language>,
        wait: bool,
        taken: &BTreeSet<u16>,
    ) -> Result<DebugSettings, String> {
        let configured = spec.debug.map(|debug| debug.port);
        let port = self
            .port
            .or(configured)
            .or_else(|| (customary_debug_port(language?)?..).find(|port| !taken.contains(port)));
        match port {
            Some(port) => Ok(DebugSettings {
                port,
                wait: wait || spec.debug.is_some_and(|debug| debug.wait),
            }),
            None => Err(format!(
                "function {0} has no managed runtime, so name the port of its debugger: --debug {0}=9229 (see Debugging \
                 in the documentation of the configuration)",
                spec.name
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::function::defaults;

    #[test]
    fn functions_of_one_language_have_different_ports() {
        let spec = defaults("f".to_owned());
        let port = |option: &str, taken: &[u16]| {
            let option = DebugOption::parse(option).unwrap();
            let taken = taken.iter().copied().collect();
            let settings = option.settings(&spec, Some(Language::Node), false, &taken);
            settings.unwrap().port
        };
        assert_eq!(port("f", &[]), 9229);
        assert_eq!(port("f", &[9229, 9230]), 9231);
        assert_eq!(port("f=9229", &[9229]), 9229, "as it is asked for");
        let option = DebugOption::parse("f").unwrap();
        let unknown = option.settings(&spec, None, false, &BTreeSet::new());
        assert!(unknown.unwrap_err().contains("--debug f=9229"));
    }

    #[test]
    fn a_function_that_is_debugged_has_one_environment_unless_it_is_told_otherwise() {
        let mut spec = defaults("f".to_owned());
        assert_eq!(limit(&mut spec, "f"), None);
        spec.debug(DebugSettings {
            port: 0,
            wait: false,
        });
        spec.concurrency = 2;
        assert_eq!(limit(&mut spec, "f"), None);
        assert_eq!(spec.concurrency, 2);
        spec.concurrency = FunctionSpec::CONCURRENCY;
        assert!(limit(&mut spec, "f").is_some());
        assert_eq!(spec.concurrency, 1);
    }
}
