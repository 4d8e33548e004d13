//! Functions in bash, for runtimes that behave in ways the raw bootstrap does not.

use std::process::Command;

use super::{Missing, Project, tool};

/// `next` and `respond`, with which every script begins.
const RUNTIME_API: &str = include_str!("../../../fixtures/bootstrap/runtime-api.sh");

impl Project {
    /// A project with one function, `echo`, that is a bash script, with further settings. The script has the functions of
    /// `fixtures/bootstrap/runtime-api.sh`; it runs in the folder `code`.
    pub fn bash(settings: &str, script: &str) -> Result<Self, Missing> {
        let project = Self::new(&format!("[functions.echo]\ncode = \"code\"\n{settings}"));
        project.bash_bootstrap(script)?;
        Ok(project)
    }

    /// Writes such a script to `code/bootstrap`.
    pub fn bash_bootstrap(&self, script: &str) -> Result<(), Missing> {
        curl()?;
        self.executable("code/bootstrap", format!("{RUNTIME_API}{script}"));
        Ok(())
    }
}

/// Without curl, a bash function cannot speak to the Runtime API.
#[track_caller]
pub fn curl() -> Result<(), Missing> {
    let mut probe = Command::new("curl");
    probe.arg("--version");
    tool("curl", probe)
}
