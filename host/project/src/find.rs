//! Which file describes the project in a folder.
//!
//! Contract: [`find`] looks at names, in the order lambkin.toml, CloudFormation template, serverless.yml, cdk.out,
//! Terraform plan, and never below the folder: `.aws-sam/build`, which SAM prefers in silence, is not looked into. A file
//! that is named is taken for what its name and its first bytes say.
//!
//! On failure: nothing is found, or the error of the file system.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::context::Options;
use crate::samconfig;

/// What describes a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `lambkin.toml`
    Toml,
    /// A template of SAM or CloudFormation.
    Template,
    /// `serverless.yml`
    Serverless,
    /// `cdk.out`, the assembly that `cdk synth` writes.
    Cdk,
    /// What `terraform show -json` prints of a plan.
    Terraform,
}

/// The file that describes a project, or the folder of a CDK assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
}

/// The names of each kind, in the order in which they are looked for.
const NAMES: &[(Kind, &[&str])] = &[
    (Kind::Toml, &["lambkin.toml"]),
    (
        Kind::Template,
        &["template.yaml", "template.yml", "template.json"],
    ),
    (
        Kind::Serverless,
        &[
            "serverless.yml",
            "serverless.yaml",
            "serverless.json",
            "serverless.ts",
            "serverless.js",
            "serverless.mjs",
            "serverless.cjs",
        ],
    ),
];

/// The names of a Terraform plan that are looked for in a folder.
const PLANS: &[&str] = &["tfplan.json", "plan.json"];

/// Endings of files that are not programs.
const DATA: [&str; 3] = ["yml", "yaml", "json"];

/// The folder that the Serverless Framework packages a service in, and the template in it.
const PACKAGED: &str = ".serverless";
const PACKAGED_TEMPLATE: &str = "cloudformation-template-update-stack.json";

/// The name that other tools give CDK's assembly.
const ASSEMBLY: &str = "cdk.out";

/// How much of a JSON file is looked at to tell a plan from a template.
const PEEK: u64 = 4096;

/// What describes the project at a path: in a folder, or the file itself. A template that samconfig.toml names comes before
/// those with usual names.
#[must_use]
pub fn find(path: &Path, options: &Options) -> Option<Found> {
    if path.is_dir() {
        return in_folder(path, samconfig::template(path, options));
    }
    path.symlink_metadata().is_ok().then(|| of_file(path))
}

fn in_folder(folder: &Path, mut template: Option<PathBuf>) -> Option<Found> {
    let found = |kind, path: PathBuf| Some(Found { kind, path });
    if folder.join("manifest.json").is_file() && folder.join("tree.json").is_file() {
        return found(Kind::Cdk, folder.to_owned());
    }
    if folder.join(PACKAGED_TEMPLATE).is_file() {
        return found(Kind::Serverless, folder.to_owned());
    }
    for (kind, names) in NAMES {
        if *kind == Kind::Template
            && let Some(template) = template.take()
        {
            return found(Kind::Template, template);
        }
        let mut files = names.iter().map(|name| folder.join(name));
        if let Some(file) = files.find(|file| file.symlink_metadata().is_ok() && !file.is_dir()) {
            let packaged = folder.join(PACKAGED);
            let is_data = |ending: &str| DATA.contains(&ending);
            let ending = file.extension().and_then(|ending| ending.to_str());
            // What a program says of the service is known if it has been packaged.
            let is_program = *kind == Kind::Serverless && !ending.is_some_and(is_data);
            return match is_program && packaged.join(PACKAGED_TEMPLATE).is_file() {
                true => found(*kind, packaged),
                false => found(*kind, file),
            };
        }
    }
    let assembly = folder.join(ASSEMBLY);
    if assembly.join("manifest.json").is_file() {
        return found(Kind::Cdk, assembly);
    }
    let is_plan = |name: &str| PLANS.contains(&name) || name.ends_with(".tfplan.json");
    let mut plans: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_plan))
        .map(|entry| folder.join(entry.file_name()))
        .filter(|path| has_plan(path))
        .collect();
    plans.sort();
    found(Kind::Terraform, plans.into_iter().next()?)
}

fn of_file(path: &Path) -> Found {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str());
    let folder = path.parent().unwrap_or(Path::new(""));
    let (kind, path) = match extension {
        Some("toml") => (Kind::Toml, path),
        _ if name.starts_with("serverless.") => (Kind::Serverless, path),
        _ if name == PACKAGED_TEMPLATE => (Kind::Serverless, path),
        _ if name == "manifest.json" => (Kind::Cdk, folder),
        Some("json") if has_plan(path) => (Kind::Terraform, path),
        Some("yaml" | "yml" | "json" | "template") => (Kind::Template, path),
        _ => (Kind::Toml, path),
    };
    Found {
        kind,
        path: path.to_owned(),
    }
}

/// Whether a JSON file begins as a plan does. Only regular files are opened: a FIFO would wait for a writer.
fn has_plan(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(file) = std::fs::File::open(path) else {
        return false;
    };
    let mut start = Vec::new();
    let read = file.take(PEEK).read_to_end(&mut start);
    let start = String::from_utf8_lossy(&start);
    read.is_ok() && start.contains("\"format_version\"") && start.contains("\"terraform_version\"")
}

/// The words by which messages name the kind.
impl Kind {
    /// As in `template.yaml (SAM or CloudFormation)`.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Toml => "Lambkin",
            Self::Template => "SAM or CloudFormation",
            Self::Serverless => "Serverless Framework",
            Self::Cdk => "CDK",
            Self::Terraform => "Terraform plan",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_of_several_descriptions_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let kind = || find(root, &Options::default()).map(|found| found.kind);
        assert_eq!(kind(), None);
        let plan = r#"{"format_version":"1.2","terraform_version":"1.9.0"}"#;
        fs::write(root.join("other.tfplan.json"), "{}").unwrap();
        assert_eq!(kind(), None);
        fs::write(root.join("tfplan.json"), plan).unwrap();
        assert_eq!(kind(), Some(Kind::Terraform));
        fs::create_dir(root.join("cdk.out")).unwrap();
        fs::write(root.join("cdk.out/manifest.json"), "{}").unwrap();
        assert_eq!(kind(), Some(Kind::Cdk));
        fs::write(root.join("serverless.ts"), "").unwrap();
        assert_eq!(kind(), Some(Kind::Serverless));
        fs::write(root.join("template.yml"), "").unwrap();
        assert_eq!(kind(), Some(Kind::Template));
        fs::write(root.join("lambkin.toml"), "").unwrap();
        assert_eq!(kind(), Some(Kind::Toml));
    }

    #[test]
    fn a_service_that_is_a_program_is_read_as_it_was_packaged() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let path =
            |path: &Path| find(path, &Options::default()).map(|found| (found.kind, found.path));
        let packaged = root.join(PACKAGED);
        fs::create_dir(&packaged).unwrap();
        fs::write(packaged.join(PACKAGED_TEMPLATE), "{}").unwrap();
        fs::write(root.join("serverless.ts"), "").unwrap();
        let expected = Some((Kind::Serverless, packaged.clone()));
        assert_eq!(path(root), expected);
        assert_eq!(path(&packaged), expected);
        let template = packaged.join(PACKAGED_TEMPLATE);
        assert_eq!(path(&template), Some((Kind::Serverless, template.clone())));
        fs::write(root.join("serverless.yml"), "").unwrap();
        assert_eq!(
            path(root),
            Some((Kind::Serverless, root.join("serverless.yml")))
        );
    }

    #[test]
    fn a_named_file_is_what_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            find(&path, &Options::default()).unwrap().kind
        };
        assert_eq!(kind("other.toml", ""), Kind::Toml);
        assert_eq!(kind("app.yaml", ""), Kind::Template);
        assert_eq!(kind("serverless.prod.yml", ""), Kind::Serverless);
        assert_eq!(kind("Stack.template.json", "{}"), Kind::Template);
        let plan = r#"{"format_version":"1.2","terraform_version":"1.9.0"}"#;
        assert_eq!(kind("x.json", plan), Kind::Terraform);
        assert_eq!(kind("manifest.json", "{}"), Kind::Cdk);
        assert_eq!(
            find(&folder.path().join("none.yaml"), &Options::default()),
            None
        );
    }
}
