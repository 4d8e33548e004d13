//! How a function is started with the debugger of its language.
//!
//! The debuggers are those that the languages' developers and editors use: Node's inspector, `debugpy`, `rdbg` and JDWP.
//!
//! On failure: a language whose debugger cannot be started this way, or that is not installed, is an error with what to
//! do instead.

use crate::found::Found;
use crate::id::Language;
use crate::python::{self, Modules};

/// That a function is debugged.
#[derive(Debug, Clone, Copy)]
pub struct Debug<'a> {
    /// The port at which the debugger listens on `127.0.0.1`, or a text that stands for it.
    pub port: &'a str,
    /// Whether the function's code runs only when somebody has attached.
    pub wait: bool,
}

/// The port that editors and debuggers of a language use if none is named.
pub fn customary_debug_port(language: Language) -> Option<u16> {
    match language {
        Language::Node => Some(9229),
        Language::Python => Some(5678),
        Language::Java => Some(5005),
        Language::Ruby => Some(12345),
        Language::Dotnet | Language::Custom => None,
    }
}

/// The arguments that come before all others of the interpreter.
pub(crate) fn arguments(
    language: Language,
    found: &Found,
    modules: &Modules<'_>,
    Debug { port, wait }: Debug<'_>,
) -> Result<Vec<String>, String> {
    Ok(match language {
        Language::Node => {
            let version = (found.version.major, found.version.minor);
            // The newer flag stops before the code instead of in the first line of the runtime's client.
            let has_wait = version >= (22, 2) || (version.0 == 20 && version.1 >= 15);
            let flag = match wait {
                false => "--inspect",
                true if has_wait => "--inspect-wait",
                true => "--inspect-brk",
            };
            // Without a line in the log that names a port which is not the one to attach to.
            let quiet = "--inspect-publish-uid=http".to_owned();
            vec![format!("{flag}=127.0.0.1:{port}"), quiet]
        }
        Language::Python => {
            if python::lacks(found, "debugpy", modules) {
                return Err(no_debugpy(found));
            }
            let mut arguments = Vec::new();
            if (found.version.major, found.version.minor) >= (3, 11) {
                // debugpy would warn about breakpoints in modules of the standard library.
                arguments.push("-Xfrozen_modules=off".to_owned());
            }
            let listen = format!("127.0.0.1:{port}");
            arguments.extend(["-m", "debugpy", "--listen", &listen].map(str::to_owned));
            arguments.extend(wait.then(|| "--wait-for-client".to_owned()));
            arguments
        }
        Language::Java => {
            let suspend = if wait { "y" } else { "n" };
            vec![format!(
                "-agentlib:jdwp=transport=dt_socket,server=y,quiet=y,suspend={suspend},address=127.0.0.1:{port}"
            )]
        }
        Language::Ruby => {
            let open = if wait {
                "debug/open"
            } else {
                "debug/open_nonstop"
            };
            vec!["-r".to_owned(), open.to_owned()]
        }
        Language::Dotnet => {
            return Err(
                ".NET has no debugger that listens at a port; leave `debug` out and attach the editor's debugger to the \
                 process `dotnet`"
                    .to_owned(),
            );
        }
        Language::Custom => Vec::new(),
    })
}

/// The variables of the debugger.
pub(crate) fn variables(language: Language, debug: Debug<'_>) -> Vec<(&'static str, String)> {
    match language {
        Language::Ruby => vec![
            ("RUBY_DEBUG_HOST", "127.0.0.1".to_owned()),
            ("RUBY_DEBUG_PORT", debug.port.to_owned()),
            // Without lines in the log that name a port which is not the one to attach to.
            ("RUBY_DEBUG_LOG_LEVEL", "ERROR".to_owned()),
        ],
        Language::Python => vec![("PYDEVD_DISABLE_FILE_VALIDATION", "1".to_owned())],
        _ => Vec::new(),
    }
}

fn no_debugpy(found: &Found) -> String {
    let program = found.program.display();
    format!(
        "debugging Python needs the package debugpy, which {program} does not have; install it: {program} -m pip install \
         debugpy"
    )
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::version::Version;

    fn found(version: &str) -> Found {
        Found {
            program: PathBuf::from("/no/such/interpreter"),
            version: Version::first_in(version).unwrap(),
            rule: String::new(),
            is_binding: false,
        }
    }

    fn modules() -> Modules<'static> {
        Modules {
            code: Path::new("/no/such/code"),
            layers: &[],
            sdk: None,
            has_python_path: false,
        }
    }

    fn flags(language: Language, version: &str, wait: bool) -> String {
        let debug = Debug { port: "1234", wait };
        arguments(language, &found(version), &modules(), debug)
            .unwrap()
            .join(" ")
    }

    #[test]
    fn each_language_has_its_own_debugger() {
        let node = |version, wait| {
            let flags = flags(Language::Node, version, wait);
            flags
                .strip_suffix(" --inspect-publish-uid=http")
                .unwrap()
                .to_owned()
        };
        assert_eq!(node("20.20.2", false), "--inspect=127.0.0.1:1234");
        assert_eq!(node("20.20.2", true), "--inspect-wait=127.0.0.1:1234");
        assert_eq!(node("20.9.0", true), "--inspect-brk=127.0.0.1:1234");
        assert_eq!(node("21.7.0", true), "--inspect-brk=127.0.0.1:1234");
        assert_eq!(node("22.2.0", true), "--inspect-wait=127.0.0.1:1234");
        assert_eq!(
            flags(Language::Java, "21.0.1", true),
            "-agentlib:jdwp=transport=dt_socket,server=y,quiet=y,suspend=y,address=127.0.0.1:1234"
        );
        assert_eq!(
            flags(Language::Ruby, "3.4.1", false),
            "-r debug/open_nonstop"
        );
        assert_eq!(flags(Language::Ruby, "3.4.1", true), "-r debug/open");
    }

    #[test]
    fn what_cannot_be_debugged_says_what_to_do() {
        let debug = Debug {
            port: "1",
            wait: false,
        };
        let python = arguments(Language::Python, &found("3.12.1"), &modules(), debug).unwrap_err();
        assert!(
            python.ends_with("/no/such/interpreter -m pip install debugpy"),
            "{python}"
        );
        let dotnet = arguments(Language::Dotnet, &found("8.0.1"), &modules(), debug).unwrap_err();
        assert!(dotnet.contains("attach the editor's debugger"), "{dotnet}");
    }
}
