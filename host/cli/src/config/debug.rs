//! The keys of debugging, and the option of `lambkin serve` that has the same effect.

use lambkin_lambda::{DebugSettings, FunctionSpec};
use lambkin_runtimes::{Language, customary_debug_port};

use super::key::{Key, Kind};
use super::reader::{Diagnostics, Reader};

pub const KEYS: &[Key] = &[
    Key::optional(
        "debug",
        Kind::Integer {
            min: 0,
            max: 65_535,
            unit: "",
        },
        "The port of `127.0.0.1` at which a debugger attaches to the function. Further environments that exist at the \
         same time have the next free ports. 0 is any free port, which the log names. See section *Debugging*.",
    ),
    Key::with_default(
        "debug-wait",
        Kind::Flag,
        "false",
        "Whether a function with `debug` waits for a debugger before its code runs.",
    ),
];

/// Reads the keys. Those that are left out keep the values of `spec`.
pub fn read(table: &mut Reader<'_>, spec: &mut FunctionSpec, diagnostics: &Diagnostics) {
    let port = table.integer("debug");
    let wait = table.flag("debug-wait");
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

    /// The settings for a function; an error if no port is customary for its language.
    pub fn settings(
        &self,
        spec: &FunctionSpec,
        language: Option<Language>,
        wait: bool,
    ) -> Result<DebugSettings, String> {
        let configured = spec.debug.map(|debug| debug.port);
        let port = self
            .port
            .or(configured)
            .or_else(|| customary_debug_port(language?));
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
