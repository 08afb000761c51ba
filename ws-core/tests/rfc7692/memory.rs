//! What compression takes of memory, and what can be agreed on with it.

use crate::tables::assert_rows;
use std::fmt::Write;

use super::agree;
use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::negotiate::Terms;
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Layout, SizeError, Small};

/// The compression itself where pointers have 32 bits.
const HANDLE: usize = 192;

const _: () = assert!(cfg!(target_pointer_width = "64") || size_of::<Compression<'_, Small>>() == HANDLE);

/// All that a setting takes, by the formula of the documentation, which is also its true size.
macro_rules! settings {
    ($($inflate:literal, $window:literal, $heads:literal, $links:literal, $tokens:literal, $effort:ident;)*) => {
        [$((
            concat!("`<", $inflate, ", ", $window, ", ", $heads, ", ", $links, ", ", $tokens, ">`"),
            stringify!($effort),
            size_of::<CompressionBuffers<$inflate, $window, $heads, $links, $tokens>>(),
            ($inflate + size_of::<Small>() + size_of::<Buffers<$window, $heads, $links, $tokens>>())
                .next_multiple_of(2),
        ),)*]
    };
}

/// `UPDATE_TABLES=1` writes it.
#[test]
fn the_table_of_the_memory_is_that_of_the_documentation() {
    let settings = settings! {
        256, 256, 0, 0, 512, SMALL;
        512, 512, 0, 0, 736, SMALL;
        512, 512, 128, 512, 1024, QUICK;
        1024, 1024, 256, 1024, 1024, QUICK;
        4096, 4096, 1024, 4096, 4096, QUICK;
        32768, 32768, 4096, 32768, 16384, NORMAL;
    };
    let mut table = String::new();
    for (name, effort, size, formula) in settings {
        assert_eq!(size, formula, "{name}");
        writeln!(table, "/// | {name} | `{effort}` | {} |", size + HANDLE).expect("text");
    }
    assert_rows("connection/compression/buffers.rs", "/// | --- | --- | ---: |\n", &table);
}

#[test]
fn what_is_agreed_on_fits_the_memory() {
    fn terms<L: Layout>(len: usize, mut tables: L) -> Terms {
        let (mut window, mut buffers) = ([0; 40_000], Buffers::<1024, 0, 0, 512>::new());
        let inflater = Inflater::new(&mut window[..len], &mut tables).expect("a window");
        let mut compression = Compression::new(inflater, buffers.deflater(Effort::SMALL));
        for bits in 8..=15 {
            let (agreement, _) = agree(Terms::new(bits, 9), Terms::new(15, 15));
            let fits = if L::SLACK + (1 << bits) <= len { Ok(()) } else { Err(SizeError::Window) };
            assert_eq!(compression.begin(&agreement), fits, "{bits} bits in {len} bytes");
        }
        *compression.terms()
    }
    for (len, bits) in [(256, 8), (511, 8), (512, 9), (2048, 11), (40_000, 15)] {
        assert_eq!(terms(len, Small::new()), Terms::new(bits, 10));
    }
    for (len, bits) in [(288, 8), (543, 8), (544, 9), (32_799, 14), (32_800, 15)] {
        assert_eq!(terms(len, Fast::new()), Terms::new(bits, 10));
    }
}

#[test]
fn takeover_is_a_matter_of_the_terms() {
    let mut buffers = CompressionBuffers::<512, 1024, 0, 0, 512>::new();
    let terms = Terms::new(9, 10);
    assert_eq!(*buffers.compression(Effort::SMALL).terms(), terms);
    assert_eq!(*buffers.compression(Effort::SMALL).with_takeover().terms(), terms.with_takeover());
    let alone = buffers.compression(Effort::SMALL).without_peer_takeover();
    assert_eq!(*alone.terms(), terms.without_peer_takeover());
}
