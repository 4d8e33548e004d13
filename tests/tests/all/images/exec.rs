//! `lambkin exec` with a function from an image: commands of the image, in its file system.

use super::{lambkin, project, scripts, text};
use crate::sandbox::{As, namespaces};

#[test]
fn a_command_of_the_image_runs_with_the_functions_environment_in_the_images_files() {
    let Ok(image) = scripts(&[]) else { return };
    let image = image
        .file("srv/app/own", "file of the image\n")
        .executable("srv/app/tool", "#!/bin/sh\necho tool \"$@\"\n")
        .working_directory("/srv/app")
        .env(&["PATH=/usr/bin:/bin", "OF_IMAGE=image"]);
    let script = "echo $OWN $OF_IMAGE $AWS_LAMBDA_FUNCTION_NAME ${AWS_LAMBDA_RUNTIME_API-unset}; pwd; cat own; id -u; \
                  touch made 2>/dev/null || touch /tmp/made && exit 5";
    for host in As::all() {
        if namespaces(host).is_err() {
            return;
        }
        let project = project(&image, "environment = { OWN = 'mine' }\n");
        let exec = |words: &[&str]| {
            let output = lambkin(&project, host, &[&["exec", "echo", "--"], words].concat());
            let said = (text(&output.stdout), text(&output.stderr));
            (output.status.code(), said.0, said.1)
        };
        let (code, out, err) = exec(&["sh", "-c", script]);
        assert_eq!(
            out, "mine image echo unset\n/srv/app\nfile of the image\n993\n",
            "{host:?} {err}"
        );
        assert_eq!(code, Some(5), "{host:?}");
        let (code, out, err) = exec(&["./tool", "-x", "a b"]);
        assert_eq!(
            (code, out.as_str()),
            (Some(0), "tool -x a b\n"),
            "{host:?} {err}"
        );
        // Programs of the machine do not count.
        for (word, code, reason) in [
            ("lambkin-no-such", 127, "is not in PATH (/usr/bin:/bin)"),
            ("/usr/bin/no-such", 127, "/usr/bin/no-such: does not exist"),
            ("./own", 126, "./own: is not executable"),
        ] {
            let (found, _, err) = exec(&[word]);
            assert_eq!(found, Some(code), "{word} {err}");
            assert!(err.contains(reason), "{err}");
        }
        let archive = project.path().join("app.tar").display().to_string();
        let output = lambkin(&project, host, &["exec", &archive, "--", "cat", "own"]);
        assert_eq!(
            text(&output.stdout),
            "file of the image\n",
            "{}",
            text(&output.stderr)
        );
        let output = lambkin(&project, host, &["exec", "--build", "echo", "--", "true"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("which --build does not change; build it anew"));
    }
}
