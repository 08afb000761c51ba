//! Reads the library's sources and fails where they leave the shape that the crate's map draws: a module that uses one to
//! its right, `std` or a heap, a file too long, a file that does not say what it is. The compiler checks none of this.
//!
//! Tests inside the library are left out: each stands at the end of its file.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use besides itself. `a::b` means that part of `a` alone. A new module needs a line here.
const LAYERS: &[(&str, &[&str])] = &[
    ("bytes", BASE),
    ("entropy", BASE),
    ("error", BASE),
    ("log", BASE),
    ("time", BASE),
    ("http", BASE),
    ("frame", BASE),
    ("deflate", BASE),
    ("handshake", &["bytes", "entropy", "error", "log", "time", "http", "deflate::negotiate"]),
    ("connection", &["bytes", "entropy", "error", "log", "time", "frame", "deflate"]),
    (
        "transport",
        &[
            "bytes",
            "entropy",
            "error",
            "log",
            "time",
            "http",
            "handshake",
            "connection",
            // Words that messages share, whichever way they go.
            "frame::CloseCode",
            "frame::Kind",
        ],
    ),
    // The map, and the names that it re-exports.
    ("lib", &["bytes", "connection", "entropy", "error", "frame", "handshake", "http", "time"]),
];

/// Layer 0 knows no protocol; its modules may use each other.
const BASE: &[&str] = &["bytes", "entropy", "error", "log", "time"];

/// Lines that a file may have.
const LINES_MAX: usize = 500;

#[test]
#[cfg_attr(miri, ignore = "it reads sources, and runs nothing of the library")]
fn the_library_keeps_its_shape() {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src"].iter().collect();
    let mut files = Vec::new();
    find(&root, &mut files);
    assert!(files.len() > 20, "where are the sources?");
    let faults: Vec<_> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).expect("below the root").to_str().expect("text");
            let text = fs::read_to_string(path).expect("a source");
            faults_of(&name.replace('\\', "/"), &text)
        })
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// What is wrong with the file `name`, as seen from `src`.
fn faults_of(name: &str, text: &str) -> Vec<String> {
    let module = name.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{name}: {what}"));
    if !text.starts_with("//!") {
        fault("does not open with //!".into());
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        fault(format!("has {lines} lines"));
    }
    let code = without_tests_and_comments(text);
    for word in ["std", "alloc"] {
        if uses(&code, &format!("{word}::")) || code.contains(&format!("extern crate {word}")) {
            fault(format!("uses {word}"));
        }
    }
    let Some((_, allowed)) = LAYERS.iter().find(|(known, _)| *known == module) else {
        fault("is of a module that the table of layers does not know".into());
        return faults;
    };
    for used in crate_paths(&code).into_iter().chain(paths_above(name, &code)) {
        let is_allowed = allowed.iter().any(|allowed| {
            let rest = used.strip_prefix(allowed);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        });
        if !is_allowed && used.split("::").next() != Some(module) {
            fault(format!("uses {used}"));
        }
    }
    faults
}

/// The code of a file, without its comments and without what only tests are built of.
fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.fold(String::new(), |code, line| code + line + "\n")
}

/// `path` stands in `code`, and not as the end of a longer name.
fn uses(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| !code[..at].ends_with(is_name))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// All that stands behind `crate::`, lists taken apart: `a::{b, c}` is `a::b` and `a::c`.
fn crate_paths(code: &str) -> Vec<String> {
    code.match_indices("crate::").flat_map(|(at, found)| expand("", &code[at + found.len()..])).collect()
}

/// All that is reached by `super::` from the root of the crate: two steps up from `src/a/b.rs`, one from `src/a.rs` and
/// from `src/a/mod.rs`.
fn paths_above(name: &str, code: &str) -> Vec<String> {
    let steps = name.trim_end_matches("/mod.rs").matches('/').count() + 1;
    let above = "super::".repeat(steps);
    let found =
        code.match_indices(&above).filter(|(at, _)| !code[..*at].ends_with(|c| is_name(c) || c == ':'));
    found.flat_map(|(at, found)| expand("", &code[at + found.len()..])).collect()
}

/// The paths that a `use` tree or a path expression begins with.
fn expand(prefix: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim_start();
    if let Some(list) = tree.strip_prefix('{') {
        return elements(list).into_iter().flat_map(|element| expand(prefix, element)).collect();
    }
    let end = tree.find(|c: char| !is_name(c)).unwrap_or(tree.len());
    let path = format!("{prefix}{}", &tree[..end]);
    match tree[end..].strip_prefix("::") {
        Some(rest) if rest.trim_start().starts_with(|c: char| c == '{' || is_name(c)) => {
            expand(&format!("{path}::"), rest)
        }
        _ => vec![path],
    }
}

/// The elements of a list, up to the brace that closes it.
fn elements(list: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                found.push(list[begin..at].trim());
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|element| !element.is_empty());
    found
}

/// A check that finds nothing would look like a library without faults.
#[test]
fn each_fault_is_found() {
    let faults = |name: &str, code: &str| faults_of(name, &format!("//! Text.\n\n{code}\n"));
    let is_fault = |name: &str, code: &str| assert_eq!(faults(name, code).len(), 1, "{name}: {code}");
    let is_none = |name: &str, code: &str| assert_eq!(faults(name, code), [""; 0], "{name}: {code}");

    is_none("connection/mod.rs", "use crate::{bytes::Input, frame::{Kind, close}, time};");
    is_none("handshake/server.rs", "use super::key;\nuse crate::deflate::negotiate::Offer;");
    is_none("connection/sender.rs", "/// [`Timeouts`](crate::handshake::TIMEOUT)\nuse super::Limits;");
    is_none("frame/mask.rs", "use core::mem;\n#[cfg(test)]\nmod tests {\n    use std::vec;\n}");

    is_fault("connection/mod.rs", "use crate::http::Target;");
    is_fault("connection/mod.rs", "use crate::{bytes::Input, handshake};");
    is_fault("connection/mod.rs", "use crate::{\n    bytes::{Input, Output},\n    http::{self},\n};");
    is_fault("frame/header.rs", "fn f() -> crate::connection::Limits {}");
    is_fault("frame/header.rs", "use super::super::connection::Limits;");
    is_fault("frame/mod.rs", "use super::connection::Limits;");
    is_fault("time.rs", "use super::frame::Kind;");
    is_fault("bytes/input.rs", "use crate::frame::Kind;");
    is_fault("http/head.rs", "use crate::handshake::OriginPolicy;");
    is_fault("handshake/client.rs", "use crate::deflate::Inflate;");
    is_fault("handshake/client.rs", "use crate::connection::Config;");
    is_fault("bytes/input.rs", "use crate::Connection;");
    is_fault("frame/mask.rs", "use std::vec;");
    is_fault("frame/mask.rs", "extern crate alloc;");
    is_fault("frame/mask.rs", "fn f() -> ::alloc::vec::Vec<u8> {}");
    is_fault("unheard_of.rs", "");
    is_fault("unheard_of/mod.rs", "");
    is_fault("time.rs", &"\n".repeat(LINES_MAX));
    assert_eq!(faults_of("time.rs", "use core::mem;\n").len(), 1);
}
