//! Makes one file of the page in `page/`, for the device to serve from flash, and the policy to serve it with. What it
//! does not do is understand the page: it drops indentation, lines that are a comment as a whole, and what follows ` // `.
//! For boards with a radio it checks the credentials of the network.
//!
//! Writes to `OUT_DIR`:
//! - `index.html.gz`: the page, to be sent with `Content-Encoding: gzip`. The same sources give the same bytes.
//! - `content-security-policy.txt`: the value of the header field that allows this page, by hash, and nothing else.

use std::{env, error::Error, fs, io::Write, path::Path};

use base64ct::{Base64, Encoding};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// What the page may take of the flash: the whole image of a board is some 100 KiB without its radio's firmware.
const MOST: usize = 6 * 1024;

const STYLE: &str = r#"<link rel="stylesheet" href="page.css">"#;
const SCRIPT: &str = r#"<script src="page.js"></script>"#;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=page");
    if env::var_os("CARGO_FEATURE_WIFI").is_some() {
        check_credentials();
    }
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);

    let style = squeezed("page.css")?;
    let script = squeezed("page.js")?;
    let page = replaced(&squeezed("index.html")?, STYLE, &format!("<style>{style}</style>"))?;
    let page = replaced(&page, SCRIPT, &format!("<script>{script}</script>"))?;

    // No name and no time in the header (RFC 1952 2.3), so that it is the same each time.
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(page.as_bytes())?;
    let gzip = gzip.finish()?;
    if gzip.len() > MOST {
        return Err(format!("the page is {} bytes long; at most {MOST} are allowed", gzip.len()).into());
    }
    fs::write(out.join("index.html.gz"), gzip)?;
    fs::write(out.join("content-security-policy.txt"), policy(&style, &script))?;
    Ok(())
}

/// A file of the page without what only its authors need.
fn squeezed(name: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(Path::new("page").join(name))?;
    // No string of the script has blanks around two slashes.
    let lines = text.lines().map(|line| line.split(" // ").next().unwrap_or(line).trim());
    let lines = lines.filter(|line| !line.is_empty() && !is_comment(line));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn is_comment(line: &str) -> bool {
    let is_within = |from, to| line.starts_with(from) && line.ends_with(to);
    line.starts_with("//") || is_within("/*", "*/") || is_within("<!--", "-->")
}

fn replaced(page: &str, from: &str, to: &str) -> Result<String, Box<dyn Error>> {
    match page.split_once(from) {
        Some((before, after)) => Ok(format!("{before}{to}{after}")),
        None => Err(format!("index.html lacks {from}").into()),
    }
}

/// The page's own style and script, its own server, and an icon that is part of it.
fn policy(style: &str, script: &str) -> String {
    let [style, script] = [style, script].map(|text| Base64::encode_string(&Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What a radio would refuse, or its driver panic at, is said here.
fn check_credentials() {
    for name in ["WIFI_NETWORK", "WIFI_PASSWORD"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var("WIFI_NETWORK").is_ok_and(|name| !(1..=32).contains(&name.len())) {
        println!(
            "cargo::error=WIFI_NETWORK has 1 to 32 bytes; unset it for an access point of the board's own"
        );
    }
    if env::var("WIFI_PASSWORD").is_ok_and(|password| !(8..=63).contains(&password.len())) {
        println!("cargo::error=WIFI_PASSWORD has 8 to 63 bytes; unset it for an open network");
    }
}
