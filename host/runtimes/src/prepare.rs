//! From a runtime and a handler to a command line and variables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bundle::{self, BundleChoice, BundleOptions, Bundler, Bundling};
use crate::candidates::Places;
use crate::clients;
use crate::debug::{self, Debug};
use crate::find::find;
use crate::found::Found;
use crate::id::{Language, Runtime};
use crate::machine::Machine;
use crate::python::Modules;
use crate::version::Fit;
use crate::{dotnet, handler, java, node, python, ruby};

/// Which client of the Runtime API calls the handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientChoice {
    /// AWS's, if the project has it, else Lambkin's.
    #[default]
    Auto,
    /// Lambkin's.
    Embedded,
    /// AWS's, which the project must have.
    Project,
}

/// A function of a managed runtime.
#[derive(Debug)]
pub struct Request<'a> {
    /// The runtime, or only the language: then the interpreter that is found decides about the version.
    pub runtime: &'a Runtime,
    /// `app.handler`
    pub handler: &'a str,
    /// The folder of the code, without links.
    pub code: &'a Path,
    /// The file that is the code, if it is no folder.
    pub file: Option<&'a Path>,
    /// The folder of the project, above which no interpreter is looked for.
    pub project: &'a Path,
    /// The interpreter: a path, relative to the project, or a name in `PATH`.
    pub interpreter: Option<&'a Path>,
    /// Which client is used.
    pub client: ClientChoice,
    /// Whether an interpreter of a wrong version is refused.
    pub checks_version: bool,
    /// Whether a configuration file defines the function, so that advice can name the file's keys.
    pub is_configured: bool,
    /// A folder with what AWS bundles, such as boto3, that is searched last.
    pub sdk: Option<&'a Path>,
    /// The layers, in order.
    pub layers: &'a [PathBuf],
    /// The memory of an environment in MB.
    pub memory_mb: u32,
    /// The function's own `NODE_OPTIONS`.
    pub node_options: &'a str,
    /// Whether the function has a `PYTHONPATH` of its own.
    pub has_python_path: bool,
    /// Whether and how the code is bundled. Code from an archive is not.
    pub bundle: (BundleChoice, &'a BundleOptions),
    /// How the function is debugged, if it is.
    pub debug: Option<Debug<'a>>,
    /// The machine.
    pub machine: &'a Machine,
}

/// How a function is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The id of the runtime, such as `python3.13`.
    pub runtime: String,
    /// The interpreter and its arguments.
    pub command: Vec<String>,
    /// Variables that the function's own override.
    pub variables: BTreeMap<String, String>,
    /// The folder of Lambkin's runtime client, if that is used.
    pub client: Option<PathBuf>,
    /// Folders outside of the code, apart from the interpreter's, to which the command and the variables refer.
    pub folders: Vec<PathBuf>,
    /// What makes the code, if it is bundled: the command and the variables refer to its [link](Bundler::link).
    pub bundler: Option<Bundler>,
    /// The interpreter in words: `Python 3.13.0 at /usr/bin/python3 (PATH)`.
    pub interpreter: String,
    /// What the developer should know.
    pub notes: Vec<String>,
    /// Whether no file has the handler's module.
    pub handler_is_missing: bool,
}

/// Finds the interpreter and the client of a function. Runtimes with a `bootstrap` have none and are refused.
pub fn prepare(request: &Request<'_>) -> Result<Prepared, String> {
    let (found, mut notes) = find(
        request.runtime,
        &Places {
            machine: request.machine,
            code: request.code,
            project: request.project,
            named: request.interpreter,
            checks_versions: request.checks_version,
            is_configured: request.is_configured,
        },
    )?;
    let language = request.runtime.language;
    let runtime = match &request.runtime.version {
        Some(_) => request.runtime.clone(),
        None => Runtime::of(language, &found.version),
    };
    let clients = clients::install(request.machine.cache()).map_err(|error| {
        format!(
            "cannot write the runtime clients to {}: {error}; set XDG_CACHE_HOME to a folder that can be written",
            request.machine.cache().display()
        )
    })?;
    let major = runtime.version.as_ref().map_or(0, |version| version.major);
    let mut variables = BTreeMap::from([(
        "AWS_EXECUTION_ENV".to_owned(),
        format!("AWS_Lambda_{}", runtime.id),
    )]);
    let mut set = |key: &str, value: String| variables.insert(key.to_owned(), value);
    if !request.layers.is_empty() {
        let layers = request.layers.iter();
        let layers: Vec<String> = layers.map(|layer| layer.display().to_string()).collect();
        set("LAMBKIN_LAYER_PATH", layers.join(":"));
    }
    if let Some(sdk) = request.sdk {
        set("LAMBKIN_SDK_PATH", sdk.display().to_string());
    }
    let own = own_client(request, &found, major);
    if request.client == ClientChoice::Project && !own {
        return Err(no_own_client(language, request.code));
    }
    let own = own && request.client != ClientChoice::Embedded;
    let (code, project, handler) = (request.code, request.project, request.handler);
    let bundling = match language {
        Language::Node => Bundler::find(&bundle::Source {
            handler,
            code,
            project,
            choice: request.bundle.0,
            options: request.bundle.1,
            runtime: major,
            machine: request.machine,
        })?,
        _ => Bundling::None(None),
    };
    let (bundler, not_bundled) = match bundling {
        Bundling::By(bundler) => (Some(bundler), None),
        Bundling::None(why) => (None, why),
    };
    let has_client = matches!(language, Language::Python | Language::Ruby | Language::Node);
    let mut folders: Vec<PathBuf> = request.sdk.map(Path::to_owned).into_iter().collect();
    let mut program = found.program.to_string_lossy().into_owned();
    let mut arguments = match language {
        Language::Python => {
            // Python takes a compiled module for up to date if the size and the second of the source are the same, which
            // two saves in a row can have. On AWS it cannot write any, as the code is read-only.
            set("PYTHONDONTWRITEBYTECODE", "1".to_owned());
            python::command(own, &clients, handler)
        }
        Language::Ruby => {
            set("RUBYLIB", ruby::libraries(request.layers, code));
            ruby::command(own, &found, &clients, handler)
        }
        Language::Node => {
            let made = bundler.as_ref().map(Bundler::link);
            let mut path = node::path(
                major,
                request.layers,
                request.sdk,
                made.as_deref().unwrap_or(code),
            );
            if bundler.is_some() {
                // Where packages are that are not bundled.
                let packages = bundle::package_folders(code, project);
                for folder in &packages {
                    path = format!("{path}:{}", folder.display());
                }
                if !request.bundle.1.external.is_empty() {
                    folders.extend(packages);
                }
            }
            set("NODE_PATH", path);
            let (memory, options) = (request.memory_mb, request.node_options);
            let mut arguments = node::flags(&found, major, memory, options, code, project);
            if let Some(bundler) = &bundler {
                arguments.push("--enable-source-maps".to_owned());
                notes.push(bundler.describe());
            } else if let Some(file) = node::typescript(handler, code) {
                let (flag, note) =
                    node::run_typescript(&found, options, &file, not_bundled.as_deref())?;
                arguments.extend(flag);
                notes.push(note);
            }
            let own = own
                .then(|| node::own_client(code, project, major))
                .flatten();
            folders.extend(node::folders(own.as_deref(), code, project));
            let client = own.unwrap_or_else(|| clients.join("node/client.cjs"));
            arguments.push(client.to_string_lossy().into_owned());
            arguments.push(handler.to_owned());
            arguments
        }
        Language::Java => {
            let function = java::Function {
                code,
                file: request.file,
                handler,
                layers: request.layers,
                memory_mb: request.memory_mb,
            };
            let (mut words, outside) = java::command(&function, &found, request.machine)?;
            folders.extend(outside);
            // What is to be compiled is started by a shell.
            program = words.remove(0);
            words
        }
        Language::Dotnet => dotnet::command(code, handler)?,
        Language::Custom => {
            return Err(format!(
                "runtime {} starts the function's own bootstrap",
                runtime.id
            ));
        }
    };
    if let Some(debug) = request.debug {
        for (key, value) in debug::variables(language, debug) {
            variables.insert(key.to_owned(), value);
        }
        // The words before the options of Java are those of a shell that compiles the function first.
        let before = arguments
            .iter()
            .position(|it| it.starts_with(java::FIRST_OPTION));
        let at = before.unwrap_or(0);
        let modules = Modules {
            code,
            layers: request.layers,
            sdk: request.sdk,
            has_python_path: request.has_python_path,
        };
        arguments.splice(at..at, debug::arguments(language, &found, &modules, debug)?);
    }
    let command = std::iter::once(program).chain(arguments).collect();
    if let Some(wanted) = &request.runtime.version {
        notes.extend(deprecation(&runtime));
        match found.version.fit(language, wanted) {
            Fit::Same => {}
            _ => notes.push(format!(
                "runtime {} runs with {} {}, which differs from AWS",
                runtime.id,
                language.name(),
                found.version
            )),
        }
    }
    Ok(Prepared {
        interpreter: format!(
            "{} {} at {} ({})",
            language.name(),
            found.version,
            found.program.display(),
            found.rule
        ),
        handler_is_missing: bundler.is_none() && handler_is_missing(request, &found, major),
        bundler,
        runtime: runtime.id,
        client: (has_client && !own).then_some(clients),
        folders,
        command,
        variables,
        notes,
    })
}

/// Whether the client is sure to find no file with the handler's module.
fn handler_is_missing(request: &Request<'_>, found: &Found, major: u32) -> bool {
    let language = request.runtime.language;
    let mut folders = vec![request.code.to_owned()];
    match language {
        // A path of the function's own has what only the interpreter knows.
        Language::Python if request.has_python_path => return false,
        Language::Python => match python::packages(found, request.layers, request.sdk) {
            Some(more) => folders.extend(more),
            None => return false,
        },
        Language::Node => {
            let path = node::path(major, request.layers, request.sdk, request.code);
            folders.extend(std::env::split_paths(&path));
            let above = request.code.ancestors();
            folders.extend(above.map(|folder| folder.join("node_modules")));
        }
        Language::Ruby => {
            let layers = request.layers.iter();
            folders.extend(layers.map(|layer| layer.join("ruby/lib")));
        }
        _ => return false,
    }
    handler::is_missing(language, request.handler, &folders)
}

/// Whether the project has AWS's client. Outside Linux, those with native parts cannot be loaded.
fn own_client(request: &Request<'_>, found: &Found, major: u32) -> bool {
    let is_linux = cfg!(target_os = "linux");
    match request.runtime.language {
        Language::Python => is_linux && python::own_client(found, request.code).is_some(),
        Language::Node => {
            is_linux && node::own_client(request.code, request.project, major).is_some()
        }
        Language::Ruby => ruby::has_own_client(request.code),
        Language::Java | Language::Dotnet => true,
        Language::Custom => false,
    }
}

fn no_own_client(language: Language, code: &Path) -> String {
    let (package, command) = match language {
        Language::Python => ("awslambdaric", "pip install awslambdaric"),
        Language::Node => (
            "aws-lambda-ric with its native part",
            "npm install aws-lambda-ric",
        ),
        _ => ("aws_lambda_ric", "bundle add aws_lambda_ric"),
    };
    format!(
        "client = \"project\": {} has no {package} for this runtime; install it ({command}), or leave `client` out",
        code.display()
    )
}

fn deprecation(runtime: &Runtime) -> Option<String> {
    Some(match runtime.deprecated? {
        "" => format!("AWS no longer supports runtime {}", runtime.id),
        since => format!("AWS has not supported runtime {} since {since}", runtime.id),
    })
}
