//! Compiled languages: a `bootstrap` that is in the code, or that a build has made.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::document::{Document, Item, Table};
use crate::value::Value;

use super::artefact;
use super::artefact::{built, refuse};
use super::source::{in_folder, quoted, text};
use super::subject::{Function, set};

/// Writes the keys of code that is a `bootstrap`.
pub fn write(function: &Function<'_>, folder: &Path, table: &mut Table) -> bool {
    let (made, command) = match (
        folder.join("Cargo.toml").is_file() || is(function, "rust"),
        folder.join("go.mod").is_file() || is(function, "go"),
    ) {
        (true, _) => rust(function, folder),
        (false, true) => (None, go(function, folder)),
        (false, false) => (None, String::new()),
    };
    let own = folder.join("bootstrap");
    // Go's older runtime starts the program that the handler names.
    let names = ["bootstrap", function.handler.as_str()];
    let is_name = |name: &&str| !name.is_empty() && !name.contains("..");
    let names = names.into_iter().filter(is_name);
    let folders: Vec<PathBuf> = artefact::of(function)
        .into_iter()
        .chain([folder.to_owned()])
        .collect();
    let mut programs: Vec<PathBuf> = names
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .chain(made)
        .collect();
    programs.retain(|program| program.is_file());
    // The newest build counts.
    let Some(program) = programs
        .into_iter()
        .max_by_key(|program| artefact::time(program))
    else {
        return nothing(function, folder, &command, table);
    };
    if let Some(other) = other_machine(&program) {
        let hint = match command.as_str() {
            "" => "build it for this machine".to_owned(),
            command => format!("build it for this machine: {command}"),
        };
        function.refuse(format!(
            "{} of {} is for {other}, and this machine is {}: {hint}",
            function.shown(&program),
            function.shown_name(),
            std::env::consts::ARCH
        ));
        return false;
    }
    if program == own {
        set(function, table, folder);
        if !command.is_empty() {
            artefact::tell_age(function, folder, &program, &command);
        }
        return true;
    }
    // A program of cargo has its own name, so it is the code itself.
    let is_bootstrap = program.file_name().is_some_and(|name| name == "bootstrap");
    let code = match program.parent() {
        Some(parent) if is_bootstrap => parent.to_owned(),
        _ => program,
    };
    built(function, folder, &code, &command, table)
}

fn is(function: &Function<'_>, language: &str) -> bool {
    let method = function.build_method().unwrap_or_default();
    method.starts_with(language) || method.is_empty() && function.runtime.starts_with(language)
}

fn nothing(function: &Function<'_>, folder: &Path, command: &str, table: &mut Table) -> bool {
    if !command.is_empty() {
        return refuse(function, folder, command);
    }
    if !function
        .resource
        .get("Layers")
        .map_or(&[][..], Value::items)
        .is_empty()
    {
        // A layer may have it.
        set(function, table, folder);
        return true;
    }
    let makefile = folder.join("Makefile").is_file();
    let hint = match makefile {
        true => in_folder(
            function,
            folder,
            &format!("make build-{}", function.resource.id),
        ),
        false => "build it, or correct the path".to_owned(),
    };
    function.refuse(format!(
        "the code of {}, {}, has no bootstrap, which the runtime {} needs: {hint}",
        function.shown_name(),
        function.shown(folder),
        function.runtime
    ));
    false
}

/// The command that makes a program of Go: the project's own, if the handler is a path that it has chosen.
fn go(function: &Function<'_>, folder: &Path) -> String {
    let handler = function.handler.as_str();
    let is_path = handler.contains('/') && !handler.contains("..") && !handler.starts_with('/');
    let (program, package) = match is_path.then(|| handler.rsplit_once('/')).flatten() {
        Some((_, name)) if !name.is_empty() => (handler, name),
        _ => ("bootstrap", ""),
    };
    let has_target = |text: String| text.lines().any(|line| line.starts_with("build:"));
    if !package.is_empty() && text(&folder.join("Makefile")).is_some_and(has_target) {
        return in_folder(function, folder, "make build");
    }
    let packages = [package.to_owned(), format!("cmd/{package}")];
    let found = packages
        .iter()
        .find(|path| !package.is_empty() && folder.join(path).is_dir());
    let source = found.map_or_else(|| ".".to_owned(), |path| format!("./{}", quoted(path)));
    let command = format!(
        "CGO_ENABLED=0 go build -tags lambda.norpc -o {} {source}",
        quoted(program)
    );
    in_folder(function, folder, &command)
}

/// The program that cargo has made, and the command that makes it.
fn rust(function: &Function<'_>, folder: &Path) -> (Option<PathBuf>, String) {
    let binary = function
        .resource
        .metadata
        .at(&["BuildProperties", "Binary"])
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| package_name(function, folder));
    let command = match &binary {
        Some(binary) => format!("cargo build --bin {}", quoted(binary)),
        None => "cargo build".to_owned(),
    };
    let command = in_folder(function, folder, &command);
    let Some(binary) = binary.filter(|binary| !binary.contains(['/', '\\']) && binary != "..")
    else {
        return (None, command);
    };
    // A member of a workspace is built into the folder of the workspace.
    let targets = folder.ancestors().take(4).map(|above| above.join("target"));
    let programs = targets.flat_map(|target| {
        [
            target.join("lambda").join(&binary).join("bootstrap"),
            target.join("debug").join(&binary),
            target.join("release").join(&binary),
        ]
    });
    let programs = programs.filter(|program| program.is_file());
    let newest = programs.max_by_key(|program| artefact::time(program));
    (newest, command)
}

/// The name of a package's program: that of its only `[[bin]]`, or its own.
fn package_name(function: &Function<'_>, folder: &Path) -> Option<String> {
    let text = text(&folder.join("Cargo.toml"))?;
    let manifest = Document::parse(function.place.file, &text).ok()?.root;
    let program = match manifest.get("bin") {
        Some(Item::List(programs)) => match programs.as_slice() {
            [only] => only.as_table(),
            _ => None,
        },
        _ => None,
    };
    let package = || manifest.get("package").and_then(Item::as_table);
    match program.or_else(package)?.get("name")? {
        Item::Text(name) => Some(name.clone()),
        _ => None,
    }
}

/// The machine that a program is for, if it is not this one: what its ELF header says.
fn other_machine(program: &Path) -> Option<&'static str> {
    let mut header = Vec::new();
    let file = File::open(program).ok()?;
    file.take(20).read_to_end(&mut header).ok()?;
    if !header.starts_with(b"\x7fELF") {
        return None;
    }
    let machine = match header.get(18..20)? {
        [0x3e, 0] => "x86_64",
        [0xb7, 0] => "aarch64",
        _ => return None,
    };
    (machine != std::env::consts::ARCH).then_some(machine)
}

#[cfg(test)]
mod tests {
    use crate::sections::testing::{Project, Written};

    fn write(project: &Project, metadata: &str) -> Written {
        project.write(&format!(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {{Code: src, Runtime: provided.al2023, Handler: \
             bootstrap}}\n  Metadata: {{{metadata}}}\n"
        ))
    }

    #[test]
    fn a_bootstrap_is_the_code() {
        let project = Project::new().file("src/bootstrap", "#!/bin/sh");
        let written = write(&project, "");
        assert!(
            written.text.contains("code = \"src\"\nwatch = true\n"),
            "{}",
            written.text
        );
        assert_eq!(written.notes, [""; 0]);
    }

    #[test]
    fn rust_is_served_from_what_cargo_has_made() {
        let project = Project::new().file("src/Cargo.toml", "[package]\nname = \"orders\"\n");
        assert_eq!(
            write(&project, "").refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: (cd src && cargo build --bin orders)"
            ]
        );
        assert_eq!(
            write(
                &project,
                "BuildMethod: rust-cargolambda, BuildProperties: {Binary: other}"
            )
            .refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: (cd src && cargo build --bin other)"
            ]
        );
        let project = project.file("src/target/debug/orders", "");
        let written = write(&project, "");
        assert!(
            written
                .text
                .contains("code = \"src/target/debug/orders\"\n"),
            "{}",
            written.text
        );
        let project = project.file("target/lambda/orders/bootstrap", "");
        let written = write(&project, "");
        assert!(
            written.text.contains("code = \"target/lambda/orders\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn the_handler_may_name_the_program() {
        let project = Project::new().file("src/bin/hello", "");
        let written = project.write(
            "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: src, Runtime: go1.x, Handler: bin/hello}\n",
        );
        assert!(
            written.text.contains("code = \"src/bin/hello\"\n"),
            "{}",
            written.text
        );
    }

    #[test]
    fn go_is_built_by_the_user() {
        let project = Project::new().file("src/go.mod", "");
        assert_eq!(
            write(&project, "").refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has to be built: (cd src && CGO_ENABLED=0 go build -tags \
                 lambda.norpc -o bootstrap .)"
            ]
        );
    }

    #[test]
    fn go_is_built_to_where_the_handler_says() {
        let refusal = |project: &Project| {
            let written = project.write(
                "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: ., Runtime: go1.x, Handler: bin/hello}\n",
            );
            written.refusals.join("\n")
        };
        let start = "template.yaml:3:22: the code of Fn, ., has to be built: ";
        let go = "CGO_ENABLED=0 go build -tags lambda.norpc -o bin/hello";
        let project = Project::new();
        assert_eq!(refusal(&project), format!("{start}{go} ."));
        let project = project.file("cmd/hello/main.go", "");
        assert_eq!(refusal(&project), format!("{start}{go} ./cmd/hello"));
        let project = project.file("hello/main.go", "");
        assert_eq!(refusal(&project), format!("{start}{go} ./hello"));
        let project = project.file("Makefile", ".PHONY: build\nbuild:\n\tgo build\n");
        assert_eq!(refusal(&project), format!("{start}make build"));
    }

    #[test]
    fn a_program_beside_the_one_that_is_served_is_not_its_source() {
        let project = Project::new()
            .file("hello/main.go", "")
            .file("bin/hello", "");
        let older = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        for file in ["hello/main.go", "bin/hello"] {
            let file = std::fs::File::options()
                .write(true)
                .open(project.path().join(file))
                .unwrap();
            file.set_modified(older).unwrap();
        }
        let project = project.file("bin/world", "");
        let text = "Fn:\n  Type: AWS::Lambda::Function\n  Properties: {Code: ., Runtime: go1.x, Handler: bin/hello}\n";
        assert_eq!(
            project.write(text).notes,
            ["template.yaml:3:22: Fn runs from bin/hello, which a build has made"]
        );
        let project = project.file("hello/main.go", "package main");
        assert_eq!(project.write(text).notes.len(), 2);
    }

    #[test]
    fn a_program_for_another_machine_is_refused() {
        let machine: [u8; 2] = match std::env::consts::ARCH {
            "x86_64" => [0xb7, 0],
            _ => [0x3e, 0],
        };
        let project = Project::new().file("src/go.mod", "");
        let mut program = b"\x7fELF".to_vec();
        program.resize(18, 0);
        program.extend(machine);
        std::fs::write(project.path().join("src/bootstrap"), program).unwrap();
        let refusals = write(&project, "").refusals.join("");
        assert!(
            refusals.contains("src/bootstrap of Fn is for ")
                && refusals.contains("build it for this machine: (cd src"),
            "{refusals}"
        );
    }

    #[test]
    fn nothing_to_run_is_refused() {
        let project = Project::new().file("src/readme", "");
        assert_eq!(
            write(&project, "").refusals,
            [
                "template.yaml:3:22: the code of Fn, src, has no bootstrap, which the runtime provided.al2023 needs: build \
                 it, or correct the path"
            ]
        );
    }
}
