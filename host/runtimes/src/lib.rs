//! Managed runtimes: what AWS's `python3.13`, `nodejs22.x`, `ruby3.4` and so on are on this machine.
//!
//! Contract: a runtime's id, the folder of a function's code and its handler become a command line and variables; see
//! [`prepare()`]. Nothing is installed, downloaded or run, apart from interpreters that are asked for their version, and
//! from the project's esbuild by a [`Bundler`].
//! Version managers' shims are never run.
//!
//! On failure: a text for the developer that says what was asked for, what was found instead, where it was looked for,
//! and the commands that would install it.
//!
//! The files in order, each of which uses only earlier ones: `id`, `version`, `requirement`, `machine`, `project`, `found`,
//! `stores`, `environment`, `advice`, `candidates`, `find`, `clients`, `handler`, `bundle`, `node`, `python`, `ruby`,
//! `java`, `dotnet`, `debug`, `prepare`, `guess`, `list`.

mod advice;
mod bundle;
mod candidates;
mod clients;
mod debug;
mod dotnet;
mod environment;
mod find;
mod found;
mod guess;
mod handler;
mod id;
mod java;
mod list;
mod machine;
mod node;
mod prepare;
mod project;
mod python;
mod requirement;
mod ruby;
mod stores;
mod version;

pub use bundle::{BundleChoice, BundleOptions, Bundled, Bundler};
pub use debug::{Debug, customary_debug_port};
pub use guess::{
    Guess, guess_all, guess_file, guess_folder, guess_handler, guess_other_language, has_jars,
};
pub use id::{Language, Runtime, runtime_names, similar_runtime};
pub use list::{Interpreter, Interpreters, interpreters};
pub use machine::Machine;
pub use prepare::{ClientChoice, Prepared, Request, prepare};
