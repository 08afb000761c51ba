//! What is below: versions that a peer can stop, or corrupt, whatever is done above them, are in no lock file of this repository.
//! Packages of others that depend on `ws-embassy` have lock files of their own: see SECURITY.md.

use std::fs;
use std::path::{Path, PathBuf};

/// The oldest release of each that will do, and what was wrong with those before.
const OLDEST: [(&str, [u32; 3], &str); 3] = [
    ("smoltcp", [0, 13, 1], "a segment from the network makes it panic"),
    ("embassy-net", [0, 9, 1], "it stands on a smoltcp that a segment can stop"),
    ("heapless", [0, 6, 1], "an iterator that is cloned uses memory that was given back"),
];

/// All lock files; none if this package stands alone.
fn locks() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !root.join("ws-embassy/Cargo.toml").exists() {
        return Vec::new();
    }
    let (mut locks, mut dirs) = (Vec::new(), vec![root]);
    while let Some(dir) = dirs.pop() {
        locks.extend(Some(dir.join("Cargo.lock")).filter(|lock| lock.exists()));
        let inside = fs::read_dir(dir).into_iter().flatten().flatten();
        let folders = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let made = ["target", ".git", "out", "corpus", "node_modules"].map(Into::into);
        dirs.extend(folders.filter(|entry| !made.contains(&entry.file_name())).map(|entry| entry.path()));
    }
    locks
}

/// The versions of `name` in a lock file.
fn versions<'l>(lock: &'l str, name: &str) -> Vec<&'l str> {
    let line = format!("name = \"{name}\"\nversion = \"");
    lock.split(&line).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn nothing_below_is_older_than_its_mended_release() {
    let locks = locks();
    let mut found = [0; OLDEST.len()];
    for lock in &locks {
        let text = fs::read_to_string(lock).expect("a lock file").replace("\r\n", "\n");
        for ((name, oldest, why), found) in OLDEST.iter().zip(&mut found) {
            for version in versions(&text, name) {
                let numbers: Vec<u32> = version.split('.').map(|n| n.parse().expect("a release")).collect();
                assert!(numbers[..] >= oldest[..], "{}: {name} {version}: {why}", lock.display());
                *found += 1;
            }
        }
    }
    // The workspace, three packages of images beside it, and one of those that measure.
    assert!(locks.is_empty() || found.iter().all(|found| *found >= 5), "{found:?} in {locks:?}");
}
