//! What the search needs of the machine: the host's variables, its folders, and what programs say about their versions.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

/// Where version managers keep what they have installed: a variable, and the place below the home folder without it.
const MANAGERS: [(&str, &str); 21] = [
    ("PYENV_ROOT", ".pyenv/versions"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
    ("NVM_DIR", ".nvm/versions"),
    ("NVM_DIR", ".config/nvm/versions"),
    ("FNM_DIR", ".local/share/fnm"),
    ("FNM_DIR", ".fnm"),
    ("FNM_DIR", "Library/Application Support/fnm"),
    ("VOLTA_HOME", ".volta/tools"),
    ("NODENV_ROOT", ".nodenv/versions"),
    ("N_PREFIX", "n/n/versions"),
    ("RBENV_ROOT", ".rbenv/versions"),
    ("rvm_path", ".rvm/rubies"),
    ("RUBIES", ".rubies"),
    ("", "/opt/rubies"),
    ("SDKMAN_DIR", ".sdkman/candidates"),
    ("JENV_ROOT", ".jenv/versions"),
    ("MISE_DATA_DIR", ".local/share/mise/installs"),
    ("ASDF_DATA_DIR", ".asdf/installs"),
    ("CONDA_ROOT", ".conda/envs"),
    ("CONDA_ROOT", "miniconda3"),
    ("CONDA_ROOT", "miniforge3"),
];

/// The machine, as far as interpreters are searched on it.
#[derive(Debug)]
pub struct Machine {
    variables: BTreeMap<String, String>,
    /// Where clients and versions of programs are kept.
    cache: PathBuf,
    told: Mutex<HashMap<PathBuf, Option<String>>>,
    /// Folders of which no program is run, without links.
    avoided: Vec<PathBuf>,
}

impl Machine {
    /// The machine that a process with these variables sees. `cache` is a folder of this user, which is created.
    pub fn new(variables: BTreeMap<String, String>, cache: PathBuf) -> Self {
        Self {
            variables,
            cache,
            told: Mutex::default(),
            avoided: Vec::new(),
        }
    }

    /// The machine, of which no program in these folders is run: they belong to a project that runs in a sandbox only.
    ///
    /// A project can also name programs beside its folders, by a link or in a file such as `.python-version`. So only
    /// those are run that the user or the machine has installed: what a variable such as `LAMBKIN_PYTHON` names, and what
    /// is in the folders of `PATH`, of the shell's environment and of version managers, or below `/usr`.
    #[must_use]
    pub fn avoiding(mut self, folders: &[&Path]) -> Self {
        let real = folders
            .iter()
            .filter_map(|folder| fs::canonicalize(folder).ok());
        self.avoided.extend(real);
        self
    }

    /// Whether programs of the project are run.
    pub(crate) fn runs_project(&self) -> bool {
        self.avoided.is_empty()
    }

    /// Whether a program is not run, because it lies in a project's folder, or could come from one.
    pub(crate) fn avoids(&self, program: &Path) -> bool {
        let real = fs::canonicalize(program);
        real.is_ok_and(|real| !self.may_run(program, &real))
    }

    fn may_run(&self, program: &Path, real: &Path) -> bool {
        if self.avoided.is_empty() {
            return true;
        }
        let own = self
            .variables
            .iter()
            .filter(|(name, _)| name.starts_with("LAMBKIN_"));
        let mut own = own.map(|(_, value)| Path::new(value));
        let is_named = program.is_absolute() && own.any(|named| named == program);
        let folder = program.parent().and_then(|it| fs::canonicalize(it).ok());
        let mut places = [folder.as_deref(), real.parent()].into_iter().flatten();
        !self.is_avoided(real)
            // A shim runs what the files of the current folder name.
            && !real.parent().is_some_and(|folder| self.has_shims(folder))
            && (is_named || places.any(|place| self.is_installed(place)))
    }

    /// Whether what is in a folder without links was installed by the user or with the machine.
    fn is_installed(&self, folder: &Path) -> bool {
        const SYSTEM: [&str; 3] = ["/usr", "/nix/store", "/opt/homebrew"];
        /// Sources, which may be those of a project.
        const SOURCES: [&str; 2] = ["/usr/src", "/usr/local/src"];
        /// The variables with which a shell or the user names an environment, and below it the folder of programs.
        const ENVIRONMENTS: [&str; 4] = ["VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME", "DOTNET_ROOT"];
        if self.is_avoided(folder) || SOURCES.iter().any(|sources| folder.starts_with(sources)) {
            return false;
        }
        let real = |path: PathBuf| {
            fs::canonicalize(path)
                .ok()
                .filter(|it| !self.is_avoided(it))
        };
        let mut path = self.path().into_iter().filter_map(real);
        let environments = ENVIRONMENTS
            .iter()
            .filter_map(|name| real(PathBuf::from(self.variable(name)?)));
        let managers = MANAGERS
            .iter()
            .filter_map(|(variable, below_home)| real(self.folder(variable, below_home)?));
        SYSTEM.iter().any(|system| folder.starts_with(system))
            || path.any(|programs| programs == folder)
            || environments
                .chain(managers)
                .any(|all| folder.starts_with(all))
    }

    fn is_avoided(&self, path: &Path) -> bool {
        self.avoided.iter().any(|folder| path.starts_with(folder))
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A folder below the home folder, unless a variable names another one. `XDG_DATA_HOME` takes the place of
    /// `~/.local/share`, and `XDG_CONFIG_HOME` that of `~/.config`.
    pub(crate) fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        if let Some(own) = self.variable(variable) {
            return Some(PathBuf::from(own));
        }
        for (xdg, place) in [
            ("XDG_DATA_HOME", ".local/share/"),
            ("XDG_CONFIG_HOME", ".config/"),
        ] {
            if let (Some(folder), Some(rest)) = (self.variable(xdg), below_home.strip_prefix(place))
            {
                return Some(Path::new(folder).join(rest));
            }
        }
        Some(Path::new(self.variable("HOME")?).join(below_home))
    }

    /// The programs of this name in `PATH`, without shims.
    pub(crate) fn in_path(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let name = name.to_owned();
        let folders = self.path().into_iter();
        let folders: Vec<PathBuf> = folders.filter(|folder| !self.has_shims(folder)).collect();
        let programs = folders.into_iter().map(move |folder| folder.join(&name));
        programs.filter(|program| program.is_file())
    }

    /// The version manager's shim that a shell would run for this name, if it is the first program of that name in
    /// `PATH`.
    pub(crate) fn shim(&self, name: &str) -> Option<PathBuf> {
        let mut folders = self.path().into_iter();
        let first = folders.find(|folder| folder.join(name).is_file())?;
        self.has_shims(&first).then(|| first.join(name))
    }

    /// The absolute folders of `PATH`.
    fn path(&self) -> Vec<PathBuf> {
        let folders = self.variable("PATH").unwrap_or_default();
        let folders = std::env::split_paths(folders);
        folders.filter(|folder| folder.is_absolute()).collect()
    }

    /// Whether a version manager keeps programs in this folder that look up a version whenever they run. That takes a
    /// third of a second, and the result depends on the current folder.
    pub(crate) fn has_shims(&self, folder: &Path) -> bool {
        let volta = self.folder("VOLTA_HOME", ".volta");
        folder.ends_with("shims") || volta.is_some_and(|volta| folder == volta.join("bin"))
    }

    /// What a program says about its version: the first kilobyte of it. It is asked once for each state of its file. `None`
    /// if it cannot be run, is not to be run, or fails.
    pub(crate) fn told(&self, program: &Path, argument: &str) -> Option<String> {
        let real = fs::canonicalize(program).ok()?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = told.get(&real) {
            return known.clone();
        }
        let text = self.kept_or_asked(program, &real, argument);
        told.insert(real, text.clone());
        text
    }

    fn kept_or_asked(&self, program: &Path, real: &Path, argument: &str) -> Option<String> {
        let metadata = fs::metadata(real).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let mut hasher = std::hash::DefaultHasher::new();
        (real, modified, metadata.len()).hash(&mut hasher);
        let kept = self.cache.join(format!("told-{:016x}", hasher.finish()));
        if let Some(text) = lambkin_files::read_small_text(&kept) {
            return Some(text);
        }
        if !self.may_run(program, real) {
            return None;
        }
        // A project's link to a program of the machine, such as that of a virtual environment, would start the program with
        // what the project has beside the link.
        let folder = program
            .parent()
            .and_then(|folder| fs::canonicalize(folder).ok());
        let is_link = folder.is_some_and(|folder| self.is_avoided(&folder));
        let mut command = Command::new(if is_link { real } else { program });
        if let (true, Some(name)) = (is_link, program.file_name()) {
            command.arg0(name); // by which some programs know what to be
        }
        let output = command
            .arg(argument)
            .stdin(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let both = [output.stdout, output.stderr].concat();
        let text: String = String::from_utf8_lossy(&both).chars().take(1024).collect();
        // Not kept: it is asked again by the next host.
        let _ = crate::clients::write(&kept, text.as_bytes());
        Some(text)
    }
}
