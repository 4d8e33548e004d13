//! How Java is started: with AWS's runtime interface client, which the project brings.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::Machine;

const CLIENT: &str = "aws-lambda-java-runtime-interface-client";
const MAIN: &str = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";
/// Where builds put a project's jars, below the folder of its code.
const FOLDERS: [&str; 5] = ["lib", "", "target/dependency", "target/lib", "build/libs"];

/// The arguments of `java`, or what the project lacks.
pub(crate) fn command(
    code: &Path,
    handler: &str,
    memory_mb: u32,
    machine: &Machine,
) -> Result<Vec<String>, String> {
    let folders = FOLDERS.map(|folder| code.join(folder));
    let Some(jars) = folders.into_iter().find(|folder| has_client(folder)) else {
        return Err(missing(code, machine));
    };
    let mut class_path = vec![jars.join("*")];
    for classes in ["target/classes", "build/classes/java/main"] {
        class_path.push(code.join(classes));
    }
    class_path.push(code.to_owned());
    let class_path: Vec<String> = class_path
        .iter()
        .map(|entry| entry.to_string_lossy().into_owned())
        .collect();
    let heap = u64::from(memory_mb) * 85 / 100;
    Ok(vec![
        format!("-XX:MaxHeapSize={heap}m"),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:+TieredCompilation".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
        // AWS has a locale of this encoding, most containers have none.
        "-Dfile.encoding=UTF-8".to_owned(),
        "-classpath".to_owned(),
        class_path.join(":"),
        MAIN.to_owned(),
        handler.to_owned(),
    ])
}

fn has_client(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(CLIENT))
}

fn missing(code: &Path, machine: &Machine) -> String {
    let repository: Option<PathBuf> = machine.variable("HOME").map(|home| {
        Path::new(home)
            .join(".m2/repository/com/amazonaws")
            .join(CLIENT)
    });
    let hint = match repository {
        Some(folder) if folder.is_dir() => format!("; {} has it", folder.display()),
        _ => String::new(),
    };
    format!(
        "Java functions run with AWS's runtime interface client, and {} has no {CLIENT}-*.jar in lib, target/dependency \
         or build/libs{hint}\nadd the dependency com.amazonaws:{CLIENT}:2.10.1 and collect the jars:\n    mvn \
         dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib",
        code.display()
    )
}
