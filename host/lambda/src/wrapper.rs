//! The wrapper script that `AWS_LAMBDA_EXEC_WRAPPER` names: in managed runtimes it is started in place of the interpreter,
//! with the interpreter and its arguments as arguments, as AWS's `bootstrap` does.
//!
//! Contract: a path in `/opt` is one in the layers, the last of which that has it counts; other paths are the machine's.
//! Functions with a `bootstrap` of their own are not wrapped. On failure: a wrapper that is missing or cannot be executed
//! ends the start with AWS's line and status; `lambkin check` says the same beforehand.

use std::path::{Path, PathBuf};

use crate::bootstrap::NoBootstrapError;
use crate::executable::{ExecutableError, Starter, examine};

/// The variable that names the wrapper.
pub(crate) const VARIABLE: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// What AWS's `bootstrap` does with the wrapper, which is the first argument.
const SCRIPT: &str = "if [ ! -f \"$1\" ]; then echo \"$1: does not exist\"; exit 127; fi\n\
                      if [ ! -x \"$1\" ]; then echo \"$1: is not an executable\"; exit 126; fi\n\
                      exec \"$@\"";

/// Where the wrapper that the variable names is. `layers` are resolved, in order.
pub(crate) fn locate(wrapper: &str, layers: &[PathBuf]) -> PathBuf {
    let path = Path::new(wrapper);
    let in_layers = path.strip_prefix("/opt").ok().and_then(|below| {
        let mut places = layers.iter().rev().map(|layer| layer.join(below));
        places.find(|place| place.exists())
    });
    in_layers.unwrap_or_else(|| path.to_owned())
}

/// The command that starts a program through the wrapper.
pub(crate) fn wrap(
    wrapper: &Path,
    program: PathBuf,
    arguments: Vec<String>,
) -> (PathBuf, Vec<String>) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut all = vec!["-c".to_owned(), SCRIPT.to_owned(), "sh".to_owned()];
    all.extend([text(wrapper), text(&program)]);
    all.extend(arguments);
    (PathBuf::from("/bin/sh"), all)
}

/// Fails if the wrapper cannot be executed.
pub(crate) fn check(wrapper: &Path, starter: Starter<'_>) -> Result<(), NoBootstrapError> {
    let Err(error) = examine(wrapper, starter) else {
        return Ok(());
    };
    let hint = match error {
        ExecutableError::Missing if wrapper.starts_with("/opt") => {
            "; no layer of the function has it either"
        }
        _ => "",
    };
    let reason = format!("{VARIABLE} = {wrapper:?} {error}{hint}");
    Err(NoBootstrapError::of_interpreter(reason))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::access::User;
    use crate::rootfs::Files;

    #[test]
    fn the_last_layer_that_has_the_wrapper_counts() {
        let folder = tempfile::tempdir().unwrap();
        let layers = ["one", "two", "three"].map(|name| folder.path().join(name));
        for layer in &layers {
            fs::create_dir(layer).unwrap();
        }
        let found = || locate("/opt/wrap", &layers);
        assert_eq!(found(), Path::new("/opt/wrap"));
        let starter = Starter {
            files: Files::HOST,
            path: "/bin",
            user: User::Own,
        };
        let error = |path: &Path| check(path, starter).unwrap_err().to_string();
        assert_eq!(
            error(&found()),
            "AWS_LAMBDA_EXEC_WRAPPER = \"/opt/wrap\" does not exist; no layer of the function has it either"
        );
        fs::write(layers[0].join("wrap"), "").unwrap();
        fs::write(layers[1].join("wrap"), "").unwrap();
        assert_eq!(found(), layers[1].join("wrap"));
        assert!(
            error(&found()).contains("is not executable"),
            "{}",
            error(&found())
        );
        assert_eq!(locate("/bin/true", &layers), Path::new("/bin/true"));
    }
}
