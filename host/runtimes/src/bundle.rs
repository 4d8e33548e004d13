//! TypeScript, and JavaScript that is to be bundled: through the project's own esbuild.
//!
//! Contract: [`Bundler::build`] makes one file of a handler's module and of all that it imports, with a source map, in
//! a folder of the cache that then is the function's code, as on AWS. Nothing is written into the project. Each version
//! has a folder of its own, and a link leads to the last one, so that a running function keeps its files.
//!
//! esbuild is a program of the project's, which runs with the rights of this process, outside of any sandbox. So it is
//! not used for a function that may get one, unless a variable of this process names it. Its native program is started
//! directly where it is there: the script around it takes many times longer.
//!
//! On failure: what esbuild says, as it says it, with file, line and column. The last version stays where it is.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::handler::{self, TYPESCRIPT};
use crate::id::Language;
use crate::machine::Machine;

/// Whether code is bundled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BundleChoice {
    /// TypeScript is, if the project has esbuild.
    #[default]
    Auto,
    /// Whatever the language of the handler's file, and it is an error if the project has no esbuild.
    Always,
    /// Nothing is.
    Never,
}

/// How code is bundled. The names are those of esbuild, and of `BuildProperties` in AWS SAM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct BundleOptions {
    /// Packages that are not bundled, such as `sharp` or `@aws-sdk/*`.
    pub external: Vec<String>,
    /// Whether names and blanks are shortened.
    pub minify: bool,
    /// The version of the language, such as `es2022`. `None` is that of the runtime.
    pub target: Option<String>,
    /// Whether there is no source map.
    pub omits_source_map: bool,
    /// `cjs` or `esm`. `None` is what the nearest `package.json` says.
    pub format: Option<String>,
    /// How files are read, by their endings: `.html` as `text`.
    pub loader: BTreeMap<String, String>,
    /// Further arguments of esbuild.
    pub arguments: Vec<String>,
}

/// The variable that names esbuild's program.
const VARIABLE: &str = "LAMBKIN_ESBUILD";

/// Whether code is bundled.
#[derive(Debug)]
pub(crate) enum Bundling {
    /// By this bundler.
    By(Bundler),
    /// It is not, and what the developer should know about that.
    None(Option<String>),
}

/// What is bundled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub handler: &'a str,
    pub code: &'a Path,
    pub project: &'a Path,
    pub choice: BundleChoice,
    pub options: &'a BundleOptions,
    /// The major version of the runtime.
    pub runtime: u32,
    pub machine: &'a Machine,
}

/// Bundles the code of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundler {
    program: PathBuf,
    /// The file of the handler.
    entry: PathBuf,
    /// The file that is made, relative to the folder of a version.
    output: PathBuf,
    arguments: Vec<String>,
    /// Paths in messages start here.
    project: PathBuf,
    /// The folder of all versions.
    home: PathBuf,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// The folder of the version.
    pub folder: PathBuf,
    /// Whether it differs from the last one.
    pub is_new: bool,
    /// The files that it was made from, without those of packages.
    pub inputs: Vec<PathBuf>,
    /// esbuild's warnings.
    pub warnings: String,
}

impl Bundler {
    /// The bundler of a function, if its code is to be bundled.
    pub(crate) fn find(source: &Source<'_>) -> Result<Bundling, String> {
        const NONE: Bundling = Bundling::None(None);
        if source.choice == BundleChoice::Never {
            return Ok(NONE);
        }
        let mut files = handler::files(Language::Node, source.handler, source.code).into_iter();
        let Some(entry) = files.find(|file| file.is_file()) else {
            return Ok(NONE);
        };
        let is_typescript = is_typescript(&entry);
        if source.choice == BundleChoice::Auto && !is_typescript {
            return Ok(NONE);
        }
        let named = source.machine.variable(VARIABLE).map(PathBuf::from);
        if let Some(named) = named.as_ref().filter(|named| !named.is_file()) {
            return Err(format!("{VARIABLE}: {} is no file", named.display()));
        }
        let program = named
            .clone()
            .or_else(|| esbuild(source.code, source.project));
        if let (None, Some(program), false) = (named, &program, source.machine.runs_project()) {
            let why = format!(
                "{} is not bundled: {} is a program of the project, which would run outside of the function's sandbox; set \
                 {VARIABLE} to the path of an esbuild that you trust",
                entry.display(),
                program.display()
            );
            return match source.choice {
                BundleChoice::Always => Err(why),
                _ => Ok(Bundling::None(Some(why))),
            };
        }
        let Some(program) = program else {
            return match source.choice {
                BundleChoice::Always => Err(format!(
                    "`bundle` needs esbuild, which is in no node_modules of {} or of the folders above it; install it: \
                     npm install --save-dev esbuild",
                    source.code.display()
                )),
                _ => Ok(NONE),
            };
        };
        let Some(module) = entry
            .strip_prefix(source.code)
            .ok()
            .map(|file| file.with_extension(""))
        else {
            return Ok(NONE);
        };
        let format = source
            .options
            .format
            .clone()
            .unwrap_or_else(|| format_of(&entry).to_owned());
        let ending = if format == "esm" { "mjs" } else { "js" };
        let output = PathBuf::from(format!("{}.{ending}", module.display()));
        let arguments = arguments(source, &format);
        let mut hasher = DefaultHasher::new();
        (&program, &entry, &arguments, source.project).hash(&mut hasher);
        Ok(Bundling::By(Self {
            home: source
                .machine
                .cache()
                .join(format!("bundles/{:016x}", hasher.finish())),
            project: source.project.to_owned(),
            program,
            entry,
            output,
            arguments,
        }))
    }

    /// The link to the folder of the last version.
    pub fn link(&self) -> PathBuf {
        self.home.join("current")
    }

    /// esbuild, and the file that it bundles, in words.
    pub fn describe(&self) -> String {
        let shown = |path: &Path| {
            let below = path.strip_prefix(&self.project).unwrap_or(path);
            below.display().to_string()
        };
        format!(
            "{} is bundled by {}",
            shown(&self.entry),
            shown(&self.program)
        )
    }

    /// Makes a new version, and lets the link lead to it.
    ///
    /// # Errors
    ///
    /// What esbuild says, or why it or the folder cannot be used.
    pub fn build(&self) -> Result<Bundled, String> {
        let unique = format!(".new-{}", lambkin_files::unpredictable());
        let new = self.home.join(&unique);
        let failed = |error: io::Error| {
            format!(
                "cannot bundle {}: {}: {error}",
                self.entry.display(),
                self.home.display()
            )
        };
        open_folder(&new).map_err(failed)?;
        let built = self.build_in(&new, &unique);
        // It has been moved to its place, or is of no use.
        let _ = fs::remove_dir_all(&new);
        built
    }

    fn build_in(&self, new: &Path, unique: &str) -> Result<Bundled, String> {
        let metafile = new.join(".esbuild-meta.json");
        let outfile = new.join(&self.output);
        let output = Command::new(&self.program)
            .arg(&self.entry)
            .args(&self.arguments)
            .arg(format!("--outfile={}", outfile.display()))
            .arg(format!("--metafile={}", metafile.display()))
            .current_dir(&self.project)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run {}: {error}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if !output.status.success() {
            let what = match said.is_empty() {
                true => output.status.to_string(),
                false => said,
            };
            return Err(format!(
                "{} cannot be bundled:\n{what}",
                self.entry.display()
            ));
        }
        let failed = |error: io::Error| format!("cannot bundle {}: {error}", self.entry.display());
        let inputs = self.inputs(&metafile).map_err(failed)?;
        fs::remove_file(&metafile).map_err(failed)?;
        self.resolve_sources(&outfile).map_err(failed)?;
        open_files(new).map_err(failed)?;
        let (folder, is_new) = self.publish(new, unique).map_err(failed)?;
        Ok(Bundled {
            folder,
            is_new,
            inputs,
            warnings: said,
        })
    }

    /// The files of the project that were bundled.
    fn inputs(&self, metafile: &Path) -> io::Result<Vec<PathBuf>> {
        let metadata: Value = serde_json::from_slice(&fs::read(metafile)?)?;
        let inputs = metadata.get("inputs").and_then(Value::as_object);
        let paths = inputs.into_iter().flat_map(serde_json::Map::keys);
        // Others have a namespace, such as `(disabled):`.
        let paths = paths.map(|path| normalized(&self.project.join(path)));
        let paths = paths.filter(|path| !is_package(path) && path.is_file());
        Ok(paths.collect())
    }

    /// Names the sources of the source map by their paths: a sandbox has the map elsewhere.
    fn resolve_sources(&self, outfile: &Path) -> io::Result<()> {
        let mut file = outfile.as_os_str().to_owned();
        file.push(".map");
        let Ok(text) = fs::read(&file) else {
            return Ok(());
        };
        let mut map: Value = serde_json::from_slice(&text)?;
        let folder = outfile.parent().unwrap_or(Path::new("/"));
        let sources = map.get_mut("sources").and_then(Value::as_array_mut);
        for source in sources.into_iter().flatten() {
            if let Some(path) = source.as_str().filter(|path| !path.contains("://")) {
                let path = normalized(&folder.join(path));
                *source = Value::from(path.to_string_lossy().into_owned());
            }
        }
        fs::write(&file, serde_json::to_vec(&map)?)
    }

    /// Moves a version to its place, which is named after its content, and lets the link lead there.
    fn publish(&self, new: &Path, unique: &str) -> io::Result<(PathBuf, bool)> {
        let mut hasher = DefaultHasher::new();
        let mut files = files_below(new)?;
        files.sort();
        for file in files {
            (file.strip_prefix(new).ok(), fs::read(&file)?).hash(&mut hasher);
        }
        let home = fs::canonicalize(&self.home)?;
        let folder = home.join(format!("{:016x}", hasher.finish()));
        // Another host, or an earlier version, may have the same content.
        if !folder.is_dir()
            && let Err(error) = fs::rename(new, &folder)
            && !folder.is_dir()
        {
            return Err(error);
        }
        let link = self.link();
        let before = fs::read_link(&link).ok();
        if before.as_ref() == Some(&folder) {
            return Ok((folder, false));
        }
        let next = home.join(format!("{unique}.link"));
        symlink(&folder, &next)?;
        fs::rename(&next, &link)?;
        for entry in fs::read_dir(&home)?.flatten() {
            let path = entry.path();
            let is_version = !entry.file_name().as_encoded_bytes().starts_with(b".");
            let is_kept = path == folder || before.as_ref() == Some(&path) || path.is_symlink();
            if is_version && !is_kept {
                let _ = fs::remove_dir_all(path); // one that stays does no harm
            }
        }
        Ok((folder, true))
    }
}

pub(crate) fn is_typescript(file: &Path) -> bool {
    let name = file.to_string_lossy();
    TYPESCRIPT.iter().any(|ending| name.ends_with(ending))
}

/// The folders of packages that the code can use: those of its folder and of the folders above it.
pub(crate) fn package_folders(code: &Path, project: &Path) -> Vec<PathBuf> {
    let folders = roots(code, project).map(|folder| folder.join("node_modules"));
    folders.filter(|folder| folder.is_dir()).collect()
}

/// The code's folder and those above it, up to that of the version control or, without one, the project's.
fn roots<'a>(code: &'a Path, project: &'a Path) -> impl Iterator<Item = &'a Path> {
    let top = code.ancestors().find(|folder| {
        let names = [".git", ".hg", ".svn"];
        names.iter().any(|name| folder.join(name).exists())
    });
    let top = match top {
        Some(top) if project.starts_with(top) => top,
        _ if code.starts_with(project) => project,
        _ => code,
    };
    let folders = code.ancestors();
    folders.take_while(move |folder| folder.starts_with(top))
}

/// esbuild's program in the nearest folder of packages that has it.
fn esbuild(code: &Path, project: &Path) -> Option<PathBuf> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        other => other,
    };
    let native = format!("@esbuild/{system}-{processor}/bin/esbuild");
    package_folders(code, project).iter().find_map(|packages| {
        // pnpm has the native package beside the real folder of esbuild.
        let beside = fs::canonicalize(packages.join("esbuild")).ok();
        let beside = beside.and_then(|folder| Some(folder.parent()?.join(&native)));
        let direct = [packages.join(&native), packages.join(".bin/esbuild")];
        let mut programs = beside.into_iter().chain(direct);
        programs.find(|program| program.is_file())
    })
}

fn arguments(source: &Source<'_>, format: &str) -> Vec<String> {
    let options = source.options;
    let mut arguments = vec![
        "--bundle".to_owned(),
        "--platform=node".to_owned(),
        "--color=false".to_owned(),
        "--log-level=warning".to_owned(),
        format!("--format={format}"),
        match &options.target {
            Some(target) => format!("--target={target}"),
            None => format!("--target=node{}", source.runtime),
        },
    ];
    if !options.omits_source_map {
        arguments.push("--sourcemap".to_owned());
    }
    if options.minify {
        arguments.push("--minify".to_owned());
    }
    // What AWS's runtimes have, if the project does not bring its own.
    let bundled_by_aws: &[&str] = match source.runtime {
        18.. => &["@aws-sdk/*", "@smithy/*"],
        _ => &["aws-sdk"],
    };
    let packages = package_folders(source.code, source.project);
    let by_aws = bundled_by_aws.iter().filter(|pattern| {
        let name = pattern.trim_end_matches("/*");
        !packages.iter().any(|folder| folder.join(name).is_dir())
    });
    let external = by_aws.map(|pattern| (*pattern).to_owned());
    let external = external.chain(options.external.iter().cloned());
    arguments.extend(external.map(|package| format!("--external:{package}")));
    let loaders = options.loader.iter();
    arguments.extend(loaders.map(|(ending, loader)| format!("--loader:{ending}={loader}")));
    arguments.extend(options.arguments.iter().cloned());
    arguments
}

/// The format of a file's module: as its ending says, else as the nearest `package.json` does.
fn format_of(entry: &Path) -> &'static str {
    match entry.extension().and_then(|ending| ending.to_str()) {
        Some("mts" | "mjs") => return "esm",
        Some("cts" | "cjs") => return "cjs",
        _ => {}
    }
    let mut packages = entry
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("package.json"));
    let package = packages.find_map(|file| lambkin_files::read_small(&file));
    let package = package.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    match package.as_ref().and_then(|package| package.get("type")) {
        Some(kind) if kind == "module" => "esm",
        _ => "cjs",
    }
}

fn is_package(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "node_modules")
}

/// A path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    Ok(files)
}

/// Creates a folder below the cache that a function can read which runs as another user, in a sandbox. The cache itself
/// is this user's alone.
fn open_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o755).create(folder)?;
    for folder in folder.ancestors().take(2) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Lets everybody read what is in a folder, whatever the mask of this process is.
fn open_files(folder: &Path) -> io::Result<()> {
    for file in files_below(folder)? {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        for parent in file.ancestors().skip(1) {
            if parent == folder {
                break;
            }
            fs::set_permissions(parent, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
