//! Not a test: lists the skipped end-to-end tests after all of them have run.
//!
//! The end-to-end tests record what they skip in files below the target folder's `tmp/skipped`, one for each process.
//! Cargo runs the targets of a package in the order of their names, so this one comes after `all`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    // Tools that list tests get no output.
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped");
    let mut skipped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let files = match fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for file in files {
        let path = file?.path();
        for line in fs::read_to_string(&path)?.lines() {
            let (tool, test) = line.split_once('\t').unwrap_or((line, "a test"));
            let tests = skipped.entry(tool.to_owned()).or_default();
            tests.insert(test.to_owned());
        }
        fs::remove_file(&path)?;
    }
    let tests: BTreeSet<&String> = skipped.values().flatten().collect();
    if tests.is_empty() {
        return Ok(());
    }
    println!(
        "\n{} end-to-end tests were skipped, as tools are missing here (tests/tools/install installs them):",
        tests.len()
    );
    for (tool, tests) in &skipped {
        println!("  {tool}: {} tests", tests.len());
        for test in tests {
            println!("    {test}");
        }
    }
    Ok(())
}
