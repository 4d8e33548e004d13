//! How Java is started: with AWS's runtime interface client, which comes from the project or from the folders in which
//! Maven and Gradle keep what they have downloaded.
//!
//! Contract: the function's code is a folder of classes, jars or both, a jar, or a source file, which the JDK compiles when
//! an environment starts. The class path is the code, the layers' `java/lib`, then the client. Nothing is downloaded. On
//! failure: what is missing, and the command that gets it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::found::Found;
use crate::machine::Machine;
use crate::version::Version;

const GROUP: &str = "com.amazonaws";
const CLIENT: &str = "aws-lambda-java-runtime-interface-client";
const MAIN: &str = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";
/// What the client needs, by group and name.
const NEEDED: [(&str, &str); 4] = [
    (GROUP, "aws-lambda-java-core"),
    (GROUP, "aws-lambda-java-serialization"),
    ("software.amazon.awssdk", "utils-lite"),
    ("software.amazon.awssdk", "annotations"),
];
/// Where builds put a project's jars, below the folder of its code.
const JARS: [&str; 5] = ["lib", "", "target/dependency", "target/lib", "build/libs"];
/// Where builds put classes, and where sources are.
const CLASSES: [&str; 3] = ["", "target/classes", "build/classes/java/main"];
const SOURCES: [&str; 2] = ["", "src/main/java"];

/// Compiles the source with the JDK into a folder that is named after its content, unless it is there, and starts the
/// function. Arguments: the folder below which that folder is, the compiler, the folder of the sources, the file, the class
/// path, `java`, the class of the client, the handler, and the options of `java`.
const COMPILE_AND_START: &str = r#"set -e
below=$1 compiler=$2 sources=$3 file=$4 path=$5 java=$6 main=$7 handler=$8
shift 8
# A sandbox has no folder of the host that could be written.
mkdir -p "$below" 2>/dev/null && [ -w "$below" ] || below=${TMPDIR:-/tmp}/lambkin-java
classes=$below/$(find "$sources" -name '*.java' -exec cat {} + | cksum | tr ' ' -)
if [ ! -d "$classes" ]; then
  mkdir -p "$below"
  find "$below" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} +
  if ! env -u JAVA_TOOL_OPTIONS "$compiler" -parameters -encoding UTF-8 -nowarn -implicit:class -cp "$path" \
    -sourcepath "$sources" -d "$classes.$$" "$file" >&2; then
    echo "lambkin: $file cannot be compiled" >&2
    exit 1
  fi
  mv "$classes.$$" "$classes" 2>/dev/null || rm -rf "$classes.$$"
fi
exec "$java" "$@" -classpath "$classes:$path" "$main" "$handler"
"#;

/// A Java function.
#[derive(Debug)]
pub(crate) struct Function<'a> {
    /// The folder of the code.
    pub code: &'a Path,
    /// The file that is the code: a jar or a source file.
    pub file: Option<&'a Path>,
    pub handler: &'a str,
    pub layers: &'a [PathBuf],
    pub memory_mb: u32,
}

/// The command, and the files outside of the code that it refers to; or what is missing.
pub(crate) fn command(
    function: &Function<'_>,
    found: &Found,
    machine: &Machine,
) -> Result<(Vec<String>, Vec<PathBuf>), String> {
    let code = function.code;
    let mut path: Vec<PathBuf> = Vec::new();
    path.extend(
        function
            .file
            .filter(|file| is_jar(file))
            .map(Path::to_owned),
    );
    path.extend(CLASSES.map(|folder| code.join(folder)));
    let jars: Vec<PathBuf> = JARS
        .iter()
        .flat_map(|folder| jars_in(&code.join(folder)))
        .collect();
    let machine_layer = [PathBuf::from("/opt")];
    let layers = match function.layers {
        [] => &machine_layer,
        layers => layers,
    };
    let of_layers = layers
        .iter()
        .rev()
        .flat_map(|layer| jars_in(&layer.join("java/lib")));
    let of_layers: Vec<PathBuf> = of_layers.collect();
    let brings = |name: &str| {
        jars.iter()
            .chain(&of_layers)
            .any(|jar| is_artifact(jar, name))
    };
    let has_client = brings(CLIENT);
    let client = match has_client {
        true => Vec::new(),
        false => client_of(machine).ok_or_else(|| missing(code))?,
    };
    let client: Vec<PathBuf> = client
        .into_iter()
        .filter(|jar| !names(jar).any(&brings))
        .collect();
    path.extend(jars);
    path.extend(of_layers);
    let mut outside = client.clone();
    path.extend(client);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let class_path = path
        .iter()
        .map(|entry| text(entry))
        .collect::<Vec<_>>()
        .join(":");
    let java = text(&found.program);
    let options = options(found, function.memory_mb);
    let Some((sources, file)) = source(function) else {
        let mut command = vec![java];
        command.extend(options);
        command.extend(["-classpath".to_owned(), class_path, MAIN.to_owned()]);
        command.push(function.handler.to_owned());
        return Ok((command, outside));
    };
    let compiler = found.program.with_file_name("javac");
    if !compiler.is_file() {
        return Err(format!(
            "{} has to be compiled, and {} has no javac: it is no JDK\ninstall one: mise install java@{1} | apt-get install \
             openjdk-{1}-jdk-headless\nor compile it yourself, and let `code` be the folder of the classes or the jar",
            file.display(),
            found.version.major
        ));
    }
    let mut command = vec![
        "/bin/sh".to_owned(),
        "-c".to_owned(),
        COMPILE_AND_START.to_owned(),
    ];
    command.push("sh".to_owned());
    let below = machine.cache().join("java");
    command.extend([&below, &compiler, &sources, &file].map(|path| text(path)));
    command.extend([
        class_path,
        java,
        MAIN.to_owned(),
        function.handler.to_owned(),
    ]);
    command.extend(options);
    // The shell that is started does not tell where the JDK is.
    let home = fs::canonicalize(&found.program).ok();
    outside.extend(home.and_then(|java| Some(java.parent()?.parent()?.to_owned())));
    Ok((command, outside))
}

/// The option that comes before all others of Java.
pub(crate) const FIRST_OPTION: &str = "-XX:MaxHeapSize";

/// AWS's options, without those for its own build of the JVM.
fn options(found: &Found, memory_mb: u32) -> Vec<String> {
    let heap = u64::from(memory_mb) * 85 / 100;
    let mut options = vec![
        format!("{FIRST_OPTION}={heap}m"),
        "-XX:+UseSerialGC".to_owned(),
        "-XX:+TieredCompilation".to_owned(),
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-XX:-UsePerfData".to_owned(),
        // AWS has a locale of this encoding, most containers have none.
        "-Dfile.encoding=UTF-8".to_owned(),
        "-Dsun.jnu.encoding=UTF-8".to_owned(),
    ];
    if found.version.major >= 9 {
        options.push("--add-opens=java.base/java.io=ALL-UNNAMED".to_owned());
    }
    if found.version.major >= 24 {
        // The client's native part.
        options.push("--enable-native-access=ALL-UNNAMED".to_owned());
    }
    options
}

/// The source file of the handler's class and the folder of its sources, if nothing has compiled it.
fn source(function: &Function<'_>) -> Option<(PathBuf, PathBuf)> {
    if let Some(file) = function.file {
        let is_source = file.extension().is_some_and(|ending| ending == "java");
        return is_source.then(|| (sources_of(file), file.to_owned()));
    }
    let class = class_of(function.handler).replace('.', "/");
    let compiled = |folder: &str| {
        let file = function.code.join(folder).join(format!("{class}.class"));
        file.is_file()
    };
    if CLASSES.iter().any(|folder| compiled(folder)) {
        return None;
    }
    let mut folders = SOURCES.iter().map(|folder| function.code.join(folder));
    let in_its_folder = folders.find_map(|folder| {
        let file = folder.join(format!("{class}.java"));
        file.is_file().then_some((folder, file))
    });
    // A file need not lie in the folder of its package.
    in_its_folder.or_else(|| {
        let (package, name) = class.rsplit_once('/')?;
        let file = function.code.join(format!("{name}.java"));
        let text = fs::read_to_string(&file).ok()?;
        let is_declared = package_of(&text)?.replace('.', "/") == package;
        is_declared.then(|| (function.code.to_owned(), file))
    })
}

/// The first jar of a folder with code, by its path in there.
pub(crate) fn first_jar(code: &Path) -> Option<String> {
    let mut jars = JARS.iter().flat_map(|folder| jars_in(&code.join(folder)));
    let jar = jars.next()?;
    Some(jar.strip_prefix(code).unwrap_or(&jar).display().to_string())
}

/// The class of a handler: `example.Hello` of `example.Hello::handleRequest`.
pub(crate) fn class_of(handler: &str) -> &str {
    handler
        .rsplit_once("::")
        .map_or(handler, |(class, _)| class)
}

/// The package that a source file declares.
pub(crate) fn package_of(source: &str) -> Option<&str> {
    let mut lines = source.lines().map(str::trim);
    let line = lines.find_map(|line| line.strip_prefix("package "))?;
    Some(line.split(';').next()?.trim())
}

/// The folder of a file's sources, in which the folders of its package are.
fn sources_of(file: &Path) -> PathBuf {
    let text = lambkin_files::read_small_text(file).unwrap_or_default();
    let depth = package_of(&text).map_or(0, |package| package.split('.').count());
    let folder = file.ancestors().nth(depth + 1).unwrap_or(Path::new("/"));
    let package = package_of(&text).unwrap_or_default().replace('.', "/");
    let own = file.parent().unwrap_or(Path::new("/"));
    // A file need not lie in the folder of its package.
    match own == folder.join(package) {
        true => folder.to_owned(),
        false => own.to_owned(),
    }
}

fn is_jar(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "jar")
}

/// The jars in a folder, by name, as on AWS.
fn jars_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut jars: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    jars.retain(|path| is_jar(path));
    jars.sort();
    jars
}

/// Whether a jar is a version of an artifact.
fn is_artifact(jar: &Path, name: &str) -> bool {
    let file = jar.file_name().unwrap_or_default().to_string_lossy();
    let rest = file
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// The artifacts that a jar is.
fn names(jar: &Path) -> impl Iterator<Item = &'static str> {
    let all = NEEDED.iter().map(|(_, name)| *name);
    all.filter(move |name| is_artifact(jar, name))
}

/// The client and what it needs, as Maven or Gradle have downloaded them. Older clients need less.
fn client_of(machine: &Machine) -> Option<Vec<PathBuf>> {
    let home = Path::new(machine.variable("HOME")?);
    let own = |group: &str, name: &str| {
        let maven = home
            .join(".m2/repository")
            .join(group.replace('.', "/"))
            .join(name);
        let gradle = home
            .join(".gradle/caches/modules-2/files-2.1")
            .join(group)
            .join(name);
        newest(&maven, name).or_else(|| newest(&gradle, name))
    };
    let mut jars = vec![own(GROUP, CLIENT)?];
    for (group, name) in NEEDED {
        match own(group, name) {
            Some(jar) => jars.push(jar),
            None if group == GROUP => return None,
            None => {}
        }
    }
    Some(jars)
}

/// The newest version of an artifact: in a folder of that version, or, as Gradle does, in a folder of that.
fn newest(artifact: &Path, name: &str) -> Option<PathBuf> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut versions = entries(artifact);
    versions.sort_by_key(|folder| {
        Version::first_in(&folder.file_name().unwrap_or_default().to_string_lossy())
    });
    versions.into_iter().rev().find_map(|version| {
        let file = format!("{name}-{}.jar", version.file_name()?.to_string_lossy());
        let folders = std::iter::once(version.clone()).chain(entries(&version));
        let mut jars = folders.into_iter().map(|folder| folder.join(&file));
        jars.find(|jar| jar.is_file())
    })
}

fn missing(code: &Path) -> String {
    format!(
        "Java functions run with AWS's runtime interface client, which AWS's runtimes have, and neither {} nor the folders \
         of Maven and Gradle in the home folder have {CLIENT}-*.jar\n\
         get it: mvn dependency:get -Dartifact={GROUP}:{CLIENT}:2.10.1\n\
         or add it to the project's dependencies, and collect the jars: mvn dependency:copy-dependencies \
         -DincludeScope=runtime -DoutputDirectory=lib",
        code.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sources_folder_is_the_one_of_its_packages() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            sources_of(&file)
        };
        assert_eq!(write("Hello.java", "class Hello {}"), folder.path());
        assert_eq!(
            write("a/b/Hello.java", "// x\npackage a.b;\nclass Hello {}"),
            folder.path()
        );
        assert_eq!(
            write("other/Hello.java", "package a.b;\nclass Hello {}"),
            folder.path().join("other")
        );
    }

    #[test]
    fn the_newest_client_of_maven_and_gradle_is_found() {
        let home = tempfile::tempdir().unwrap();
        let variables = [("HOME".to_owned(), home.path().display().to_string())];
        let machine = Machine::new(variables.into(), home.path().join("cache"));
        assert_eq!(client_of(&machine), None);
        let maven = home.path().join(".m2/repository/com/amazonaws");
        let gradle = home
            .path()
            .join(".gradle/caches/modules-2/files-2.1/com.amazonaws");
        let core = "aws-lambda-java-core";
        let serialization = "aws-lambda-java-serialization";
        let jars = [
            maven.join(format!("{CLIENT}/2.9.0/{CLIENT}-2.9.0.jar")),
            maven.join(format!("{CLIENT}/2.10.1/{CLIENT}-2.10.1.jar")),
            maven.join(format!("{core}/1.4.0/{core}-1.4.0.jar")),
            gradle.join(format!(
                "{serialization}/1.2.0/abc123/{serialization}-1.2.0.jar"
            )),
        ];
        for jar in &jars {
            fs::create_dir_all(jar.parent().unwrap()).unwrap();
            fs::write(jar, "").unwrap();
        }
        assert_eq!(client_of(&machine).unwrap(), jars[1..]);
    }
}
