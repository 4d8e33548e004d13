//! The subjects: what is measured, and how a user would start each with the same function.
//!
//! All of them run the raw bootstrap. A subject that is not available on this machine is left out with the reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools;

/// The function, built with the benchmark.
pub const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_raw-bootstrap");

/// The key of `lambkin.toml` that limits a function's environments.
const CONCURRENCY_KEY: &str = "concurrency";

/// One of the programs compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The limit: see [`crate::relay`].
    Relay,
    /// `lambkin serve`, called through the Invoke API.
    Lambkin,
    /// `lambkin serve`, called through an HTTP trigger with the plugin `api-gateway-http`.
    Plugin,
    /// AWS's Runtime Interface Emulator.
    Rie,
    /// `cargo lambda watch`.
    CargoLambda,
}

impl Name {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 5] = [
        Self::Relay,
        Self::Lambkin,
        Self::Plugin,
        Self::Rie,
        Self::CargoLambda,
    ];

    /// How it is written on the command line and in the table.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Lambkin => "lambkin",
            Self::Plugin => "plugin",
            Self::Rie => "rie",
            Self::CargoLambda => "cargo-lambda",
        }
    }

    /// The path the function is invoked at. RIE knows a single function, called `function`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Rie => "/2015-03-31/functions/function/invocations",
            Self::Plugin => "/orders/7?full=1",
            _ => "/2015-03-31/functions/echo/invocations",
        }
    }

    /// Whether it is Lambkin.
    pub const fn is_lambkin(self) -> bool {
        matches!(self, Self::Lambkin | Self::Plugin)
    }

    /// Whether it can serve this many callers at once. Two overlapping calls end RIE.
    pub const fn serves(self, callers: usize) -> bool {
        callers == 1 || !matches!(self, Self::Rie)
    }
}

/// A subject that is on this machine.
#[derive(Clone)]
pub struct Subject {
    /// Which one.
    pub name: Name,
    program: PathBuf,
    folder: PathBuf,
    /// Further lines of lambkin's settings, the first ones for the function.
    settings: String,
}

impl Subject {
    /// Finds the subject, or fetches and builds what it needs.
    ///
    /// # Errors
    /// When it is not available; the error has the reason.
    pub fn prepare(name: Name, tools_folder: &Path) -> Result<Self> {
        let program = match name {
            Name::Relay => std::env::current_exe()?,
            Name::Lambkin | Name::Plugin => lambkin()?,
            Name::Rie => tools::fetch(tools_folder, "aws-lambda-rie")?,
            Name::CargoLambda => tools::fetch(tools_folder, "cargo-lambda")?,
        };
        let folder = match name {
            Name::CargoLambda => tools::build_cargo_project(tools_folder, BOOTSTRAP)?,
            _ => PathBuf::new(),
        };
        Ok(Self {
            name,
            program,
            folder,
            settings: String::new(),
        })
    }

    /// Adds further settings, the first of them for the function. Only Lambkin has any.
    pub fn with(&self, settings: &str) -> Self {
        Self {
            settings: settings.to_owned(),
            ..self.clone()
        }
    }

    /// The command that serves on `port` with at most `environments` bootstraps and may write into `folder`.
    ///
    /// # Errors
    /// When its settings cannot be written.
    pub fn command(&self, port: u16, environments: usize, folder: &Path) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.current_dir(folder);
        match self.name {
            Name::Relay => {
                command.args([
                    "--relay",
                    &port.to_string(),
                    &environments.to_string(),
                    BOOTSTRAP,
                ]);
            }
            Name::Lambkin | Name::Plugin => {
                fs::write(
                    folder.join("lambkin.toml"),
                    self.settings(port, environments),
                )
                .context("cannot write lambkin.toml")?;
                command.args(["serve", "--json"]);
            }
            Name::Rie => {
                let listen = format!("127.0.0.1:{port}");
                let runtime_api = format!("127.0.0.1:{}", crate::server::free_port()?);
                command.args(["--runtime-interface-emulator-address", &listen]);
                command.args(["--runtime-api-address", &runtime_api, BOOTSTRAP]);
            }
            Name::CargoLambda => {
                command.current_dir(&self.folder);
                command.env("CARGO_TARGET_DIR", tools::target_of(&self.folder));
                command.args(["lambda", "watch", "--ignore-changes", "--release"]);
                command.args([
                    "--invoke-address",
                    "127.0.0.1",
                    "--invoke-port",
                    &port.to_string(),
                ]);
                command.args(["--concurrency", &environments.to_string()]);
            }
        }
        Ok(command)
    }

    fn settings(&self, port: u16, environments: usize) -> String {
        let invoke_port = if self.name == Name::Plugin { 0 } else { port };
        let mut settings = format!(
            "[invoke]\nlisten = \"127.0.0.1:{invoke_port}\"\n\n\
             [functions.echo]\ncode = {BOOTSTRAP:?}\n{CONCURRENCY_KEY} = {environments}\n{}",
            self.settings
        );
        if self.name == Name::Plugin {
            // The function does not see the orders in the body of a request, such as to take a moment, so that calls do
            // not overlap: all environments start now.
            settings += &format!(
                "provisioned-concurrency = {environments}\n\n\
                 [triggers.web]\nlisten = \"127.0.0.1:{port}\"\nplugin = \"api-gateway-http\"\nfunction = \"echo\"\n"
            );
        }
        settings
    }
}

/// The lambkin under test: `LAMBKIN_BIN`, or the one built into the same target folder as the benchmark.
fn lambkin() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("LAMBKIN_BIN") {
        return Ok(fs::canonicalize(given)?);
    }
    let here = std::env::current_exe()?;
    let beside = here
        .ancestors()
        .nth(2)
        .context("the benchmark has no folder")?
        .join("lambkin");
    anyhow::ensure!(
        beside.is_file(),
        "{} does not exist; build it with `cargo build --release -p lambkin`, or name another with LAMBKIN_BIN",
        beside.display()
    );
    Ok(beside)
}
