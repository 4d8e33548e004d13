//! The language and the handler of code for which neither is configured.

use std::fs;
use std::path::Path;

use crate::handler;
use crate::id::Language;
use crate::java;

/// What a function's code looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The language of the file.
    pub language: Language,
    /// The handler, such as `app.handler`. Empty if the file does not say which it has, as with a jar.
    pub handler: String,
    /// The file that it is in, such as `app.py`.
    pub file: String,
}

/// Names of files with a handler in folders without a configuration, those of AWS's consoles and templates first.
const MODULES: [&str; 7] = [
    "lambda_function",
    "index",
    "app",
    "handler",
    "main",
    "function",
    "lambda",
];

/// The names that handlers usually have.
const HANDLERS: [&str; 4] = ["lambda_handler", "handler", "lambdaHandler", "main"];

const LANGUAGES: [Language; 4] = [
    Language::Python,
    Language::Node,
    Language::Ruby,
    Language::Java,
];

/// The language of a handler, if the folder has a file for it, or jars that could have its class.
pub fn guess_handler(code: &Path, text: &str) -> Option<Guess> {
    let named = LANGUAGES.into_iter().find_map(|language| {
        let mut files = handler::files(language, text, code).into_iter();
        let file = files.find(|file| file.is_file())?;
        Some(Guess {
            language,
            handler: text.to_owned(),
            file: file
                .strip_prefix(code)
                .unwrap_or(&file)
                .display()
                .to_string(),
        })
    });
    named.or_else(|| {
        Some(Guess {
            language: Language::Java,
            handler: handler::is_of_java(text).then(|| text.to_owned())?,
            file: java::first_jar(code)?,
        })
    })
}

/// The file that has a handler's module if it is of another language, and none is of this one.
pub fn guess_other_language(code: &Path, text: &str, language: Language) -> Option<Guess> {
    let mut own = handler::files(language, text, code).into_iter();
    if own.any(|file| file.is_file()) {
        return None;
    }
    guess_handler(code, text).filter(|guess| guess.language != language)
}

/// Whether a folder has jars, which could have any handler.
pub fn has_jars(code: &Path) -> bool {
    java::first_jar(code).is_some()
}

/// The handler in a file, by the file's ending and what it defines. Code of Java need not have one that can be told.
pub fn guess_file(file: &Path) -> Option<Guess> {
    if let Some((guess, _)) = guess_handlers_of(file) {
        return Some(guess);
    }
    let name = file.file_name()?.to_str()?.to_owned();
    let handler = match file.extension()?.to_str()? {
        "jar" | "java" => String::new(),
        "class" => file.file_stem()?.to_str()?.to_owned(),
        _ => return None,
    };
    Some(Guess {
        language: Language::Java,
        handler,
        file: name,
    })
}

/// The handler in a file, and whether the file seems to define one; else its name is the usual one.
fn guess_handlers_of(file: &Path) -> Option<(Guess, bool)> {
    if file.extension()? == "java" {
        return guess_java(file).map(|guess| (guess, true));
    }
    let language = match file.extension()?.to_str()? {
        "py" => Language::Python,
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "tsx" => Language::Node,
        "rb" => Language::Ruby,
        _ => return None,
    };
    let text = lambkin_files::read_small_text(file)?;
    let defined = HANDLERS
        .into_iter()
        .find(|name| defines(&text, language, name));
    let name = defined.unwrap_or(match language {
        Language::Node => "handler",
        _ => "lambda_handler",
    });
    let guess = Guess {
        language,
        handler: format!("{}.{name}", file.file_stem()?.to_str()?),
        file: file.file_name()?.to_str()?.to_owned(),
    };
    Some((guess, defined.is_some()))
}

/// The class in a source file of Java, if it implements one of AWS's interfaces for handlers, or its public method
/// `handleRequest`.
fn guess_java(file: &Path) -> Option<Guess> {
    let text = lambkin_files::read_small_text(file)?;
    let is_handler =
        |line: &str| line.contains("RequestHandler<") || line.contains("RequestStreamHandler");
    let mut lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("import "));
    let has_interface = lines.any(is_handler);
    let is_method = |line: &str| {
        line.contains("public ") && has_word(line, "handleRequest") && line.contains('(')
    };
    if !has_interface && !text.lines().any(is_method) {
        return None;
    }
    let class = file.file_stem()?.to_str()?;
    let class = match java::package_of(&text) {
        Some(package) => format!("{package}.{class}"),
        None => class.to_owned(),
    };
    let handler = match has_interface {
        true => class,
        false => format!("{class}::handleRequest"),
    };
    Some(Guess {
        language: Language::Java,
        handler,
        file: file.file_name()?.to_str()?.to_owned(),
    })
}

/// The handler in a folder: in the first file with a usual name that defines one, else in the only file that does.
pub fn guess_folder(code: &Path) -> Option<Guess> {
    let usual = MODULES.into_iter().find_map(|module| {
        LANGUAGES.into_iter().find_map(|language| {
            let files = handler::files(language, &format!("{module}.x"), code);
            let defining = files
                .into_iter()
                .filter_map(|file| guess_handlers_of(&file));
            let mut defining = defining.filter(|(_, is_defined)| *is_defined);
            defining.next().map(|(guess, _)| guess)
        })
    });
    usual.or_else(|| {
        let mut all = guess_all(code).into_iter();
        let first = all.next()?;
        all.next().is_none().then_some(first)
    })
}

/// The handlers in the files of a folder, by their names. `main`, which programs have as well, is none in a file without
/// a usual name; tests and definitions of types have none.
pub fn guess_all(code: &Path) -> Vec<Guess> {
    let entries = fs::read_dir(code).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let guesses = files.iter().filter_map(|file| guess_handlers_of(file));
    let handlers = guesses.filter(|(guess, is_defined)| {
        if guess.language == Language::Java {
            return true;
        }
        let (stem, name) = guess.handler.split_once('.').unwrap_or_default();
        let is_program = name == "main" && !MODULES.contains(&stem);
        let is_test = stem.starts_with("test_") || stem.ends_with("_test");
        *is_defined && !is_program && !is_test && !name.contains('.')
    });
    handlers.map(|(guess, _)| guess).collect()
}

/// Whether a file seems to define a function of this name.
fn defines(text: &str, language: Language, name: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    match language {
        Language::Python => lines.any(|line| {
            let rest = line.strip_prefix("async ").unwrap_or(line);
            let rest = rest.strip_prefix("def ").unwrap_or(rest);
            rest.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with(['(', '=']))
        }),
        Language::Ruby => lines.any(|line| {
            let line = line.trim_start();
            line.strip_prefix("def ").is_some_and(|rest| {
                let rest = rest.strip_prefix("self.").unwrap_or(rest);
                rest.strip_prefix(name).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            })
        }),
        _ => lines.any(|line| {
            (line.contains("export") && has_word(line, name))
                || line.contains(&format!("exports.{name}"))
        }),
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|character: char| !character.is_alphanumeric() && character != '_')
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_found_in_folders_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(guess_folder(folder.path()), None);
        write("index.mjs", "export const handler = async () => 1\n");
        assert_eq!(
            guess_folder(folder.path()).unwrap().handler,
            "index.handler"
        );
        write("lambda_function.py", "import os\n");
        assert_eq!(
            guess_folder(folder.path()).unwrap().handler,
            "index.handler"
        );
        write(
            "lambda_function.py",
            "def lambda_handler(event, context):\n    return 1\n",
        );
        let guess = guess_folder(folder.path()).unwrap();
        assert_eq!(guess.handler, "lambda_function.lambda_handler");
        assert_eq!(guess.language, Language::Python);
        write("app.rb", "def handler(event:, context:) = 1\n");
        let guess = guess_file(&folder.path().join("app.rb")).unwrap();
        assert_eq!(guess.handler, "app.handler");
        let guess = guess_handler(folder.path(), "index.handler").unwrap();
        assert_eq!(
            (guess.language, guess.file.as_str()),
            (Language::Node, "index.mjs")
        );
        assert_eq!(guess_handler(folder.path(), "nothing.handler"), None);
        let handlers = guess_all(folder.path())
            .into_iter()
            .map(|guess| guess.handler);
        assert_eq!(
            handlers.collect::<Vec<_>>(),
            [
                "app.handler",
                "index.handler",
                "lambda_function.lambda_handler"
            ]
        );
        assert_eq!(guess_handler(folder.path(), "hello"), None);
    }

    #[test]
    fn the_only_file_with_a_handler_is_found_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let found = || guess_folder(folder.path()).map(|guess| guess.handler);
        let python = "def handler(event, context):\n    return 1\n";
        write("tool.py", "def main():\n    pass\n");
        write("test_foo.py", python);
        write("foo.test.js", "export const handler = 1\n");
        write("types.d.ts", "export declare const handler: number\n");
        assert_eq!(found(), None);
        write("foo.py", python);
        assert_eq!(found().as_deref(), Some("foo.handler"));
        write(
            "bar.ts",
            "export const handler = async (event: object) => event\n",
        );
        assert_eq!(found(), None, "there are two");
        fs::remove_file(folder.path().join("foo.py")).unwrap();
        assert_eq!(found().as_deref(), Some("bar.handler"));
    }

    #[test]
    fn code_of_java_is_told_by_its_files_and_by_the_form_of_the_handler() {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path();
        let write = |name: &str, text: &str| fs::write(code.join(name), text).unwrap();
        let method = "demo.Hello::handleRequest";
        assert_eq!(guess_handler(code, method), None);
        fs::create_dir(code.join("lib")).unwrap();
        write("lib/hello.jar", "");
        let guess = guess_handler(code, method).unwrap();
        assert_eq!(
            (guess.language, guess.file.as_str()),
            (Language::Java, "lib/hello.jar")
        );
        assert_eq!(guess_handler(code, "index.handler"), None);
        assert_eq!(guess_folder(code), None, "it could have any handler");
        let guess = guess_file(&code.join("lib/hello.jar")).unwrap();
        assert_eq!(
            (guess.language, guess.handler.as_str()),
            (Language::Java, "")
        );
        write("app.rb", "module Orders\nend\n");
        let guess = guess_handler(code, "app.Orders::Api.handler").unwrap();
        assert_eq!(guess.language, Language::Ruby);
        // A class need not implement an interface.
        write(
            "Hello.java",
            "public class Hello {\n  public String handleRequest(String event) { return event; }\n}\n",
        );
        let guess = guess_folder(code).unwrap();
        assert_eq!(guess.handler, "Hello::handleRequest");
        write(
            "Hello.java",
            "package ex;\npublic class Hello implements RequestHandler<String, String> {\n}\n",
        );
        assert_eq!(guess_folder(code).unwrap().handler, "ex.Hello");
    }

    #[test]
    fn a_module_of_another_language_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let other = |language| guess_other_language(folder.path(), "index.handler", language);
        assert_eq!(other(Language::Python), None);
        fs::write(folder.path().join("index.mjs"), "").unwrap();
        assert_eq!(other(Language::Python).unwrap().file, "index.mjs");
        assert_eq!(other(Language::Node), None);
        fs::write(folder.path().join("index.py"), "").unwrap();
        assert_eq!(other(Language::Python), None);
    }
}
