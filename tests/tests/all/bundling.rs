//! TypeScript through the project's own esbuild.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::debugging::{Inspector, address, program};
use crate::support::{Missing, Project, Server, eventually, installed, lambkin};

/// Types that Node.js cannot strip: with them, only a bundler runs this.
const APP: &str = r#"import { double } from "./lib/double";
enum Kind { Double = "doubled" }
interface Order { n: number; fail?: boolean }
export const handler = async (order: Order): Promise<object> => {
  if (order.fail) {
    throw new Error("no");
  }
  const value: number = double(order.n);
  return { [Kind.Double]: value };
};
"#;
/// The line of `return` in it, from 0.
const RETURN: i64 = 8;

const DOUBLE: &str = "export function double(n: number): number { return n * 2; }\n";

/// A project with esbuild beside `lambkin.toml`, whose function is in `api`.
fn project(settings: &str) -> Result<Project, Missing> {
    program("node", "--version")?;
    let esbuild = installed("examples/plugins/javascript/webhook/node_modules/esbuild")?;
    let project = Project::new(&format!(
        "[functions.f]\ncode = \"api\"\nhandler = \"src/app.handler\"\nversion-check = \"off\"\ntimeout = 30\n\
         {settings}"
    ));
    let packages = project.path().join("node_modules");
    fs::create_dir(&packages).unwrap();
    std::os::unix::fs::symlink(esbuild, packages.join("esbuild")).unwrap();
    project.file("api/src/app.ts", APP);
    project.file("api/src/lib/double.ts", DOUBLE);
    Ok(project)
}

fn save(project: &Project, name: &str, text: &str) {
    let new = project.file("new.ts", text);
    fs::rename(new, project.path().join(name)).unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lambkin();
    command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

#[track_caller]
fn answers(server: &Server, event: &str, expected: &Value) {
    eventually("the new code answers", || {
        server.invoke("f", event).json() == *expected
    });
}

#[test]
fn a_function_in_typescript_is_bundled_again_when_it_is_saved() {
    let Ok(project) = project("watch = true\n") else {
        return;
    };
    let before = fs::read_dir(project.path().join("api")).unwrap().count();
    let server = project.serve();
    assert_eq!(
        server.invoke("f", r#"{"n":21}"#).json(),
        json!({ "doubled": 42 })
    );
    server.log_with("api/src/app.ts is bundled by ");
    let failed = server.invoke("f", r#"{"n":1,"fail":true}"#).text();
    let source = project
        .path()
        .canonicalize()
        .unwrap()
        .join("api/src/app.ts");
    assert!(
        failed.contains(&format!("{}:6:", source.display())),
        "{failed}"
    );

    save(
        &project,
        "api/src/lib/double.ts",
        &DOUBLE.replace("* 2", "* 3"),
    );
    answers(&server, r#"{"n":1}"#, &json!({ "doubled": 3 }));

    // A mistake is what calls get until it is corrected.
    save(
        &project,
        "api/src/app.ts",
        &APP.replace("enum Kind", "enm Kind"),
    );
    server.log_with("calls fail until this is corrected");
    let reply = server.invoke("f", r#"{"n":1}"#);
    assert_eq!(reply.header("x-amz-function-error"), Some("Unhandled"));
    assert!(
        reply.text().contains("api/src/app.ts:2:"),
        "{}",
        reply.text()
    );
    assert!(
        server.log().contains("api/src/app.ts:2:"),
        "{}",
        server.log()
    );
    save(
        &project,
        "api/src/app.ts",
        &APP.replace("value };", "value + 1 };"),
    );
    answers(&server, r#"{"n":1}"#, &json!({ "doubled": 4 }));
    let after = fs::read_dir(project.path().join("api")).unwrap().count();
    assert_eq!(before, after, "nothing is written into the project");
}

#[test]
fn a_file_elsewhere_in_the_project_is_watched_and_what_changes_nothing_restarts_nothing() {
    let Ok(project) = project("watch = true\n") else {
        return;
    };
    project.file("shared/double.ts", DOUBLE);
    project.file(
        "api/src/lib/double.ts",
        "export { double } from \"../../../shared/double\";\n",
    );
    let server = project.serve();
    assert_eq!(
        server.invoke("f", r#"{"n":1}"#).json(),
        json!({ "doubled": 2 })
    );
    // Not part of the bundle.
    save(&project, "api/src/app.test.ts", "not even TypeScript");
    server.log_with(
        "function f stays as it is: api/src/app.test.ts has changed, and the bundle has not",
    );
    save(&project, "shared/double.ts", &DOUBLE.replace("* 2", "* 5"));
    answers(&server, r#"{"n":1}"#, &json!({ "doubled": 5 }));
    let log = server.log();
    let restarts: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("restarts"))
        .collect();
    assert_eq!(restarts.len(), 1, "{log}");
    assert!(
        restarts[0].contains("shared/double.ts has changed"),
        "{log}"
    );
}

/// The line of a bundle, from 0, that a source map says a line of a source has become.
fn line_in_bundle(map: &Value, source: &str, line: i64) -> usize {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sources = map["sources"].as_array().unwrap();
    let wanted = sources.iter().position(|one| one == source).unwrap();
    // The source and its line, each as the difference from the last one.
    let mut at = [0_i64; 2];
    let mappings = map["mappings"].as_str().unwrap();
    for (number, of_line) in mappings.split(';').enumerate() {
        for segment in of_line.split(',').filter(|segment| !segment.is_empty()) {
            let (mut fields, mut value, mut shift) = (Vec::new(), 0_i64, 0);
            for digit in segment.chars() {
                let digit = DIGITS.find(digit).unwrap() as i64;
                value |= (digit & 31) << shift;
                shift += 5;
                if digit & 32 == 0 {
                    fields.push(if value & 1 == 1 {
                        -(value >> 1)
                    } else {
                        value >> 1
                    });
                    (value, shift) = (0, 0);
                }
            }
            if let [_, source, line, ..] = fields[..] {
                at = [at[0] + source, at[1] + line];
            }
            if at == [wanted as i64, line] {
                return number;
            }
        }
    }
    panic!("line {line} of {source} is not in {map}");
}

#[test]
fn a_breakpoint_in_typescript_is_hit() {
    let Ok(project) = project("debug = 0\ndebug-wait = true\n") else {
        return;
    };
    let cache = project.path().join("cache");
    let cache_variable = [("LAMBKIN_CACHE_DIR", cache.to_str().unwrap())];
    let server = project.serve_with(&[], &cache_variable);
    let reply = server.invoke_meanwhile("f", r#"{"n":21}"#);
    let mut inspector = Inspector::attach(&address(&server));
    inspector.command("Runtime.enable", &json!({}));
    inspector.command("Debugger.enable", &json!({}));
    // As editors do: they look for the line in the source map.
    let mut bundles = fs::read_dir(cache.join("bundles")).unwrap();
    let made = bundles.next().unwrap().unwrap().path();
    let made = made.join("current/src/app.js");
    let text = fs::read_to_string(&made).unwrap();
    assert!(
        text.trim_end().ends_with("//# sourceMappingURL=app.js.map"),
        "{text}"
    );
    let map = fs::read_to_string(made.with_extension("js.map")).unwrap();
    let map: Value = serde_json::from_str(&map).unwrap();
    assert!(map["sourcesContent"].to_string().contains("enum Kind"));
    let source = project.path().canonicalize().unwrap();
    let source = source.join("api/src/app.ts").display().to_string();
    let line = line_in_bundle(&map, &source, RETURN);
    let place = json!({ "lineNumber": line, "urlRegex": ".*/src/app\\.js" });
    assert_eq!(inspector.value_at(&place, "value"), 42);
    inspector.command("Debugger.resume", &json!({}));
    assert_eq!(reply.join().unwrap().json(), json!({ "doubled": 42 }));
}

#[test]
fn invoke_and_check_bundle_as_well() {
    let Ok(project) = project("") else {
        return;
    };
    let api = project.path().join("api/src");
    // The project of a path is its version control's.
    fs::create_dir(project.path().join(".git")).unwrap();
    let output = run(&api, &["invoke", "./app.ts", r#"{"n":4}"#]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.stdout, b"{\"doubled\":8}\n", "{log}");
    project.file("api/src/app.ts", "export const handler = async () => {");
    let output = run(project.path(), &["check"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("api/src/app.ts:1:") && said.contains("ERROR"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn javascript_is_bundled_on_request_as_a_module_without_what_is_external() {
    let Ok(project) = project(
        "bundle = { external = [\"outside\"], loader = { \".txt\" = \"text\" }, minify = true }\n",
    ) else {
        return;
    };
    fs::remove_file(project.path().join("api/src/app.ts")).unwrap();
    project.file("api/package.json", r#"{"type":"module"}"#);
    project.file("api/src/text.txt", "a text");
    project.file(
        "api/src/app.js",
        "import text from './text.txt';\nimport outside from 'outside';\nimport inside from 'inside';\n\
         export const handler = async () => [text, outside, inside, import.meta.url.split('.').pop()];\n",
    );
    for name in ["outside", "inside"] {
        let text = format!("module.exports = '{name}';\n");
        project.file(&format!("node_modules/{name}/index.js"), text);
    }
    let server = project.serve();
    let reply = server.invoke("f", "{}");
    assert_eq!(
        reply.json(),
        json!(["a text", "outside", "inside", "mjs"]),
        "{}",
        server.log()
    );
}

#[test]
fn without_esbuild_the_error_names_the_command_that_installs_it() {
    if program("node", "--version").is_err() {
        return;
    }
    let config = "[functions.f]\ncode = '.'\nhandler = 'app.handler'\nversion-check = 'off'\nbundle = true\n";
    let project = Project::new(config);
    project.file("app.js", "exports.handler = async () => 1;\n");
    let server = project.serve();
    let text = server.invoke("f", "{}").text();
    assert!(text.contains("npm install --save-dev esbuild"), "{text}");
}

#[test]
fn arguments_that_lambkin_sets_itself_are_refused() {
    let refused = Project::new(
        "[functions.f]\ncode = '.'\nbundle.arguments = ['--outfile=x', 'other.ts', '--keep-names']\n",
    )
    .refusal();
    assert!(
        refused.contains("\"--outfile=x\" is an argument that Lambkin sets"),
        "{refused}"
    );
    assert!(
        refused.contains("\"other.ts\" is no argument of esbuild"),
        "{refused}"
    );
    assert!(!refused.contains("keep-names\""), "{refused}");
}
