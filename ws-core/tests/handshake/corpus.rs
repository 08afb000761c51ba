//! Reads the corpus: the files, and the index that says what each must give. Judges nothing.

use crate::cases::thin;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the corpus and its line of the index.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The words of the line, behind the name.
    words: Vec<String>,
}

impl Case {
    /// The word behind the name, and the next one.
    pub(crate) fn verdict(&self) -> (&str, &str) {
        (&self.words[0], self.words.get(1).map_or("", String::as_str))
    }

    /// The value of `key=value`.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        let mut values = self.words.iter().filter_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let value = values.next()?.replace("\\s", " ");
        assert!(values.next().is_none(), "{}: {key} stands twice", self.name);
        Some(value)
    }

    pub(crate) fn number(&self, key: &str) -> usize {
        self.value(key).map_or(0, |n| n.parse().expect("a number"))
    }

    /// Fails if the line says something that the test does not look at.
    pub(crate) fn only(&self, plain: usize, keys: &[&str]) {
        for word in &self.words[plain..] {
            let key = word.split_once('=').unwrap_or_else(|| panic!("{}: {word}?", self.name)).0;
            assert!(keys.contains(&key), "{}: {key}?", self.name);
        }
    }

    /// Where to cut in two: everywhere up to the byte behind which nothing is read, `used`. In a long head everywhere near
    /// both ends, and at each 61st byte between.
    pub(crate) fn cuts(&self, used: usize) -> impl Iterator<Item = usize> {
        let end = (used + 2).min(self.bytes.len());
        thin((0..=end).filter(move |at| end < 2048 || *at < 300 || *at + 100 > end || at % 61 == 0), 400)
    }
}

fn path(folder: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "corpus", folder].iter().collect()
}

fn index(folder: &Path) -> String {
    fs::read_to_string(folder.join("index.txt")).expect("an index")
}

/// The case that a line of the index names.
fn read(folder: &Path, line: &str) -> Case {
    let mut words = line.split(' ').map(String::from);
    let name = words.next().expect("a name");
    let bytes = fs::read(folder.join(format!("{name}.http"))).expect(&name);
    Case { name, bytes, words: words.collect() }
}

/// The case of that name.
pub(crate) fn case(folder: &str, name: &str) -> Case {
    let folder = path(folder);
    let index = index(&folder);
    let line = index.lines().find(|line| line.split(' ').next() == Some(name)).expect("a case");
    read(&folder, line)
}

/// All files of a folder, in the order of its index; for Miri some. Files and lines must belong together one to one.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = path(folder);
    let index = index(&folder);
    let lines = index.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<_> = thin(lines, 6).map(|line| read(&folder, line)).collect();
    if cfg!(miri) {
        return cases;
    }
    let files: BTreeSet<_> = fs::read_dir(&folder)
        .expect("a folder")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".http")?.to_string()))
        .collect();
    let named: BTreeSet<_> = cases.iter().map(|case| case.name.clone()).collect();
    assert_eq!(named.len(), cases.len(), "a name stands twice in the index");
    assert_eq!(files, named);
    cases
}
