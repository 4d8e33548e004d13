//! Which program of an image is started, in which folder, with which arguments and variables.

use serde_json::json;

use super::{lambkin, program, project, run, scripts, serve, served, tell, text};
use crate::sandbox::{As, namespaces};
use crate::support::{Image, MockServer, Project, request};

#[test]
fn the_program_gets_entrypoint_cmd_workdir_and_env() {
    for host in As::all() {
        let Ok(image) = Image::echo() else { return };
        let image = image
            .entry_point(&["/function/bootstrap", "first"])
            .command(&["app.handler"])
            .working_directory("/function")
            .env(&[
                "OF_IMAGE=image",
                "BOTH=image",
                "AWS_REGION=nowhere",
                "EQUALS=a=b",
            ])
            .user("nobody");
        let settings = "environment = { BOTH = \"function\", OWN = \"function\" }\n";
        let Ok((_project, server)) = served(&image, host, settings) else {
            return;
        };
        let arguments = tell(&server, "args");
        let arguments = arguments.as_array().unwrap();
        assert_eq!(
            arguments[arguments.len() - 2..],
            [json!("first"), json!("app.handler")]
        );
        assert_eq!(tell(&server, "cwd"), "/function");
        let environment = tell(&server, "environment");
        for (key, value) in [
            ("OF_IMAGE", "image"),
            ("BOTH", "function"),
            ("OWN", "function"),
            ("EQUALS", "a=b"),
            ("AWS_REGION", "us-east-1"),
            ("_HANDLER", "app.handler"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("PWD", "/function"),
            ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
        ] {
            assert_eq!(environment[key], value, "{key}");
        }
        assert!(environment["AWS_LAMBDA_RUNTIME_API"].is_string());
        assert!(
            environment.get("HOME").is_none() && environment.get("AWS_EXECUTION_ENV").is_none()
        );
    }
}

#[test]
fn the_control_plane_describes_an_image_and_not_a_program_of_the_machine() {
    let Ok(image) = Image::echo() else { return };
    let image = image.command(&["app.handler"]);
    let Ok((_project, server)) = served(&image, As::User, "") else {
        return;
    };
    let path = "/2015-03-31/functions/echo";
    let reply = request(server.invoke_url(), "GET", path, &[], b"");
    let function: serde_json::Value = serde_json::from_str(&reply.text()).unwrap();
    let configuration = &function["Configuration"];
    assert_eq!(configuration["PackageType"], "Image", "{function}");
    let digits = configuration["CodeSha256"].as_str().unwrap();
    assert_eq!(digits.len(), 64);
    assert_eq!(
        configuration["ImageConfigResponse"]["ImageConfig"],
        json!({ "EntryPoint": ["/function/bootstrap"], "Command": ["app.handler"], "WorkingDirectory": "" })
    );
    assert!(configuration.get("Runtime").is_none() && configuration.get("Handler").is_none());
    assert_eq!(function["Code"]["ImageUri"], "app.tar");
    let resolved = format!("app.tar@sha256:{digits}");
    assert_eq!(function["Code"]["ResolvedImageUri"], resolved);
}

#[test]
fn image_config_replaces_each_setting_of_the_image_on_its_own() {
    let Ok(image) = Image::echo() else { return };
    let image = image
        .entry_point(&["/function/bootstrap", "entry"])
        .command(&["cmd"])
        .folder("srv")
        .working_directory("/function");
    let project = Project::new(
        "functions.plain = { image = 'app.tar' }\n\
         functions.command = { image = 'app.tar', image-config = { command = ['other'] } }\n\
         functions.none = { image = 'app.tar', image-config = { command = [] } }\n\
         functions.entry = { image = 'app.tar', image-config.entry-point = ['./bootstrap', 'x'] }\n\
         functions.folder = { image = 'app.tar', image-config.working-directory = '/srv' }\n\
         functions.of-version = { image = 'app.tar', versions.1.image-config.command = ['v1'] }\n",
    );
    image.save(&project.path().join("app.tar"));
    let Ok(server) = serve(&project, As::User) else {
        return;
    };
    let ask = |function: &str, fact: &str| {
        let reply = server.invoke(function, format!(r#"{{"tell": "{fact}"}}"#));
        let text = reply.text();
        serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|_| panic!("{text}"))
    };
    for (function, arguments, folder) in [
        ("plain", &["entry", "cmd"][..], "/function"),
        ("command", &["entry", "other"], "/function"),
        ("none", &["entry"], "/function"),
        ("entry", &["x", "cmd"], "/function"),
        ("folder", &["entry", "cmd"], "/srv"),
        ("of-version", &["entry", "cmd"], "/function"),
        ("of-version:1", &["entry", "v1"], "/function"),
    ] {
        let found = ask(function, "args");
        let found = found.as_array().unwrap();
        assert_eq!(
            found[found.len() - arguments.len()..],
            *arguments,
            "{function}"
        );
        assert_eq!(ask(function, "cwd"), folder, "{function}");
    }
}

#[test]
fn the_working_directory_is_the_task_root_if_there_is_one_else_the_root() {
    for (folder, expected) in [("var/task", "/var/task"), ("elsewhere", "/")] {
        let Ok(image) = Image::echo() else { return };
        let Ok((_project, server)) = served(&image.folder(folder), As::User, "") else {
            return;
        };
        assert_eq!(tell(&server, "cwd"), expected);
    }
}

/// The entry point of AWS's base images, which starts the emulator if nothing else has the Runtime API.
const ENTRY_OF_AWS: &str = r#"#!/bin/sh
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" 1>&2
  exit 142
fi
export _HANDLER="$1"
RUNTIME_ENTRYPOINT=/var/runtime/bootstrap
if [ -z "${AWS_LAMBDA_RUNTIME_API}" ]; then
  exec /usr/local/bin/aws-lambda-rie $RUNTIME_ENTRYPOINT
else
  exec $RUNTIME_ENTRYPOINT
fi
"#;

/// An emulator that must not be started.
const EMULATOR: &str = "#!/bin/sh\necho 'an emulator was started'\nexit 1\n";

#[test]
fn images_that_start_the_emulator_themselves_start_its_command() {
    for host in As::all() {
        let Ok(image) = scripts(&[("about", "echo $_HANDLER $0 in $(pwd)")]) else {
            return;
        };
        let image = image
            .link("var/runtime/bootstrap", "/var/task/bootstrap")
            .executable("usr/local/bin/aws-lambda-rie", EMULATOR)
            .executable("tools/aws-lambda-rie", EMULATOR)
            .executable("lambda-entrypoint.sh", ENTRY_OF_AWS)
            .executable(
                "always.sh",
                "#!/bin/sh\nexec /usr/local/bin/aws-lambda-rie --log-level debug /var/task/bootstrap \"$@\"\n",
            )
            .executable("elsewhere.sh", "#!/bin/sh\nexec \"/tools/aws-lambda-rie\" \"$@\"\n");
        for (entry_point, command) in [
            (&["/lambda-entrypoint.sh"][..], &["app.handler"][..]),
            (
                &["/usr/local/bin/aws-lambda-rie"],
                &["/var/task/bootstrap", "app.handler"],
            ),
            (
                &["aws-lambda-rie", "--log-level=debug", "/var/task/bootstrap"],
                &["app.handler"],
            ),
            (&["/always.sh"], &["app.handler"]),
            (&["/elsewhere.sh"], &["/var/task/bootstrap", "app.handler"]),
            (
                &["/bin/sh", "-c"],
                &["exec aws-lambda-rie /var/task/bootstrap app.handler"],
            ),
            (
                &["/bin/sh", "-c", "exec aws-lambda-rie", "app.handler"],
                &[],
            ),
        ] {
            let image = image
                .clone()
                .env(&["PATH=/usr/local/bin:/usr/bin:/bin"])
                .entry_point(entry_point)
                .command(command);
            let Ok((_project, server)) = served(&image, host, "") else {
                return;
            };
            let about = run(&server, "about");
            assert!(about.contains("app.handler"), "{entry_point:?} {about}");
            assert!(!server.log().contains("an emulator was started"));
        }
    }
}

#[test]
fn an_image_without_a_configuration_is_invoked_by_its_path() {
    for host in As::all() {
        let Ok(image) = Image::echo() else { return };
        if namespaces(host).is_err() {
            return;
        }
        let project = project(&image, "");
        image.lay_out(&project.path().join("layout"));
        std::fs::remove_file(project.path().join("lambkin.toml")).unwrap();
        let tagged = "layout:latest";
        for path in ["app.tar", "./app.tar", "layout", tagged, "./layout:latest"] {
            let output = lambkin(&project, host, &["invoke", path, r#"{"a": 1}"#]);
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            assert_eq!(
                (output.status.code(), out.as_str()),
                (Some(0), "{\"a\": 1}\n"),
                "{err}"
            );
        }
        let output = lambkin(&project, host, &["invoke", "app.tar", r#"{"error": "no"}"#]);
        assert_eq!(output.status.code(), Some(1));
        let output = lambkin(
            &project,
            host,
            &["invoke", "--handler", "a.b", "app.tar", "1"],
        );
        assert_eq!(output.status.code(), Some(2));
        let err = text(&output.stderr);
        assert!(err.contains("app.tar is a container image"), "{err}");
        std::fs::create_dir(project.path().join("unbuilt")).unwrap();
        std::fs::write(project.path().join("unbuilt/Dockerfile"), "FROM scratch\n").unwrap();
        for path in ["./unbuilt", "unbuilt/Dockerfile"] {
            let output = lambkin(&project, host, &["invoke", path, "1"]);
            let err = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{err}");
            assert!(
                err.contains("Lambkin runs images but does not build them"),
                "{err}"
            );
        }
    }
}

#[test]
fn an_extension_in_the_image_is_started() {
    let extension = r#"#!/bin/bash
cd /tmp
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
curl -sS -D registered -o answer -H 'Lambda-Extension-Name: watcher' "$api/register" -d '{"events":["INVOKE"]}'
id=$(sed -n 's/^lambda-extension-identifier: *\([^[:space:]]*\).*/\1/Ip' registered)
echo "extension $(id -u) at $0 with $OF_IMAGE in $(cat answer)"
while curl -sS -o event -H "Lambda-Extension-Identifier: $id" "$api/event/next"; do :; done
"#;
    for host in As::all() {
        let Ok(image) = scripts(&[("nothing", "echo ran")]) else {
            return;
        };
        // A link of the image, which leads elsewhere on the host.
        let image = image
            .link("opt", "/bundled")
            .executable("bundled/extensions/watcher", extension)
            .command(&["app.handler"])
            .env(&["PATH=/usr/bin:/bin", "OF_IMAGE=variable"]);
        let Ok((_project, server)) = served(&image, host, "") else {
            return;
        };
        assert_eq!(run(&server, "nothing"), "ran\n");
        let log = server.log_with("extension 993 at /opt/extensions/watcher with variable");
        assert!(log.contains(r#""handler":"app.handler""#), "{log}");
    }
}

#[test]
fn an_image_that_umoci_has_made_runs() {
    for tool in ["umoci", "skopeo"] {
        if program(tool).is_err() {
            return;
        }
    }
    let Ok(image) = Image::echo() else { return };
    let project = project(&image, "");
    let shell = |script: &str| {
        let output = std::process::Command::new("sh")
            .args(["-ec", script])
            .current_dir(project.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    // Its layers are compressed, and one of them removes what another one has.
    shell(
        "skopeo copy -q docker-archive:app.tar oci:layout:app
         umoci unpack --rootless --image layout:app bundle
         echo umoci > bundle/rootfs/function/made-by
         umoci repack --image layout:made bundle
         umoci config --image layout:made --config.cmd from-umoci
         rm -r bundle app.tar
         sed -i 's/app.tar/layout:made/' lambkin.toml",
    );
    let Ok(server) = serve(&project, As::User) else {
        return;
    };
    let arguments = tell(&server, "args");
    assert_eq!(arguments.as_array().unwrap().last().unwrap(), "from-umoci");
}

#[test]
fn an_image_of_a_registry_is_downloaded_once_and_pinned() {
    let Ok(image) = Image::echo() else { return };
    if namespaces(As::User).is_err() {
        return;
    }
    let layout = tempfile::tempdir().unwrap();
    let (registry, project) = (registry(layout.path()), Project::new(""));
    let name = format!("{}/team/app:1", registry.url().replace("http://", ""));
    project.file(
        "lambkin.toml",
        format!("[functions.echo]\nimage = \"{name}\"\ntimeout = 30\n[invoke]\nlisten = \"127.0.0.1:0\"\n"),
    );
    let ask = || {
        let output = lambkin(
            &project,
            As::User,
            &["invoke", "echo", r#"{"tell": "args"}"#],
        );
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{err}");
        out
    };
    image.clone().command(&["first"]).lay_out(layout.path());
    assert!(ask().contains("first"));
    let lock = std::fs::read_to_string(project.path().join("lambkin.lock")).unwrap();
    assert!(lock.contains(&name) && lock.contains("sha256:"), "{lock}");
    let blobs = || {
        let requests = registry.requests();
        let blobs = requests
            .iter()
            .filter(|request| request.head.contains("/blobs/"));
        blobs.count()
    };
    let downloaded = blobs();
    assert!(downloaded > 0);
    // What the tag means now does not matter, until the lock file is deleted.
    image.command(&["second"]).lay_out(layout.path());
    assert!(ask().contains("first"));
    assert_eq!(blobs(), downloaded);
    std::fs::remove_file(project.path().join("lambkin.lock")).unwrap();
    assert!(ask().contains("second"));
}

/// A registry with the image of an OCI layout, whatever its name and its tag.
fn registry(layout: &std::path::Path) -> MockServer {
    let layout = layout.to_owned();
    MockServer::with_bodies(move |request| {
        let path = request.head.split(' ').nth(1)?;
        let blob = |digest: &str| {
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            std::fs::read(layout.join("blobs/sha256").join(digits))
        };
        let found = match path.rsplit('/').next()? {
            "" => Ok(Vec::new()),
            digest if digest.starts_with("sha256:") => blob(digest),
            _tag => {
                let index = std::fs::read(layout.join("index.json")).ok()?;
                let index: serde_json::Value = serde_json::from_slice(&index).ok()?;
                blob(index["manifests"][0]["digest"].as_str()?)
            }
        };
        Some(match found {
            Ok(content) => (200, content),
            Err(_) => (404, Vec::new()),
        })
    })
}
