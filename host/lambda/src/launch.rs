//! How a function's program is started, without starting it; and how another command is started in its place.
//!
//! The environment variables are those of a sandbox, except for what only a running one has: the addresses of its APIs.
//! A command is looked up as the function's own processes would: a relative path begins at the code, a name is one of the
//! function's `PATH`, in which the folder of its interpreter comes first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lambkin_process::Launch;

use crate::access::User;
use crate::bootstrap::NoBootstrapError;
use crate::code::{Code, Entry, Search};
use crate::debugger::DEBUG_PORT;
use crate::spec::{Account, FunctionSpec, SandboxMode};
use crate::variables::{SandboxInfo, runtime_variables};
use crate::view::{Placed, View};

/// The variables that lead to the APIs of a running sandbox.
const OF_SANDBOX: [&str; 4] = [
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
];

/// How a function's program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPlan {
    /// The program's path, as its processes see it.
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The script that starts the program in its turn, with its path on the host.
    pub wrapper: Option<PathBuf>,
    /// The working directory, as its processes see it.
    pub directory: PathBuf,
    /// The environment variables, without those that only a running sandbox has.
    pub variables: BTreeMap<String, String>,
}

impl FunctionSpec {
    /// How the function's program would be started now.
    ///
    /// # Errors
    ///
    /// No program is found, or it cannot be executed on this machine.
    pub fn start_plan(&self, account: &Account) -> Result<StartPlan, NoBootstrapError> {
        self.check_program()?;
        let (program, arguments) = self.program()?;
        let view = View::of(self);
        let placed = view.place(&program);
        let is_managed = matches!(self.code.entry, Entry::Managed(_));
        let arguments = arguments.into_iter().map(|argument| match is_managed {
            true => view.text(&argument),
            false => argument,
        });
        Ok(StartPlan {
            arguments: arguments.collect(),
            wrapper: self.wrapper(),
            directory: view.code(),
            variables: self.variables_without_sandbox(account, &view, &placed.folders),
            program: placed.program,
        })
    }

    /// How a command is started in the function's environment. In a sandbox, the code can be written to if `writable`, but
    /// for that of an image.
    ///
    /// # Errors
    ///
    /// The command's program is not found, or cannot be executed on this machine.
    pub fn command_launch(
        &self,
        account: &Account,
        command: &[String],
        writable: bool,
    ) -> Result<Launch, NoBootstrapError> {
        let view = View::of(self);
        if let Entry::Image(image) = &self.code.entry {
            let (program, arguments) = image.get().command(command, &self.search_path())?;
            return Ok(Launch {
                arguments,
                variables: self.variables_without_sandbox(account, &view, &[]),
                directory: view.directory(),
                sandbox: view.place(&program).sandbox,
                program,
            });
        }
        // What the function's own program needs is visible for the command as well.
        let own = self.program().ok();
        let own = own.map_or_else(Placed::default, |(program, _)| view.place(&program));
        let mut variables = self.variables_without_sandbox(account, &view, &own.folders);
        // The interpreter of the function, and what is installed beside it, is what its name stands for.
        if let (SandboxMode::Process, Entry::Managed(_)) = (self.sandbox, &self.code.entry)
            && let Some(folder) = own.program.parent()
            && let Some(path) = variables.get_mut("PATH")
        {
            *path = format!("{}:{path}", folder.display());
        }
        let path = match (self.sandbox, variables.get("PATH")) {
            (SandboxMode::Process, Some(path)) => path.clone(),
            (SandboxMode::Process, None) => self.search_path(),
            // Folders of the host, in which a sandbox's programs are before it exists.
            (SandboxMode::Namespace | SandboxMode::Image, _) => {
                let folders = own.folders.iter().map(|folder| self.on_host(folder));
                let folders = folders.map(|folder| format!("{}:", folder.display()));
                folders.collect::<String>() + &self.search_path()
            }
        };
        let code = Code {
            entry: Entry::Command(command.to_vec()),
            ..self.code.clone()
        };
        let (program, arguments) = self.examined(|starter| {
            code.program(&Search {
                layers: &self.layer_folders(),
                path: &path,
                commands: &path,
                with_host: self.sandbox == SandboxMode::Process,
                user: match writable {
                    // The command then has the rights of the code's owner.
                    true => User::Own,
                    false => starter.user,
                },
            })
        })?;
        let placed = view.place(&program);
        let sandbox = placed.sandbox.map(|mut sandbox| {
            let needed = own.sandbox.into_iter().flat_map(|own| own.visible);
            sandbox.visible.extend(needed);
            sandbox.visible.sort();
            sandbox.visible.dedup();
            sandbox.writable_code = writable;
            sandbox
        });
        if let (true, Some(path)) = (sandbox.is_some(), variables.get_mut("PATH")) {
            let folders = placed
                .folders
                .iter()
                .filter(|folder| !own.folders.contains(folder));
            let folders = folders.map(|folder| format!("{}:", folder.display()));
            path.insert_str(0, &folders.collect::<String>());
        }
        Ok(Launch {
            program: placed.program,
            arguments,
            variables,
            directory: view.code(),
            sandbox,
        })
    }

    /// The path on the host of a folder that a sandbox has at another path.
    fn on_host(&self, inside: &Path) -> PathBuf {
        match inside.strip_prefix(lambkin_process::sandbox::TASK) {
            Ok(below) => self.code.resolved_root().join(below),
            Err(_) => inside.to_owned(),
        }
    }

    fn variables_without_sandbox(
        &self,
        account: &Account,
        view: &View<'_>,
        programs: &[PathBuf],
    ) -> BTreeMap<String, String> {
        let sandbox = SandboxInfo {
            runtime_api: "",
            metadata_token: "",
            log_stream: "",
            view,
            programs,
        };
        let mut variables = runtime_variables(self, account, &sandbox);
        // Nothing debugs what is started without a sandbox's APIs.
        let port = DEBUG_PORT.to_owned();
        variables
            .retain(|key, value| !OF_SANDBOX.contains(&key.as_str()) && !value.contains(&port));
        variables
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn account() -> Account {
        Account {
            region: "us-east-1".to_owned(),
            id: "123456789012".to_owned(),
        }
    }

    fn spec(folder: &Path, mode: SandboxMode) -> FunctionSpec {
        let program = folder.join("tools/start");
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let code = Code {
            task_root: folder.to_owned(),
            entry: Entry::Command(vec!["./tools/start".to_owned(), "a".to_owned()]),
            archive: None,
        };
        FunctionSpec {
            sandbox: mode,
            variables: BTreeMap::from([("OWN".to_owned(), "1".to_owned())]).into(),
            ..FunctionSpec::new("f", code)
        }
    }

    #[test]
    fn a_plan_has_what_would_be_started() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let plan = spec(&root, SandboxMode::Process)
            .start_plan(&account())
            .unwrap();
        assert_eq!(plan.program, root.join("./tools/start"));
        assert_eq!(plan.arguments, ["a"]);
        assert_eq!(plan.directory, root);
        assert_eq!(plan.variables["OWN"], "1");
        assert_eq!(plan.variables["AWS_LAMBDA_FUNCTION_NAME"], "f");
        assert!(!plan.variables.contains_key("AWS_LAMBDA_RUNTIME_API"));
        fs::remove_file(root.join("tools/start")).unwrap();
        let error = spec(&root.join("elsewhere"), SandboxMode::Process);
        fs::remove_dir_all(root.join("elsewhere/tools")).unwrap();
        assert!(error.start_plan(&account()).is_err());
    }

    #[test]
    fn a_command_is_found_in_the_code_and_in_the_path_of_the_function() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (mode, inside) in [
            (SandboxMode::Process, root.clone()),
            (SandboxMode::Namespace, PathBuf::from("/var/task")),
        ] {
            let spec = spec(&root, mode);
            let command = |words: &[&str]| {
                let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                spec.command_launch(&account(), &words, true)
            };
            let launch = command(&["tools/start", "-x"]).unwrap();
            assert_eq!(launch.program, inside.join("tools/start"));
            assert_eq!(
                (launch.arguments, &launch.directory),
                (vec!["-x".to_owned()], &inside)
            );
            assert_eq!(
                launch.sandbox.is_some_and(|it| it.writable_code),
                mode == SandboxMode::Namespace
            );
            let launch = command(&["sh"]).unwrap();
            assert!(launch.program.ends_with("bin/sh"), "{:?}", launch.program);
            let error = command(&["no-such-program-here"]).unwrap_err().to_string();
            assert!(
                error.contains("no-such-program-here: is not in PATH"),
                "{error}"
            );
        }
    }
}
