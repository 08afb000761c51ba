//! What is to be lent, and what an inflater takes itself, is known when a program is compiled, and small.

use ws_core::deflate::{Fast, Inflater, Layout, Small};

const WINDOW: usize = 512;
const HANDLE: usize = size_of::<Inflater<'_, Small>>();

const _: () = assert!(size_of::<Small>() <= 1200);
const _: () = assert!(size_of::<Fast>() <= 6500);
const _: () = assert!(size_of::<Inflater<'_, Fast>>() == HANDLE);
const _: () = assert!(WINDOW + Small::SLACK + size_of::<Small>() + HANDLE <= 1800);

#[test]
fn an_inflater_with_a_window_of_512_bytes_takes_at_most_1800() {
    let all = WINDOW + Small::SLACK + size_of::<Small>() + HANDLE;
    println!(
        "tables {} and {} B, inflater {HANDLE} B, in all {all} B",
        size_of::<Small>(),
        size_of::<Fast>()
    );
    assert!(all <= 1800);
}

/// The figures of the documentation.
#[test]
fn sizes_are_those_of_the_documentation() {
    assert_eq!(size_of::<Small>(), 1150);
    assert_eq!(size_of::<Fast>(), 6468);
    assert!(HANDLE <= 14 * size_of::<usize>(), "{HANDLE}");
}
