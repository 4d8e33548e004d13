//! Tests of the bundler, with scripts in the place of esbuild.

use super::*;

/// A project in whose folder of packages there is a script in esbuild's place, which says what it was called with.
fn project(script: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let program = root.join("project/node_modules/.bin/esbuild");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::create_dir_all(root.join("project/api/src")).unwrap();
    fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("project/api/src/app.ts"), "export {}").unwrap();
    (folder, root)
}

fn find(
    root: &Path,
    handler: &str,
    choice: BundleChoice,
    options: &BundleOptions,
) -> Result<Option<Bundler>, String> {
    let machine = Machine::new(BTreeMap::new(), root.join("cache"));
    let found = Bundler::find(&Source {
        handler,
        code: &root.join("project/api"),
        project: &root.join("project"),
        choice,
        options,
        runtime: 22,
        machine: &machine,
    })?;
    Ok(match found {
        Bundling::By(bundler) => Some(bundler),
        Bundling::None(_) => None,
    })
}

#[test]
fn typescript_is_bundled_and_javascript_if_it_is_asked_for() {
    let (_folder, root) = project("");
    let none = BundleOptions::default();
    let found = |handler, choice| find(&root, handler, choice, &none).map(|it| it.is_some());
    assert_eq!(found("src/app.handler", BundleChoice::Auto), Ok(true));
    assert_eq!(found("src/app.handler", BundleChoice::Never), Ok(false));
    assert_eq!(found("src/other.handler", BundleChoice::Always), Ok(false));
    fs::write(root.join("project/api/old.js"), "").unwrap();
    assert_eq!(found("old.handler", BundleChoice::Auto), Ok(false));
    assert_eq!(found("old.handler", BundleChoice::Always), Ok(true));
    // JavaScript beside TypeScript is what AWS would run.
    fs::write(root.join("project/api/src/app.js"), "").unwrap();
    assert_eq!(found("src/app.handler", BundleChoice::Auto), Ok(false));
    fs::remove_dir_all(root.join("project/node_modules")).unwrap();
    assert_eq!(found("old.handler", BundleChoice::Auto), Ok(false));
    let error = found("old.handler", BundleChoice::Always).unwrap_err();
    assert!(error.ends_with("npm install --save-dev esbuild"), "{error}");
}

#[test]
fn arguments_are_those_of_the_options_and_of_the_runtime() {
    let (_folder, root) = project("");
    let of = |options: &BundleOptions| {
        let found = find(&root, "src/app.handler", BundleChoice::Auto, options);
        found.unwrap().unwrap()
    };
    let plain = of(&BundleOptions::default());
    assert_eq!(
        plain.arguments,
        [
            "--bundle",
            "--platform=node",
            "--color=false",
            "--log-level=warning",
            "--format=cjs",
            "--target=node22",
            "--sourcemap",
            "--external:@aws-sdk/*",
            "--external:@smithy/*"
        ]
    );
    assert_eq!(plain.output, Path::new("src/app.js"));
    fs::create_dir_all(root.join("project/node_modules/@aws-sdk")).unwrap();
    fs::write(root.join("project/package.json"), r#"{"type":"module"}"#).unwrap();
    let full = of(&BundleOptions {
        external: vec!["sharp".to_owned()],
        minify: true,
        target: Some("es2022".to_owned()),
        omits_source_map: true,
        format: None,
        loader: BTreeMap::from([(".html".to_owned(), "text".to_owned())]),
        arguments: vec!["--keep-names".to_owned()],
    });
    assert_eq!(
        full.arguments,
        [
            "--bundle",
            "--platform=node",
            "--color=false",
            "--log-level=warning",
            "--format=esm",
            "--target=es2022",
            "--minify",
            "--external:@smithy/*",
            "--external:sharp",
            "--loader:.html=text",
            "--keep-names"
        ]
    );
    assert_eq!(full.output, Path::new("src/app.mjs"));
    assert_ne!(full.home, plain.home);
}

#[test]
fn each_content_has_a_folder_and_the_link_leads_to_the_last_one() {
    // Copies the source, as esbuild would with nothing to do.
    let script = r#"for argument; do case $argument in
        --outfile=*) out=${argument#--outfile=};; --metafile=*) meta=${argument#--metafile=};; *.ts) in=$argument;;
        esac; done
        mkdir -p "$(dirname "$out")"; cat "$in" >"$out"
        echo "{\"sources\":[\"../../../../../project/api/src/app.ts\"]}" >"$out.map"
        echo '{"inputs":{"api/src/app.ts":{},"node_modules/x/index.js":{},"(disabled):fs":{}}}' >"$meta""#;
    let (_folder, root) = project(script);
    let none = BundleOptions::default();
    let bundler = find(&root, "src/app.handler", BundleChoice::Auto, &none);
    let bundler = bundler.unwrap().unwrap();
    let source = root.join("project/api/src/app.ts");
    let first = bundler.build().unwrap();
    assert!(first.is_new);
    assert_eq!(first.inputs, std::slice::from_ref(&source));
    assert_eq!(fs::canonicalize(bundler.link()).unwrap(), first.folder);
    let again = bundler.build().unwrap();
    assert_eq!((again.folder, again.is_new), (first.folder.clone(), false));
    let map = fs::read_to_string(first.folder.join("src/app.js.map")).unwrap();
    assert!(map.contains(source.to_str().unwrap()), "{map}");
    for text in ["two", "three"] {
        fs::write(&source, text).unwrap();
        assert!(bundler.build().unwrap().is_new);
    }
    let made = bundler.link().join("src/app.js");
    assert_eq!(fs::read_to_string(made).unwrap(), "three");
    assert!(!first.folder.exists(), "two newer ones have been made");
    let entries = fs::read_dir(&bundler.home).unwrap();
    assert_eq!(entries.count(), 3, "two versions and the link");
}

#[test]
fn what_esbuild_says_is_the_error_and_the_last_version_stays() {
    let (_folder, root) = project("echo 'src/app.ts:1:2: ERROR: no' >&2; exit 1");
    let none = BundleOptions::default();
    let bundler = find(&root, "src/app.handler", BundleChoice::Auto, &none);
    let bundler = bundler.unwrap().unwrap();
    let error = bundler.build().unwrap_err();
    assert!(
        error.ends_with("src/app.ts cannot be bundled:\nsrc/app.ts:1:2: ERROR: no"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&bundler.home).unwrap().count(), 0);
}

#[test]
fn packages_above_the_project_do_not_count_unless_it_is_in_version_control() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (project, code) = (root.join("project"), root.join("project/api"));
    fs::create_dir_all(&code).unwrap();
    fs::create_dir_all(root.join("node_modules")).unwrap();
    assert!(package_folders(&code, &project).is_empty());
    fs::create_dir(root.join(".git")).unwrap();
    assert_eq!(
        package_folders(&code, &project),
        [root.join("node_modules")]
    );
}

#[test]
fn a_program_of_the_project_is_not_run_for_a_function_in_a_sandbox_unless_it_is_named() {
    let (_folder, root) = project("");
    let code = root.join("project/api");
    let none = BundleOptions::default();
    let find = |variables: &[(&str, &str)], choice| {
        let variables = variables.iter();
        let variables = variables.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let machine = Machine::new(variables.collect(), root.join("cache"));
        Bundler::find(&Source {
            handler: "src/app.handler",
            code: &code,
            project: &root.join("project"),
            choice,
            options: &none,
            runtime: 22,
            machine: &machine.avoiding(&[&code]),
        })
    };
    match find(&[], BundleChoice::Auto) {
        Ok(Bundling::None(Some(why))) => assert!(why.contains("set LAMBKIN_ESBUILD"), "{why}"),
        other => panic!("{other:?}"),
    }
    let refused = find(&[], BundleChoice::Always).unwrap_err();
    assert!(
        refused.contains("outside of the function's sandbox"),
        "{refused}"
    );
    let program = root.join("project/node_modules/.bin/esbuild");
    let named = [("LAMBKIN_ESBUILD", program.to_str().unwrap())];
    let found = find(&named, BundleChoice::Auto);
    assert!(matches!(found, Ok(Bundling::By(bundler)) if bundler.program == program));
    let missing = find(&[("LAMBKIN_ESBUILD", "/no/such/file")], BundleChoice::Auto);
    assert_eq!(
        missing.unwrap_err(),
        "LAMBKIN_ESBUILD: /no/such/file is no file"
    );
}
