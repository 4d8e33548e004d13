//! What authors read when their plugin is wrong, in the languages whose runtimes say it in their own words; and what the
//! runtimes cannot reach.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::build::{self, Language, Source};
use super::run;
use crate::support::{Missing, Project, Reply, Server};

#[track_caller]
fn plugin(language: Language) -> Result<PathBuf, Missing> {
    plugin_for(language, "", |wit| wit.to_owned())
}

/// The plugin, built for a contract that is changed in this way.
#[track_caller]
fn plugin_for(
    language: Language,
    variant: &str,
    contract: fn(&str) -> String,
) -> Result<PathBuf, Missing> {
    let folder = match language {
        Language::Rust => "rust",
        Language::JavaScript | Language::SpiderMonkey => "javascript",
        _ => "python",
    };
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/plugins")
        .join(folder);
    let source = Source {
        folder: &from,
        language,
        name: "mistakes",
        role: "http-trigger",
        variant,
        contract,
    };
    source.built()
}

fn project(plugin: &Path, settings: &str) -> Project {
    Project::new(&format!(
        "[functions.receive]\ncode = '{}'\n\
         [triggers.web]\nplugin = '{}'\nlisten = '127.0.0.1:0'\n{settings}",
        crate::support::RAW_BOOTSTRAP,
        plugin.display()
    ))
}

fn serve(plugin: &Path) -> Server {
    let cache = [("LAMBKIN_CACHE_DIR", build::compiled())];
    project(plugin, "").serve_with(&[], &cache)
}

fn get(server: &Server, path: &str) -> Reply {
    server.web("GET", path, &[], b"")
}

/// Each of these paths is answered with 502, and the log says these texts.
#[track_caller]
fn says(server: &Server, cases: &[(&str, &[&str])]) {
    for (path, texts) in cases {
        let reply = get(server, path);
        assert_eq!(reply.status, 502, "{path}: {reply:?}");
        let log = server.log_with(&format!("GET {path}: "));
        let (_, error) = log.rsplit_once(&format!("GET {path}: ")).unwrap();
        for text in *texts {
            assert!(
                error.contains(text),
                "{path}: {text} is missing in: {error}"
            );
        }
        assert!(!error.contains("report it"), "{path}: {error}");
    }
}

const INVALID_HEADER: &str = "the value of header a has control characters";
const LOOP: &str = "look for a loop that does not end";
const NO_TEXT: &str = "catch the exception, and throw its text";
const COMPARE: &str = "compare its fields, their spelling and the tags of variants";

#[test]
fn python_tells_its_author_what_is_wrong() {
    let Ok(plugin) = plugin(Language::Python) else {
        return;
    };
    let server = serve(&plugin);
    let traceback = "Traceback (most recent call last):\n";
    says(
        &server,
        &[
            (
                "/exception",
                &[traceback, "mistakes.py\", line ", "KeyError: 'id'"],
            ),
            (
                "/late-import",
                &["No module named 'colorsys'", "at the top of the module"],
            ),
            ("/wrong-type", &[COMPARE, "<class 'str'>"]),
            (
                "/missing-field",
                &[traceback, "missing 4 required positional arguments"],
            ),
            ("/null", &[COMPARE]),
            ("/loop", &[LOOP]),
            ("/memory", &["more than its 64 MiB of memory"]),
            ("/recursion", &["maximum recursion depth exceeded"]),
            ("/header", &[INVALID_HEADER]),
            (
                "/function",
                &["invokes function \"other\", and", "which are: \"receive\""],
            ),
            ("/exit", &["a plugin must not end its process"]),
        ],
    );
    // The error quotes it, and nothing else prints it.
    let said = "KeyError: 'id'";
    assert_eq!(server.log().matches(said).count(), 1, "{}", server.log());
    assert_eq!(get(&server, "/print").text(), "printed");
    for line in ["to stdout", "to stderr", "something is odd"] {
        server.log_with(line);
    }
}

#[test]
fn python_reaches_no_network_and_no_file() {
    let Ok(plugin) = plugin(Language::Python) else {
        return;
    };
    let server = serve(&plugin);
    let (listener, address) = listener();
    let (_, port) = address.split_once(':').unwrap();
    for path in [
        format!("/connect?{port}"),
        "/listen".to_owned(),
        "/resolve".to_owned(),
        "/file".to_owned(),
    ] {
        let reply = get(&server, &path);
        assert_eq!(reply.status, 200, "{path}: {reply:?}\n{}", server.log());
        assert!(reply.text().starts_with("failed: "), "{path}: {reply:?}");
    }
    assert!(listener.accept().is_err(), "the plugin has connected");
}

#[test]
fn javascript_tells_its_author_what_is_wrong() {
    let Ok(plugin) = plugin(Language::JavaScript) else {
        return;
    };
    let server = serve(&plugin);
    says(
        &server,
        &[
            ("/exception", &["cannot read property 'text' of undefined"]),
            ("/throw-error", &["the plugin reports: what is wrong"]),
            ("/throw-text", &["the plugin reports: what is wrong"]),
            ("/wrong-tag", &["unknown variant tag: respond", COMPARE]),
            ("/missing-field", &["expected array", COMPARE]),
            ("/nothing", &[COMPARE]),
            ("/wrong-type", &["expected number", COMPARE]),
            (
                "/no-console",
                &["console is not defined", "QuickJS has the language"],
            ),
            ("/loop", &[LOOP]),
            ("/header", &[INVALID_HEADER]),
        ],
    );
    assert_eq!(get(&server, "/clock").text(), "0");
}

#[test]
fn rust_tells_its_author_what_is_wrong() {
    let Ok(plugin) = plugin(Language::Rust) else {
        return;
    };
    let server = serve(&plugin);
    server.log_with("configured");
    says(
        &server,
        &[
            ("/panic", &["panicked at src/lib.rs:", "no order in {}"]),
            ("/unwrap", &["called `Option::unwrap()` on a `None` value"]),
            ("/exit", &["a plugin must not end its process"]),
            ("/error", &["the plugin reports: the state is damaged"]),
            ("/loop", &[LOOP]),
            ("/header", &[INVALID_HEADER]),
            (
                "/function",
                &["invokes function \"other\", and", "which are none"],
            ),
        ],
    );
    let log = server.log();
    assert_eq!(log.matches("panicked at").count(), 2, "{log}");
    assert!(!log.contains("RUST_BACKTRACE"), "{log}");
    drop(server);

    // `check` and `shape` say the same.
    let broken = project(&plugin, "panic = true\n");
    let cache = [("LAMBKIN_CACHE_DIR", build::compiled())];
    for arguments in [&["check"][..], &["shape", "web", "GET", "/"]] {
        let output = run(&broken, arguments, &cache);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{text}");
        for expected in [
            "INFO configured ",
            "panicked at src/lib.rs:",
            "while it configured",
        ] {
            let times = text.matches(expected).count();
            assert_eq!(times, 1, "{arguments:?}: {expected}: {text}");
        }
    }
}

#[test]
fn a_trigger_sends_no_request_itself_even_to_what_the_host_may_fetch_for_it() {
    let Ok(plugin) = plugin(Language::Rust) else {
        return;
    };
    let (listener, authority) = listener();
    let project = project(&plugin, &format!("network = ['http://{authority}']\n"));
    let server = project.serve_with(&[], &[("LAMBKIN_CACHE_DIR", build::compiled())]);
    let reply = get(&server, &format!("/http?{authority}"));
    assert!(
        reply.text().contains("failed: ") && reply.text().contains("HttpRequestDenied"),
        "{reply:?}"
    );
    assert!(listener.accept().is_err(), "the plugin has connected");
}

/// A listener that waits for nothing, and its address.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// What `lambkin check` says about a plugin that it refuses.
fn refusal(plugin: &Path) -> String {
    let output = run(&project(plugin, ""), &["check"], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    text.into_owned()
}

#[test]
fn a_plugin_for_another_version_of_the_contract_is_refused_with_the_way_to_this_one() {
    let older = |wit: &str| wit.replace("@0.2.0", "@0.1.0");
    let newer = |wit: &str| wit.replace("@0.2.0", "@0.3.0");
    let languages = [Language::Rust, Language::JavaScript];
    for language in languages {
        let Ok(plugin) = plugin_for(language, "-newer", newer) else {
            return;
        };
        let text = refusal(&plugin);
        for expected in [
            "it exports lambkin:http-trigger/http-shaper@0.3.0",
            "supports lambkin:http-trigger/http-shaper@0.2.x",
            "update lambkin, or write the contract of this version with `lambkin wit http-trigger`",
        ] {
            assert!(text.contains(expected), "{language:?}: {expected}: {text}");
        }
    }
    let Ok(plugin) = plugin_for(Language::Python, "-older", older) else {
        return;
    };
    let text = refusal(&plugin);
    for expected in [
        "it exports lambkin:http-trigger/http-shaper@0.1.0",
        "supports lambkin:http-trigger/http-shaper@0.2.x",
        "an older version of lambkin: write the contract of this version with `lambkin wit http-trigger`, adapt",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn an_import_that_no_trigger_gets_is_refused_and_named() {
    let imports = |wit: &str| {
        let more = "world plugin {\n    import acme:billing/invoices@1.0.0;\n";
        let package = "package acme:billing@1.0.0 {\n    interface invoices {\n        \
                       send: func(id: string);\n    }\n}\n";
        match wit.replace("world plugin {\n", more) {
            changed if changed == wit => changed,
            changed => changed + package,
        }
    };
    for language in [Language::JavaScript, Language::Python] {
        let Ok(plugin) = plugin_for(language, "-import", imports) else {
            return;
        };
        let text = refusal(&plugin);
        for expected in [
            "it imports acme:billing/invoices@1.0.0, which trigger plugins may not import",
            "remove what uses it from the source, and the import from the world",
        ] {
            assert!(text.contains(expected), "{language:?}: {expected}: {text}");
        }
        // Only this one: what the toolchain adds by default may be imported.
        assert!(!text.contains("wasi:"), "{language:?}: {text}");
    }
}

#[test]
fn javascript_with_spidermonkey_tells_its_author_what_is_wrong() {
    let Ok(plugin) = plugin(Language::SpiderMonkey) else {
        return;
    };
    let server = serve(&plugin);
    says(
        &server,
        &[
            ("/exception", &[NO_TEXT]),
            ("/throw-error", &[NO_TEXT]),
            ("/throw-text", &["the plugin reports: what is wrong"]),
            ("/wrong-tag", &[COMPARE]),
            ("/missing-field", &[COMPARE]),
            ("/nothing", &[COMPARE]),
            ("/loop", &[LOOP]),
            ("/header", &[INVALID_HEADER]),
        ],
    );
    assert_eq!(get(&server, "/no-console").status, 200);
    server.log_with("hello");
}

#[test]
fn a_core_module_is_refused_with_the_command_that_makes_a_component_of_it() {
    let Ok(plugin) = build::built(Language::C, "webhook") else {
        return;
    };
    let core = plugin.with_file_name("core.wasm");
    let output = run(&project(&core, ""), &["check"], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("it is a core WebAssembly module")
            && text.contains("`wasm-tools component new CORE.wasm"),
        "{text}"
    );
    let folder = core.parent().unwrap();
    let output = Project::new(&format!(
        "[triggers.web]\nplugin = '{}'\nlisten = '127.0.0.1:0'\n",
        folder.display()
    ))
    .refusal();
    assert!(
        output.contains("is a folder; name the .wasm file, such as "),
        "{output}"
    );
}
