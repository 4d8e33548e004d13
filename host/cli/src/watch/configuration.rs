//! The configuration, the plugins' files and the files of their settings: when they change, the host starts anew.
//!
//! A changed configuration is first checked, by `lambkin check` in a process of its own. If it is invalid, the log says
//! why, and the host goes on with the old one. A file that was touched and has the same content changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use tokio::sync::Notify;

use super::burst::{Burst, QUIET, shown};
use super::links;
use crate::args::GlobalArgs;
use crate::config::{Config, PluginSource, SandboxChoice, Section, Trigger};
use crate::{regular_file, text};

/// The variable in which `lambkin check` is told the addresses that the host which starts it listens on, separated by
/// blanks. They will be free again when the host starts anew.
pub const OWN_ADDRESSES: &str = "LAMBKIN_OWN_ADDRESSES";

/// The watched configuration.
pub struct Configuration {
    path: PathBuf,
    /// The options that `lambkin check` is started with.
    options: Vec<String>,
    /// The addresses that the host listens on.
    addresses: Vec<SocketAddr>,
    files: Files,
    /// What the host runs with, and what was checked last.
    running: Content,
    checked: Content,
    burst: Burst,
    restart: Arc<Notify>,
}

/// What is watched.
struct Files {
    configuration: PathBuf,
    /// The files of a project besides that one.
    project: BTreeSet<PathBuf>,
    settings: BTreeSet<PathBuf>,
    plugins: BTreeSet<PathBuf>,
}

/// The content of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    configuration: Option<String>,
    /// The text of each file of a project.
    project: BTreeMap<PathBuf, Option<String>>,
    /// The text of each file whose text is a setting.
    settings: BTreeMap<PathBuf, Option<String>>,
    /// The size and time of each plugin's file.
    plugins: Vec<Option<(u64, i64, i64)>>,
}

impl Configuration {
    /// `sandbox` is the mode that the host was started with, and `addresses` are those that it listens on. `restart` is notified when it has to start anew.
    pub fn new(
        global: &GlobalArgs,
        config: &Config,
        sandbox: Option<SandboxChoice>,
        addresses: Vec<SocketAddr>,
        restart: Arc<Notify>,
    ) -> Self {
        let triggers = config.triggers.iter().flat_map(Trigger::sections);
        let services = config.services.iter().map(|service| &service.section);
        let sections: Vec<&Section> = services.chain(triggers).collect();
        let plugins = sections.iter().filter_map(|section| match &section.plugin {
            PluginSource::File(path) => Some(path.clone()),
            PluginSource::BuiltIn(_) => None,
        });
        let settings = sections.iter().flat_map(|section| section.files());
        let project = config.project.iter().flat_map(|project| &project.files);
        let files = Files {
            configuration: global.config.clone(),
            project: project.clone().map(|(path, _)| path.clone()).collect(),
            settings: settings.clone().map(|file| file.path.clone()).collect(),
            plugins: plugins.collect(),
        };
        let mut options = global.project.as_typed();
        if let Some(folder) = &global.cache_dir {
            options.extend(["--cache-dir".to_owned(), folder.display().to_string()]);
        }
        if global.no_cache {
            options.push("--no-cache".to_owned());
        }
        if let Some(mode) = sandbox.and_then(|choice| choice.to_possible_value()) {
            options.extend(["--sandbox".to_owned(), mode.get_name().to_owned()]);
        }
        // What the host has read, in case a file has changed since.
        let read = Content::of(&files);
        let running = Content {
            configuration: match config.project {
                Some(_) => read.configuration,
                None => Some(config.text().to_owned()),
            },
            project: project
                .map(|(path, text)| (path.clone(), Some(text.clone())))
                .collect(),
            settings: settings
                .map(|file| (file.path.clone(), Some(file.text.clone())))
                .collect(),
            ..read
        };
        Self {
            path: global.config.clone(),
            options,
            addresses,
            checked: running.clone(),
            running,
            files,
            burst: Burst::new(QUIET),
            restart,
        }
    }

    /// The files, and the links on the way to them, as paths in which no folder is a link.
    pub fn targets(&self) -> Vec<PathBuf> {
        let files = || self.files.iter();
        let real = files().filter_map(|file| file.canonicalize().ok());
        let on_the_way = files().flat_map(|file| links::on_path(file));
        real.chain(on_the_way).collect()
    }

    /// Records a change, if it may be one of these files.
    pub fn record(&mut self, path: &Path) {
        if self.targets().iter().any(|target| target == path) {
            self.burst.record(path, false);
        }
    }

    /// Records that any file in a folder may have changed.
    pub fn record_replaced(&mut self, folder: &Path) {
        if let Some(target) = self
            .targets()
            .iter()
            .find(|target| target.starts_with(folder))
        {
            self.burst.record(target, false);
        }
    }

    /// Records a change that came before the watch.
    pub fn record_if_changed(&mut self) {
        if Content::of(&self.files) != self.running {
            let path = self.path.clone();
            self.burst.record(&path, false);
        }
    }

    pub fn due(&self) -> Option<Instant> {
        self.burst.due()
    }

    /// Asks for a restart if it is due and the configuration is valid. Returns the line for the log.
    pub fn restart_if_due(&mut self) -> Option<String> {
        let changed = self.burst.take_due()?;
        let content = Content::of(&self.files);
        if content == self.checked {
            return None;
        }
        self.checked = content.clone();
        if content == self.running {
            return Some(format!("{} is as it was at the start", shown(&changed)));
        }
        match self.check() {
            Ok(()) => {
                self.restart.notify_one();
                Some(format!(
                    "{} has changed: everything restarts",
                    shown(&changed)
                ))
            }
            Err(why) => Some(format!(
                "{} has changed, but the old configuration stays in effect:\n{why}",
                shown(&changed)
            )),
        }
    }

    fn check(&self) -> Result<(), String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let addresses: Vec<String> = self.addresses.iter().map(SocketAddr::to_string).collect();
        let output = Command::new(program)
            .env(OWN_ADDRESSES, addresses.join(" "))
            .arg("check")
            .arg("--config")
            .arg(&self.path)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run `lambkin check`: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Files {
    fn iter(&self) -> impl Iterator<Item = &PathBuf> {
        let others = self
            .project
            .iter()
            .chain(&self.settings)
            .chain(&self.plugins);
        std::iter::once(&self.configuration).chain(others)
    }
}

impl Content {
    fn of(files: &Files) -> Self {
        let stamp = |path: &PathBuf| {
            let about = fs::metadata(path).ok()?;
            Some((about.len(), about.mtime(), about.mtime_nsec()))
        };
        let settings = files.settings.iter();
        let project = files.project.iter();
        Self {
            configuration: text_of(&files.configuration),
            project: project.map(|path| (path.clone(), text_of(path))).collect(),
            settings: settings.map(|path| (path.clone(), text_of(path))).collect(),
            plugins: files.plugins.iter().map(stamp).collect(),
        }
    }
}

fn text_of(path: &Path) -> Option<String> {
    text::decode(regular_file::read(path).ok()?).ok()
}
