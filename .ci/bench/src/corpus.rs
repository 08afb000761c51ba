//! HTML and prose to be compressed, the same on every machine: made of the sources of `tokio`, whose version the lock file
//! names and which are there whenever the benchmark can be built.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Pages that list sources, as documentation has them: numbered lines, marked words.
pub fn html(total: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "pub", "fn", "let", "mut", "self", "impl", "use", "match", "if", "else", "struct", "enum", "async",
        "await", "return", "where",
    ];
    let mut page = String::new();
    for (name, text) in sources() {
        page += &format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name} - source</title>\
             <link rel=\"stylesheet\" href=\"../../static.files/rustdoc.css\"></head>\n<body class=\"rustdoc src\">\
             <nav class=\"sidebar\"></nav><main><h1>{name}</h1>\n<pre class=\"rust\"><code>"
        );
        for (nth, line) in text.lines().enumerate() {
            let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let nth = nth + 1;
            page += &format!("<a href=\"#{nth}\" id=\"{nth}\" class=\"line\">{nth}</a>");
            if line.trim_start().starts_with("//") {
                page += &format!("<span class=\"comment\">{line}</span>\n");
                continue;
            }
            for word in line.split_inclusive(' ') {
                match WORDS.iter().find(|known| **known == word.trim_end()) {
                    Some(known) => {
                        page += &word.replace(known, &format!("<span class=\"kw\">{known}</span>"))
                    }
                    None => page += word,
                }
            }
            page += "\n";
        }
        page += "</code></pre></main></body></html>\n";
        if page.len() >= total {
            break;
        }
    }
    page.into_bytes()
}

/// What the comments of the documentation say, without their code.
pub fn prose(total: usize) -> Vec<u8> {
    let mut prose = String::new();
    for (_, text) in sources() {
        let mut in_code = false;
        for line in text.lines() {
            let line = line.trim_start();
            let Some(line) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else { continue };
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                prose += line.strip_prefix(' ').unwrap_or(line);
                prose += "\n";
            }
        }
        if prose.len() >= total {
            break;
        }
    }
    prose.into_bytes()
}

/// Name and text of each file.
fn sources() -> Vec<(String, String)> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest]).output();
    let metadata = String::from_utf8(output.expect("cargo").stdout).expect("text");
    let tokio =
        metadata.split("\"manifest_path\":\"").filter_map(|rest| rest.split_once('"')).map(|(path, _)| path);
    let tokio = tokio.map(Path::new).find(|path| {
        path.parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name.to_string_lossy().starts_with("tokio-1."))
    });
    let root = tokio.and_then(Path::parent).expect("the sources of tokio").join("src");
    let mut paths = Vec::new();
    find(&root, &mut paths);
    paths.sort();
    let name =
        |path: &Path| path.strip_prefix(&root).expect("below the root").to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).expect("a source"))).collect()
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|end| end == "rs") {
            paths.push(path);
        }
    }
}
