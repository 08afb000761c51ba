//! How many cases a test tries. Miri, which interprets a test step by step, takes a thousand times as long for each: it gets a part of
//! them, spread over the whole, and smaller sizes. `MIRI_MORE` in the environment of the compiler makes that part up to eight times as large.

#![allow(dead_code, reason = "each package uses a part")]

use proptest::prelude::ProptestConfig;
use std::iter::StepBy;

const MORE: bool = option_env!("MIRI_MORE").is_some();

/// So many of a property, which take a second or so, unless `PROPTEST_CASES` asks for another number. Failures shrink and are printed; none
/// is written to a file, for each becomes a test of its own.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let cases = few(cases as usize, if MORE { 8 } else { 1 }) as u32;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases, ..config } }
}

/// All of them; for Miri one in `step`, the first among them.
pub(crate) fn thin<I: IntoIterator>(all: I, step: usize) -> StepBy<I::IntoIter> {
    let step = if MORE { step } else { step * 8 };
    all.into_iter().step_by(if cfg!(miri) { step } else { 1 })
}

/// `all` of them; for Miri no more than `part`.
pub(crate) const fn few(all: usize, part: usize) -> usize {
    if cfg!(miri) && part < all { part } else { all }
}
