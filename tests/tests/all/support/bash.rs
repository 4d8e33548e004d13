//! Functions in bash, for runtimes that behave in ways the raw bootstrap does not.

use std::process::Command;

use super::{Missing, Project, tool};

/// Defines `next` and `respond`; every script starts with it.
const RUNTIME_API: &str = include_str!("../../../fixtures/bootstrap/runtime-api.sh");

impl Project {
    /// A project with one function, `echo`, that is a bash script, with further settings. The script can use the
    /// functions of `fixtures/bootstrap/runtime-api.sh`; it runs in the folder `code`.
    pub fn bash(settings: &str, script: &str) -> Result<Self, Missing> {
        let project = Self::new(&format!("[functions.echo]\ncode = \"code\"\n{settings}"));
        project.bash_bootstrap(script)?;
        Ok(project)
    }

    /// Writes a script as in [`Project::bash`] to `code/bootstrap`.
    pub fn bash_bootstrap(&self, script: &str) -> Result<(), Missing> {
        curl()?;
        self.executable("code/bootstrap", format!("{RUNTIME_API}{script}"));
        Ok(())
    }
}

/// Checks for curl, which bash functions need to call the Runtime API.
#[track_caller]
pub fn curl() -> Result<(), Missing> {
    let mut probe = Command::new("curl");
    probe.arg("--version");
    tool("curl", probe)
}
