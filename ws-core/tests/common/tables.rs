//! Tables in the documentation that a test computes.

use std::path::Path;

/// The table below the line `rule` of a source has these rows. `UPDATE_TABLES=1` writes them instead of comparing.
pub(crate) fn assert_rows(source: &str, rule: &str, rows: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(source);
    let text = std::fs::read_to_string(&path).expect("a source").replace("\r\n", "\n");
    let (before, rest) = text.split_once(rule).expect("a table");
    let found: String = rest.split_inclusive('\n').take_while(|line| line.starts_with("/// |")).collect();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        let text = format!("{before}{rule}{rows}{}", &rest[found.len()..]);
        std::fs::write(&path, text).expect("it can be written");
    } else {
        let path = path.display();
        assert!(found == rows, "{path} has\n{found}and should have\n{rows}(UPDATE_TABLES=1 writes it)");
    }
}
