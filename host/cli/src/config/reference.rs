//! The tables of keys in the reference below `docs/`, and the committed JSON Schema: tests assert that they are current,
//! and rewrite them with `BLESS=1`.

use std::fs;
use std::path::{Path, PathBuf};

use super::file;
use super::key::{Entry, Key, Kind, Presence, Table};
use super::schema::{PluginKey, plugin_keys, schema_text};

/// A table of keys in the documentation: its name, and its rows in Markdown.
struct Section {
    name: String,
    rows: Vec<String>,
}

/// All tables of keys, in the order of the definitions.
fn sections() -> Vec<Section> {
    let mut sections = Vec::new();
    add_section("lambkin.toml", "", &file::TABLE, &mut sections);
    for plugin in lambkin_builtin::names() {
        for role in [
            "http-trigger",
            "batch-trigger",
            "object-trigger",
            "source",
            "service",
        ] {
            let keys = plugin_keys(plugin, role).unwrap_or_default();
            if !keys.is_empty() {
                let prefix = if role == "source" { "poll." } else { "" };
                sections.push(Section {
                    name: format!("{plugin} as {role}"),
                    rows: keys.iter().map(|key| plugin_row(prefix, key)).collect(),
                });
            }
        }
    }
    sections
}

/// Adds the section of a table, and those of the tables in it whose names the operator chooses.
fn add_section(name: &str, path: &str, table: &'static Table, sections: &mut Vec<Section>) {
    let mut section = Section {
        name: name.to_owned(),
        rows: Vec::new(),
    };
    let mut inner = Vec::new();
    add_rows("", path.is_empty(), table, &mut section.rows, &mut inner);
    sections.push(section);
    for (name, table) in inner {
        add_section(&name, &name, table, sections);
    }
}

fn add_rows(
    prefix: &str,
    is_root: bool,
    table: &'static Table,
    rows: &mut Vec<String>,
    inner: &mut Vec<(String, &'static Table)>,
) {
    for key in table.iter() {
        let path = format!("{prefix}{}", key.name);
        match &key.kind {
            Kind::Entries { name, entry, .. } => {
                let path = format!("{path}.{name}");
                match entry {
                    Entry::Table(entry) if is_root => {
                        rows.push(row(&path, key, ""));
                        inner.push((path, entry));
                    }
                    Entry::Table(entry) => rows.push(row(&path, key, &differences(table, entry))),
                    Entry::TextOrTable(entry) => {
                        rows.push(row(&path, key, ""));
                        add_rows(&format!("{path}."), false, entry, rows, inner);
                    }
                    Entry::Text | Entry::Number { .. } => rows.push(row(&path, key, "")),
                }
            }
            Kind::Table(entry) => {
                if !is_root {
                    rows.push(row(&path, key, ""));
                }
                add_rows(&format!("{path}."), false, entry, rows, inner);
            }
            Kind::FlagOrTable(entry) => {
                rows.push(row(&path, key, ""));
                add_rows(&format!("{path}."), false, entry, rows, inner);
            }
            _ => rows.push(row(&path, key, "")),
        }
    }
}

/// What to say of a table within `outer` that has some of its keys.
fn differences(outer: &Table, inner: &Table) -> String {
    let missing = outer.iter().filter(|key| inner.find(key.name).is_none());
    let missing: Vec<String> = missing.map(|key| format!("`{}`", key.name)).collect();
    format!(
        " A version has the keys of this table, except {}.",
        missing.join(", ")
    )
}

fn row(path: &str, key: &Key, more: &str) -> String {
    let default = match key.presence {
        Presence::Required => "required".to_owned(),
        Presence::Optional => "–".to_owned(),
        Presence::Default(default) => format!("`{default}`"),
    };
    let doc = format!("{}{more}", key.doc);
    format!("| `{path}` | {} | {default} | {doc} |", values(&key.kind))
}

/// The accepted values, for a cell of a table.
fn values(kind: &Kind) -> String {
    let choices = |choices: &[&str]| {
        let quoted: Vec<String> = choices
            .iter()
            .map(|choice| format!("`{choice:?}`"))
            .collect();
        quoted.join(", ")
    };
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Choice(of) | Kind::ChoiceInAnyCase(of) => choices(of),
        Kind::Flag => "boolean".to_owned(),
        Kind::Integer { min, max, unit } => format!("integer: {min} to {max} {unit}"),
        Kind::Number { max, unit } => format!("number: above 0, up to {max} {unit}"),
        Kind::Texts => "list of strings".to_owned(),
        Kind::TextOrTexts => "string or list of strings".to_owned(),
        Kind::Table(_) => "table".to_owned(),
        Kind::FlagOrTable(_) => "boolean or table".to_owned(),
        Kind::Entries { entry, .. } => match entry {
            Entry::Table(_) => "table",
            Entry::TextOrTable(_) => "string or table",
            Entry::Text => "string",
            Entry::Number { .. } => "number",
        }
        .to_owned(),
    }
}

fn plugin_row(prefix: &str, key: &PluginKey) -> String {
    let schema = &key.schema;
    let default = match schema.get("default") {
        Some(default) => format!("`{default}`"),
        None if key.required => "required".to_owned(),
        None => "–".to_owned(),
    };
    let doc = schema["description"].as_str().unwrap();
    let doc = match &key.unit {
        Some(unit) => doc.trim_end_matches(&format!(" In {unit}.")),
        None => doc,
    };
    format!(
        "| `{prefix}{}` | {} | {default} | {doc} |",
        key.name,
        plugin_values(key)
    )
}

fn plugin_values(key: &PluginKey) -> String {
    let schema = &key.schema;
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        return choices.join(", ");
    }
    let kind = match schema["type"].as_str().unwrap() {
        "object" => "table",
        "array" if schema["items"]["type"] == "object" => "list of tables",
        "array" => "list of strings",
        other => other,
    };
    let mut text = kind.to_owned();
    if let (Some(min), Some(max)) = (schema.get("minimum"), schema.get("maximum")) {
        text = format!("{kind}: {min} to {max}");
    }
    if let Some(unit) = &key.unit {
        text = format!("{text} {unit}");
    }
    text
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The configuration files of the examples, in order.
pub fn examples() -> Vec<PathBuf> {
    let examples = repository().join("examples");
    let mut files = Vec::new();
    let mut folders = vec![examples.clone()];
    folders.extend(entries(&examples.join("plugins")));
    for entry in folders.iter().flat_map(|folder| entries(folder)) {
        let file = entry.join("lambkin.toml");
        if file.exists() {
            files.push(file);
        }
    }
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Asserts that a committed file has this content, or makes it so with `BLESS`.
pub fn assert_committed(path: &str, content: &str) {
    let path = repository().join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, content).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == content,
        "{} is not current; update it with `BLESS=1 cargo test --release -p lambkin`",
        path.display()
    );
}

#[test]
fn the_reference_documents_every_key() {
    const PAGES: [&str; 3] = [
        "docs/configuration.md",
        "docs/functions.md",
        "docs/builtin-plugins.md",
    ];
    const END: &str = "<!-- end of keys -->\n";
    let read = |page| fs::read_to_string(repository().join(page)).unwrap();
    let mut pages = PAGES.map(|page| (page, read(page)));
    let tables: usize = pages
        .iter()
        .map(|(_, text)| text.matches(END).count())
        .sum();
    assert_eq!(
        tables,
        sections().len(),
        "{PAGES:?} have tables of keys that do not exist"
    );
    for Section { name, rows } in sections() {
        let begin = format!("<!-- keys of {name} -->\n");
        let page = pages.iter_mut().find(|(_, text)| text.contains(&begin));
        let (_, text) = page.unwrap_or_else(|| panic!("none of {PAGES:?} has the line {begin}"));
        let (before, rest) = text.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let head = "| key | value | default | meaning |\n|---|---|---|---|\n";
        let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
        *text = format!("{before}{begin}{head}{rows}{END}{after}");
    }
    for (page, text) in &pages {
        assert_committed(page, text);
    }
}

#[test]
fn the_committed_schema_is_current() {
    assert_committed("docs/lambkin.schema.json", &format!("{}\n", schema_text()));
}
