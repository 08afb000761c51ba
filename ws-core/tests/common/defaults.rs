//! The tables of defaults in `SECURITY.md`, which stands at the root of the repository, compared with the code: by values where the
//! code gives them out, by the text of the source where a constant is its own.

#![allow(dead_code, reason = "each package uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The table below the heading of this package has these rows and no other, and each says why.
pub(crate) fn assert_table(values: impl IntoIterator<Item = (&'static str, String)>) {
    let text = fs::read_to_string(package().join("../SECURITY.md")).expect("SECURITY.md");
    let heading = format!("\n### `{}`\n", env!("CARGO_PKG_NAME"));
    let (_, table) = text.split_once(&heading).expect("a table for this package");
    let mut said = BTreeMap::new();
    for line in table.lines().take_while(|line| !line.starts_with('#')) {
        let Some(cells) = line.strip_prefix("| `") else { continue };
        let cells: Vec<&str> = cells.trim_end_matches(" |").split(" | ").collect();
        let [name, value, why] = cells[..] else { panic!("not three cells: {line}") };
        assert!(!why.is_empty(), "no reason: {line}");
        let name = name.strip_suffix('`').expect("a name").to_owned();
        assert!(said.insert(name, value.to_owned()).is_none(), "twice: {line}");
    }
    let mut expected: BTreeMap<String, String> = waits();
    expected.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let missing: Vec<_> = expected.iter().filter(|(name, _)| !said.contains_key(*name)).collect();
    let unknown: Vec<_> = said.keys().filter(|name| !expected.contains_key(*name)).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "to be added: {missing:#?}, to be removed: {unknown:#?}"
    );
    for (name, value) in expected {
        assert_eq!(said[&name], value, "{name}");
    }
}

pub(crate) fn bytes(n: impl TryInto<u64>) -> String {
    let n = n.try_into().ok().expect("a size");
    match n {
        0 => "none".into(),
        n if n.is_multiple_of(1024) => format!("{} KiB", n / 1024),
        n => format!("{n} bytes"),
    }
}

/// With a comma between thousands.
pub(crate) fn number(n: impl TryInto<u64>) -> String {
    let n = n.try_into().ok().expect("a number");
    if n < 1000 { n.to_string() } else { format!("{},{:03}", number(n / 1000), n % 1000) }
}

pub(crate) fn millis(n: impl TryInto<u64>) -> String {
    match n.try_into().ok().expect("a time") {
        0 => "off".into(),
        n if n.is_multiple_of(1000) => format!("{} s", n / 1000),
        n => format!("{n} ms"),
    }
}

pub(crate) fn on(is_on: bool) -> String {
    if is_on { "on".into() } else { "off".into() }
}

/// All constants of the sources that are a time and nobody else can see, by file and name.
fn waits() -> BTreeMap<String, String> {
    let mut waits = BTreeMap::new();
    let source = package().join("src");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("sources").map(|entry| entry.expect("a source").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                waits.extend(waits_in(&source, &path));
            }
        }
    }
    waits
}

fn waits_in(source: &Path, path: &PathBuf) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).expect("a source");
    let file = path.strip_prefix(source).expect("below it").display().to_string().replace('\\', "/");
    let constants = text.lines().filter_map(|line| {
        let (before, constant) = line.trim().split_once("const ")?;
        let (name, expression) = constant.split_once(": Duration = ")?;
        // Those that anybody can see are given as values.
        (before.is_empty() || before.starts_with("pub(")).then_some((name, expression))
    });
    let literal = |expression: &str, unit: &str| {
        let digits = expression.strip_prefix(&format!("Duration::from_{unit}("))?.strip_suffix(");")?;
        digits.parse::<u64>().ok()
    };
    let value = |expression| {
        literal(expression, "millis").or_else(|| literal(expression, "secs").map(|secs| secs * 1000))
    };
    // One that is made of another has its value there.
    constants.filter_map(|(name, expr)| Some((format!("{file}: {name}"), millis(value(expr)?)))).collect()
}

/// The text of another constant that is a source's own.
pub(crate) fn own(file: &str, name: &str) -> String {
    let text = fs::read_to_string(package().join("src").join(file)).expect("a source");
    let line = text.lines().find(|line| line.contains(&format!("const {name}: "))).expect(name);
    line.split_once(" = ").expect("a value").1.trim_end_matches(';').to_owned()
}
