//! The page of attacks, `ATTACKS.md`, says which test meets each: here is read whether those tests are there, and whether every row
//! has one. Whether they test what they are said to is for whoever reads them.
//!
//! Links to other packages are followed where those are, which is everywhere but in a copy of this package alone.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../ATTACKS.md");

/// A row of either kind of table.
enum Row<'p> {
    /// What goes wrong, with the tests for it.
    Class { name: &'p str, tests: &'p str },
    /// What was published, the class that it belongs to, and the tests for it.
    Published { ids: &'p str, class: &'p str, tests: &'p str },
}

/// All rows, but for the heads of the tables; or a line that is none.
fn rows(page: &str) -> Result<Vec<Row<'_>>, String> {
    let mut rows = Vec::new();
    let mut head = "";
    for line in page.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            head = "";
            continue;
        };
        let cells: Vec<&str> = cells.split(" | ").collect();
        let [first, _, third, tests] = cells[..] else {
            return Err(format!("not four cells: {line}"));
        };
        match head {
            "" => head = first,
            _ if first == "---" => {}
            "class" => rows.push(Row::Class { name: first, tests }),
            "published as" => rows.push(Row::Published { ids: first, class: third, tests }),
            _ => return Err(format!("a table of {head}")),
        }
    }
    Ok(rows)
}

/// An advisory, or a project and the number that its issue or pull request has in public.
fn is_identifier(id: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = id.strip_prefix("CVE-").or_else(|| id.strip_prefix("RUSTSEC-")) {
        return rest.split_once('-').is_some_and(|(year, n)| is_number(year) && is_number(n) && n.len() >= 4);
    }
    if let Some(rest) = id.strip_prefix("GHSA-") {
        return rest.split('-').map(str::len).eq([4, 4, 4]);
    }
    id.split_once(" #").is_some_and(|(project, n)| !project.is_empty() && is_number(n))
}

/// Whether `text`, a source of the given kind, has this test, and runs it.
fn has_test(path: &str, text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("rs") if path.starts_with("fuzz/src/") => text.contains(&format!("pub fn {name}(data: &[u8])")),
        Some("rs") => lines.iter().enumerate().any(|(at, line)| {
            let attributes = || lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
            line.starts_with(&format!("fn {name}("))
                && attributes().any(|line| *line == "#[test]")
                && !attributes().any(|line| line.starts_with("#[ignore"))
        }),
        Some("py") => lines.iter().any(|line| line.starts_with(&format!("def {name}("))),
        // A job of a script.
        _ => text.lines().any(|line| line.starts_with(&format!("{name}() {{"))),
    }
}

/// Where `path` is, which begins with the folder of a package: this one's may be called otherwise where it stands alone.
fn place(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    match path.strip_prefix("ws-core/") {
        Some(path) => here.join(path),
        None => here.join("..").join(path),
    }
}

/// Why the test at the end of `link` is not there.
fn broken(link: &str) -> Option<String> {
    let Some((path, name)) = link.split_once(": ") else {
        return Some(format!("`{link}` is no path and name"));
    };
    let Ok(text) = fs::read_to_string(place(path)) else {
        return Some(format!("there is no {path}"));
    };
    if !has_test(path, &text, name) {
        return Some(format!("{path} has no test {name}"));
    }
    (path.ends_with(".rs") && !is_compiled(path)).then(|| format!("{path} is not compiled"))
}

/// Whether the module in `path` is declared by the one that it stands in, and that likewise, up to a file that cargo compiles by itself.
fn is_compiled(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        [.., "src", "lib.rs" | "main.rs"] => return true,
        [.., "tests", _] | [.., "tests", _, "main.rs"] if !parts.contains(&"src") => return true,
        _ => {}
    }
    let Some((folder, file)) = path.rsplit_once('/') else { return false };
    let module = match file {
        "mod.rs" => folder.rsplit_once('/'),
        _ => file.strip_suffix(".rs").map(|module| (folder, module)),
    };
    let Some((home, module)) = module else { return false };
    let mut above: Vec<String> = ["main", "lib", "mod"].map(|name| format!("{home}/{name}.rs")).into();
    above.push(format!("{home}.rs"));
    if home.ends_with("/tests") {
        // What several tests share is declared by each of them.
        let entries = fs::read_dir(place(home)).into_iter().flatten().flatten();
        for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
            above.push(if name.ends_with(".rs") {
                format!("{home}/{name}")
            } else {
                format!("{home}/{name}/main.rs")
            });
        }
    }
    let declaration = format!("mod {module};");
    above.iter().any(|above| {
        let text = fs::read_to_string(place(above)).unwrap_or_default();
        let mut before = text.lines().filter_map(|line| line.strip_suffix(&declaration));
        before.any(|before| before.is_empty() || before.starts_with("pub")) && is_compiled(above)
    })
}

/// All that is wrong with a page.
fn faults(page: &str) -> Vec<String> {
    let rows = match rows(page) {
        Ok(rows) => rows,
        Err(fault) => return vec![fault],
    };
    let is_alone = !place("ws-std/Cargo.toml").exists();
    let mut faults = Vec::new();
    let (mut classes, mut known) = (HashSet::new(), HashSet::new());
    for row in &rows {
        if let Row::Class { name, .. } = row
            && !classes.insert(*name)
        {
            faults.push(format!("two classes are called {name}"));
        }
    }
    for row in &rows {
        let (what, tests) = match row {
            Row::Class { name, tests } => (name, tests),
            Row::Published { ids, class, tests } => {
                if !classes.contains(class) {
                    faults.push(format!("{ids}: no class is called {class}"));
                }
                for id in ids.split(", ") {
                    if !is_identifier(id) {
                        faults.push(format!("{id} is no identifier"));
                    }
                    if !known.insert(id) {
                        faults.push(format!("{id} is there twice"));
                    }
                }
                (ids, tests)
            }
        };
        let links: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if links.iter().all(|link| link.starts_with("fuzz/") || link.starts_with(".ci/")) {
            faults.push(format!("{what} has no test"));
        }
        let mut seen = HashSet::new();
        for link in links {
            if !seen.insert(link) {
                faults.push(format!("{what}: `{link}` stands twice"));
            }
            if is_alone && !link.starts_with("ws-core/") {
                continue;
            }
            faults.extend(broken(link).map(|fault| format!("{what}: {fault}")));
        }
    }
    faults
}

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn every_attack_has_tests_that_are_there() {
    let faults = faults(PAGE);
    assert!(faults.is_empty(), "{faults:#?}");
    let rows = rows(PAGE).expect("tables");
    let published = rows.iter().filter(|row| matches!(row, Row::Published { .. })).count();
    assert!(published > 80 && rows.len() - published > 40, "{published} of {}: half the page", rows.len());
}

/// A page of one class and one report, with what is to be wrong about it.
fn page(from: &str, to: &str) -> String {
    let good = "\
        | class | what goes wrong | what is done here | tests |\n| --- | --- | --- | --- |\n\
        | a | b | c | `ws-core/tests/attacks.rs: each_fault_is_found` |\n\n\
        | published as | what was wrong | class | tests |\n| --- | --- | --- | --- |\n\
        | CVE-2020-0001, x #1 | b | a | `ws-core/tests/closing.rs: every_walk_ends` |\n";
    assert!(from.is_empty() || good.contains(from), "{from}");
    good.replacen(from, to, 1)
}

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn each_fault_is_found() {
    let found = |from: &str, to: &str| faults(&page(from, to));
    assert_eq!(found("", ""), [""; 0]);
    for (from, to, fault) in [
        ("attacks.rs", "none.rs", "there is no"),
        ("each_fault_is_found", "each_fault", "has no test"),
        ("each_fault_is_found", "found", "has no test"),
        ("each_fault_is_found", "faults", "has no test"),
        ("every_walk_ends", "every_walk", "has no test"),
        ("closing.rs: every_walk_ends", "closing.rs every_walk_ends", "is no path and name"),
        ("`ws-core/tests/closing.rs: every_walk_ends`", "the usual ones", "has no test"),
        ("`ws-core/tests/attacks.rs: each_fault_is_found`", "`fuzz/src/utf8.rs: check`", "has no test"),
        ("tests/closing.rs: every_walk_ends", "tests/pair/log.rs: f", "has no test"),
        (
            "`ws-core/tests/closing.rs: every_walk_ends`",
            "`fuzz/src/utf8.rs: check`, `ws-core/tests/closing.rs: every_walk_ends`, `fuzz/src/utf8.rs: check`",
            "`fuzz/src/utf8.rs: check` stands twice",
        ),
        ("CVE-2020-0001, x #1", "x #1, x #1", "is there twice"),
        ("CVE-2020-0001", "CVE-2020", "is no identifier"),
        ("x #1", "GHSA-1234-1234", "is no identifier"),
        ("x #1", "some thread", "is no identifier"),
        ("| b | a |", "| b | d |", "no class is called d"),
        ("| b | c |", "| b c |", "not four cells"),
        ("| class | what", "| kind | what", "a table of kind"),
        (
            "| a | b | c |",
            "| a | b | c | `ws-core/tests/attacks.rs: each_fault_is_found` |\n| a | b | c |",
            "two classes",
        ),
    ] {
        let faults = found(from, to);
        assert!(faults.iter().any(|found| found.contains(fault)), "{from} to {to}: {faults:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn what_no_module_declares_is_not_compiled() {
    for path in [
        "tests/attacks.rs",
        "tests/hostile/floods.rs",
        "tests/common/rng.rs",
        "src/deflate/inflate/window.rs",
        "src/deflate/mod.rs",
    ] {
        assert!(is_compiled(&format!("ws-core/{path}")), "{path}");
    }
    for path in ["tests/hostile/none.rs", "tests/hostile/none/main.rs", "src/deflate/floods.rs"] {
        assert!(!is_compiled(&format!("ws-core/{path}")), "{path}");
    }
    let package = std::env::temp_dir().join(format!("attacks-{}", std::process::id()));
    let tests = package.join("tests/one");
    fs::create_dir_all(&tests).expect("a folder");
    fs::write(tests.join("main.rs"), "").expect("a file");
    fs::write(tests.join("other.rs"), "#[test]\nfn works() {}\n").expect("a file");
    let link = format!("{}/tests/one/other.rs: works", package.display());
    let before = broken(&link);
    fs::write(tests.join("main.rs"), "mod other;\n").expect("a file");
    let behind = broken(&link);
    fs::remove_dir_all(&package).expect("it is gone");
    assert!(before.is_some_and(|fault| fault.ends_with("is not compiled")));
    assert_eq!(behind, None);
}
