//! `lambkin wit`: the contracts between this program and its plugins, as a folder that WIT tools take.
//!
//! The files are those that the program was built with, so that what is built against them fits it. The folder has
//! `world.wit`, which is the author's package with a world for the plugin, and `deps`, the packages that it uses.
//!
//! On failure: which file could not be written and why. A `world.wit` that this command has not written is not replaced.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::args::{PluginRole, Wit};

/// A package of the contracts: the name of its folder in `deps`, and its text.
struct Package {
    name: &'static str,
    text: &'static str,
}

macro_rules! package {
    ($name:literal) => {
        Package {
            name: $name,
            text: include_str!(concat!("../../../../wit/", $name, "/", $name, ".wit")),
        }
    };
}

const COMMON: Package = package!("common");
const STORE: Package = package!("store");
const HTTP_TRIGGER: Package = package!("http-trigger");
const WEBSOCKET_TRIGGER: Package = package!("websocket-trigger");
const BATCH_TRIGGER: Package = package!("batch-trigger");
const OBJECT_TRIGGER: Package = package!("object-trigger");
const SOURCE: Package = package!("source");
const SERVICE: Package = package!("service");

/// The line by which a later run recognises its own file.
const MARK: &str = "// Written by `lambkin wit`, which replaces this file.";

/// Writes the packages of these roles, and prints what was written to standard error.
pub fn run(args: &Wit) -> anyhow::Result<ExitCode> {
    let folder = &args.output;
    let world = folder.join("world.wit");
    if is_foreign(&world)? {
        bail!(
            "{} was not written by `lambkin wit`, so it is not replaced; move it away, or name another folder with \
             --output",
            world.display()
        );
    }
    let roles = roles(&args.roles);
    for package in packages(&roles) {
        let name = package.name;
        write(
            &folder.join("deps").join(name).join(format!("{name}.wit")),
            package.text,
        )?;
    }
    write(&world, &world_text(&roles, args.roles.is_empty()))?;
    let mut out = io::stderr().lock();
    let names: Vec<&str> = roles.iter().map(|role| contract(*role).name).collect();
    let worlds = match names.as_slice() {
        _ if !args.roles.is_empty() => "world plugin".to_owned(),
        names => format!("worlds {}", names.join(", ")),
    };
    writeln!(out, "wrote {} ({worlds})", world.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Each role once, in a fixed order; all of them if none is named.
fn roles(named: &[PluginRole]) -> Vec<PluginRole> {
    let is_wanted = |role: &PluginRole| named.is_empty() || named.contains(role);
    PluginRole::ALL.into_iter().filter(is_wanted).collect()
}

fn contract(role: PluginRole) -> Package {
    match role {
        PluginRole::HttpTrigger => HTTP_TRIGGER,
        PluginRole::WebSocketTrigger => WEBSOCKET_TRIGGER,
        PluginRole::BatchTrigger => BATCH_TRIGGER,
        PluginRole::ObjectTrigger => OBJECT_TRIGGER,
        PluginRole::Source => SOURCE,
        PluginRole::Service => SERVICE,
    }
}

/// The packages of these roles and those that they use.
fn packages(roles: &[PluginRole]) -> Vec<Package> {
    let mut packages: Vec<Package> = roles.iter().copied().map(contract).collect();
    if roles.iter().any(|role| *role != PluginRole::Service) {
        packages.push(COMMON);
    }
    // A WebSocket trigger is an HTTP trigger as well.
    if roles.contains(&PluginRole::WebSocketTrigger) && !roles.contains(&PluginRole::HttpTrigger) {
        packages.push(HTTP_TRIGGER);
    }
    if roles.contains(&PluginRole::Service) {
        packages.push(STORE);
    }
    packages
}

/// The package of the author's plugin: one world with all roles, or a world for each.
fn world_text(roles: &[PluginRole], each: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text =
        format!("{MARK}\n// It has the contracts of lambkin {version}.\npackage local:plugin;\n");
    if each {
        for role in roles {
            text += &format!(
                "\nworld {} {{\n{}}}\n",
                contract(*role).name,
                includes(*role)
            );
        }
    } else {
        let includes: String = roles.iter().copied().map(includes).collect();
        text += &format!("\nworld plugin {{\n{includes}}}\n");
    }
    text
}

/// What a role brings to a world.
fn includes(role: PluginRole) -> String {
    let package = contract(role);
    let note = match role {
        PluginRole::Source => {
            "    // For requests, import wasi:http/outgoing-handler as well: with a library, or with its WIT package in deps.\n"
        }
        PluginRole::Service => {
            "    // Export wasi:http/incoming-handler as well: with a library, or with its WIT package in deps.\n    \
             // Leave out what your service does not use; lambkin:service describes it.\n    \
             // Not exported: foreign-pages, by which a service decides itself which web pages may use it.\n"
        }
        _ => "",
    };
    let world = path(&package, package.name);
    match role {
        // Its world also has `foreign-pages`, and exporting that is a decision on security.
        PluginRole::Service => format!(
            "{note}    include {};\n    export {};\n",
            path(&STORE, STORE.name),
            path(&package, "settings")
        ),
        _ => format!("{note}    include {world};\n"),
    }
}

/// The path of something in a package: `lambkin:source/poller@0.2.0`. A package's world has the name of the package.
fn path(package: &Package, what: &str) -> String {
    let name = package.name;
    let declared = package.text.lines().find_map(|line| {
        let version = line.strip_prefix("package ")?.strip_suffix(';')?;
        Some(version.split_once('@')?.1)
    });
    let version = declared.unwrap_or_default();
    format!("lambkin:{name}/{what}@{version}")
}

/// Whether there is a file that this command has not written.
fn is_foreign(world: &Path) -> anyhow::Result<bool> {
    match fs::read_to_string(world) {
        Ok(text) => Ok(!text.starts_with(MARK)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", world.display())),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_world_of_its_name_and_a_version() {
        for package in [
            COMMON,
            STORE,
            HTTP_TRIGGER,
            WEBSOCKET_TRIGGER,
            BATCH_TRIGGER,
            OBJECT_TRIGGER,
            SOURCE,
            SERVICE,
        ] {
            let world = format!("\nworld {} {{\n", package.name);
            assert!(package.text.contains(&world), "{world}");
            let path = path(&package, package.name);
            let (_, version) = path.split_once('@').unwrap();
            assert_eq!(version.split('.').count(), 3, "{path}");
        }
    }

    #[test]
    fn a_world_has_the_roles_that_were_named_once_each() {
        let named = [
            PluginRole::BatchTrigger,
            PluginRole::HttpTrigger,
            PluginRole::BatchTrigger,
        ];
        let text = world_text(&roles(&named), false);
        let includes: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("include"))
            .collect();
        let expected =
            [HTTP_TRIGGER, BATCH_TRIGGER].map(|it| format!("    include {};", path(&it, it.name)));
        assert_eq!(includes, expected);
        assert_eq!(text.matches("world ").count(), 1);
    }

    #[test]
    fn a_service_is_not_opened_to_web_pages_unless_its_author_writes_so() {
        let text = world_text(&[PluginRole::Service], false);
        assert!(
            text.contains("    export lambkin:service/settings@"),
            "{text}"
        );
        assert!(!text.contains("lambkin:service/service@"), "{text}");
        assert!(!text.contains("lambkin:service/foreign-pages@"), "{text}");
    }
}
