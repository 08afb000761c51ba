//! Replays the seeds: what fuzzing found worth keeping, and what was once found wrong.

use std::path::Path;

use ws_fuzz::TARGETS;

fn seeds() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

#[test]
fn every_target_holds_for_its_seeds() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || {
                let folder = seeds().join(target.name);
                let files: Vec<_> =
                    std::fs::read_dir(&folder).expect(target.name).map(|file| file.unwrap().path()).collect();
                assert!(!files.is_empty(), "{} has no seeds", target.name);
                (target.check)(&[]);
                ws_fuzz::check_files(target.check, files.iter()).unwrap();
            });
        }
    });
}

/// A target is known by one name in four places.
#[test]
fn targets_binaries_and_seeds_are_the_same() {
    let manifest = include_str!("../Cargo.toml");
    let binaries: Vec<_> = manifest
        .lines()
        .skip_while(|line| *line != "[[bin]]")
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(binaries, names);
    let mut folders: Vec<_> = std::fs::read_dir(seeds())
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(folders, sorted);
    for name in names {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
}
