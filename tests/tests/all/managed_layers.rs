//! Layers of managed runtimes, as folders and as archives: the interpreters' search paths, and the variables that change
//! how an interpreter starts.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, Server, eventually, interpreter};

/// Writes an archive with these files, each of which can be executed.
fn zip(path: &Path, files: &[(&str, &str)]) {
    let partial = path.with_extension("partial");
    let mut writer = zip::ZipWriter::new(File::create(&partial).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    for (name, text) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    std::fs::rename(partial, path).unwrap();
}

/// A project with one function of this handler, and a layer that is a folder before one that is an archive.
fn project(handler: &str, more: &str) -> Project {
    Project::new(&format!(
        "[functions.f]\ncode = 'code'\nhandler = '{handler}'\nlayers = ['folder', 'archive.zip']\nwatch = true\n{more}\n"
    ))
}

/// The folders of a search path below the project's folder, in which the archive's is `ZIP`.
fn places(project: &Project, list: &Value) -> Vec<String> {
    let list = match list {
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect(),
        text => text
            .as_str()
            .unwrap()
            .split(':')
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    };
    let root = project.path().canonicalize().unwrap();
    let below = list
        .iter()
        .filter_map(|place| Path::new(place).strip_prefix(&root).ok());
    below
        .map(|place| {
            let place = place.to_str().unwrap();
            match place.strip_prefix(".lambkin/code/archive-") {
                Some(rest) => {
                    let mut parts = rest.splitn(3, '/');
                    // The folder of this version, not the link to the one that was unpacked last.
                    assert_ne!(parts.nth(1).unwrap(), "current", "{place}");
                    format!("ZIP/{}", parts.next().unwrap_or_default())
                }
                None => place.to_owned(),
            }
        })
        .collect()
}

#[test]
fn python_searches_the_code_then_layers_then_its_own_packages() {
    if interpreter("python3").is_err() {
        return;
    }
    let project = project(
        "app.handler",
        "[functions.own]\ncode = 'code'\nhandler = 'app.handler'\nlayers = ['folder']\n\
                                          environment = { PYTHONPATH = 'mine' }\n",
    );
    project.file(
        "code/app.py",
        "import os, sys\ndef handler(event, context):\n    if event: import both\n    return [sys.path, os.environ.get(\
         'PYTHONPATH'), os.environ['PATH'], os.environ['LD_LIBRARY_PATH'], both.x if event else 0, '%d.%d' % \
         sys.version_info[:2]]\n",
    );
    project.file("folder/python/both.py", "x = 'folder'\n");
    zip(
        &project.path().join("archive.zip"),
        &[("python/both.py", "x = 'archive'\n")],
    );
    let server = project.serve();
    let answer = server.invoke("f", "1").json();
    let packages = format!("lib/python{}/site-packages", answer[5].as_str().unwrap());
    assert_eq!(
        places(&project, &answer[0]),
        [
            "code".to_owned(),
            format!("ZIP/python/{packages}"),
            format!("folder/python/{packages}"),
            "ZIP/python".to_owned(),
            "folder/python".to_owned(),
        ]
    );
    assert_eq!(answer[4], "archive", "the later layer comes first");
    assert_eq!(places(&project, &answer[2]), ["ZIP/bin", "folder/bin"]);
    assert_eq!(
        places(&project, &answer[3]),
        ["code", "code/lib", "ZIP/lib", "folder/lib"]
    );
    // As on AWS: who sets the variable has no folders of layers.
    let own = server.invoke("own", "0").json();
    assert_eq!(own[1], "mine");
    assert!(
        !places(&project, &own[0])
            .iter()
            .any(|place| place.starts_with("folder")),
        "{own}"
    );
}

#[test]
fn a_new_version_of_a_layer_is_what_managed_runtimes_find() {
    if interpreter("node").is_err() {
        return;
    }
    let project = project("index.handler", "");
    project.file(
        "code/index.mjs",
        "import x from 'of-layer'; export const handler = async () => [x, process.env.NODE_PATH];\n",
    );
    project.file("folder/nodejs/node_modules/of-folder/index.js", "");
    let package = "nodejs/node_modules/of-layer/index.js";
    let archive = project.path().join("archive.zip");
    zip(&archive, &[(package, "module.exports = 'one'\n")]);
    let server = project.serve();
    let answer = server.invoke("f", "1").json();
    assert_eq!(answer[0], "one");
    let places = places(&project, &answer[1]);
    let plain = places
        .iter()
        .filter(|place| place.ends_with("nodejs/node_modules"));
    assert_eq!(
        plain.collect::<Vec<_>>(),
        ["ZIP/nodejs/node_modules", "folder/nodejs/node_modules"]
    );
    assert_eq!(places.last().unwrap(), "code");
    zip(&archive, &[(package, "module.exports = 'another one'\n")]);
    eventually("the new version", || {
        server.invoke("f", "1").json()[0] == "another one"
    });
}

#[test]
fn ruby_finds_libraries_and_gems_of_layers() {
    if interpreter("ruby").is_err() {
        return;
    }
    let project = project("app.handler", "");
    project.file(
        "code/app.rb",
        "require 'of_folder'\nrequire 'of_gem'\ndef handler(event:, context:)\n  [OF_FOLDER, OF_GEM, ENV['RUBYLIB'], \
         ENV['GEM_PATH'], `ruby -e 'require \"of_gem\"; print OF_GEM'`]\nend\n",
    );
    project.file("folder/ruby/lib/of_folder.rb", "OF_FOLDER = 'folder'\n");
    let version = Command::new("ruby")
        .args(["-e", "print RbConfig::CONFIG['ruby_version']"])
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let gems = format!("ruby/gems/{version}");
    let specification = "Gem::Specification.new { |s| s.name = 'of_gem'; s.version = '1.0'; s.summary = 's'; s.authors = \
                         ['a']; s.require_paths = ['lib'] }\n";
    zip(
        &project.path().join("archive.zip"),
        &[
            (
                &format!("{gems}/specifications/of_gem-1.0.gemspec"),
                specification,
            ),
            (
                &format!("{gems}/gems/of_gem-1.0/lib/of_gem.rb"),
                "OF_GEM = 'gem'\n",
            ),
        ],
    );
    let server = project.serve();
    let answer = server.invoke("f", "1").json();
    assert_eq!(
        (&answer[0], &answer[1]),
        (&json!("folder"), &json!("gem")),
        "{answer}"
    );
    assert_eq!(
        places(&project, &answer[2]),
        ["code", "ZIP/ruby/lib", "folder/ruby/lib"]
    );
    assert_eq!(places(&project, &answer[3])[0], format!("ZIP/{gems}"));
    assert_eq!(
        answer[4], "gem",
        "programs that a function starts find the gems"
    );
}

/// A wrapper that gives the interpreter a variable and starts it.
const WRAPPER: &str = "#!/bin/sh\nexport WRAPPED_WITH=\"$#\"\nexec \"$@\"\n";

fn wrapped(more: &str) -> (Project, Server) {
    let project = Project::new(&format!(
        "[functions.f]\ncode = 'code'\nhandler = 'app.handler'\nlayers = ['layer']\n{more}\n"
    ));
    project.file(
        "code/app.py",
        "import os, sys\ndef handler(event, context):\n    return [os.environ.get('WRAPPED_WITH'), \
         os.environ['AWS_LAMBDA_EXEC_WRAPPER']]\n",
    );
    project.executable("layer/wrap", WRAPPER);
    let server = project.serve();
    (project, server)
}

#[test]
fn an_exec_wrapper_of_a_layer_starts_the_interpreter() {
    if interpreter("python3").is_err() {
        return;
    }
    let (_project, server) = wrapped("environment = { AWS_LAMBDA_EXEC_WRAPPER = '/opt/wrap' }");
    let answer = server.invoke("f", "1").json();
    assert_eq!(
        answer,
        json!(["2", "/opt/wrap"]),
        "the interpreter and the client's file"
    );
}

#[test]
fn an_exec_wrapper_that_cannot_be_started_ends_the_start_as_on_aws() {
    if interpreter("python3").is_err() {
        return;
    }
    let (project, server) = wrapped("environment = { AWS_LAMBDA_EXEC_WRAPPER = '/opt/other' }");
    let error = server.invoke("f", "1").json();
    assert_eq!(error["errorType"], "Runtime.ExitError");
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("exit status 127"),
        "{error}"
    );
    server.log_with("/opt/other: does not exist");
    assert!(
        server.log().contains("AWS_LAMBDA_EXEC_WRAPPER = \"/opt/other\" does not exist; no layer of the function has it"),
        "{}",
        server.log()
    );
    drop(server);
    project.file("layer/other", WRAPPER);
    let server = project.serve();
    let error = server.invoke("f", "1").json();
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("exit status 126"),
        "{error}"
    );
    server.log_with("layer/other: is not an executable");
}

#[test]
fn node_options_load_a_module_of_a_layer_before_the_handler() {
    if interpreter("node").is_err() {
        return;
    }
    let project = Project::new(
        "[functions.f]\ncode = 'code'\nhandler = 'index.handler'\nlayers = ['layer']\nmemory = 256\n\
         environment = { NODE_OPTIONS = '--require of-layer --max-old-space-size=100' }\n",
    );
    project.file(
        "code/index.js",
        "exports.handler = async () => [globalThis.loaded, process.execArgv.filter((one) => one.includes('old-space'))];\n",
    );
    project.file(
        "layer/nodejs/node_modules/of-layer/index.js",
        "globalThis.loaded = true;\n",
    );
    let server = project.serve();
    // The flags of AWS's bootstrap give way to those of the variable.
    assert_eq!(server.invoke("f", "1").json(), json!([true, []]));
}
