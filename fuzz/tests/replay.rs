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

/// The names of the files or folders in a folder of this package, without the extension.
fn names_in(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut names: Vec<_> = std::fs::read_dir(path)
        .expect(folder)
        .map(|file| file.unwrap().path())
        .filter(|path| folder != "src" || path.is_file())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// A target is known by one name wherever it is named.
#[test]
fn what_belongs_to_a_target_has_its_name() {
    let manifest = include_str!("../Cargo.toml");
    let binaries: Vec<_> = manifest
        .lines()
        .skip_while(|line| *line != "[[bin]]")
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(binaries, names);
    let mut sorted = names.clone();
    sorted.sort_unstable();
    for folder in ["seeds", "targets"] {
        assert_eq!(names_in(folder), sorted, "{folder}");
    }
    assert_eq!(names_in("src").into_iter().filter(|name| name != "lib").collect::<Vec<_>>(), sorted, "src");
    for folder in ["options", "dictionaries"] {
        let strange: Vec<_> =
            names_in(folder).into_iter().filter(|name| !names.contains(&name.as_str())).collect();
        assert!(strange.is_empty(), "{folder} of no target: {strange:?}");
    }
    for name in names {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
        let target = std::fs::read_to_string(format!("{}/targets/{name}.rs", env!("CARGO_MANIFEST_DIR")));
        assert!(
            target.unwrap().contains(&format!("ws_fuzz::target!({name});")),
            "targets/{name}.rs is of another"
        );
    }
}
