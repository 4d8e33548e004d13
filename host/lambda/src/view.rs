//! What the processes of a function see of the host: with which paths, and through which sandbox.
//!
//! In sandbox mode `process` they see the host itself. In mode `namespace` the code is at `/var/task`, the layers are at
//! `/opt` and the runtime client is at `/var/runtime`, as on AWS. A program that is elsewhere on the host, such as the
//! interpreter of a version manager, is visible there together with the folder of its installation. In mode `image`
//! they see the files of the image, and paths are never those of the host.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use lambkin_process::sandbox::{ImageRoot, OPT, RUNTIME, Sandbox, TASK, Visible};

use crate::code::Entry;
use crate::image::{self, Image};
use crate::installation::{self, Private};
use crate::script;
use crate::spec::{FunctionSpec, SandboxMode};

/// The `PATH` of AWS, of which `/var/lang/bin` has the interpreters.
const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The folders of the host that every sandbox has.
const SYSTEM: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// The host from the point of view of one function, at one moment: links are resolved when it is made.
#[derive(Debug)]
pub(crate) struct View<'a> {
    spec: &'a FunctionSpec,
    code: PathBuf,
    layers: Vec<PathBuf>,
    /// Folders of the host and their paths inside, which apply in this order.
    mapped: Vec<(PathBuf, &'static str)>,
}

/// A program as it is started.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The program's path inside.
    pub program: PathBuf,
    /// The sandbox that it needs, if it gets one.
    pub sandbox: Option<Sandbox>,
    /// Folders of the host with the programs that it needs, to be searched before others.
    pub folders: Vec<PathBuf>,
}

impl<'a> View<'a> {
    pub(crate) fn of(spec: &'a FunctionSpec) -> Self {
        let code = spec.code.resolved_root();
        let layers = spec.layer_folders();
        let mut mapped = Vec::new();
        if spec.sandbox == SandboxMode::Namespace {
            if let Entry::Managed(managed) = &spec.code.entry {
                mapped.extend(managed.client.clone().map(|client| (client, RUNTIME)));
                mapped.push((managed.code.clone(), TASK));
            }
            mapped.push((code.clone(), TASK));
            mapped.extend(layers.iter().map(|layer| (layer.clone(), OPT)));
            // A layer in the code's folder is a layer.
            mapped.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.components().count()));
        }
        Self {
            spec,
            code,
            layers,
            mapped,
        }
    }

    fn is_sandboxed(&self) -> bool {
        self.spec.sandbox != SandboxMode::Process
    }

    /// The folder of the code: `LAMBDA_TASK_ROOT`.
    pub(crate) fn code(&self) -> PathBuf {
        match &self.spec.code.entry {
            Entry::Image(_) => PathBuf::from(image::TASK_ROOT),
            _ => self.path(&self.code),
        }
    }

    /// The folder in which the processes are started.
    pub(crate) fn directory(&self) -> PathBuf {
        match &self.spec.code.entry {
            Entry::Image(image) => image.get().directory(),
            _ => self.code(),
        }
    }

    /// The folders of the layers, of which later ones override earlier ones.
    pub(crate) fn layers(&self) -> Vec<PathBuf> {
        match self.is_sandboxed() {
            true => Vec::new(),
            false => self.layers.clone(),
        }
    }

    /// The function's `PATH` if its configuration has none; `None` stands for the host's. `folders` are searched first.
    pub(crate) fn search_path(&self, folders: &[PathBuf]) -> Option<String> {
        if !self.is_sandboxed() {
            return None;
        }
        let own = folders
            .iter()
            .map(|folder| format!("{}:", folder.display()));
        Some(own.collect::<String>() + SEARCH_PATH + ":/opt/bin")
    }

    /// The path of a file of the host inside.
    pub(crate) fn path(&self, host: &Path) -> PathBuf {
        let mut mapped = self.mapped.iter();
        let found = mapped.find_map(|(folder, inside)| {
            let rest = host.strip_prefix(folder).ok()?;
            Some(match rest.as_os_str().is_empty() {
                true => PathBuf::from(inside),
                false => Path::new(inside).join(rest),
            })
        });
        found.unwrap_or_else(|| host.to_owned())
    }

    /// An argument or a variable that Lambkin has made, with the paths in it as they are inside. They are separated by `:`
    /// or `=`. Folders that have become the same are named once.
    pub(crate) fn text(&self, host: &str) -> String {
        if self.mapped.is_empty() || !host.contains('/') {
            return host.to_owned();
        }
        let mut paths: Vec<String> = Vec::new();
        for part in host.split(':') {
            let path = part.split('=').map(|word| {
                let inside = self.path(Path::new(word));
                match inside == Path::new(word) {
                    true => word.to_owned(), // with a `/` at its end, if it had one
                    false => inside.to_string_lossy().into_owned(),
                }
            });
            let path = path.collect::<Vec<_>>().join("=");
            let is_repeated = path != part && paths.contains(&path);
            if !is_repeated {
                paths.push(path);
            }
        }
        paths.join(":")
    }

    /// Where a program is inside, and the sandbox for it.
    pub(crate) fn place(&self, program: &Path) -> Placed {
        if let Entry::Image(image) = &self.spec.code.entry {
            return self.place_in_image(&image.get(), program);
        }
        if !self.is_sandboxed() {
            return Placed {
                program: program.to_owned(),
                ..Placed::default()
            };
        }
        let mut placed = Placed::default();
        let mut visible = Vec::new();
        placed.program = self.reveal(program, &mut visible, &mut placed.folders);
        for needed in self.interpreters(program) {
            self.reveal(&needed, &mut visible, &mut placed.folders);
        }
        if let Entry::Managed(managed) = &self.spec.code.entry {
            let private = self.private();
            let folders = managed.folders.iter();
            let folders = folders.filter(|folder| installation::is_referable(folder, &private));
            visible.extend(folders.filter_map(|folder| seen(folder)));
        }
        // Certificates of the host's services, for example.
        let named = self.spec.default_variables.values();
        let named = named.map(Path::new).filter(|path| path.is_absolute());
        visible.extend(named.filter(|path| path.is_file()).filter_map(seen));
        visible.retain(|one| !is_system(&one.target) && self.path(&one.target) == one.target);
        visible.sort();
        visible.dedup();
        let client = match &self.spec.code.entry {
            Entry::Managed(managed) => managed.client.clone(),
            _ => None,
        };
        placed.sandbox = Some(Sandbox {
            code: Some(self.code.clone()),
            writable_code: false,
            layers: self.layers.clone(),
            runtime: client.and_then(|client| fs::canonicalize(client).ok()),
            visible,
            tmp_mb: self.spec.tmp_mb,
            image: None,
            terminal: None,
        });
        placed
    }

    fn place_in_image(&self, image: &Image, program: &Path) -> Placed {
        let root = ImageRoot {
            folder: image.root.clone(),
            scripts: image.scripts(&self.spec.search_path()),
        };
        Placed {
            program: program.to_owned(),
            sandbox: Some(Sandbox {
                image: Some(root),
                tmp_mb: self.spec.tmp_mb,
                ..Sandbox::default()
            }),
            folders: Vec::new(),
        }
    }

    fn private(&self) -> Private {
        Private::new(
            std::env::var_os("HOME").map(PathBuf::from),
            self.code.clone(),
        )
    }

    /// Makes a program visible. Returns its path inside. `folders` gets the folder in which programs find it by its name.
    fn reveal(
        &self,
        program: &Path,
        visible: &mut Vec<Visible>,
        folders: &mut Vec<PathBuf>,
    ) -> PathBuf {
        let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
        let is_within = |path: &Path| is_system(path) || self.path(path) != path;
        if is_within(program) && is_within(&real) {
            return self.path(program);
        }
        let private = self.private();
        let mut add = |paths: Vec<PathBuf>| {
            visible.extend(paths.iter().filter_map(|path| seen(path)));
        };
        if !is_within(&real) {
            add(installation::needed(&real, &private));
        }
        let bin = program.parent().unwrap_or(Path::new("/"));
        let environment = bin.parent().unwrap_or(Path::new("/"));
        let parts = installation::environment(environment, &private);
        let is_seen = !parts.is_empty() || self.path(environment) != environment;
        add(parts);
        let settings = is_seen
            .then(|| lambkin_files::read_small_text(&environment.join("pyvenv.cfg")))
            .flatten();
        // Python finds the packages of a virtual environment by the path with which it is started.
        if let Some(settings) = settings {
            let home = settings.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == "home").then(|| Path::new(value.trim()).join("python3"))
            });
            if let Some(base) = home.and_then(|base| fs::canonicalize(base).ok())
                && !is_within(&base)
            {
                add(installation::needed(&base, &private));
            }
            folders.push(self.path(bin));
            return self.path(program);
        }
        if installation::is_installed(&real) {
            folders.extend(real.parent().map(Path::to_owned));
        }
        self.path(&real)
    }

    /// The programs that the `#!` line of a script names.
    fn interpreters(&self, program: &Path) -> Vec<PathBuf> {
        let mut head = Vec::new();
        let read = fs::File::open(program).and_then(|file| {
            file.take(script::LINE_BYTES as u64 + 1)
                .read_to_end(&mut head)
        });
        let Some(Ok(needed)) = read.ok().and_then(|_| script::read(&head)) else {
            return Vec::new();
        };
        let mut programs = vec![needed.interpreter];
        if let Some(name) = needed.program {
            let path = self.spec.search_path();
            let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(&name));
            programs.extend(candidates.find(|candidate| candidate.is_file()));
        }
        programs
    }
}

/// A path of the host that is visible at the same path.
fn seen(target: &Path) -> Option<Visible> {
    Some(Visible {
        target: target.to_owned(),
        source: fs::canonicalize(target).ok()?,
    })
}

/// Whether a path is in a folder of the host that every sandbox has.
pub(crate) fn is_system(path: &Path) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::code::Code;
    use crate::managed::Managed;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    fn file(path: &Path, content: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn spec(root: &Path) -> FunctionSpec {
        for name in ["code", "one", "code/two"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let code = Code {
            task_root: root.join("code"),
            entry: Entry::Search,
            archive: None,
        };
        FunctionSpec {
            layers: vec![root.join("one"), root.join("code/two")],
            sandbox: SandboxMode::Namespace,
            ..FunctionSpec::new("f", code)
        }
    }

    #[test]
    fn the_paths_of_a_sandbox_are_those_of_aws() {
        let (_folder, root) = folder();
        let spec = spec(&root);
        let view = View::of(&spec);
        assert_eq!(view.code(), Path::new("/var/task"));
        for (host, inside) in [
            ("code/bootstrap", "/var/task/bootstrap"),
            ("one/bootstrap", "/opt/bootstrap"),
            ("code/two/extensions/x", "/opt/extensions/x"),
        ] {
            assert_eq!(view.path(&root.join(host)), Path::new(inside));
        }
        assert_eq!(
            view.path(Path::new("/usr/bin/sh")),
            Path::new("/usr/bin/sh")
        );
        let root = root.display();
        assert_eq!(
            view.text(&format!(
                "-Dx={root}/code/a:{root}/one/lib:{root}/code/two/lib:{root}/coded"
            )),
            format!("-Dx=/var/task/a:/opt/lib:{root}/coded")
        );
        assert_eq!(view.text("app.handler"), "app.handler");
    }

    #[test]
    fn the_paths_without_a_sandbox_are_those_of_the_host() {
        let (_folder, root) = folder();
        let spec = FunctionSpec {
            sandbox: SandboxMode::Process,
            ..spec(&root)
        };
        let view = View::of(&spec);
        assert_eq!(view.code(), root.join("code"));
        assert_eq!(view.layers().len(), 2);
        let program = root.join("code/bootstrap");
        let placed = view.place(&program);
        assert_eq!((placed.program, placed.sandbox), (program, None));
    }

    #[test]
    fn a_program_of_the_code_needs_nothing_else() {
        let (_folder, root) = folder();
        let spec = spec(&root);
        let program = root.join("code/bootstrap");
        file(&program, "#!/bin/sh\n");
        let placed = View::of(&spec).place(&program);
        assert_eq!(placed.program, Path::new("/var/task/bootstrap"));
        assert_eq!(placed.sandbox.unwrap().visible, []);
        assert!(placed.folders.is_empty());
    }

    #[test]
    fn the_installation_of_an_interpreter_is_visible() {
        let (_folder, root) = folder();
        let mut spec = spec(&root);
        file(&root.join("versions/3.13/bin/python3.13"), "\x7fELF");
        file(&root.join("versions/3.13/lib/python3.13/os.py"), "");
        file(&root.join("versions/3.13/secret"), "");
        symlink("python3.13", root.join("versions/3.13/bin/python3")).unwrap();
        let environment = root.join("code/.venv");
        file(&environment.join("pyvenv.cfg"), "");
        fs::create_dir(environment.join("bin")).unwrap();
        let python = environment.join("bin/python");
        symlink(root.join("versions/3.13/bin/python3"), &python).unwrap();
        let client = root.join("cache/rt-1");
        file(&client.join("python/start.py"), "");
        spec.code.entry = Entry::Managed(Managed {
            command: Ok(Vec::new()),
            interpreter: String::new(),
            variables: Default::default(),
            code: root.join("code"),
            client: Some(client.clone()),
            folders: Vec::new(),
            links: Vec::new(),
            made_from: None,
        });
        let view = View::of(&spec);
        let placed = view.place(&python);
        let sandbox = placed.sandbox.unwrap();
        let targets: Vec<_> = sandbox.visible.iter().map(|one| &one.target).collect();
        let expected = ["bin", "lib"].map(|part| root.join("versions/3.13").join(part));
        assert_eq!(targets, expected.iter().collect::<Vec<_>>());
        assert_eq!(placed.program, Path::new("/var/task/.venv/bin/python"));
        assert_eq!(placed.folders, [Path::new("/var/task/.venv/bin")]);
        assert_eq!(sandbox.runtime, Some(client.clone()));
        let start = client.join("python/start.py").display().to_string();
        assert_eq!(view.text(&start), "/var/runtime/python/start.py");
    }

    #[test]
    fn a_link_out_of_the_code_leads_to_one_more_file_if_that_is_a_program() {
        let (_folder, root) = folder();
        let spec = spec(&root);
        let built = root.join("target/main");
        file(&built, "\x7fELF");
        symlink(&built, root.join("code/bootstrap")).unwrap();
        let placed = View::of(&spec).place(&root.join("code/bootstrap"));
        assert_eq!(placed.program, built);
        assert_eq!(placed.sandbox.unwrap().visible[0].target, built);
        let key = root.join("key");
        fs::write(&key, "-----BEGIN PRIVATE KEY-----").unwrap();
        for script in [
            format!("#!{}\n", key.display()),
            "#!/etc/shadow\n".to_owned(),
        ] {
            let program = root.join("code/script");
            file(&program, &script);
            let placed = View::of(&spec).place(&program);
            assert_eq!(placed.sandbox.unwrap().visible, [], "{script}");
        }
        symlink(&key, root.join("code/linked")).unwrap();
        let placed = View::of(&spec).place(&root.join("code/linked"));
        assert_eq!(placed.sandbox.unwrap().visible, []);
    }
}
