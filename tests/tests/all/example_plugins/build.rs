//! Builds plugins with the toolchains that `tests/tools/install` provides, in copies of their folders, with the contracts
//! from `lambkin wit`. What was built from the same files is kept between runs.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::support::{Missing, installed, lambkin, tool};

/// The languages of the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    Rust,
    /// With QuickJS, as the examples build it.
    JavaScript,
    /// The same source with the engine that jco has by default.
    SpiderMonkey,
    Python,
    Go,
    C,
}

/// The folder of the examples.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugins")
}

/// The cache of the compiled plugins, which is kept between runs: compiling Python takes 20 s of processor time.
pub fn compiled() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = target().join("compiled");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&folder).unwrap();
        folder.to_str().unwrap().to_owned()
    })
}

/// What is not a source in the folder of a plugin: made by toolchains, by `lambkin wit`, or by an author who tries the
/// example in its folder.
const MADE: [&str; 9] = [
    ".venv",
    "bundle.js",
    "gen",
    "go.mod",
    "node_modules",
    "pkg",
    "target",
    "wit",
    "wit_exports.go",
];

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools/plugins")
}

/// The plugin of an example, such as `webhook`, built if it is not up to date.
#[track_caller]
pub fn built(language: Language, example: &str) -> Result<PathBuf, Missing> {
    let folder = match language {
        Language::Rust => "rust",
        Language::JavaScript | Language::SpiderMonkey => "javascript",
        Language::Python => "python",
        Language::Go => "go",
        Language::C => "c",
    };
    let role = match example {
        "webhook" => "http-trigger",
        _ => "batch-trigger",
    };
    let source = Source {
        folder: &examples().join(folder).join(example),
        language,
        name: example,
        role,
        variant: "",
        contract: |wit| wit.to_owned(),
    };
    source.built()
}

/// What a plugin is built from.
pub struct Source<'a> {
    pub folder: &'a Path,
    pub language: Language,
    /// The name of its crate or its module.
    pub name: &'a str,
    pub role: &'a str,
    /// What distinguishes it from other plugins of the same folder.
    pub variant: &'a str,
    /// Changes the text of each WIT file.
    pub contract: fn(&str) -> String,
}

impl Source<'_> {
    /// The plugin, built if it is not up to date.
    #[track_caller]
    pub fn built(&self) -> Result<PathBuf, Missing> {
        built_from(self)
    }
}

#[track_caller]
fn built_from(source: &Source<'_>) -> Result<PathBuf, Missing> {
    let Source {
        folder: from,
        language,
        name,
        role,
        variant,
        contract,
    } = *source;
    // One at a time: each uses all processors, and the same folder for what they have in common.
    static TURN: Mutex<()> = Mutex::new(());
    let toolchain = Toolchain::find(language)?;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let work = target().join(format!("{language:?}-{name}{variant}").to_lowercase());
    fs::create_dir_all(&work).unwrap();
    let lock = File::create(work.with_extension("lock")).unwrap();
    lock.lock().unwrap(); // of another run of the tests

    let wit = tempfile::tempdir().unwrap();
    let mut write = lambkin();
    write.args(["wit", role, "--output"]).arg(wit.path());
    succeed(&mut write);
    for path in sources(wit.path()) {
        let path = wit.path().join(path);
        let text = contract(&fs::read_to_string(&path).unwrap());
        fs::write(path, text).unwrap();
    }
    let made_from = {
        let mut hasher = DefaultHasher::new();
        hash(from, &mut hasher);
        hash(wit.path(), &mut hasher);
        toolchain.hash(&mut hasher);
        format!("{:x}", hasher.finish())
    };
    let plugin = work.join("plugin.wasm");
    let mark = work.join(".made-from");
    if plugin.exists() && fs::read_to_string(&mark).is_ok_and(|mark| mark == made_from) {
        return Ok(plugin);
    }
    fs::remove_dir_all(&work).unwrap();
    copy(from, &work);
    copy(wit.path(), &work.join("wit"));
    for mut command in toolchain.commands(name, &work) {
        succeed(&mut command);
    }
    if language == Language::Rust {
        let made = toolchain
            .rust_target()
            .join(format!("wasm32-wasip2/release/{name}.wasm"));
        fs::copy(made, &plugin).unwrap();
    }
    compile(&plugin);
    fs::write(mark, made_from).unwrap();
    Ok(plugin)
}

/// Compiles a plugin before tests with deadlines use it.
fn compile(plugin: &Path) {
    let project = tempfile::tempdir().unwrap();
    let config = format!(
        "[triggers.t]\nplugin = '{}'\nlisten = '127.0.0.1:0'\n",
        plugin.display()
    );
    fs::write(project.path().join("lambkin.toml"), config).unwrap();
    let mut check = lambkin();
    check.arg("check").env("LAMBKIN_CACHE_DIR", compiled());
    let _ = check.current_dir(project.path()).output().unwrap(); // the settings are incomplete
}

/// Where the tools of a language are.
#[derive(Hash)]
struct Toolchain {
    language: Language,
    /// Folders with programs.
    programs: Vec<PathBuf>,
    /// Python's packages.
    packages: Vec<PathBuf>,
    modules: Option<PathBuf>,
}

impl Toolchain {
    #[track_caller]
    fn find(language: Language) -> Result<Self, Missing> {
        let mut found = Self {
            language,
            programs: Vec::new(),
            packages: Vec::new(),
            modules: None,
        };
        match language {
            Language::Rust => {
                let mut probe = Command::new("sh");
                probe.args([
                    "-c",
                    "test -d \"$(rustc --print target-libdir --target wasm32-wasip2)\"",
                ]);
                tool("Rust's target wasm32-wasip2", probe)?;
            }
            Language::JavaScript | Language::SpiderMonkey => found.javascript()?,
            Language::Python => found.package("componentize-py")?,
            Language::Go => {
                let mut probe = Command::new("go");
                probe.arg("version");
                tool("go", probe)?;
                found.javascript()?;
                found.package("wasm-tools")?;
                found.programs.push(installed("wit-bindgen/bin")?);
            }
            Language::C => {
                let mut probe = Command::new("sh");
                probe.args(["-c", "wasm-ld --version && echo 'int main;' | clang --target=wasm32-wasi -xc -c -o /dev/null -"]);
                tool("clang for WebAssembly", probe)?;
                found.package("wasm-tools")?;
                found.programs.push(installed("wit-bindgen/bin")?);
            }
        }
        Ok(found)
    }

    #[track_caller]
    fn javascript(&mut self) -> Result<(), Missing> {
        let modules = installed("examples/plugins/javascript/webhook/node_modules")?;
        self.programs.push(modules.join(".bin"));
        self.modules = Some(modules);
        Ok(())
    }

    /// A package of Python with a program of the same name.
    #[track_caller]
    fn package(&mut self, name: &str) -> Result<(), Missing> {
        let folder = installed(name)?;
        self.programs.push(folder.join("bin"));
        self.packages.push(folder);
        Ok(())
    }

    fn rust_target(&self) -> PathBuf {
        target().join("rust-target")
    }

    /// The commands of the READMEs.
    fn commands(&self, name: &str, work: &Path) -> Vec<Command> {
        let command = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(work);
            let joined = |first: &[PathBuf], variable| {
                let last = std::env::var_os(variable).unwrap_or_default();
                let all = first.iter().cloned().chain(std::env::split_paths(&last));
                std::env::join_paths(all).unwrap()
            };
            command.env("PATH", joined(&self.programs, "PATH"));
            if !self.packages.is_empty() {
                command.env("PYTHONPATH", joined(&self.packages, "PYTHONPATH"));
            }
            command
        };
        match self.language {
            Language::Rust => {
                let arguments = [
                    "build",
                    "--release",
                    "--locked",
                    "--target",
                    "wasm32-wasip2",
                ];
                let mut build = command(env!("CARGO"), &arguments);
                build.arg("--target-dir").arg(self.rust_target());
                vec![build]
            }
            Language::JavaScript => {
                if let Some(modules) = &self.modules {
                    symlink(modules, work.join("node_modules")).unwrap();
                }
                vec![command("npm", &["run", "build"])]
            }
            Language::SpiderMonkey => {
                if let Some(modules) = &self.modules {
                    symlink(modules, work.join("node_modules")).unwrap();
                }
                let source = format!("{name}.js");
                let bundle = [&source, "--bundle", "--format=esm", "--outfile=bundle.js"];
                let arguments = [
                    "componentize",
                    "bundle.js",
                    "--wit",
                    "wit",
                    "--world-name",
                    "plugin",
                    "--out",
                    "plugin.wasm",
                ];
                vec![command("esbuild", &bundle), command("jco", &arguments)]
            }
            Language::Python => {
                let arguments = [
                    "-d",
                    "wit",
                    "-w",
                    "plugin",
                    "componentize",
                    name,
                    "-o",
                    "plugin.wasm",
                ];
                vec![command("componentize-py", &arguments)]
            }
            Language::Go | Language::C => vec![command("./build", &[])],
        }
    }
}

fn is_made(name: &str) -> bool {
    MADE.contains(&name) || name.ends_with(".wasm") || name.starts_with("lambkin_")
}

/// The files of a plugin's folder that are sources, as paths in it, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, Path::new(""), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if below.as_os_str().is_empty() && is_made(&name.to_string_lossy()) {
            continue;
        }
        let path = below.join(name);
        if entry.file_type().unwrap().is_dir() {
            collect(folder, &path, found);
        } else {
            found.push(path);
        }
    }
}

fn hash(folder: &Path, hasher: &mut impl Hasher) {
    for path in sources(folder) {
        path.hash(hasher);
        fs::read(folder.join(path)).unwrap().hash(hasher);
    }
}

fn copy(from: &Path, to: &Path) {
    for path in sources(from) {
        let target = to.join(&path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(path), target).unwrap();
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
