//! The key `bundle`: TypeScript, and JavaScript that is to be bundled, through the project's esbuild.

use lambkin_runtimes::{BundleChoice, BundleOptions};

use super::key::{Entry, Key, Kind, Table};
use super::reader::{Diagnostics, Reader};

/// `[functions.NAME.bundle]`
const TABLE: Table = Table::new(&[&[
    Key::with_default(
        "external",
        Kind::Texts,
        "[]",
        "Packages that are not bundled, such as `[\"sharp\"]`. AWS's SDK is not, either, unless the project has it.",
    ),
    Key::with_default(
        "minify",
        Kind::Flag,
        "false",
        "Whether names and blanks are shortened.",
    ),
    Key::optional(
        "target",
        Kind::Text,
        "The version of the language that is made, such as `es2022`. Left out, that of the runtime, such as `node22`.",
    ),
    Key::with_default(
        "sourcemap",
        Kind::Flag,
        "true",
        "Whether there is a source map, with which stack traces and debuggers name the lines of the source.",
    ),
    Key::optional(
        "format",
        Kind::Choice(&["cjs", "esm"]),
        "The kind of module that is made. Left out, what the file's ending or the nearest `package.json` says.",
    ),
    Key::optional(
        "loader",
        Kind::Entries {
            name: ".ENDING",
            pattern: "^\\.",
            entry: Entry::Text,
        },
        "How files are read, by their endings: `{ \".html\" = \"text\" }`.",
    ),
    Key::with_default(
        "arguments",
        Kind::Texts,
        "[]",
        "Further arguments of esbuild, such as `[\"--keep-names\", \"--main-fields=module,main\"]`.",
    ),
]]);

pub const KEYS: &[Key] = &[Key::optional(
    "bundle",
    Kind::FlagOrTable(&TABLE),
    "Whether the code of a Node.js function is bundled with the project's esbuild. Left out, TypeScript is, if the project \
     has esbuild. A table stands for `true`. See section *TypeScript and bundling*.",
)];

/// Arguments that would make something else than Lambkin expects, or leave esbuild running.
const OWN: [&str; 9] = [
    "--bundle",
    "--platform",
    "--outfile",
    "--outdir",
    "--outbase",
    "--metafile",
    "--splitting",
    "--watch",
    "--serve",
];

/// How a function's code is bundled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleSettings {
    pub choice: BundleChoice,
    pub options: BundleOptions,
}

/// Reads the key. What is left out keeps its value.
pub fn read(table: &mut Reader<'_>, settings: &mut BundleSettings, diagnostics: &Diagnostics) {
    let Some((bundles, options)) = table.flag_or_table("bundle") else {
        return;
    };
    settings.choice = match bundles {
        true => BundleChoice::Always,
        false => BundleChoice::Never,
    };
    let Some(mut table) = options else {
        return;
    };
    let options = &mut settings.options;
    if let Some(external) = table.texts("external") {
        options.external = external.value;
    }
    if let Some(minify) = table.flag("minify") {
        options.minify = minify.value;
    }
    if let Some(target) = table.text("target") {
        options.target = Some(target.value);
    }
    if let Some(source_map) = table.flag("sourcemap") {
        options.omits_source_map = !source_map.value;
    }
    if let Some(format) = table.choice("format") {
        options.format = Some(format.value.to_owned());
    }
    if let Some(loaders) = table.text_entries("loader") {
        let loaders = loaders.value.into_iter();
        options.loader = loaders
            .map(|(ending, loader)| (ending.value, loader))
            .collect();
    }
    if let Some(arguments) = table.texts("arguments") {
        for argument in &arguments.value {
            let name = argument.split(['=', ':']).next().unwrap_or_default();
            let message = match argument.starts_with("--") {
                false => {
                    "is no argument of esbuild, which begin with `--`: Lambkin names the file itself"
                }
                true if OWN.contains(&name) => "is an argument that Lambkin sets itself",
                true => continue,
            };
            let message = format!("{argument:?} {message}");
            diagnostics.add(arguments.span.clone(), &arguments.key, message);
        }
        options.arguments = arguments.value;
    }
    table.finish();
}
