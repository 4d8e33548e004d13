//! How .NET functions are started: executable assemblies and native ones have AWS's client in themselves.

use std::path::Path;

/// The arguments of `dotnet`, or what a library needs to be run.
pub(crate) fn command(code: &Path, handler: &str) -> Result<Vec<String>, String> {
    if handler.is_empty() {
        return Err("needs `handler`: the name of the function's assembly".to_owned());
    }
    if let Some((assembly, _)) = handler.split_once("::") {
        return Err(format!(
            "handler {handler:?} is a method of a class library, which AWS's runtime loads; here the assembly has to be \
             a program with Amazon.Lambda.RuntimeSupport\nset <OutputType>Exe</OutputType>, add the package \
             Amazon.Lambda.RuntimeSupport, call LambdaBootstrapBuilder.Create(...).Build().RunAsync() in Main, and set \
             handler = {assembly:?}"
        ));
    }
    let assembly = code.join(format!("{handler}.dll"));
    if !assembly.is_file() {
        return Err(format!(
            "{} does not exist; `code` is the folder that `dotnet publish` writes",
            assembly.display()
        ));
    }
    Ok(vec![
        "exec".to_owned(),
        assembly.to_string_lossy().into_owned(),
    ])
}
