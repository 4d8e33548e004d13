//! Version managers: their folders, their aliases and the names that they understand.

use std::os::unix::fs::symlink;

use crate::made::{Made, parse};

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
