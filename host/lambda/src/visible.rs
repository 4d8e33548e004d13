//! What a function's sandbox shows of the host, for the developer: files that a script, an interpreter or a virtual
//! environment needs are visible without that the configuration names them.
//!
//! On failure: a program or an extension that cannot be found is left out; its start fails later, with the reason.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::extension::discover::discover;
use crate::spec::{FunctionSpec, SandboxMode};
use crate::view::View;

/// The files and folders of the host that a function's programs see in their sandbox besides the system, the code and the
/// layers, as far as they are known before it starts. None if it gets no sandbox.
pub fn visible_outside(spec: &FunctionSpec) -> Vec<PathBuf> {
    if spec.sandbox == SandboxMode::Process {
        return Vec::new();
    }
    let view = View::of(spec);
    let program = spec.program().ok().map(|(program, _)| program);
    let layers = spec.layer_folders();
    let extensions = spec.examined(|starter| discover(&layers, starter, false));
    let extensions = extensions.unwrap_or_default();
    let extensions = extensions.extensions.into_iter().map(|one| one.path);
    let placed = program.into_iter().chain(extensions);
    let sandboxes = placed.filter_map(|program| view.place(&program).sandbox);
    let visible = sandboxes.flat_map(|sandbox| sandbox.visible);
    let all: BTreeSet<PathBuf> = visible.map(|one| one.target).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::code::{Code, Entry};

    fn executable(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn what_is_visible_besides_the_code_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("code")).unwrap();
        let code = Code {
            task_root: root.join("code"),
            entry: Entry::Search,
            archive: None,
        };
        let spec = FunctionSpec {
            layers: vec![root.join("layer")],
            sandbox: SandboxMode::Namespace,
            ..FunctionSpec::new("f", code)
        };
        assert_eq!(visible_outside(&spec), [""; 0].map(PathBuf::from));
        let tool = root.join("tools/tool");
        executable(&tool, "#!/bin/sh\n");
        let script = format!("#!{}\n", tool.display());
        executable(&root.join("layer/extensions/watcher"), &script);
        assert_eq!(visible_outside(&spec), std::slice::from_ref(&tool));
        executable(&root.join("code/bootstrap"), &script);
        assert_eq!(visible_outside(&spec), std::slice::from_ref(&tool));
        let process = FunctionSpec {
            sandbox: SandboxMode::Process,
            ..spec
        };
        assert_eq!(visible_outside(&process), [""; 0].map(PathBuf::from));
    }
}
