//! Projects of other tools in place of `lambkin.toml`: a SAM or CloudFormation template, `serverless.yml`, CDK's `cdk.out`,
//! a Terraform plan. They become the text of a `lambkin.toml`, which is then read as any other; mistakes in it are shown
//! at their places in the project's files.
//!
//! A `lambkin.toml` with `extends = "template.yaml"` lies over what that file becomes: its tables are merged into those of
//! the same name, and every other value replaces the one that was there.
//!
//! On failure: the project's mistakes with their places. What would be waited for in vain is refused, unless `--partial`
//! accepts that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lambkin_project::document::{Document, Item, Table};
use lambkin_project::file::Files;
use lambkin_project::resource::Output;
use lambkin_project::{Found, Kind, Options, ProjectError, Translation, find, translate};

use super::file::ConfigError;
use super::key::{self, Key};
use super::sandbox::SandboxChoice;
use super::source::{Origin, Source};

/// The name of the configuration file.
const FILE: &str = "lambkin.toml";

/// The key of a file that another one is laid under.
const EXTENDS: &str = "extends";

/// The keys of the whole file.
pub const KEYS: &[Key] = &[Key::optional(
    EXTENDS,
    key::Kind::Text,
    "A template or another project's file, such as `\"template.yaml\"`, that this file adds to: tables are merged, and \
     every other value replaces that of the template. `lambkin init --from` writes what a template becomes.",
)];

/// How a configuration is read.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// How functions are kept apart from the machine, whatever the file says.
    pub sandbox: Option<SandboxChoice>,
    /// Whether a project is used of which something is refused.
    pub is_partial: bool,
    /// How projects of other tools are read.
    pub project: Options,
}

/// The project that a configuration was made from.
#[derive(Debug)]
pub struct Project {
    /// The texts of the files that it consists of, by their paths.
    pub files: BTreeMap<PathBuf, String>,
    /// The outputs of its templates.
    pub outputs: Vec<Output>,
}

/// A project's text as that of a `lambkin.toml`.
pub struct Described {
    pub source: Source,
    pub project: Project,
    pub notes: Vec<String>,
}

/// The file that describes the project at a path, which is that of a file or of a folder: `lambkin.toml` if there is
/// nothing.
pub fn locate(path: &Path, options: &Options) -> PathBuf {
    if path.symlink_metadata().is_ok() && !path.is_dir() {
        return path.to_owned();
    }
    let folder = match path.is_dir() {
        true => path,
        false if path.file_name().is_some_and(|name| name == FILE) => {
            path.parent().unwrap_or(Path::new(""))
        }
        false => return path.to_owned(),
    };
    let here = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let found = find(here, options).map(|found| found.path);
    let path = found.unwrap_or_else(|| here.join(FILE));
    // As it would have been typed.
    path.strip_prefix(".").map_or(path.clone(), Path::to_owned)
}

/// Reads a project of another tool. `None`: the path is that of a `lambkin.toml`, or there is nothing.
pub fn read(path: &Path, choices: &Choices) -> Result<Option<Described>, ConfigError> {
    match find(path, &choices.project) {
        Some(found) if found.kind != Kind::Toml => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let translation = translate_into(&found, folder, Purpose::Run(None), choices)?;
            described(path, translation, choices, name_of(&found)).map(Some)
        }
        _ => Ok(None),
    }
}

/// A project as the text of a `lambkin.toml`, whatever is wrong with it.
pub struct TranslatedProject {
    /// The project's file, and what it is.
    pub name: String,
    pub text: String,
    pub notes: Vec<String>,
    /// What cannot be served.
    pub refused: Vec<String>,
}

/// Translates the project at a path into a `lambkin.toml` in a folder. `None`: the path is that of a `lambkin.toml`, or
/// there is nothing.
pub fn translated(
    path: &Path,
    folder: &Path,
    choices: &Choices,
) -> Result<Option<TranslatedProject>, ConfigError> {
    let found = find(path, &choices.project);
    let Some(found) = found.filter(|found| found.kind != Kind::Toml) else {
        return Ok(None);
    };
    let translation = translate_into(&found, folder, Purpose::Write, choices)?;
    Ok(Some(TranslatedProject {
        name: name_of(&found),
        text: translation.document.print().text,
        notes: translation.report.notes(&translation.files),
        refused: translation.report.refusals(&translation.files),
    }))
}

/// As in `template.yaml (SAM or CloudFormation)`.
fn name_of(found: &Found) -> String {
    format!("{} ({})", found.path.display(), found.kind.described())
}

/// Reads the project that the text of a `lambkin.toml` extends, if it extends one.
pub fn extended(
    path: &Path,
    text: &str,
    choices: &Choices,
) -> Result<Option<Described>, ConfigError> {
    // A text that is not TOML is reported by those who read it.
    let Ok(table) = toml::de::DeTable::parse(text) else {
        return Ok(None);
    };
    let Some(base) = table.get_ref().get(EXTENDS) else {
        return Ok(None);
    };
    let Some(base) = base.get_ref().as_str() else {
        return Ok(None);
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let base = folder.join(base);
    let found = find(&base, &choices.project);
    let Some(found) = found.filter(|found| found.kind != Kind::Toml) else {
        return Err(ConfigError::Invalid(format!(
            "{}: {EXTENDS}: {} is no template, serverless.yml, cdk.out or Terraform plan",
            path.display(),
            base.display()
        )));
    };
    // What is wrong with it is told below, where its places are known.
    let places = Files::default().add(path, String::new());
    let overlay = Document::parse(places, text).ok();
    let mut translation = translate_into(&found, folder, Purpose::Run(overlay), choices)?;
    let file = translation.files.add(path, text.to_owned());
    let over = Document::parse(file, text).map_err(|(place, message)| {
        ConfigError::Invalid(translation.files.explained(place, &message).to_string())
    })?;
    translation.document.merge(over);
    translation.document.root.remove(EXTENDS);
    let note = format!("{} extends {}", path.display(), found.path.display());
    described(path, translation, choices, note).map(Some)
}

/// What a translation is for.
enum Purpose {
    /// To be run, below the `lambkin.toml` that extends it, if there is one.
    Run(Option<Document>),
    /// To be written to a file, where the variables of this shell do not belong.
    Write,
}

fn translate_into(
    found: &Found,
    folder: &Path,
    purpose: Purpose,
    choices: &Choices,
) -> Result<Translation, ProjectError> {
    // As `sam local` does: a variable of the shell overrides the template's one of the same name.
    let shell = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_run = matches!(purpose, Purpose::Run(_));
    let options = Options {
        folder: folder.to_owned(),
        shell_variables: match found.kind {
            Kind::Template if is_run => shell.collect(),
            _ => BTreeSet::new(),
        },
        overlay: match purpose {
            Purpose::Run(overlay) => overlay,
            Purpose::Write => None,
        },
        ..choices.project.clone()
    };
    let mut translation = translate(found, options)?;
    // The machine rarely has the very version that a template names.
    translation.document.root.set("version-check", "warn", None);
    Ok(translation)
}

/// Where the code of the functions is, as in `; code: hello (Hello), src (A, B)`.
fn code_folders(document: &Document) -> String {
    let functions = document.root.get("functions").and_then(Item::as_table);
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, function) in functions.into_iter().flat_map(Table::iter) {
        let table = function.item.as_table();
        let code = table.and_then(|table| table.get("code").or_else(|| table.get("image")));
        if let Some(Item::Text(code)) = code {
            folders.entry(code).or_default().push(name);
        }
    }
    let shown: Vec<String> = folders
        .into_iter()
        .map(|(folder, names)| match names.as_slice() {
            few if few.len() <= 3 => format!("{folder} ({})", few.join(", ")),
            many => format!("{folder} ({} functions)", many.len()),
        })
        .collect();
    match shown.is_empty() {
        true => String::new(),
        false => format!("; code: {}", shown.join(", ")),
    }
}

fn described(
    path: &Path,
    translation: Translation,
    choices: &Choices,
    note: String,
) -> Result<Described, ConfigError> {
    let Translation {
        document,
        files,
        report,
        outputs,
    } = translation;
    let refused = report.refusals(&files);
    if !refused.is_empty() && !choices.is_partial {
        return Err(ConfigError::Refused {
            path: path.to_owned(),
            refused,
            notes: report.notes(&files),
        });
    }
    let mut notes = vec![format!("{note}{}", code_folders(&document))];
    notes.extend(report.notes(&files));
    notes.extend(refused.iter().map(|refused| format!("left out: {refused}")));
    let project = Project {
        files: files
            .iter()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect(),
        outputs,
    };
    let printed = document.print();
    let origin = Origin {
        files,
        places: printed.places,
    };
    Ok(Described {
        source: Source::made(path, printed.text, origin),
        project,
        notes,
    })
}
