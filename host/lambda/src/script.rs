//! The `#!` line of a script, as the kernel and `env` read it, and what is wrong with it.
//!
//! The kernel takes everything after the interpreter's path as one argument, and a carriage return as a part of it.
//! `env` looks up its argument in `PATH`. Neither says much when it fails: the file "does not exist", or the process
//! exits with 127.

use std::path::{Path, PathBuf};

/// The longest `#!` line that Linux reads. Of a longer one, it drops the rest.
pub(crate) const LINE_BYTES: usize = 255;

/// Why a script cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The line has a carriage return, which belongs to the interpreter's name or its argument.
    #[error(
        "is a script whose `#!` line ends in a carriage return (Windows line endings): save the file with Unix line \
         endings, for example with `sed -i 's/\\r$//'`"
    )]
    CarriageReturn,
    /// Something precedes the `#!`.
    #[error(
        "has {0} in front of its `#!`: the file must begin with `#!`, saved as UTF-8 without a byte order mark"
    )]
    NotFirst(&'static str),
    /// The text does not begin with a `#!` line.
    #[error(
        "is a script without a `#!` line: begin it with one, such as `#!/bin/sh` or `#!/usr/bin/env python3`"
    )]
    NoLine,
    /// The line names no interpreter.
    #[error("has a `#!` line that names no interpreter")]
    NoInterpreter,
    /// The line is longer than the kernel reads.
    #[error(
        "has a `#!` line of more than {LINE_BYTES} bytes, of which Linux drops the rest: shorten it"
    )]
    TooLong,
    /// `env` is given several words without `-S`, and takes them as one name.
    #[error(
        "has the line `#!{env} {words}`: env would look for a program of the name `{words}`; write `#!{env} -S {words}`"
    )]
    EnvNeedsSplit {
        /// The path of `env`.
        env: String,
        /// The words.
        words: String,
    },
    /// `env` is not told which program to start.
    #[error("has the line `#!{0}`, in which env is not told which program to start")]
    EnvWithoutProgram(String),
    /// The program that `env` would start is not in `PATH`.
    #[error("needs `{program}`, which is not in the function's PATH ({path}){}", instead_of_name(elsewhere.as_deref()))]
    NotInPath {
        /// The program's name.
        program: String,
        /// The value of `PATH`.
        path: String,
        /// A program of that name, or of a similar one, in another folder.
        elsewhere: Option<PathBuf>,
    },
    /// The interpreter does not exist.
    #[error("needs {}, which does not exist here{}", interpreter.display(), instead(elsewhere.as_deref()))]
    MissingInterpreter {
        /// The interpreter's path.
        interpreter: PathBuf,
        /// A program of that name, or of a similar one, in another folder.
        elsewhere: Option<PathBuf>,
    },
    /// The interpreter cannot be executed.
    #[error("needs the interpreter {}, which {reason}", interpreter.display())]
    UnusableInterpreter {
        /// The interpreter's path.
        interpreter: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What to do about an interpreter that does not exist.
fn instead(elsewhere: Option<&Path>) -> String {
    let Some(program) = elsewhere else {
        return "; install it or change the `#!` line".to_owned();
    };
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    format!(
        ", but {} does: change the `#!` line to it, or to `#!/usr/bin/env {name}`",
        program.display()
    )
}

/// What to do about a program that `PATH` does not have.
fn instead_of_name(elsewhere: Option<&Path>) -> String {
    match elsewhere {
        None => ": install it or change the `#!` line".to_owned(),
        Some(program) => format!(
            ": there is {0}; change the `#!` line, or set PATH in the function's environment",
            program.display()
        ),
    }
}

/// The programs that must exist for a script to start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    pub interpreter: PathBuf,
    /// The program that `env` starts.
    pub program: Option<String>,
}

/// Reads the `#!` line at the start of a file; `None` if the file is neither a script nor other text. At least one byte
/// more than [`LINE_BYTES`] of the file must be given, if it has them.
pub(crate) fn read(head: &[u8]) -> Option<Result<Needed, ScriptError>> {
    let Some(after) = head.strip_prefix(b"#!") else {
        return without_line(head).map(Err);
    };
    let end = after.iter().position(|byte| *byte == b'\n');
    let line = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
    if line.contains(&b'\r') {
        return Some(Err(ScriptError::CarriageReturn));
    }
    if cfg!(target_os = "linux") && line.len() + 2 > LINE_BYTES {
        return Some(Err(ScriptError::TooLong));
    }
    let line = String::from_utf8_lossy(line);
    let line = line.trim_matches([' ', '\t']);
    let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if interpreter.is_empty() {
        return Some(Err(ScriptError::NoInterpreter));
    }
    let is_env = Path::new(interpreter)
        .file_name()
        .is_some_and(|name| name == "env");
    let program = match is_env.then(|| started_by_env(interpreter, argument.trim_start())) {
        Some(Ok(program)) => Some(program),
        Some(Err(error)) => return Some(Err(error)),
        None => None,
    };
    Some(Ok(Needed {
        interpreter: PathBuf::from(interpreter),
        program,
    }))
}

fn without_line(head: &[u8]) -> Option<ScriptError> {
    const UTF_8: &[u8] = b"\xef\xbb\xbf";
    if head.starts_with(b"\xff\xfe#\0!\0") || head.starts_with(b"\xfe\xff\0#\0!") {
        return Some(ScriptError::NotFirst("a byte order mark of UTF-16"));
    }
    if head
        .strip_prefix(UTF_8)
        .is_some_and(|rest| rest.starts_with(b"#!"))
    {
        return Some(ScriptError::NotFirst("a byte order mark"));
    }
    if head.trim_ascii_start().starts_with(b"#!") {
        return Some(ScriptError::NotFirst("white space"));
    }
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..);
    let is_script = !head.is_empty() && head.iter().all(is_text);
    is_script.then_some(ScriptError::NoLine)
}

/// The program that `env` starts when the kernel passes it one argument.
fn started_by_env(env: &str, argument: &str) -> Result<String, ScriptError> {
    let without =
        || ScriptError::EnvWithoutProgram(format!("{env} {argument}").trim_end().to_owned());
    let splits = !cfg!(target_os = "linux")
        || argument.starts_with("--split-string")
        || (argument.starts_with('-') && !argument.starts_with("--"))
            && argument
                .split([' ', '\t'])
                .next()
                .is_some_and(|option| option.contains('S'));
    if !splits && argument.contains([' ', '\t']) {
        return Err(ScriptError::EnvNeedsSplit {
            env: env.to_owned(),
            words: argument.to_owned(),
        });
    }
    let mut words = argument
        .split([' ', '\t', '='])
        .filter(|word| !word.is_empty());
    let mut words_of_line = argument.split([' ', '\t']).filter(|word| !word.is_empty());
    if argument.starts_with("--split-string=") {
        words.next();
        return words.next().map(unquoted).ok_or_else(without);
    }
    while let Some(word) = words_of_line.next() {
        match word {
            "-u" | "--unset" | "-C" | "--chdir" => {
                words_of_line.next();
            }
            // `-Spython3` has the first word in the option.
            _ if word.starts_with("-S") && word.len() > 2 => return Ok(unquoted(&word[2..])),
            _ if word.starts_with('-') || word.contains('=') => {}
            _ => return Ok(unquoted(word)),
        }
    }
    Err(without())
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str) -> Option<String> {
        read(format!("#!{line}\nexit\n").as_bytes())
            .unwrap()
            .unwrap()
            .program
    }

    fn error(head: impl AsRef<[u8]>) -> ScriptError {
        read(head.as_ref()).unwrap().unwrap_err()
    }

    #[test]
    fn the_programs_that_a_line_needs_are_found() {
        let needed = read(b"#! /bin/sh -e\n").unwrap().unwrap();
        assert_eq!(needed.interpreter, Path::new("/bin/sh"));
        assert_eq!(needed.program, None);
        for (line, expected) in [
            ("/usr/bin/env bash", "bash"),
            ("/usr/bin/env   python3\t", "python3"),
            ("/bin/env -S node --no-warnings", "node"),
            ("/bin/env -Snode --no-warnings", "node"),
            ("/bin/env -vS 'python3' -u", "python3"),
            ("/bin/env -S -i A=b -u C ruby", "ruby"),
            ("/bin/env --split-string=perl -w", "perl"),
            ("/bin/env --split-string perl -w", "perl"),
        ] {
            assert_eq!(program(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_carriage_return_is_found_anywhere_in_the_line() {
        for line in [
            "/bin/sh\r",
            "/usr/bin/env bash\r",
            "/x -y\r",
            "/bin/sh\r -e",
            "\r",
        ] {
            let head = format!("#!{line}\nexit\r\n");
            assert_eq!(error(head), ScriptError::CarriageReturn, "{line:?}");
        }
        assert_eq!(error("#!/bin/sh\r"), ScriptError::CarriageReturn);
        assert!(read(b"#!/bin/sh\nexit\r\n").unwrap().is_ok());
    }

    #[test]
    fn what_precedes_the_line_is_named() {
        let message = |head: &[u8]| error(head).to_string();
        assert!(message(b"\xef\xbb\xbf#!/bin/sh\n").starts_with("has a byte order mark in front"));
        assert!(message(b"\xff\xfe#\0!\0/\0").starts_with("has a byte order mark of UTF-16"));
        assert!(message(b"\n#!/bin/sh\n").starts_with("has white space in front"));
        assert_eq!(error(b"echo hello\n"), ScriptError::NoLine);
        assert_eq!(read(b"\0\x01\x02"), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_line_that_linux_cuts_is_refused() {
        let line =
            |length: usize| format!("#!/bin/sh {}\n", "a".repeat(length - "#!/bin/sh ".len()));
        assert!(read(line(LINE_BYTES).as_bytes()).unwrap().is_ok());
        assert_eq!(error(line(LINE_BYTES + 1)), ScriptError::TooLong);
        assert_eq!(error(line(LINE_BYTES + 1).trim_end()), ScriptError::TooLong);
    }

    #[test]
    fn env_must_be_told_a_program() {
        for line in [
            "/usr/bin/env",
            "/usr/bin/env -S",
            "/usr/bin/env -i",
            "/usr/bin/env A=b",
        ] {
            let found = error(format!("#!{line}\n"));
            assert_eq!(found, ScriptError::EnvWithoutProgram(line.to_owned()));
        }
        assert_eq!(error("#!\n"), ScriptError::NoInterpreter);
        assert_eq!(error("#!  \t\n"), ScriptError::NoInterpreter);
        if cfg!(target_os = "linux") {
            let message = error("#!/usr/bin/env python3 -u\n").to_string();
            assert!(
                message.ends_with("write `#!/usr/bin/env -S python3 -u`"),
                "{message}"
            );
        }
    }
}
