//! What a power cut may leave of the files that a recorded process wrote.
//!
//! The model is POSIX's and harsher than most file systems. Of the changes that no `fsync` has covered, any may be on
//! the disk: each block of 4 KiB in any of its unsynced states, the length of a file, and each creation, rename and
//! deletion in a folder, in any order that their names allow. `fsync` of a file covers its bytes but not its name, and
//! `fsync` of a folder covers its names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

const BLOCK: usize = 4096;

/// Random numbers that a seed determines (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// One operation of the recorded process.
#[derive(Debug)]
pub enum Operation {
    Create(u64, PathBuf),
    Write(u64, usize, Vec<u8>),
    Truncate(u64, usize),
    Sync(u64),
    SyncFolder(PathBuf),
    MakeFolder(PathBuf),
    RemoveFolder(PathBuf),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
}

/// An operation, and the length of the recording with it.
pub type Recorded = (u64, Operation);

/// Reads a recording; see `recorder.c`.
pub fn read_recording(path: &Path) -> Vec<Recorded> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[..];
    let mut operations = Vec::new();
    while !rest.is_empty() {
        let mut take = |length: usize| {
            let (taken, left) = rest.split_at(length);
            rest = left;
            taken
        };
        let kind = take(1)[0];
        let mut number = |bytes| {
            let mut buffer = [0; 8];
            buffer[..bytes].copy_from_slice(take(bytes));
            u64::from_ne_bytes(buffer)
        };
        let (inode, at) = (number(8), number(8) as usize);
        let length = number(4) as usize;
        let one = take(length).to_vec();
        let length = u32::from_ne_bytes(take(4).try_into().unwrap()) as usize;
        let two = take(length).to_vec();
        let path = |bytes: Vec<u8>| PathBuf::from(String::from_utf8(bytes).unwrap());
        let operation = match kind {
            1 => Operation::Create(inode, path(one)),
            2 => Operation::Write(inode, at, one),
            3 => Operation::Truncate(inode, at),
            4 => Operation::Sync(inode),
            5 => Operation::SyncFolder(path(one)),
            6 => Operation::MakeFolder(path(one)),
            7 => Operation::RemoveFolder(path(one)),
            8 => Operation::Unlink(path(one)),
            9 => Operation::Rename(path(one), path(two)),
            10 => Operation::Link(path(one), path(two)),
            other => panic!("an operation of kind {other}"),
        };
        operations.push(((bytes.len() - rest.len()) as u64, operation));
    }
    operations
}

/// A change of a file's bytes.
enum Change<'a> {
    Write(usize, &'a [u8]),
    Truncate(usize),
}

#[derive(Default)]
struct FileState<'a> {
    synced: Vec<u8>,
    unsynced: Vec<Change<'a>>,
}

fn apply(content: &mut Vec<u8>, change: &Change<'_>) {
    match change {
        Change::Write(at, bytes) => {
            let end = at + bytes.len();
            content.resize(content.len().max(end), 0);
            content[*at..end].copy_from_slice(bytes);
        }
        Change::Truncate(size) => content.resize(*size, 0),
    }
}

impl FileState<'_> {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            apply(&mut self.synced, &change);
        }
    }

    /// What may be on the disk: all, nothing, or for each block any of its states.
    fn after_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut states = vec![self.synced.clone()];
        let most = self.unsynced.len();
        // A few of the states on the way are enough, and the last one has to be among them.
        let mut content = self.synced.clone();
        for (number, change) in self.unsynced.iter().enumerate() {
            apply(&mut content, change);
            if number + 1 == most || (states.len() < 8 && random.below(most) < 8) {
                states.push(content.clone());
            }
        }
        match random.below(3) {
            0 => states.swap_remove(0),
            1 => states.pop().unwrap_or_default(),
            _ => {
                let length = states[random.below(states.len())].len();
                let mut mixed = vec![0; length];
                for block in (0..length).step_by(BLOCK) {
                    let state = &states[random.below(states.len())];
                    let end = (block + BLOCK).min(length).min(state.len());
                    if block < end {
                        mixed[block..end].copy_from_slice(&state[block..end]);
                    }
                }
                mixed
            }
        }
    }
}

/// What a name stands for.
#[derive(Clone, PartialEq)]
enum Entry {
    File(usize),
    Folder,
}

/// A change of names: what each becomes.
struct Names {
    changes: Vec<(PathBuf, Option<Entry>)>,
}

/// The state of the recorded folder at some moment.
#[derive(Default)]
struct Disk<'a> {
    files: Vec<FileState<'a>>,
    by_inode: HashMap<u64, usize>,
    /// As the process sees it.
    names: BTreeMap<PathBuf, Entry>,
    synced: BTreeMap<PathBuf, Entry>,
    unsynced: Vec<Names>,
}

impl<'a> Disk<'a> {
    fn name(&mut self, changes: Vec<(PathBuf, Option<Entry>)>) {
        change(&mut self.names, &changes);
        self.unsynced.push(Names { changes });
    }

    fn perform(&mut self, operation: &'a Operation) {
        match operation {
            Operation::Create(inode, path) => {
                self.files.push(FileState::default());
                let file = self.files.len() - 1;
                self.by_inode.insert(*inode, file);
                self.name(vec![(path.clone(), Some(Entry::File(file)))]);
            }
            Operation::Write(inode, at, bytes) => self.change(*inode, Change::Write(*at, bytes)),
            Operation::Truncate(inode, size) => self.change(*inode, Change::Truncate(*size)),
            Operation::Sync(inode) => {
                if let Some(file) = self.by_inode.get(inode) {
                    self.files[*file].sync();
                }
            }
            Operation::SyncFolder(folder) => {
                let is_in = |(path, _): &(PathBuf, Option<Entry>)| path.parent() == Some(folder);
                let all = std::mem::take(&mut self.unsynced);
                // Earlier changes of the same names go with a change that is on the disk.
                let mut names: HashSet<&PathBuf> = HashSet::new();
                let mut kept = vec![false; all.len()];
                for (number, one) in all.iter().enumerate().rev() {
                    let touched = one.changes.iter().any(|(path, _)| names.contains(path));
                    if touched || one.changes.iter().any(is_in) {
                        kept[number] = true;
                        names.extend(one.changes.iter().map(|(path, _)| path));
                    }
                }
                let mut left = Vec::new();
                for (one, kept) in all.iter().zip(&kept) {
                    if *kept {
                        change(&mut self.synced, &one.changes);
                    }
                }
                for (one, kept) in all.into_iter().zip(kept) {
                    if !kept {
                        left.push(one);
                    }
                }
                self.unsynced = left;
            }
            Operation::MakeFolder(path) => self.name(vec![(path.clone(), Some(Entry::Folder))]),
            Operation::RemoveFolder(path) | Operation::Unlink(path) => {
                self.name(vec![(path.clone(), None)]);
            }
            Operation::Rename(from, to) => {
                let entry = self.names.get(from).cloned();
                self.name(vec![(from.clone(), None), (to.clone(), entry)]);
            }
            Operation::Link(from, to) => {
                let entry = self.names.get(from).cloned();
                self.name(vec![(to.clone(), entry)]);
            }
        }
    }

    fn change(&mut self, inode: u64, change: Change<'a>) {
        if let Some(file) = self.by_inode.get(&inode) {
            self.files[*file].unsynced.push(change);
        }
    }

    /// Writes what is left to `to`, which stands for the folder `root` of the recorded process.
    fn leave(&self, random: &mut Random, root: &Path, to: &Path) {
        let mut names = self.synced.clone();
        let mut dropped: HashSet<&PathBuf> = HashSet::new();
        let how = random.below(4);
        for one in &self.unsynced {
            let depends = one.changes.iter().any(|(path, _)| dropped.contains(path));
            let keeps = match how {
                0 => false,
                1 => true,
                _ => random.coin(),
            };
            if keeps && !depends {
                change(&mut names, &one.changes);
            } else {
                dropped.extend(one.changes.iter().map(|(path, _)| path));
            }
        }
        fs::create_dir_all(to).unwrap();
        let mut written: HashMap<usize, PathBuf> = HashMap::new();
        for (path, entry) in &names {
            let place = to.join(path.strip_prefix(root).unwrap());
            // A folder comes before what is in it. Without it, that cannot be reached.
            match entry {
                _ if !place.parent().is_some_and(Path::is_dir) => {}
                Entry::Folder => fs::create_dir_all(&place).unwrap(),
                Entry::File(file) => match written.get(file) {
                    Some(first) => fs::hard_link(first, &place).unwrap(),
                    None => {
                        fs::write(&place, self.files[*file].after_cut(random)).unwrap();
                        written.insert(*file, place);
                    }
                },
            }
        }
    }
}

fn change(names: &mut BTreeMap<PathBuf, Entry>, changes: &[(PathBuf, Option<Entry>)]) {
    for (path, entry) in changes {
        match entry {
            Some(entry) => names.insert(path.clone(), entry.clone()),
            None => names.remove(path),
        };
    }
}

/// Writes to `to` what may be left of `root` if the power fails right after the first `operations`.
pub fn cut(operations: &[Recorded], random: &mut Random, root: &Path, to: &Path) {
    let mut disk = Disk::default();
    for (_, operation) in operations {
        disk.perform(operation);
    }
    disk.leave(random, root, to);
    // Rebuilt by the next process.
    let _ = fs::remove_file(to.join("store.sqlite-shm"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(operations: Vec<Operation>, random: u64) -> BTreeMap<String, Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let operations: Vec<Recorded> = operations.into_iter().map(|one| (0, one)).collect();
        cut(
            &operations,
            &mut Random(random),
            Path::new("/r"),
            folder.path(),
        );
        let entries = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        let content = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        };
        entries.map(content).collect()
    }

    fn path(name: &str) -> PathBuf {
        Path::new("/r").join(name)
    }

    #[test]
    fn what_was_synced_is_kept_and_what_was_not_may_be_lost() {
        let (mut lost, mut kept) = (0, 0);
        for seed in 0..100 {
            let write = Operation::Write(1, 0, b"bytes".to_vec());
            let names = [
                Operation::Create(1, path("a")),
                write,
                Operation::Sync(1),
                Operation::SyncFolder(path("")),
                Operation::Rename(path("a"), path("b")),
                Operation::Write(1, 0, b"BYTES".to_vec()),
            ];
            let left = left(Vec::from(names), seed);
            assert_eq!(left.len(), 1, "{left:?}");
            let (name, content) = left.first_key_value().unwrap();
            assert!(["a", "b"].contains(&name.as_str()));
            assert!(
                [b"bytes", b"BYTES"].iter().any(|one| content == *one),
                "{content:?}"
            );
            lost += usize::from(name == "a" && content == b"bytes");
            kept += usize::from(name == "b" && content == b"BYTES");
        }
        assert!(lost > 0 && kept > 0, "{lost} {kept}");
    }

    #[test]
    fn without_any_sync_there_may_be_a_name_without_bytes() {
        let seen = (0..100).any(|seed| {
            let operations = vec![
                Operation::Create(1, path("a")),
                Operation::Write(1, 0, vec![1; 9000]),
            ];
            left(operations, seed).get("a").is_some_and(Vec::is_empty)
        });
        assert!(seen);
    }
}
