//! How many cases a property is tried with.

use proptest::prelude::ProptestConfig;

/// So many, which take a second or so, unless `PROPTEST_CASES` asks for another number. Failures shrink and are printed; none is
/// written to a file, for each becomes a test of its own.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases, ..config } }
}
