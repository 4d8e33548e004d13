//! Interpreters are found on made-up machines: folders laid out as version managers do, whose interpreters are scripts
//! that print a version. No version manager has to be installed.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's helpers fail the test like the test itself"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use lambkin_runtimes::{
    BundleChoice, BundleOptions, ClientChoice, Machine, Prepared, Request, Runtime, prepare,
};

/// A machine with a project, and a home folder beside it.
struct Made {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// Whether the project's programs run in a sandbox only.
    is_sandboxed: bool,
}

impl Made {
    /// `PATH` has the folders `shims` and `bin` only.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project/code")).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let path = format!("{}:{}", at("home/.pyenv/shims"), at("bin"));
        let variables = [("HOME", at("home")), ("PATH", path)];
        let variables = variables.map(|(key, value)| (key.to_owned(), value));
        Self {
            folder,
            variables: variables.into(),
            is_sandboxed: false,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&mut self, variable: &str, place: &str) {
        let value = self.at(place).display().to_string();
        self.variables.insert(variable.to_owned(), value);
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.at(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A file of the project.
    fn says(&self, name: &str, text: &str) {
        self.write(&format!("project/{name}"), text);
    }

    /// An interpreter that prints this.
    fn install(&self, name: &str, prints: &str) {
        self.write(name, &format!("#!/bin/sh\necho '{prints}'\n"));
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn prepared(&self, runtime: &Runtime, interpreter: Option<&str>) -> Result<Prepared, String> {
        let project = self.at("project");
        let mut machine = Machine::new(self.variables.clone(), self.at("cache"));
        if self.is_sandboxed {
            machine = machine.avoiding(&[&project]);
        }
        prepare(&Request {
            runtime,
            handler: "app.handler",
            code: &project.join("code"),
            file: None,
            project: &project,
            interpreter: interpreter.map(Path::new),
            client: ClientChoice::Auto,
            checks_version: true,
            sdk: None,
            layers: &[],
            memory_mb: 128,
            node_options: "",
            has_python_path: false,
            bundle: (BundleChoice::Auto, &BundleOptions::default()),
            debug: None,
            machine: &machine,
        })
    }

    fn shortened(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// The interpreter for a runtime; `python` and so on stand for any version. Notes follow on lines of their own.
    #[track_caller]
    fn found(&self, runtime: &str) -> String {
        let prepared = self.prepared(&parse(runtime), None);
        let prepared = prepared.unwrap_or_else(|error| panic!("{error}"));
        let lines = [vec![prepared.interpreter], prepared.notes].concat();
        self.shortened(&lines.join("\n"))
    }

    #[track_caller]
    fn error(&self, runtime: &str, interpreter: Option<&str>) -> String {
        self.shortened(&self.prepared(&parse(runtime), interpreter).unwrap_err())
    }
}

fn parse(runtime: &str) -> Runtime {
    Runtime::parse(runtime).unwrap_or_else(|| {
        let known = lambkin_runtimes::runtime_names().find(|name| name.starts_with(runtime));
        Runtime::any(Runtime::parse(known.unwrap()).unwrap().language)
    })
}

#[test]
fn the_version_that_a_file_names_is_found_in_the_folder_of_each_version_manager() {
    for (folder, prints, file, text, runtime) in [
        (
            ".pyenv/versions/3.12.4/bin/python",
            "Python 3.12.4",
            ".python-version",
            "3.12\n",
            "python",
        ),
        (
            ".local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3",
            "Python 3.12.4",
            ".python-version",
            "cpython-3.12.4\n",
            "python",
        ),
        (
            ".asdf/installs/python/3.12.4/bin/python",
            "Python 3.12.4",
            ".tool-versions",
            "python 3.12.4\n",
            "python",
        ),
        (
            ".local/share/mise/installs/python/3.12.4/bin/python",
            "Python 3.12.4",
            "mise.toml",
            "[tools]\npython = '3.12'\n",
            "python",
        ),
        (
            ".nvm/versions/node/v22.9.0/bin/node",
            "v22.9.0",
            ".nvmrc",
            "v22.9.0\n",
            "nodejs2",
        ),
        (
            ".nvm/versions/node/v22.9.0/bin/node",
            "v22.9.0",
            ".nvmrc",
            "lts/jod\n",
            "nodejs2",
        ),
        (
            ".local/share/fnm/node-versions/v22.9.0/installation/bin/node",
            "v22.9.0",
            ".node-version",
            "22\n",
            "nodejs2",
        ),
        (
            ".volta/tools/image/node/22.9.0/bin/node",
            "v22.9.0",
            "package.json",
            r#"{"volta": {"node": "22.9.0"}}"#,
            "nodejs2",
        ),
        (
            ".nodenv/versions/22.9.0/bin/node",
            "v22.9.0",
            ".node-version",
            "22.9.0\n",
            "nodejs2",
        ),
        (
            "n/n/versions/node/22.9.0/bin/node",
            "v22.9.0",
            ".nvmrc",
            "22\n",
            "nodejs2",
        ),
        (
            ".asdf/installs/nodejs/22.9.0/bin/node",
            "v22.9.0",
            ".tool-versions",
            "nodejs 22.9.0\n",
            "nodejs2",
        ),
        (
            ".local/share/mise/installs/node/22.9.0/bin/node",
            "v22.9.0",
            ".mise.toml",
            "[tools]\nnode = ['22']\n",
            "nodejs2",
        ),
        (
            ".local/share/mise/installs/node/22.9.0/bin/node",
            "v22.9.0",
            "package.json",
            r#"{"engines": {"node": ">=22 <23"}}"#,
            "nodejs2",
        ),
        (
            ".rbenv/versions/3.4.1/bin/ruby",
            "ruby 3.4.1",
            ".ruby-version",
            "3.4.1\n",
            "ruby",
        ),
        (
            ".rvm/rubies/ruby-3.4.1/bin/ruby",
            "ruby 3.4.1",
            ".ruby-version",
            "ruby-3.4.1\n",
            "ruby",
        ),
        (
            ".rubies/ruby-3.4.1/bin/ruby",
            "ruby 3.4.1",
            "Gemfile.lock",
            "RUBY VERSION\n   ruby 3.4.1p0\n",
            "ruby",
        ),
        (
            ".asdf/installs/ruby/3.4.1/bin/ruby",
            "ruby 3.4.1",
            ".tool-versions",
            "ruby 3.4.1\n",
            "ruby",
        ),
    ] {
        let made = Made::new();
        // Without the file, this is what the shell would run.
        for (name, prints) in [
            ("python3", "Python 3.11.2"),
            ("node", "v20.20.2"),
            ("ruby", "ruby 3.1.2p20"),
        ] {
            made.install(&format!("bin/{name}"), prints);
        }
        made.install(&format!("home/{folder}"), prints);
        assert!(
            made.found(runtime).contains(" at bin/"),
            "{folder}: {}",
            made.found(runtime)
        );
        made.says(file, text);
        let found = made.found(runtime);
        assert!(
            found.contains(&format!(" at home/{folder} (")),
            "{folder}: {found}"
        );
        assert!(!found.contains('\n'), "{found}");
    }
}

#[test]
fn folders_that_variables_name_are_searched() {
    let mut made = Made::new();
    made.install("elsewhere/versions/3.13.1/bin/python", "Python 3.13.1");
    made.set("PYENV_ROOT", "elsewhere");
    assert_eq!(
        made.found("python3.13"),
        "Python 3.13.1 at elsewhere/versions/3.13.1/bin/python (pyenv)"
    );
    let mut made = Made::new();
    made.install("data/mise/installs/node/24.1.0/bin/node", "v24.1.0");
    made.set("XDG_DATA_HOME", "data");
    assert_eq!(
        made.found("nodejs24.x"),
        "Node 24.1.0 at data/mise/installs/node/24.1.0/bin/node (mise)"
    );
}

#[test]
fn a_named_program_of_another_language_is_named() {
    let made = Made::new();
    made.install("bin/node", "v22.9.0");
    made.install("bin/tool", "tool (GNU) 3.13");
    assert_eq!(
        made.error("python3.13", Some("node")),
        "interpreter = \"node\": bin/node is Node 22.9.0, not Python; set runtime = \"nodejs22.x\" if the code is for Node\n\
         write the path of one, such as \"/path/to/python3\""
    );
    made.install("home/.pyenv/versions/3.13.1/bin/python", "Python 3.13.1");
    let text = made.error("python3.13", Some("tool"));
    assert!(
        text.starts_with("interpreter = \"tool\": bin/tool is not Python: to `--version` it says \"tool (GNU) 3.13\"\n"),
        "{text}"
    );
    assert!(
        text.ends_with("leave `interpreter` out to run Python 3.13.1 at home/.pyenv/versions/3.13.1/bin/python \
                        (pyenv), or write the path of another one"),
        "{text}"
    );
}

#[test]
fn a_name_stands_for_what_a_shim_would_start_and_the_shim_is_not_run() {
    let made = Made::new();
    made.install("home/.pyenv/shims/python3.12", "Python 3.12.4");
    made.install("home/.pyenv/shims/python3", "Python 3.12.4");
    made.install("bin/python3", "Python 3.11.2");
    let named = |runtime: &str, name: &str| {
        let prepared = made.prepared(&parse(runtime), Some(name));
        made.shortened(
            &prepared
                .unwrap_or_else(|error| panic!("{error}"))
                .interpreter,
        )
    };
    let text = made.error("python3.12", Some("python3.12"));
    assert!(
        text.starts_with(
            "interpreter = \"python3.12\": there is no such program; home/.pyenv/shims/python3.12 is a version manager's \
             shim, which starts an installed version, and none has it"
        ),
        "{text}"
    );
    for (version, names) in [
        ("3.12.4", ["python", "python3", "python3.12"]),
        ("3.13.1", ["python", "python3", "python3.13"]),
    ] {
        for name in names {
            made.install(
                &format!("home/.pyenv/versions/{version}/bin/{name}"),
                &format!("Python {version}"),
            );
        }
    }
    let at = |version: &str, name: &str| {
        format!("Python {version} at home/.pyenv/versions/{version}/bin/{name} (interpreter)")
    };
    assert_eq!(
        named("python3.12", "python3.12"),
        at("3.12.4", "python3.12")
    );
    // The version that fits, as the name alone does not tell.
    assert_eq!(named("python3.12", "python3"), at("3.12.4", "python3"));
    assert_eq!(
        named("python3.11", "python3"),
        "Python 3.11.2 at bin/python3 (interpreter)"
    );
    let shim = made
        .at("home/.pyenv/shims/python3.12")
        .display()
        .to_string();
    assert_eq!(named("python3.12", &shim), at("3.12.4", "python3.12"));
}

#[test]
fn environments_and_other_implementations_are_taken_if_they_are_asked_for_by_name() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.11.2");
    made.install("home/.pyenv/versions/3.12.4/bin/python", "Python 3.12.4");
    made.install(
        "home/.pyenv/versions/3.12.4/envs/api-3.13/bin/python",
        "Python 3.12.4",
    );
    made.write(
        "home/.pyenv/versions/3.12.4/envs/api-3.13/pyvenv.cfg",
        "version = 3.12.4\n",
    );
    symlink(
        made.at("home/.pyenv/versions/3.12.4/envs/api-3.13"),
        made.at("home/.pyenv/versions/api-3.13"),
    )
    .unwrap();
    made.install(
        "home/.pyenv/versions/pypy3.13-7.9/bin/python",
        "Python 3.13.1",
    );
    made.install("home/.pyenv/versions/3.13.2t/bin/python", "Python 3.13.2");
    let text = made.error("python3.13", None);
    assert!(
        text.contains("needs Python 3.13; found Python 3.12.4"),
        "{text}"
    );
    made.says(".python-version", "api-3.13\n");
    assert_eq!(
        made.found("python"),
        "Python 3.12.4 at home/.pyenv/versions/api-3.13/bin/python (pyenv)"
    );
    let text = made.error("python3.13", None);
    assert!(
        text.contains("needs Python 3.13; found Python 3.12.4 at home/.pyenv/versions/api-3.13/bin/python (pyenv)"),
        "{text}"
    );
    made.says(".python-version", "3.12.4/envs/api-3.13\n");
    assert!(
        made.found("python3.12")
            .contains("versions/3.12.4/envs/api-3.13/bin/python")
    );
    made.says(".python-version", "pypy3.13\n");
    assert_eq!(
        made.found("python3.13"),
        "Python 3.13.1 at home/.pyenv/versions/pypy3.13-7.9/bin/python (pyenv)"
    );
    made.says(".python-version", "../../bin\n");
    assert!(
        made.found("python")
            .contains(".python-version says ../../bin, which is no version that")
    );
}

#[test]
fn what_a_file_says_and_is_not_installed_is_said_with_what_is_used() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.11.2");
    made.install("bin/node", "v22.9.0");
    for (file, text, runtime, expected) in [
        (
            ".python-version",
            "myenv",
            "python",
            ".python-version says myenv, which is no version that pyenv, uv, mise, asdf \
          has; Python 3.11.2 at bin/python3 (PATH) is used",
        ),
        (
            ".python-version",
            "3.11.9",
            "python",
            ".python-version says 3.11.9, which is not installed; Python 3.11.2 at \
          bin/python3 (PATH) is used",
        ),
        (".nvmrc", "lts/*", "nodejs2", ""),
        (
            ".nvmrc",
            "lts/-1",
            "nodejs2",
            ".nvmrc says lts/-1, which is no version that nvm, fnm, volta, nodenv, n, mise, \
          asdf has; Node 22.9.0 at bin/node (PATH) is used",
        ),
        (
            ".nvmrc",
            "iron",
            "nodejs22.x",
            ".nvmrc says iron, which is no version that",
        ),
        (
            "package.json",
            r#"{"engines": {"node": ">=24"}}"#,
            "nodejs2",
            "package.json (engines) says >=24, which is not \
          installed; Node 22.9.0 at bin/node (PATH) is used",
        ),
    ] {
        for other in [".python-version", ".nvmrc", "package.json"] {
            let _ = fs::remove_file(made.at("project").join(other));
        }
        made.says(file, text);
        let found = made.found(runtime);
        assert!(found.contains(expected), "{found}");
        assert_eq!(
            found.lines().count(),
            1 + usize::from(!expected.is_empty()),
            "{found}"
        );
    }
}

#[test]
fn a_file_that_contradicts_the_runtime_is_a_mistake() {
    let made = Made::new();
    made.install("bin/python3.13", "Python 3.13.1");
    made.install("bin/node", "v24.1.0");
    for (file, text, runtime, version) in [
        (".python-version", "3.12\n", "python3.13", "Python 3.13"),
        (".python-version", "pypy3.9\n", "python3.13", "Python 3.13"),
        (".nvmrc", "lts/jod\n", "nodejs24.x", "Node 24"),
        (
            "mise.toml",
            "[tools]\npython = '3.11'\n",
            "python3.13",
            "Python 3.13",
        ),
    ] {
        made.says(file, text);
        let text = text
            .trim()
            .trim_start_matches("[tools]\npython = ")
            .trim_matches('\'');
        assert_eq!(
            made.error(runtime, None).lines().next().unwrap(),
            format!("{file} says {text}, but runtime {runtime} needs {version}")
        );
        fs::remove_file(made.at("project").join(file)).unwrap();
    }
    // A newer version than the runtime's is not, as Node runs older code; and a range may have the runtime's.
    made.says(".nvmrc", "24\n");
    assert!(
        made.found("nodejs22.x")
            .contains("runtime nodejs22.x runs with Node 24.1.0")
    );
    made.says(".python-version", ">=3.11\n");
    assert_eq!(
        made.found("python3.13"),
        "Python 3.13.1 at bin/python3.13 (PATH)"
    );
}

#[test]
fn an_alias_of_nvm_is_followed_and_a_circle_of_them_is_not_endless() {
    let made = Made::new();
    made.install("home/.nvm/versions/node/v22.9.0/bin/node", "v22.9.0");
    made.install("home/.nvm/versions/node/v24.1.0/bin/node", "v24.1.0");
    made.write("home/.nvm/alias/default", "work\n");
    made.write("home/.nvm/alias/work", "lts/jod\n");
    assert!(
        made.found("nodejs2").contains("v22.9.0/bin/node (nvm)"),
        "{}",
        made.found("nodejs2")
    );
    made.says(".nvmrc", "node\n");
    assert!(made.found("nodejs2").contains("v24.1.0/bin/node (nvm)"));
    let found = made.found("nodejs22.x");
    assert!(
        found.ends_with(".nvmrc says node, which is 24.1.0, not the version of runtime nodejs22.x; Node 22.9.0 at \
                         home/.nvm/versions/node/v22.9.0/bin/node (nvm) is used"),
        "{found}"
    );
    made.says(".nvmrc", "work\n");
    made.write("home/.nvm/alias/work", "default\n");
    assert!(
        made.found("nodejs2")
            .contains(".nvmrc says work, which is no version that")
    );
}

#[test]
fn an_environment_without_an_interpreter_is_said() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.13.1");
    symlink("/no/such/environment", made.at("project/.venv")).unwrap();
    let found = made.found("python3.13");
    assert!(
        found.ends_with(".venv is not used: project/.venv is a link to /no/such/environment, which does not exist; \
                         Python 3.13.1 at bin/python3 (PATH) is used"),
        "{found}"
    );
    fs::remove_file(made.at("project/.venv")).unwrap();
    fs::create_dir_all(made.at("project/.venv/bin")).unwrap();
    symlink("/no/such/python", made.at("project/.venv/bin/python")).unwrap();
    assert!(
        made.found("python3.13")
            .contains("bin/python is a link to /no/such/python, which does not exist")
    );
    fs::remove_file(made.at("project/.venv/bin/python")).unwrap();
    // A folder of another kind that has the name.
    assert!(!made.found("python3.13").contains('\n'));
    made.says(".venv/pyvenv.cfg", "version = 3.13.1\n");
    assert!(
        made.found("python3.13")
            .contains(".venv is not used: project/.venv/bin/python does not exist")
    );
}

#[test]
fn the_shells_choice_counts_before_files_of_the_project() {
    let mut made = Made::new();
    for version in ["3.12.4", "3.13.1"] {
        made.install(
            &format!("home/.pyenv/versions/{version}/bin/python"),
            "no version",
        );
    }
    made.says(".python-version", "3.13\n");
    assert!(made.found("python").contains("Python 3.13.1"));
    made.variables
        .insert("PYENV_VERSION".to_owned(), "3.12.4:system".to_owned());
    assert!(made.found("python").contains("Python 3.12.4"));
    assert!(
        made.error("python3.13", None)
            .starts_with("PYENV_VERSION says 3.12.4, but runtime python3.13 needs")
    );
}

/// An interpreter in the project that leaves a trace when it runs.
fn install_traced(made: &Made, name: &str, prints: &str) {
    let trace = made.at("ran");
    made.install(name, prints);
    let script = format!("#!/bin/sh\ntouch '{}'\necho '{prints}'\n", trace.display());
    fs::write(made.at(name), script).unwrap();
}

#[test]
fn programs_of_a_project_that_runs_in_a_sandbox_are_not_run_outside_of_it() {
    let mut made = Made::new();
    let node = "project/node_modules/node/bin/node";
    install_traced(&made, node, "v22.1.0");
    made.says("node_modules/node/package.json", r#"{"version":"22.1.7"}"#);
    install_traced(&made, "project/tools/python3", "Python 3.13.9");
    install_traced(
        &made,
        "project/versions/3.13.4/bin/python3",
        "Python 3.13.9",
    );
    install_traced(&made, "project/bin/ruby", "ruby 3.4.1");
    let path = format!(
        "{}:{}",
        made.at("project/bin").display(),
        made.variables["PATH"]
    );
    made.variables.insert("PATH".to_owned(), path);
    let python = parse("python3.13");

    made.is_sandboxed = true;
    let used = "Node 22.1.7 at project/node_modules/node/bin/node (node_modules/node)";
    assert_eq!(made.found("nodejs22.x"), used);
    // The developer has named it; that it is of the right version cannot be checked.
    let named = made.prepared(&python, Some("tools/python3")).unwrap();
    let used = "Python 3.13.0 at project/tools/python3 (interpreter)";
    assert_eq!(made.shortened(&named.interpreter), used);
    let named = made
        .prepared(&python, Some("versions/3.13.4/bin/python3"))
        .unwrap();
    assert!(
        named.interpreter.starts_with("Python 3.13.4 "),
        "{}",
        named.interpreter
    );
    let any = made.error("python", Some("tools/python3"));
    assert!(
        any.contains("may be a program of the project, which runs in its sandbox only"),
        "{any}"
    );
    let ruby = made.error("ruby3.4", None);
    assert!(!ruby.contains("project/bin/ruby"), "{ruby}");
    assert!(!made.at("ran").exists());

    made.is_sandboxed = false;
    assert!(made.found("nodejs22.x").starts_with("Node 22.1.0 at"));
    assert!(made.at("ran").exists());
}

#[test]
fn the_machines_own_interpreter_behind_a_projects_link_is_run() {
    let mut made = Made::new();
    made.is_sandboxed = true;
    // What it is called decides what it is.
    let script = "#!/bin/sh\ncase \"$0\" in */project/*) echo 'Python 9.9.9';; *) echo 'Python 3.13.2';; esac\n";
    made.install("home/.pyenv/versions/own/bin/python3", "");
    fs::write(made.at("home/.pyenv/versions/own/bin/python3"), script).unwrap();
    let bin = made.at("project/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(
        made.at("home/.pyenv/versions/own/bin/python3"),
        bin.join("python"),
    )
    .unwrap();
    let used = "Python 3.13.2 at project/.venv/bin/python (.venv)";
    assert_eq!(made.found("python3.13"), used);
}

#[test]
fn no_program_beside_a_sandboxed_project_is_run_that_the_project_leads_to() {
    let mut made = Made::new();
    let evil = format!(
        "#!/bin/sh\ntouch {}\necho 'Python 3.13.9'\n",
        made.at("ran").display()
    );
    for name in ["evil/bin/python3", "evil/3.13/bin/python3"] {
        made.install(name, "");
        fs::write(made.at(name), &evil).unwrap();
    }
    made.install("home/.pyenv/versions/3.13.1/bin/python", "Python 3.13.1");
    made.is_sandboxed = true;
    let own = "Python 3.13.1 at home/.pyenv/versions/3.13.1/bin/python (pyenv)";

    // A path starts at the folder of the file, as in mise.
    for (file, text) in [
        (".python-version", "path:../evil\n".to_owned()),
        (
            ".tool-versions",
            format!("python path:{}\n", made.at("evil").display()),
        ),
        (
            "code/.mise.toml",
            "tools.python = \"path:../../evil\"\n".to_owned(),
        ),
    ] {
        made.says(file, &text);
        let found = made.found("python");
        assert!(found.starts_with(own), "{file}: {found}");
        assert!(
            found.contains("one of the project is not"),
            "{file}: {found}"
        );
        assert!(!made.at("ran").exists(), "{file}");
        fs::remove_file(made.at("project").join(file)).unwrap();
    }
    assert!(
        made.prepared(&parse("python"), Some("../evil/bin/python3"))
            .is_err()
    );

    let bin = made.at("project/.venv/bin");
    fs::create_dir_all(&bin).unwrap();
    made.says(".venv/pyvenv.cfg", "home = /nowhere\n");
    symlink("../../../evil/bin/python3", bin.join("python")).unwrap();
    let found = made.found("python3.13");
    assert!(found.contains(own), "{found}");
    assert!(!made.at("ran").exists());

    // It is the user who names it.
    made.set("LAMBKIN_PYTHON", "evil/bin/python3");
    assert!(
        made.found("python3.13")
            .starts_with("Python 3.13.9 at evil/")
    );
    assert!(made.at("ran").exists());
}

#[test]
fn files_of_projects_that_are_no_files_are_passed_over() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.13.1");
    made.install("bin/node", "v22.1.0");
    let project = made.at("project");
    let fifo = std::process::Command::new("mkfifo")
        .args([project.join(".python-version"), project.join(".nvmrc")])
        .status();
    assert!(fifo.unwrap().success());
    fs::create_dir(project.join(".venv")).unwrap();
    for endless in [
        ".tool-versions",
        "package.json",
        ".venv/pyvenv.cfg",
        "code/package.json",
    ] {
        symlink("/dev/zero", project.join(endless)).unwrap();
    }
    let used = "Python 3.13.1 at bin/python3 (PATH)";
    assert!(made.found("python").contains(used));
    assert!(
        made.found("nodejs22.x")
            .starts_with("Node 22.1.0 at bin/node")
    );
}

#[test]
fn an_unknown_version_leads_to_the_default_of_the_version_manager_as_without_the_file() {
    let made = Made::new();
    made.install("bin/python3", "Python 3.11.2");
    for version in ["3.12.4", "3.13.1"] {
        let program = format!("home/.pyenv/versions/{version}/bin/python");
        made.install(&program, &format!("Python {version}"));
    }
    made.write("home/.pyenv/version", "3.12.4\n");
    let by_default = "Python 3.12.4 at home/.pyenv/versions/3.12.4/bin/python (pyenv)";
    assert_eq!(made.found("python"), by_default);
    made.says(".python-version", "myenv\n");
    let found = made.found("python");
    assert!(
        found.contains(by_default)
            && found.contains(".python-version says myenv, which is no version that"),
        "{found}"
    );
}

#[test]
fn what_resolves_a_contradiction_leads_to_an_interpreter_that_is_there() {
    let made = Made::new();
    made.says(".python-version", "3.12\n");
    let text = made.error("python3.13", None);
    assert!(
        text.contains(".python-version says 3.12, but runtime python3.13 needs Python 3.13\nneither is installed: ")
            && text.contains("uv python install 3.13")
            && text.contains("let .python-version say 3.13 as well"),
        "{text}"
    );
    made.install("home/.pyenv/versions/3.12.4/bin/python", "Python 3.12.4");
    let text = made.error("python3.13", None);
    assert!(
        text.ends_with("needs Python 3.13\nset runtime = \"python3.12\""),
        "{text}"
    );
    made.install("home/.pyenv/versions/3.13.1/bin/python", "Python 3.13.1");
    let text = made.error("python3.13", None);
    assert!(
        text.contains("set runtime = \"python3.12\", or write 3.13 into .python-version, or set interpreter = \"")
            && text.ends_with("/.pyenv/versions/3.13.1/bin/python\""),
        "{text}"
    );
    // Each of them works.
    assert!(made.found("python3.12").starts_with("Python 3.12.4"));
    made.says(".python-version", "3.13\n");
    assert!(made.found("python3.13").starts_with("Python 3.13.1"));
}
