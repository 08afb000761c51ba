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
    let examples = fs::read_dir(root.join("examples")).expect("the examples");
    let dirs = examples.map(|entry| entry.expect("an example").path()).chain([root]);
    let locks: Vec<_> = dirs.map(|dir| dir.join("Cargo.lock")).filter(|lock| lock.exists()).collect();
    assert!(locks.len() >= 4, "the workspace, and three packages beside it: {locks:?}");
    locks
}

/// The versions of `name` in a lock file.
fn versions<'l>(lock: &'l str, name: &str) -> Vec<&'l str> {
    let line = format!("name = \"{name}\"\nversion = \"");
    lock.split(&line).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn nothing_below_is_older_than_its_mended_release() {
    for lock in locks() {
        let text = fs::read_to_string(&lock).expect("a lock file").replace("\r\n", "\n");
        for (name, oldest, why) in OLDEST {
            let versions = versions(&text, name);
            assert!(!versions.is_empty(), "{name} is not in {}", lock.display());
            for version in versions {
                let numbers: Vec<u32> = version.split('.').map(|n| n.parse().expect("a release")).collect();
                assert!(numbers[..] >= oldest[..], "{}: {name} {version}: {why}", lock.display());
            }
        }
    }
}
