//! Container images, made as a build tool would make them: as an archive of `docker save` or as an OCI layout.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::project::RAW_BOOTSTRAP;
use super::tools::{Missing, tool};

/// What bash functions and their scripts use.
const PROGRAMS: [&str; 24] = [
    "awk", "bash", "cat", "curl", "echo", "env", "getent", "grep", "head", "hostname", "id", "ls",
    "mktemp", "mount", "rm", "sed", "setsid", "sh", "sleep", "stat", "touch", "tr", "umount",
    "unshare",
];

/// A container image.
#[derive(Clone)]
pub struct Image {
    layers: Vec<Arc<Vec<u8>>>,
    entries: BTreeMap<String, Entry>,
    /// `config` of its configuration.
    config: BTreeMap<&'static str, Value>,
    architecture: &'static str,
}

#[derive(Clone)]
enum Entry {
    File(Vec<u8>, u32),
    Link(String),
    Folder,
}

impl Image {
    /// An image without files.
    pub fn empty() -> Self {
        Self {
            layers: Vec::new(),
            entries: BTreeMap::new(),
            config: BTreeMap::new(),
            architecture: match std::env::consts::ARCH {
                "aarch64" => "arm64",
                _ => "amd64",
            },
        }
    }

    /// An image with the raw bootstrap at `/function/bootstrap`, which is its ENTRYPOINT.
    #[track_caller]
    pub fn echo() -> Result<Self, Missing> {
        let mut image = Self::empty();
        image.layers.push(layer_of(&[RAW_BOOTSTRAP])?);
        let program = fs::read(RAW_BOOTSTRAP).expect("the raw bootstrap");
        Ok(image
            .executable("function/bootstrap", program)
            .entry_point(&["/function/bootstrap"]))
    }

    /// An image with bash, curl and the usual tools.
    #[track_caller]
    pub fn bash() -> Result<Self, Missing> {
        let mut image = Self::empty();
        image.layers.push(layer_of(&PROGRAMS)?);
        Ok(image)
    }

    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let file = Entry::File(content.as_ref().to_vec(), 0o644);
        self.entries.insert(path.to_owned(), file);
        self
    }

    pub fn executable(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let file = Entry::File(content.as_ref().to_vec(), 0o755);
        self.entries.insert(path.to_owned(), file);
        self
    }

    /// A file with this mode.
    pub fn file_with_mode(mut self, path: &str, content: &str, mode: u32) -> Self {
        let file = Entry::File(content.as_bytes().to_vec(), mode);
        self.entries.insert(path.to_owned(), file);
        self
    }

    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.entries
            .insert(path.to_owned(), Entry::Link(target.to_owned()));
        self
    }

    pub fn folder(mut self, path: &str) -> Self {
        self.entries.insert(path.to_owned(), Entry::Folder);
        self
    }

    pub fn entry_point(self, words: &[&str]) -> Self {
        self.set("Entrypoint", json!(words))
    }

    pub fn command(self, words: &[&str]) -> Self {
        self.set("Cmd", json!(words))
    }

    /// ENV: `NAME=VALUE`.
    pub fn env(self, variables: &[&str]) -> Self {
        self.set("Env", json!(variables))
    }

    pub fn working_directory(self, folder: &str) -> Self {
        self.set("WorkingDir", json!(folder))
    }

    pub fn user(self, user: &str) -> Self {
        self.set("User", json!(user))
    }

    pub fn architecture(mut self, architecture: &'static str) -> Self {
        self.architecture = architecture;
        self
    }

    fn set(mut self, key: &'static str, value: Value) -> Self {
        self.config.insert(key, value);
        self
    }

    /// The configuration and the layers.
    fn parts(&self) -> (Vec<u8>, Vec<Arc<Vec<u8>>>) {
        let mut layers = self.layers.clone();
        layers.push(Arc::new(tar(&self.entries)));
        let digests: Vec<String> = layers.iter().map(|layer| digest_of(layer)).collect();
        let document = json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": digests },
        });
        (document.to_string().into_bytes(), layers)
    }

    /// Writes the image as `docker save` does. The file appears only when it is complete.
    pub fn save(&self, path: &Path) {
        let (config, layers) = self.parts();
        let name = |content: &[u8]| digest_of(content).replace("sha256:", "");
        let mut files = BTreeMap::new();
        let mut names = Vec::new();
        for layer in &layers {
            let name = format!("{}/layer.tar", name(layer));
            files.insert(name.clone(), Entry::File(layer.to_vec(), 0o644));
            names.push(name);
        }
        let config_name = format!("{}.json", name(&config));
        files.insert(config_name.clone(), Entry::File(config, 0o644));
        let manifest =
            json!([{ "Config": config_name, "RepoTags": ["app:latest"], "Layers": names }]);
        let manifest = Entry::File(manifest.to_string().into_bytes(), 0o644);
        files.insert("manifest.json".to_owned(), manifest);
        let partial = path.with_extension("partial");
        fs::write(&partial, tar(&files)).expect("an archive");
        fs::rename(&partial, path).expect("an archive");
    }

    /// Writes the image as an OCI layout.
    pub fn lay_out(&self, folder: &Path) {
        let (config, layers) = self.parts();
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a folder");
        let blob = |content: &[u8], kind: &str| {
            let digest = digest_of(content);
            fs::write(blobs.join(digest.replace("sha256:", "")), content).expect("a blob");
            let kind = format!("application/vnd.oci.image.{kind}");
            json!({ "mediaType": kind, "digest": digest, "size": content.len() })
        };
        let layers = layers.iter().map(|layer| blob(layer, "layer.v1.tar"));
        let layers: Vec<Value> = layers.collect();
        let manifest = json!({
            "schemaVersion": 2,
            "config": blob(&config, "config.v1+json"),
            "layers": layers,
        });
        let mut manifest = blob(manifest.to_string().as_bytes(), "manifest.v1+json");
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .expect("a file");
        fs::write(folder.join("index.json"), index.to_string()).expect("an index");
    }
}

fn digest_of(content: &[u8]) -> String {
    let digest = digest(&SHA256, content);
    let digits: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

/// A layer with programs of the machine, at their own paths, and the libraries that they need.
#[track_caller]
fn layer_of(programs: &[&str]) -> Result<Arc<Vec<u8>>, Missing> {
    static MADE: Mutex<BTreeMap<String, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());
    let mut probe = Command::new("ldd");
    probe.arg("--version");
    tool("ldd", probe)?;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = programs.join(" ");
    if let Some(layer) = made.get(&key) {
        return Ok(Arc::clone(layer));
    }
    let mut entries = BTreeMap::from([("bin".to_owned(), Entry::Link("usr/bin".to_owned()))]);
    for name in programs {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
        let program = candidates
            .find(|candidate| candidate.is_file())
            .unwrap_or_else(|| panic!("{name} is not in {path}"));
        if !name.contains('/') {
            add(&program, &format!("usr/bin/{name}"), &mut entries);
        }
        let listed = Command::new("ldd").arg(program).output().expect("ldd");
        for word in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
            if let Some(path) = word.strip_prefix('/') {
                add(Path::new(word), path, &mut entries);
            }
        }
    }
    let layer = Arc::new(tar(&entries));
    made.insert(key, Arc::clone(&layer));
    Ok(layer)
}

fn add(file: &Path, path: &str, entries: &mut BTreeMap<String, Entry>) {
    let content = fs::read(file).expect("a program or a library");
    entries.insert(path.to_owned(), Entry::File(content, 0o755));
}

/// A tar archive.
fn tar(entries: &BTreeMap<String, Entry>) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, entry) in entries {
        let (kind, content, mode, target): (u8, &[u8], u32, &str) = match entry {
            Entry::File(content, mode) => (b'0', content, *mode, ""),
            Entry::Link(target) => (b'2', &[], 0o777, target),
            Entry::Folder => (b'5', &[], 0o755, ""),
        };
        let mut header = [0; 512];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        assert!(path.len() < 100 && target.len() < 100, "{path}");
        put(0, path.as_bytes());
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", content.len()).as_bytes());
        put(136, b"00000000000");
        put(148, b"        ");
        put(156, &[kind]);
        put(157, target.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}
