//! The runtime clients of `host/runtimes`, and AWS's own: both must do what the tables of `cases/runtimes` say.

use std::path::Path;
use std::process::Command;

use crate::support::{installed, interpreter};

/// Runs the table of the language with these arguments of `runtimes/run.py`.
fn run_table(language: &str, arguments: &[&str]) {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/run.py");
    let output = Command::new("python3")
        .arg(runner)
        .arg(language)
        .args(arguments)
        .output()
        .expect("python3 was found");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs the table against AWS's client in that folder of `target/test-tools`.
fn run_table_with_aws_client(language: &str, folder: &str, arguments: &[&str]) {
    let Ok(folder) = installed(folder) else {
        return;
    };
    let folder = folder.to_str().expect("a path in UTF-8");
    let mut all = vec!["--client", "aws", "--aws-folder", folder];
    all.extend(arguments);
    run_table(language, &all);
}

#[test]
fn python_functions_observe_of_lambkins_client_what_they_observe_of_awss() {
    if interpreter("python3").is_ok() {
        run_table("python", &[]);
    }
}

#[test]
fn python_functions_observe_of_awss_client_what_the_table_says() {
    if interpreter("python3").is_ok() {
        run_table_with_aws_client("python", "examples/python/hello/package", &[]);
    }
}

#[test]
fn node_functions_observe_of_lambkins_client_what_they_observe_of_awss() {
    if interpreter("python3").is_ok() && interpreter("node").is_ok() {
        run_table("node", &[]);
    }
}

#[test]
fn node_functions_observe_of_awss_client_what_the_table_says() {
    if interpreter("python3").is_ok() && interpreter("node").is_ok() {
        let folder = "examples/node/hello/node_modules";
        run_table_with_aws_client("node", folder, &["--semantics", "modern"]);
    }
}

#[test]
fn ruby_functions_observe_of_lambkins_client_what_they_observe_of_awss() {
    if interpreter("python3").is_ok() && interpreter("ruby").is_ok() {
        run_table("ruby", &[]);
    }
}
