//! What the project, the shell and the configuration ask for: how it is met, and what is said if it is not.

use std::fs;
use std::os::unix::fs::symlink;

use crate::made::Made;

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

#[test]
fn the_nearest_newer_version_is_taken_if_none_fits() {
    let mut made = Made::new();
    for major in [25, 22, 24] {
        made.install(
            &format!("home/.nvm/versions/node/v{major}.0.1/bin/node"),
            &format!("v{major}.0.1"),
        );
    }
    let nearest = "Node 22.0.1 at home/.nvm/versions/node/v22.0.1/bin/node (nvm)\n";
    let found = made.found("nodejs20.x");
    assert!(found.starts_with(nearest), "{found}");
    assert!(made.found("nodejs24.x").starts_with("Node 24.0.1 "));
    // The shell's need not be the one for an older runtime, while a file of the project says what the project wants.
    made.set("NVM_BIN", "home/.nvm/versions/node/v25.0.1/bin");
    let found = made.found("nodejs20.x");
    assert!(found.starts_with(nearest), "{found}");
    made.says(".nvmrc", "24\n");
    let found = made.found("nodejs20.x");
    assert!(found.starts_with("Node 24.0.1 "), "{found}");
}

#[test]
fn without_a_configuration_advice_names_arguments_and_variables() {
    let mut made = Made::new();
    made.is_configured = false;
    let advice = |made: &Made, runtime: &str| {
        let error = made.error(runtime, None);
        error.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        advice(&made, "python3.13"),
        "or name an interpreter: LAMBKIN_PYTHON=/path/to/python3 lambkin …"
    );
    made.install("bin/python3", "Python 3.11.2");
    assert_eq!(
        advice(&made, "python3.13"),
        "or use --runtime python3.11, or another interpreter: LAMBKIN_PYTHON=/path/to/python3 lambkin …"
    );
    made.install("bin/python3.13", "Python 3.13.1");
    made.says(".python-version", "3.11\n");
    let text = made.error("python3.13", None);
    assert!(
        text.ends_with(
            "\nuse --runtime python3.11, or write 3.13 into .python-version, or set LAMBKIN_PYTHON to bin/python3.13"
        ),
        "{text}"
    );
    made.install("bin/node", "v22.9.0");
    made.set("LAMBKIN_PYTHON", "bin/node");
    let text = made.error("python3.13", None);
    assert!(
        text.contains(
            "is Node 22.9.0, not Python; use --runtime nodejs22.x if the code is for Node"
        ),
        "{text}"
    );
}
