//! `samconfig.toml`, in which SAM keeps the options of its commands.
//!
//! Contract: of the environment that the user names (`default`), the options of `sam local` count, and those of `global`
//! below them: `template_file`, `parameter_overrides`, `env_vars`, `region`. What the user gives to Lambkin comes first.
//! Values that a stack was deployed with (`deploy`) stand for parameters without a default.
//!
//! On failure: [`ProjectError`], with the place in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::ProjectError;
use crate::context::{Context, Options};
use crate::document::{Document, Item, Table};
use crate::file::{Place, TEMPLATE_BYTES};
use crate::value::Value;

/// The names of the file.
pub const NAMES: [&str; 4] = [
    "samconfig.toml",
    "samconfig.yaml",
    "samconfig.yml",
    "samconfig.json",
];

/// The commands whose options count, the first ones first.
const COMMANDS: [&str; 4] = [
    "local_start_api",
    "local_start_lambda",
    "local_invoke",
    "global",
];

/// Commands that know the template too.
const OTHERS: [&str; 3] = ["build", "validate", "deploy"];

/// How many folders above that of a template are looked at.
const ABOVE: usize = 4;

/// The template that a samconfig in a folder names, if it is there.
#[must_use]
pub fn template(folder: &Path, options: &Options) -> Option<PathBuf> {
    let context = Context::new(Options::default());
    let config = read(&context, folder).ok()??;
    let environment = config.get(&options.config_environment)?;
    let commands = COMMANDS.iter().chain(&OTHERS);
    let mut templates = commands.filter_map(|command| {
        let parameters = environment.at(&[command, "parameters"])?;
        let name = parameters
            .text_of("template_file")
            .or_else(|| parameters.text_of("template"))?;
        Some(folder.join(name.as_ref()))
    });
    // What `sam build` has made is taken for nothing but itself: see the module `find`.
    templates.find(|path| {
        path.is_file() && !path.components().any(|part| part.as_os_str() == ".aws-sam")
    })
}

/// Takes the options of a samconfig in a folder for those that the user does not give.
///
/// # Errors
///
/// [`ProjectError`], if the file, or a file that it names, cannot be read.
pub fn apply(context: &mut Context, folder: &Path) -> Result<(), ProjectError> {
    let Some(config) = read(context, folder)? else {
        return Ok(());
    };
    let name = context.options.config_environment.clone();
    let Some(environment) = config.get(&name) else {
        let known: Vec<&str> = config
            .members()
            .map(|(name, _)| name)
            .filter(|name| *name != "version")
            .collect();
        if name != Options::default().config_environment {
            let message = format!(
                "there is no environment {name}; there are {}",
                known.join(", ")
            );
            return Err(context.error(config.place, &message));
        }
        return Ok(());
    };
    for command in COMMANDS {
        let Some(parameters) = environment.at(&[command, "parameters"]) else {
            continue;
        };
        if let Some(overrides) = parameters.get("parameter_overrides") {
            for (name, value) in overridden(context, folder, overrides, 0)? {
                context.options.parameters.entry(name).or_insert(value);
            }
        }
        if let Some(file) = parameters.text_of("env_vars") {
            context
                .options
                .environment_file
                .get_or_insert(folder.join(file.as_ref()));
        }
        if let Some(region) = parameters.text_of("region") {
            context.options.region.get_or_insert(region.into_owned());
        }
        for key in ["port", "host"] {
            if let Some(value) = parameters.get(key) {
                let note = format!(
                    "{key} has no effect: the key `listen` of a trigger in lambkin.toml sets addresses"
                );
                context.report.note(value.place, note);
            }
        }
    }
    let deploy = environment.at(&["deploy", "parameters"]);
    if let Some(overrides) = deploy.and_then(|parameters| parameters.get("parameter_overrides")) {
        context.options.deployed_parameters = overridden(context, folder, overrides, 0)?;
    }
    if let Some(region) = deploy.and_then(|parameters| parameters.text_of("region")) {
        context.options.region.get_or_insert(region.into_owned());
    }
    Ok(())
}

/// The folder of the samconfig for a template: that of the template, else one above it whose samconfig names the template,
/// else that of the project.
#[must_use]
pub fn folder(options: &Options, template: &Path) -> PathBuf {
    let is_in = |folder: &Path| NAMES.iter().any(|name| folder.join(name).is_file());
    let beside = template.parent().unwrap_or(Path::new(""));
    if is_in(beside) {
        return beside.to_owned();
    }
    let same = |named: PathBuf| matches!((named.canonicalize(), template.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let mut above = beside.ancestors().skip(1).take(ABOVE);
    let above =
        above.find(|folder| is_in(folder) && self::template(folder, options).is_some_and(same));
    match above {
        Some(folder) => folder.to_owned(),
        None => options.folder.clone(),
    }
}

fn read(context: &Context, folder: &Path) -> Result<Option<Value>, ProjectError> {
    let mut paths = NAMES.iter().map(|name| folder.join(name));
    match paths.find(|path| path.is_file()) {
        Some(path) => load(context, &path).map(Some),
        None => Ok(None),
    }
}

/// Reads a file in TOML, YAML or JSON.
fn load(context: &Context, path: &Path) -> Result<Value, ProjectError> {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return context.load(path, TEMPLATE_BYTES);
    }
    let file = context.with_files(|files| files.read(path, TEMPLATE_BYTES))?;
    let text = context.files().text(file).to_owned();
    let document =
        Document::parse(file, &text).map_err(|(place, message)| context.error(place, &message))?;
    let start = Place {
        file,
        line: 1,
        column: 1,
    };
    Ok(of_table(&document.root, start))
}

fn of_table(table: &Table, place: Place) -> Value {
    let mut value = Value::map(place, [] as [(&str, Value); 0]);
    if let Some(map) = value.as_map_mut() {
        for (key, entry) in table.iter() {
            let at = entry.place.unwrap_or(place);
            map.insert(key, at, of_item(&entry.item, at));
        }
    }
    value
}

fn of_item(item: &Item, place: Place) -> Value {
    match item {
        Item::Text(text) => Value::text(place, text),
        Item::Integer(integer) => Value::plain(place, integer),
        Item::Float(float) => Value::plain(place, float),
        Item::Bool(boolean) => Value::plain(place, boolean),
        Item::List(items) => Value::list(
            place,
            items.iter().map(|item| of_item(item, place)).collect(),
        ),
        Item::Table(table) => of_table(table, place),
    }
}

/// The values of parameters in one of the forms that SAM takes: a text, a list of texts, a map, a file.
fn overridden(
    context: &Context,
    folder: &Path,
    value: &Value,
    depth: usize,
) -> Result<BTreeMap<String, String>, ProjectError> {
    let mut values = BTreeMap::new();
    if value.as_map().is_some() {
        for (name, value) in value.members() {
            let texts: Vec<_> = value.items().iter().filter_map(Value::as_text).collect();
            values.insert(name.to_owned(), texts.join(","));
        }
        return Ok(values);
    }
    for item in value.items() {
        if item.as_map().is_some() {
            values.extend(overridden(context, folder, item, depth)?);
            continue;
        }
        let text = item.as_text().unwrap_or_default();
        match text.trim().strip_prefix("file://") {
            Some(file) if depth == 0 => {
                let content = load(context, &folder.join(file))?;
                values.extend(overridden(context, folder, &content, depth + 1)?);
            }
            _ => values
                .extend(assignments(&text).map_err(|message| context.error(item.place, &message))?),
        }
    }
    Ok(values)
}

/// `A=b C="d e"`, or `ParameterKey=A,ParameterValue=b …`.
fn assignments(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut assignments: Vec<(String, String)> = Vec::new();
    let mut letters = text.chars().peekable();
    let mut key = None;
    while let Some(letter) = letters.peek() {
        if letter.is_whitespace() {
            letters.next();
            continue;
        }
        let mut name = String::new();
        loop {
            match letters.next() {
                Some('=') => break,
                Some('"' | '\'') => {}
                Some(letter) if !letter.is_whitespace() => name.push(letter),
                _ => {
                    return Err(format!(
                        "{name:?} has no value: parameter_overrides are NAME=VALUE"
                    ));
                }
            }
        }
        let is_pair = name == "ParameterKey";
        let quote = letters.next_if(|letter| matches!(letter, '"' | '\''));
        let mut value = String::new();
        loop {
            match letters.next() {
                Some('\\') => value.extend(letters.next()),
                Some(letter) if Some(letter) == quote => break,
                Some(',') if is_pair && quote.is_none() => break,
                Some(letter) if quote.is_none() && letter.is_whitespace() => break,
                Some(letter) => value.push(letter),
                None => break,
            }
        }
        match name.trim_start_matches(',') {
            "ParameterKey" => key = Some(value),
            "ParameterValue" => match key.take() {
                Some(key) => assignments.push((key, value)),
                None => return Err("a ParameterValue has no ParameterKey before it".to_owned()),
            },
            name => assignments.push((name.to_owned(), value)),
        }
    }
    Ok(assignments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(name: &str, text: &str) -> (Context, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::write(folder.path().join("more.yaml"), "F: 1\nL: [a, b]\n").unwrap();
        let mut context = Context::new(Options::default());
        apply(&mut context, folder.path()).unwrap();
        (context, folder)
    }

    #[test]
    fn options_of_sam_are_taken() {
        let text = "version = 0.1\n[default.global.parameters]\nregion = \"eu-west-1\"\n\
            [default.local_start_api.parameters]\nparameter_overrides = \"A=1 B=\\\"x y\\\"\"\nenv_vars = \"env.json\"\nport = 8080\n\
            [default.deploy.parameters]\nparameter_overrides = [\"A=deployed\", \"ParameterKey=C,ParameterValue=d\"]\n";
        let (context, folder) = applied("samconfig.toml", text);
        let options = &context.options;
        assert_eq!(options.region.as_deref(), Some("eu-west-1"));
        assert_eq!(options.parameters["A"], "1");
        assert_eq!(options.parameters["B"], "x y");
        assert_eq!(options.deployed_parameters["C"], "d");
        assert_eq!(
            options.environment_file,
            Some(folder.path().join("env.json"))
        );
        let notes = context.report.notes(&context.files());
        assert!(
            notes[0].contains("samconfig.toml:7:1: port has no effect"),
            "{notes:?}"
        );
    }

    #[test]
    fn what_the_user_gives_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let text = "dev:\n  local_invoke:\n    parameters:\n      parameter_overrides: {A: 1, B: [x, y]}\n      region: eu-west-1\n";
        std::fs::write(folder.path().join("samconfig.yaml"), text).unwrap();
        let mut context = Context::new(Options {
            parameters: [("A".to_owned(), "mine".to_owned())].into(),
            region: Some("us-west-2".to_owned()),
            config_environment: "dev".to_owned(),
            ..Options::default()
        });
        apply(&mut context, folder.path()).unwrap();
        assert_eq!(context.options.parameters["A"], "mine");
        assert_eq!(context.options.parameters["B"], "x,y");
        assert_eq!(context.options.region.as_deref(), Some("us-west-2"));
    }

    #[test]
    fn parameters_can_be_in_a_file() {
        let text =
            "[default.global.parameters]\nparameter_overrides = [\"file://more.yaml\", \"G=2\"]\n";
        let (context, _folder) = applied("samconfig.toml", text);
        let parameters = &context.options.parameters;
        assert_eq!(
            (&*parameters["F"], &*parameters["L"], &*parameters["G"]),
            ("1", "a,b", "2")
        );
    }

    #[test]
    fn the_template_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[default.build.parameters]\ntemplate_file = \"infra/app.yaml\"\n";
        std::fs::write(folder.path().join("samconfig.toml"), text).unwrap();
        assert_eq!(template(folder.path(), &Options::default()), None);
        std::fs::create_dir(folder.path().join("infra")).unwrap();
        std::fs::write(folder.path().join("infra/app.yaml"), "").unwrap();
        assert_eq!(
            template(folder.path(), &Options::default()),
            Some(folder.path().join("infra/app.yaml"))
        );
    }

    #[test]
    fn a_template_in_another_folder_has_the_options_of_the_project() {
        let project = tempfile::tempdir().unwrap();
        let root = project.path();
        let template = root.join("infra/app.yaml");
        std::fs::create_dir(root.join("infra")).unwrap();
        std::fs::write(&template, "").unwrap();
        let options = Options::default();
        assert_eq!(folder(&options, &template), Path::new(""));
        let samconfig = |name: &str| {
            let text = format!("[default.global.parameters]\ntemplate_file = \"{name}\"\n");
            std::fs::write(root.join("samconfig.toml"), text).unwrap();
        };
        samconfig("other.yaml");
        assert_eq!(folder(&options, &template), Path::new(""));
        samconfig("infra/../infra/app.yaml");
        assert_eq!(folder(&options, &template), root);
        std::fs::write(root.join("infra/samconfig.toml"), "").unwrap();
        assert_eq!(folder(&options, &template), root.join("infra"));
    }

    #[test]
    fn mistakes_have_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut context = Context::new(Options::default());
        let path = folder.path().join("samconfig.toml");
        std::fs::write(
            &path,
            "[default.global.parameters]\nparameter_overrides = \"A B=1\"\n",
        )
        .unwrap();
        let error = apply(&mut context, folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("samconfig.toml:2:1: \"A\" has no value"),
            "{error}"
        );
        std::fs::write(&path, "[default\n").unwrap();
        assert!(apply(&mut context, folder.path()).is_err());
        std::fs::write(&path, "[prod.global.parameters]\na = 1\n").unwrap();
        assert!(apply(&mut context, folder.path()).is_ok());
        context.options.config_environment = "dev".to_owned();
        let error = apply(&mut context, folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("there is no environment dev; there are prod"),
            "{error}"
        );
    }
}
