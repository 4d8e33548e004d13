//! The language and the handler of code for which neither is configured.

use std::fs;
use std::path::Path;

use crate::handler;
use crate::id::Language;

/// What a function's code looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The language of the file.
    pub language: Language,
    /// The handler, such as `app.handler`.
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

const LANGUAGES: [Language; 3] = [Language::Python, Language::Node, Language::Ruby];

/// The language of a handler, if the folder has a file for it.
pub fn guess_handler(code: &Path, text: &str) -> Option<Guess> {
    LANGUAGES.into_iter().find_map(|language| {
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
    })
}

/// The handler in a file, by the file's ending and what it defines.
pub fn guess_file(file: &Path) -> Option<Guess> {
    let language = match file.extension()?.to_str()? {
        "py" => Language::Python,
        "js" | "mjs" | "cjs" => Language::Node,
        "rb" => Language::Ruby,
        _ => return None,
    };
    let text = fs::read_to_string(file).ok()?;
    let defined = HANDLERS
        .into_iter()
        .find(|name| defines(&text, language, name));
    let name = defined.unwrap_or(match language {
        Language::Node => "handler",
        _ => "lambda_handler",
    });
    Some(Guess {
        language,
        handler: format!("{}.{name}", file.file_stem()?.to_str()?),
        file: file.file_name()?.to_str()?.to_owned(),
    })
}

/// The handler in a folder: in the first file with a usual name that defines one.
pub fn guess_folder(code: &Path) -> Option<Guess> {
    MODULES.into_iter().find_map(|module| {
        LANGUAGES.into_iter().find_map(|language| {
            let files = handler::files(language, &format!("{module}.x"), code);
            files.into_iter().find_map(|file| {
                let text = fs::read_to_string(&file).ok()?;
                let is_handler = |name: &&str| defines(&text, language, name);
                HANDLERS.iter().find(|name| is_handler(name))?;
                guess_file(&file)
            })
        })
    })
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
        assert_eq!(guess_handler(folder.path(), "hello"), None);
    }
}
