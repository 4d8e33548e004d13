//! How Node.js is started, with the flags of AWS's `bootstrap`.

use std::path::{Path, PathBuf};

use crate::bundle::is_typescript;
use crate::found::Found;
use crate::handler;
use crate::id::Language;
use crate::project;
use crate::version::Version;

/// The project's own `aws-lambda-ric`, if its native part is built and it is the client of this runtime: version 4 from
/// nodejs24.x on, version 3 before.
pub(crate) fn own_client(code: &Path, project: &Path, runtime: u32) -> Option<PathBuf> {
    let mut folders = project::folders(code, project);
    let package = folders.find_map(|folder| {
        let package = folder.join("node_modules/aws-lambda-ric");
        package.is_dir().then_some(package)
    })?;
    let description = lambkin_files::read_small_text(&package.join("package.json"))?;
    let (_, version) = description.split_once("\"version\"")?;
    let is_modern = Version::first_in(version)?.major >= 4;
    let has_native_part = package.join("build/Release/rapid-client.node").is_file()
        || package.join("build/Release/runtime-client.node").is_file();
    let entry = [package.join("bin/index.mjs"), package.join("index.mjs")];
    let entry = entry.into_iter().find(|entry| entry.is_file())?;
    (has_native_part && is_modern == (runtime >= 24)).then_some(entry)
}

/// The flags for an environment with this memory. `options` is the function's `NODE_OPTIONS`, which override them.
pub(crate) fn flags(
    found: &Found,
    runtime: u32,
    memory_mb: u32,
    options: &str,
    code: &Path,
    project: &Path,
) -> Vec<String> {
    let mut flags = vec![
        "--expose-gc".to_owned(),
        "--max-http-header-size=81920".to_owned(),
    ];
    let sizes = [
        ("--max-semi-space-size", memory_mb / 10 / 2),
        ("--max-old-space-size", memory_mb - memory_mb / 10),
    ];
    for (flag, megabytes) in sizes {
        if !options.contains(flag) {
            flags.push(format!("{flag}={megabytes}"));
        }
    }
    // Node refuses flags that it does not know.
    let version = (found.version.major, found.version.minor);
    let opt_outs = [
        (
            "require-module",
            runtime == 20 || runtime == 22,
            version >= (20, 17),
        ),
        ("detect-module", runtime == 22, version >= (22, 0)),
    ];
    for (name, is_set_by_aws, is_known) in opt_outs {
        if is_set_by_aws && is_known && !options.contains(&format!("--experimental-{name}")) {
            flags.push(format!("--no-experimental-{name}"));
        }
    }
    let plug_n_play = project::folders(code, project).map(|folder| folder.join(".pnp.cjs"));
    if let Some(file) = plug_n_play.into_iter().find(|file| file.is_file()) {
        flags.extend(["--require".to_owned(), file.to_string_lossy().into_owned()]);
        let loader = file.with_file_name(".pnp.loader.mjs");
        if loader.is_file() {
            flags.extend([
                "--experimental-loader".to_owned(),
                loader.to_string_lossy().into_owned(),
            ]);
        }
    }
    flags
}

/// The folders outside of the code that the command refers to: of the packages with the project's own client, and of Yarn's
/// Plug'n'Play.
pub(crate) fn folders(own_client: Option<&Path>, code: &Path, project: &Path) -> Vec<PathBuf> {
    let packages = own_client.and_then(|entry| {
        let mut folders = entry.ancestors();
        folders.find(|folder| folder.ends_with("node_modules"))
    });
    let mut plug_n_play = project::folders(code, project);
    let plug_n_play = plug_n_play.find(|folder| folder.join(".pnp.cjs").is_file());
    let mut folders: Vec<PathBuf> = packages.map(Path::to_owned).into_iter().collect();
    folders.extend(plug_n_play.map(|folder| folder.to_owned()));
    folders.retain(|folder| !folder.starts_with(code));
    folders
}

/// The file in TypeScript that has a handler's module, if no other file has it.
pub(crate) fn typescript(handler: &str, code: &Path) -> Option<PathBuf> {
    let mut files = handler::files(Language::Node, handler, code).into_iter();
    let file = files.find(|file| file.is_file())?;
    is_typescript(&file).then_some(file)
}

/// The flag with which this Node.js runs a file in TypeScript, if it needs one, and what the developer should know, such as
/// why the project's esbuild does not bundle it (`not_bundled`). Fails if this Node.js cannot run it.
pub(crate) fn run_typescript(
    found: &Found,
    options: &str,
    file: &Path,
    not_bundled: Option<&str>,
) -> Result<(Option<String>, String), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let compile = format!("npx esbuild {name} --bundle --platform=node --outfile={stem}.js");
    let version = (found.version.major, found.version.minor);
    let strips = version >= (23, 6) || (version.0 == 22 && version.1 >= 18);
    let has_flag = version >= (22, 6) && !name.ends_with(".tsx");
    // Loaders such as tsx compile by themselves.
    let has_loader = ["--import", "--require", "--loader", "-r "]
        .iter()
        .any(|flag| options.contains(flag));
    if !has_flag && !has_loader {
        let node = format!("Node {} at {}", found.version, found.program.display());
        let first = match not_bundled {
            // The reason that the developer may not expect.
            Some(why) => format!("{why}\nwithout that, it is TypeScript, which {node} cannot run"),
            None => format!(
                "{} is TypeScript, which {node} cannot run\n\
                 install esbuild in the project, with which Lambkin then bundles it: npm install --save-dev esbuild",
                file.display()
            ),
        };
        return Err(format!(
            "{first}\nor compile it, as for AWS: {compile}\n\
             or use Node 22.6 or newer, which strips types: fnm install 22 | nvm install 22 | mise install node@22"
        ));
    }
    let flag = "--experimental-strip-types";
    let needs_flag = has_flag && !strips && !options.contains(flag);
    Ok((
        needs_flag.then(|| flag.to_owned()),
        match not_bundled {
            Some(why) => {
                format!("{why}; {name} runs as this Node strips types, which AWS Lambda does not")
            }
            None => format!(
                "{name} runs because this Node strips types; AWS Lambda does not look for TypeScript: {compile}; with \
                 esbuild in the project (npm install --save-dev esbuild), Lambkin bundles it"
            ),
        },
    ))
}

/// `NODE_PATH`: the layers, later ones first, what AWS bundles, and the code.
pub(crate) fn path(runtime: u32, layers: &[PathBuf], sdk: Option<&Path>, code: &Path) -> String {
    let machine = [PathBuf::from("/opt")];
    let layers = if layers.is_empty() { &machine } else { layers };
    let mut folders = Vec::new();
    for layer in layers.iter().rev() {
        folders.push(layer.join(format!("nodejs/node{runtime}/node_modules")));
        folders.push(layer.join("nodejs/node_modules"));
    }
    if let Some(sdk) = sdk {
        folders.push(sdk.join("node_modules"));
        folders.push(sdk.to_owned());
    }
    folders.push(code.to_owned());
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.to_string_lossy().into_owned())
        .collect();
    folders.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags_of(version: &str, runtime: u32, options: &str) -> String {
        let found = Found {
            program: PathBuf::from("/node"),
            version: Version::first_in(version).unwrap(),
            rule: String::new(),
            is_binding: false,
        };
        let folder = Path::new("/no/such/folder");
        flags(&found, runtime, 128, options, folder, folder).join(" ")
    }

    #[test]
    fn typescript_runs_where_node_strips_types() {
        let run = |version: &str, options: &str| {
            let found = Found {
                program: PathBuf::from("/node"),
                version: Version::first_in(version).unwrap(),
                rule: String::new(),
                is_binding: false,
            };
            run_typescript(&found, options, Path::new("/code/index.ts"), None).map(|(flag, _)| flag)
        };
        let flag = Some("--experimental-strip-types".to_owned());
        for version in ["22.6.0", "22.17.1", "23.0.0"] {
            assert_eq!(run(version, ""), Ok(flag.clone()), "{version}");
        }
        for version in ["22.18.0", "23.6.0", "24.1.0"] {
            assert_eq!(run(version, ""), Ok(None), "{version}");
        }
        let error = run("20.20.2", "").unwrap_err();
        assert!(
            error.starts_with(
                "/code/index.ts is TypeScript, which Node 20.20.2 at /node cannot run\n"
            )
        );
        assert!(error.contains("npx esbuild index.ts --bundle"), "{error}");
        assert!(error.contains("npm install --save-dev esbuild"), "{error}");
        assert_eq!(run("20.20.2", "--import tsx"), Ok(None));
    }

    #[test]
    fn why_typescript_is_not_bundled_comes_first() {
        let why = "index.ts is not bundled: esbuild is a program of the project";
        let run = |version: &str| {
            let found = Found {
                program: PathBuf::from("/node"),
                version: Version::first_in(version).unwrap(),
                rule: String::new(),
                is_binding: false,
            };
            run_typescript(&found, "", Path::new("/code/index.ts"), Some(why))
        };
        let error = run("20.20.2").unwrap_err();
        let expected = format!(
            "{why}\nwithout that, it is TypeScript, which Node 20.20.2 at /node cannot run\nor compile it, as for AWS"
        );
        assert!(error.starts_with(&expected), "{error}");
        assert!(!error.contains("npm install --save-dev"), "{error}");
        let (_, note) = run("22.18.0").unwrap();
        assert!(
            note.starts_with(&format!("{why}; index.ts runs as ")),
            "{note}"
        );
    }

    #[test]
    fn flags_are_those_of_aws_that_this_node_knows() {
        let sizes = "--expose-gc --max-http-header-size=81920 --max-semi-space-size=6 --max-old-space-size=116";
        assert_eq!(flags_of("24.1.0", 24, ""), sizes);
        assert_eq!(
            flags_of("22.12.0", 22, ""),
            format!("{sizes} --no-experimental-require-module --no-experimental-detect-module")
        );
        assert_eq!(
            flags_of("20.20.2", 20, ""),
            format!("{sizes} --no-experimental-require-module")
        );
        assert_eq!(flags_of("18.1.0", 20, ""), sizes);
        let options = "--max-old-space-size=500 --experimental-require-module";
        assert_eq!(
            flags_of("20.20.2", 20, options),
            "--expose-gc --max-http-header-size=81920 --max-semi-space-size=6"
        );
    }
}
