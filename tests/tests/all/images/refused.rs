//! Images and configurations that cannot be used, and what is said about them.

use std::process::{Command, Stdio};

use super::{lambkin, project, scripts, serve, text};
use crate::sandbox::{As, namespaces};
use crate::support::{Image, Project, lambkin as lambkin_command, tool};

#[test]
fn an_image_that_cannot_be_started_says_why_and_calls_get_awss_error() {
    let Ok(base) = scripts(&[]) else { return };
    if namespaces(As::User).is_err() {
        return;
    }
    let base = base
        .file("not-executable", "#!/bin/sh\n")
        .executable("needs-python", "#!/usr/bin/python3\n")
        .executable("windows", "#!/bin/sh\r\necho\r\n")
        .executable(
            "foreign",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x08\0\x01\0\0\0".as_slice(),
        );
    for (image, error_type, said, reason) in [
        (
            base.clone().entry_point(&["/none"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /none: no such file or directory",
            "its program /none does not exist",
        ),
        (
            base.clone().entry_point(&["/\u{1b}[2J"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /\u{1b}[2J: no such file or directory",
            r"its program /\u{1b}[2J does not exist",
        ),
        (
            base.clone().entry_point(&["none"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec none: no such file or directory",
            "its program `none` is in no folder of PATH (/usr/bin:/bin)",
        ),
        (
            base.clone().entry_point(&["/not-executable"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /not-executable: permission denied",
            "its program /not-executable is not executable; in the Dockerfile: `RUN chmod +x /not-executable`",
        ),
        (
            base.clone().entry_point(&["/needs-python"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /needs-python: no such file or directory",
            "needs /usr/bin/python3, which does not exist",
        ),
        (
            base.clone().entry_point(&["/windows"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /windows: no such file or directory",
            "carriage return",
        ),
        (
            base.clone().entry_point(&["/foreign"]),
            "Runtime.InvalidEntrypoint",
            "fork/exec /foreign: exec format error",
            "is built for",
        ),
        (
            base.clone().working_directory("/srv/none"),
            "Runtime.InvalidWorkingDir",
            "chdir /srv/none: no such file or directory",
            "its working directory /srv/none",
        ),
        (
            base.clone().entry_point(&[]),
            "Runtime.InvalidEntrypoint",
            "fork/exec : no such file or directory",
            "neither an ENTRYPOINT nor a CMD",
        ),
    ] {
        let project = project(&image, "");
        let output = lambkin(&project, As::User, &["invoke", "echo", "1"]);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        // No program was started, or one that could not be.
        let code = match error_type {
            "Runtime.InvalidEntrypoint" => 2,
            _ => 1,
        };
        assert_eq!(output.status.code(), Some(code), "{err}");
        let payload: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(payload["errorType"], error_type, "{out}");
        let message = payload["errorMessage"].as_str().unwrap();
        assert!(message.ends_with(&format!(" Error: {said}")), "{message}");
        assert!(err.contains(reason), "{reason}: {err}");
        assert!(err.contains("image app.tar (id "), "{err}");
        let output = lambkin(&project, As::User, &["check"]);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            err.contains("error: function echo: ") && err.contains(reason),
            "{err}"
        );
    }
}

#[test]
fn what_is_checked_names_the_image_and_its_digest() {
    let Ok(image) = Image::echo() else { return };
    if namespaces(As::User).is_err() {
        return;
    }
    let project = project(&image.command(&["app.handler"]), "");
    let output = lambkin(&project, As::User, &["check"]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (_, id) = out.split_once("function echo: image app.tar (id ").unwrap();
    let (id, _) = id.split_once(')').unwrap();
    assert!(
        id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{out}"
    );
    assert!(
        out.contains("/function/bootstrap, handler app.handler, 30 s"),
        "{out}"
    );
}

#[test]
fn keys_that_an_image_replaces_are_refused_with_what_to_do() {
    let Ok(image) = Image::echo() else { return };
    for (settings, mistakes) in [
        (
            "code = '.'",
            &["echo.code: cannot be combined with `image`, which has the code"][..],
        ),
        (
            "handler = 'a.b'\nlayers = ['.']\nruntime = 'python3.13'",
            &[
                "echo.handler: cannot be combined with `image`, whose handler is part of its command",
                "echo.layers: cannot be combined with `image`, as on AWS",
                "echo.runtime: cannot be combined with `image`, which has its own runtime",
            ],
        ),
        (
            "command = ['x']",
            &["replaces the image's ENTRYPOINT and CMD"],
        ),
        ("sandbox = 'process'", &["need Linux with user namespaces"]),
        (
            "sandbox = 'namespace'",
            &["or write \"auto\", which is the same"],
        ),
        (
            "image-config.working-directory = 'relative'",
            &["is not an absolute path in the image"],
        ),
        (
            "image-config.entrypoint = ['x']",
            &["unknown key; did you mean `entry-point`?"],
        ),
    ] {
        let project = project(&image, settings);
        let refusal = project.refusal();
        for mistake in mistakes {
            assert!(refusal.contains(mistake), "{mistake}: {refusal}");
        }
        assert!(refusal.contains("lambkin.toml:"), "{refusal}");
    }
    for (config, mistake) in [
        (
            "[functions.f]\nimage = './none.tar'\n",
            "none.tar does not exist",
        ),
        (
            "[functions.f]\ncode = '.'\nimage-config.command = ['x']\n",
            "needs `image`: it replaces settings of a container image",
        ),
        (
            "[functions.f]\ntimeout = 1\n",
            "needs `code`, a folder, a bootstrap file or a .zip, or `image`",
        ),
    ] {
        let refusal = Project::new(config).refusal();
        assert!(refusal.contains(mistake), "{mistake}: {refusal}");
    }
}

#[test]
fn the_mistakes_of_images_are_reported_with_all_others() {
    let project = Project::new(
        "[functions.broken]\nimage = 'app.tar'\n[functions.mistyped]\ncode = '.'\ntiemout = 3\n\
         [functions.code]\ncode = './none'\n\
         [triggers.web]\nplugin = 'function-url'\nfunction = 'brokne'\nlisten = '127.0.0.1:0'\n",
    );
    project.file("app.tar", "not an image");
    let refusal = project.refusal();
    let places = [
        "functions.broken.image: ",
        "functions.mistyped.tiemout: unknown key",
        "functions.code.code: ",
        "triggers.web.function: ",
    ];
    let found: Vec<_> = places.iter().map(|place| refusal.find(place)).collect();
    assert!(
        found.iter().all(Option::is_some) && found.is_sorted(),
        "{refusal}"
    );
    // Alone, it is reported with those that the plugins find.
    let project = Project::new(
        "[functions.broken]\nimage = 'app.tar'\n\
         [triggers.web]\nplugin = 'function-url'\nfunction = 'brokne'\nlisten = '127.0.0.1:0'\n",
    );
    project.file("app.tar", "not an image");
    let refusal = project.refusal();
    for place in ["functions.broken.image: ", "triggers.web.function: "] {
        assert!(refusal.contains(place), "{place}: {refusal}");
    }
}

#[test]
fn an_image_that_is_broken_or_for_another_processor_is_refused_at_its_place() {
    let Ok(image) = Image::echo() else { return };
    let project = project(&image.architecture("mips64"), "");
    let refusal = project.refusal();
    for part in ["lambkin.toml:2:", "functions.echo.image: ", "mips64"] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
    project.file("app.tar", "not an image");
    let refusal = project.refusal();
    assert!(refusal.contains("functions.echo.image: "), "{refusal}");
}

#[test]
fn sandbox_auto_and_the_mode_of_the_file_do_not_matter_to_an_image() {
    let Ok(image) = Image::echo() else { return };
    for (settings, top) in [("sandbox = 'auto'", ""), ("", "sandbox = 'process'\n")] {
        let project = Project::new(&format!(
            "{top}[functions.echo]\nimage = 'app.tar'\n{settings}"
        ));
        image.save(&project.path().join("app.tar"));
        let Ok(server) = serve(&project, As::User) else {
            return;
        };
        assert_eq!(server.invoke("echo", "7").text(), "7");
    }
}

#[test]
fn where_namespaces_do_not_work_images_are_refused_with_what_would_enable_them() {
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "true"]);
    if tool("unshare with user namespaces", probe).is_err() {
        return;
    }
    let Ok(image) = Image::echo() else { return };
    let project = project(&image, "");
    let run = |arguments: &[&str]| {
        let lambkin = lambkin_command();
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--user", "--map-root-user", "/bin/sh", "-c"])
            .arg("echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"")
            .arg(lambkin.get_program())
            .args(arguments)
            .env("LAMBKIN_CACHE_DIR", project.path().join(".cache"))
            .current_dir(project.path())
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    for arguments in [
        &["serve"][..],
        &["invoke", "echo", "1"],
        &["invoke", "./app.tar", "1"],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        for part in [
            "container images do not work here",
            "unshare(user, pid): No space left on device (os error 28)",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ] {
            assert!(err.contains(part), "{err}");
        }
    }
    let (_, report, _) = run(&["doctor"]);
    assert!(
        report.contains("no   functions from container images"),
        "{report}"
    );
}

#[test]
fn a_cache_on_a_file_system_that_cannot_be_mounted_again_is_named_before_a_call() {
    let Ok(image) = Image::echo() else { return };
    if !As::all().contains(&As::Root) || namespaces(As::Root).is_err() {
        return;
    }
    let project = project(&image, "");
    for folder in ["a", "b", "first", "upper", ".cache"] {
        std::fs::create_dir(project.path().join(folder)).unwrap();
    }
    // The kernel stacks two of them, as of a container in a container, and no third one.
    let stack = "mount -t tmpfs upper upper && mkdir upper/files upper/work \
                 && mount -t overlay overlay -o lowerdir=a:b first \
                 && mount -t overlay overlay -o lowerdir=first,upperdir=upper/files,workdir=upper/work .cache";
    let run = |prepare: &str, argument: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c"])
            .arg(format!("{prepare} && exec \"$0\" \"$@\""))
            .arg(lambkin_command().get_program())
            .arg(argument)
            .env("LAMBKIN_CACHE_DIR", project.path().join(".cache"))
            .current_dir(project.path())
            .stdin(Stdio::null());
        command
    };
    if tool("mounts of overlayfs", run(stack, "--version")).is_err() {
        return;
    }
    let output = run(stack, "check").output().unwrap();
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    for part in [
        "function echo: container images do not work here: mount(overlay) at /image",
        "set LAMBKIN_CACHE_DIR to a folder on another one",
    ] {
        assert!(err.contains(part), "{err}");
    }
    let output = run("true", "check").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
