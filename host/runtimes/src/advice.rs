//! What is said when no interpreter fits: what was asked for, what is there, and what to do.

use std::fmt::Write as _;

use crate::found::Found;
use crate::id::{Language, Runtime};
use crate::project::Wish;
use crate::stores::{managers, program_name};
use crate::version::{Fit, Version};

/// Why none of these interpreters can run a runtime. `source` is the file that asks for the version `wanted`, if the
/// runtime has none.
pub(crate) fn mismatch(
    runtime: &Runtime,
    wanted: Option<&Version>,
    source: Option<&str>,
    others: &[Found],
) -> String {
    let language = runtime.language;
    let name = language.name();
    let asks = match (&runtime.version, source) {
        (Some(_), _) => format!("runtime {}", runtime.id),
        (None, Some(source)) => source.to_owned(),
        (None, None) => name.to_owned(),
    };
    let short = wanted.map_or_else(String::new, |wanted| wanted.short(language));
    let needed = format!("{name} {short}");
    let needed = needed.trim_end();
    let mut text = match others {
        [] if wanted.is_none() => format!("no {name} was found"),
        [] => format!("{asks} needs {needed}, and no {name} was found"),
        [found, ..] => format!(
            "{asks} needs {needed}; found {name} {} at {} ({})",
            found.version,
            found.program.display(),
            found.rule
        ),
    };
    if !others.first().is_some_and(|found| found.is_binding) {
        let _ = write!(text, " (looked at: {}, PATH)", managers(language));
    }
    let environment = others
        .first()
        .and_then(|found| found.program.parent()?.parent());
    match environment.filter(|folder| folder.join("pyvenv.cfg").is_file()) {
        Some(folder) => {
            let _ = write!(
                text,
                "\nmake it anew: uv venv --python {short} {0} | python{short} -m venv --clear {0}",
                folder.display()
            );
        }
        None => {
            if let Some(commands) = install(language, wanted) {
                let _ = write!(text, "\ninstall it: {commands}");
            }
        }
    }
    text
}

/// What else can be done about a mismatch, in a configuration file.
pub(crate) fn other_keys(runtime: &Runtime, others: &[Found]) -> String {
    let program = program_name(runtime.language);
    match others {
        [found, ..] => format!(
            "\nor set runtime = \"{}\", interpreter = \"/path/to/{program}\", or version-check = \"off\"",
            Runtime::of(runtime.language, &found.version).id
        ),
        [] => format!("\nor set interpreter = \"/path/to/{program}\""),
    }
}

/// The same without a configuration file: on the command line.
pub(crate) fn other_arguments(runtime: &Runtime, others: &[Found]) -> String {
    let language = runtime.language;
    let (variable, program) = (variable(language), program_name(language));
    match others {
        // A runtime that was not named cannot be named otherwise.
        [found, ..] if runtime.version.is_some() => format!(
            "\nor use --runtime {}, or another interpreter: {variable}=/path/to/{program} lambkin …",
            Runtime::of(language, &found.version).id
        ),
        _ => format!("\nor name an interpreter: {variable}=/path/to/{program} lambkin …"),
    }
}

/// How another runtime is chosen.
pub(crate) fn runtime(id: &str, is_configured: bool) -> String {
    match is_configured {
        true => format!("set runtime = {id:?}"),
        false => format!("use --runtime {id}"),
    }
}

/// The variable that names the interpreter of a language.
pub(crate) fn variable(language: Language) -> &'static str {
    match language {
        Language::Node => "LAMBKIN_NODE",
        Language::Python => "LAMBKIN_PYTHON",
        Language::Ruby => "LAMBKIN_RUBY",
        Language::Java => "LAMBKIN_JAVA",
        Language::Dotnet | Language::Custom => "LAMBKIN_DOTNET",
    }
}

/// What is said of a project whose file, or a variable of the shell, asks for another version than the runtime, and what can
/// be done about it: what leads to an interpreter that is there, if there is one. `named` is the version that the file asks
/// for, and `all` are the interpreters of the machine.
pub(crate) fn contradiction(
    runtime: &Runtime,
    wanted: &Version,
    wish: &Wish,
    named: Option<&Version>,
    all: &[Found],
    is_configured: bool,
) -> String {
    let language = runtime.language;
    let short = wanted.short(language);
    let Wish { text, source, .. } = wish;
    let said = format!(
        "{source} says {text}, but runtime {} needs {} {short}",
        runtime.id,
        language.name()
    );
    let of = |version: &Version| {
        let mut found = all.iter();
        found.find(|found| found.version.fit(language, version) == Fit::Same)
    };
    let mut ways = Vec::new();
    if let Some(named) = named.filter(|named| of(named).is_some()) {
        let id = Runtime::of(language, named).id;
        if Runtime::parse(&id).is_some() {
            ways.push(self::runtime(&id, is_configured));
        }
    }
    if let Some(found) = of(wanted) {
        ways.push(match source.contains(['.', '/']) {
            true => format!("write {short} into {source}"),
            false => format!("set {source} to {short}"),
        });
        let program = found.program.display();
        ways.push(match is_configured {
            true => format!("set interpreter = \"{program}\""),
            false => format!("set {} to {program}", variable(language)),
        });
    }
    if !ways.is_empty() {
        return format!("{said}\n{}", ways.join(", or "));
    }
    match install(language, Some(wanted)) {
        Some(install) => {
            format!("{said}\nneither is installed: {install}, and let {source} say {short} as well")
        }
        None => format!("{said}\nneither is installed"),
    }
}

/// What is said of a version that no version manager has.
pub(crate) fn unknown_version(wish: &Wish, language: Language) -> String {
    if wish.text.starts_with("path:") {
        return format!(
            "{} says {}, where no interpreter is that can be asked for its version; one of the project is not, if the \
             project runs in a sandbox only",
            wish.source, wish.text
        );
    }
    format!(
        "{} says {}, which is no version that {} has",
        wish.source,
        wish.text,
        managers(language)
    )
}

/// The commands that install a version, as a line.
pub(crate) fn install(language: Language, wanted: Option<&Version>) -> Option<String> {
    let version = wanted?.short(language);
    Some(match language {
        Language::Node => {
            format!("fnm install {version} | nvm install {version} | mise install node@{version}")
        }
        Language::Python => {
            format!(
                "uv python install {version} | pyenv install {version} | mise install python@{version}"
            )
        }
        Language::Ruby => format!(
            "mise install ruby@{version} | rbenv install -l, then rbenv install {version}.N"
        ),
        Language::Java => {
            format!("mise install java@{version} | apt-get install openjdk-{version}-jdk-headless")
        }
        Language::Dotnet => {
            format!("mise install dotnet@{version} | https://dotnet.microsoft.com/download")
        }
        Language::Custom => return None,
    })
}
