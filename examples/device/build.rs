//! Makes one file of each page, for the device to serve from flash, and the policy to serve it with. What it does not do is
//! understand them: it drops indentation, lines that are a comment as a whole, and what follows ` // `; and of modules, the
//! words by which they name each other. For boards with a radio it checks the credentials of the network.
//!
//! Writes to `OUT_DIR`, to be sent with `Content-Encoding: gzip`; the same sources give the same bytes:
//! - `index.html.gz`: the page in `page/`;
//! - `transports.html.gz`: the demo's page of all ways to push;
//! - `push.js.gz`, `push.js.etag`: the script of the push transports, and what tells this state of it from others;
//! - `index.csp`, `transports.csp`: the value of the header field that allows the page, by hash, and nothing else.

use std::{env, error::Error, fs, io::Write, path::Path};

use base64ct::{Base64, Encoding};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// What the pages may take of the flash: the whole image of a board is some 100 KiB without its radio's firmware.
const INDEX_MOST: usize = 6 * 1024;
const TRANSPORTS_MOST: usize = 10 * 1024;
/// What the script of the push transports may.
const CLIENT_MOST: usize = 4 * 1024;
/// Where it is.
const CLIENT: &str = "../../ws-core/src/transport/client.js";
/// Where the demo's pages are, and the modules of the one that is served here too, each behind those that it names.
const DEMO: &str = "../demo/page";
const MODULES: [&str; 8] = ["dom", "plot", "clock", "wire", "lane", "strip", "turns", "transports"];
/// Streams and polls that may be held at once, and lanes that may run, one less than there are sessions, as one that ends takes
/// a moment to.
const LIMITS: &str = r#"data-held="3" data-lanes="3""#;

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "page", CLIENT, DEMO] {
        println!("cargo::rerun-if-changed={path}");
    }
    if env::var_os("CARGO_FEATURE_WIFI").is_some() {
        check_credentials();
    }
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);

    let (style, script) = (squeezed("page/page.css")?, squeezed("page/page.js")?);
    let page = squeezed("page/index.html")?;
    let page =
        replaced(&page, r#"<link rel="stylesheet" href="page.css">"#, &format!("<style>{style}</style>"))?;
    let page = replaced(&page, r#"<script src="page.js"></script>"#, &format!("<script>{script}</script>"))?;
    fs::write(out.join("index.html.gz"), gzipped("the page", &page, INDEX_MOST)?)?;
    fs::write(out.join("index.csp"), policy(&style, &script, ""))?;

    let style = squeezed(&format!("{DEMO}/demo.css"))? + &squeezed(&format!("{DEMO}/transports.css"))?;
    let script = bundled(&MODULES)?;
    let page = squeezed(&format!("{DEMO}/transports.html"))?;
    let page = replaced(&page, r#"<html lang="en">"#, &format!(r#"<html lang="en" {LIMITS}>"#))?;
    let page = replaced(
        &page,
        r#"<link rel="icon" href="/favicon.svg" type="image/svg+xml">"#,
        r#"<link rel="icon" href="data:,">"#,
    )?;
    let page = replaced(&page, r#"<link rel="stylesheet" href="/demo.css">"#, "")?;
    let page = replaced(
        &page,
        r#"<link rel="stylesheet" href="/transports.css">"#,
        &format!("<style>{style}</style>"),
    )?;
    let module = r#"<script src="/transports.js" type="module"></script>"#;
    let page = replaced(&page, module, &format!(r#"<script type="module">{script}</script>"#))?;
    fs::write(out.join("transports.html.gz"), gzipped("the page of transports", &page, TRANSPORTS_MOST)?)?;
    // Its own scripts and frames, which are what it is about.
    fs::write(out.join("transports.csp"), policy(&style, &script, " 'self'; frame-src 'self'"))?;

    let client = squeezed(CLIENT)?;
    let digest = Sha256::digest(&client);
    fs::write(out.join("push.js.etag"), format!("\"{}\"", Base64::encode_string(&digest[..12])))?;
    fs::write(out.join("push.js.gz"), gzipped("the script", &client, CLIENT_MOST)?)?;
    Ok(())
}

/// Modules as one, without the lines by which they name each other. Their names must not be the same.
fn bundled(modules: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut script = String::new();
    for module in modules {
        for line in
            squeezed(&format!("{DEMO}/{module}.js"))?.lines().filter(|line| !line.starts_with("import "))
        {
            // In a page, it would end the script.
            script += &line.strip_prefix("export ").unwrap_or(line).replace("</script", "<\\/script");
            script += "\n";
        }
    }
    Ok(script)
}

/// `text`, compressed, of at most so many bytes.
fn gzipped(name: &str, text: &str, most: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    // No name and no time in the header (RFC 1952 2.3), so that it is the same each time.
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes())?;
    let gzip = gzip.finish()?;
    if gzip.len() > most {
        return Err(format!("{name} is {} bytes long; at most {most} are allowed", gzip.len()).into());
    }
    Ok(gzip)
}

/// A file without what only its authors need.
fn squeezed(path: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
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
        None => Err(format!("a page lacks {from}").into()),
    }
}

/// The page's own style and script, its own server, an icon that is part of it, and what `more` says behind the script.
fn policy(style: &str, script: &str, more: &str) -> String {
    let [style, script] = [style, script].map(|text| Base64::encode_string(&Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'{more}; connect-src 'self'; \
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
