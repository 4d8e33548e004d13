//! `lambkin init`: writes a `lambkin.toml`, from the project that is there or with a first function.
//!
//! From a project, it is the configuration that `lambkin serve` would use for it, with what there is to say about it as
//! comments. Without one, it is a function in the language that the user names, behind an HTTP API.
//!
//! On failure: a file that exists is not replaced, and nothing is written then.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::args::{GlobalArgs, Init, Language};
use crate::config::{TranslatedProject, locate, translated};

/// The folder of a first function.
const CODE: &str = "hello";

/// A first function in a language.
struct Starter {
    /// The file with the handler, in the folder of the code.
    file: &'static str,
    content: &'static str,
    /// The handler; none is needed by a bootstrap.
    handler: Option<&'static str>,
}

/// Writes the files, and says on standard error what they are.
pub fn run(global: &GlobalArgs, args: &Init) -> anyhow::Result<ExitCode> {
    let choices = global.choices(None);
    let from = match &args.from {
        Some(from) => locate(from, &choices.project),
        None => global.config.clone(),
    };
    let is_stdout = args.output == Path::new("-");
    if !is_stdout && args.output.symlink_metadata().is_ok() && !args.force {
        bail!(
            "{} is there already, and is not replaced; --force replaces it, `--output -` prints the new one",
            args.output.display()
        );
    }
    if let Some(language) = args.language {
        if args.from.is_some() {
            bail!("--from takes a project as it is; leave out {language:?}, or --from");
        }
        return start(language, args, is_stdout);
    }
    let folder = args.output.parent().unwrap_or(Path::new(""));
    let Some(project) = translated(&from, folder, &choices)? else {
        bail!(
            "there is no template, serverless.yml, cdk.out or Terraform plan at {}; name one with --from, or a language for a \
             first function: lambkin init python",
            from.display()
        );
    };
    let text = project_text(&project);
    write(&args.output, &text, is_stdout)?;
    let mut err = std::io::stderr().lock();
    for note in &project.notes {
        writeln!(err, "lambkin: {note}")?;
    }
    for refused in &project.refused {
        writeln!(err, "left out: {refused}\n")?;
    }
    if !is_stdout {
        writeln!(
            err,
            "wrote {}; to run it: lambkin serve",
            args.output.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn project_text(project: &TranslatedProject) -> String {
    let mut text = format!("# Made by `lambkin init` of {}.\n", project.name);
    let mut comment = |title: &str, remarks: &[String]| {
        if remarks.is_empty() {
            return;
        }
        text.push_str(&format!("#\n# {title}:\n"));
        for remark in remarks {
            for (index, line) in remark.lines().enumerate() {
                let mark = if index == 0 { "- " } else { "  " };
                let line: String = line.chars().filter(|it| !it.is_control()).collect();
                text.push_str(format!("# {mark}{line}").trim_end());
                text.push('\n');
            }
        }
    };
    comment("Notes", &project.notes);
    comment("Left out, as it cannot be served here", &project.refused);
    text.push('\n');
    text.push_str(&project.text);
    text
}

/// Writes a first function with its configuration.
fn start(language: Language, args: &Init, is_stdout: bool) -> anyhow::Result<ExitCode> {
    let starter = starter(language);
    let text = starter_text(&starter);
    if is_stdout {
        write(&args.output, &text, true)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = args.output.parent().unwrap_or(Path::new("")).join(CODE);
    let file = folder.join(starter.file);
    if file.symlink_metadata().is_ok() {
        bail!(
            "{} is there already, and is not replaced; run the command in another folder",
            file.display()
        );
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write(&file, starter.content, false)?;
    if starter.handler.is_none() {
        let mode = fs::Permissions::from_mode(0o755);
        let changed = fs::set_permissions(&file, mode);
        changed.with_context(|| format!("cannot make {} executable", file.display()))?;
    }
    write(&args.output, &text, false)?;
    let mut err = std::io::stderr().lock();
    writeln!(
        err,
        "wrote {} and {}",
        args.output.display(),
        file.display()
    )?;
    writeln!(err, "to call it once:  lambkin invoke {CODE} '{{}}'")?;
    writeln!(err, "to serve it:      lambkin serve")?;
    writeln!(
        err,
        "                  curl http://127.0.0.1:3000/hello/you"
    )?;
    Ok(ExitCode::SUCCESS)
}

fn starter_text(starter: &Starter) -> String {
    let code = match starter.handler {
        Some(_) => "a folder with the file of the handler",
        None => "a folder with a bootstrap",
    };
    let mut text = format!("[functions.{CODE}]\ncode = \"{CODE}\"    # {code}\n");
    if let Some(handler) = starter.handler {
        text.push_str(&format!("handler = \"{handler}\"\n"));
    }
    text.push_str("watch = true      # it is restarted when you save a file\n");
    text.push_str(&format!(
        "\n[triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"127.0.0.1:3000\"\nroutes = {{ \"GET /hello/{{name}}\" = \
         \"{CODE}\" }}\n"
    ));
    text
}

fn starter(language: Language) -> Starter {
    let (file, content, handler) = match language {
        Language::Python => (
            "app.py",
            include_str!("starters/app.py"),
            Some("app.handler"),
        ),
        Language::Node => (
            "index.mjs",
            include_str!("starters/index.mjs"),
            Some("index.handler"),
        ),
        Language::Typescript => (
            "index.ts",
            include_str!("starters/index.ts"),
            Some("index.handler"),
        ),
        Language::Ruby => (
            "app.rb",
            include_str!("starters/app.rb"),
            Some("app.handler"),
        ),
        Language::Java => (
            "Handler.java",
            include_str!("starters/Handler.java"),
            Some("Handler::handleRequest"),
        ),
        Language::Bash => ("bootstrap", include_str!("starters/bootstrap"), None),
    };
    Starter {
        file,
        content,
        handler,
    }
}

fn write(path: &Path, text: &str, is_stdout: bool) -> anyhow::Result<()> {
    if is_stdout {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        return Ok(out.flush()?);
    }
    lambkin_files::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
