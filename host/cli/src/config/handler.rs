//! The handlers in a folder: what a text for one means, and what is said if there is none.

use std::fmt::Write as _;
use std::path::Path;

use lambkin_runtimes::{Guess, Language, guess_all, guess_file, guess_handler};

use super::suggest::nearest;

/// The endings of files that can have a handler, as Lambkin looks for them.
const ENDINGS: [&str; 5] = ["py", "js", "mjs", "cjs", "rb"];

/// The handler that a text stands for in a folder: as AWS writes it, `app:handler` and `app.py:handler` as web servers do,
/// or the name of a module alone, if it has a handler with a usual name.
pub fn meant(code: &Path, text: &str) -> Option<Guess> {
    // A class of Java with its method.
    let of_java = || guess_handler(code, text).filter(|guess| guess.language == Language::Java);
    if let Some(guess) = text.contains("::").then(of_java).flatten() {
        return Some(guess);
    }
    // Names of classes in Ruby have colons as well, and a method follows: `app.Orders::Api.handler`.
    let colon = text.rsplit_once(':');
    if let Some((module, function)) = colon.filter(|(_, function)| !function.contains('.')) {
        let module = module.trim_end_matches(':');
        let stem = match module.rsplit_once('.') {
            Some((stem, ending)) if ENDINGS.contains(&ending) => stem,
            _ => module,
        };
        return guess_handler(code, &format!("{stem}.{function}"));
    }
    if let Some(guess) = guess_handler(code, text) {
        return Some(guess);
    }
    let mut all = guess_all(code).into_iter();
    all.find(|guess| {
        guess
            .handler
            .split_once('.')
            .is_some_and(|(module, _)| module == text)
    })
}

/// Why a folder has no such handler: what it has, and the nearest one. `None` if it has no handlers at all.
pub fn explain(code: &Path, text: &str) -> Option<String> {
    let all = guess_all(code);
    if all.is_empty() {
        return None;
    }
    let mut said = match text {
        "" => format!("several files in {} have a handler", shown(code)),
        text => format!(
            "no file in {} has the module of handler {text:?}",
            shown(code)
        ),
    };
    let near = nearest(text, all.iter().map(|guess| guess.handler.as_str()));
    // Only the name of the function may differ from a usual one.
    let near = near.map(str::to_owned).or_else(|| {
        let (module, function) = text.rsplit_once('.')?;
        let modules = all.iter().filter_map(|guess| guess.handler.split_once('.'));
        let module = nearest(module, modules.map(|(module, _)| module))?;
        Some(format!("{module}.{function}"))
    });
    if let Some(near) = near {
        let _ = write!(said, "; did you mean `{near}`?");
    }
    let listed = all
        .iter()
        .map(|guess| format!("{} ({})", guess.handler, guess.file));
    let listed: Vec<String> = listed.collect();
    let _ = write!(said, "\nthe handlers here are: {}", listed.join(", "));
    Some(said)
}

/// Whether a path is that of a file which shows its handler.
pub fn is_handler_file(path: &Path) -> bool {
    path.is_file() && guess_file(path).is_some_and(|guess| !guess.handler.is_empty())
}

fn shown(code: &Path) -> String {
    match code.as_os_str().is_empty() || code == Path::new(".") {
        true => "this folder".to_owned(),
        false => code.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn handlers_are_meant_in_several_spellings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("app.py", "def handler(event, context):\n    return 1\n");
        write("other.py", "def helper():\n    return 1\n");
        let meant = |text: &str| meant(folder.path(), text).map(|guess| guess.handler);
        for text in [
            "app.handler",
            "app:handler",
            "app.py:handler",
            "app.py::handler",
            "app",
        ] {
            assert_eq!(meant(text).as_deref(), Some("app.handler"), "{text}");
        }
        write("Hello.java", "class Hello {\n}\n");
        let of_java = meant("Hello::handleRequest");
        assert_eq!(of_java.as_deref(), Some("Hello::handleRequest"));
        for text in ["apq.handler", "apq", "other", "app/", "", ":", "."] {
            assert_eq!(meant(text), None, "{text}");
        }
        let said = |text: &str| explain(folder.path(), text).unwrap();
        assert!(
            said("apq.handler").contains(
                "did you mean `app.handler`?\nthe handlers here are: app.handler (app.py)"
            )
        );
        assert!(said("apq.something_else").contains("did you mean `app.something_else`?"));
        assert!(!said("quite.different").contains("did you mean"));
        fs::remove_file(folder.path().join("app.py")).unwrap();
        assert_eq!(explain(folder.path(), "app.handler"), None);
    }
}
