//! Memory for both directions in one piece: [`CompressionBuffers`].

use core::fmt;

use super::Compression;
use crate::deflate::{Buffers, Effort, Inflater, Small, WINDOW_MIN};

/// The memory of a [`Compression`] with the small layout, in one piece that can be a `static`, or a field, or on the stack.
///
/// How to size it: `INFLATE` is the window to inflate in, `2^bits` bytes, 256 at least; the others are those of [`Buffers`]. Sizes
/// that do not fit do not compile. Lend 512 bytes to inflate in: with 256 hardly any peer compresses, since zlib cannot deflate for
/// that (see [`Terms::new`](crate::deflate::negotiate::Terms::new)).
///
/// ```
/// use ws_core::connection::CompressionBuffers;
/// use ws_core::deflate::Effort;
///
/// // 9 bits each way: the least that zlib and browsers speak.
/// let mut buffers = CompressionBuffers::<512, 512, 0, 0, 736>::new();
/// let mut compression = buffers.compression(Effort::SMALL);
/// ```
///
/// ```compile_fail
/// let buffers = ws_core::connection::CompressionBuffers::<255, 512, 0, 0, 736>::new(); // no such window
/// ```
///
/// # Memory
///
/// `INFLATE` bytes, those of the [`Small`] tables, and those of [`Buffers`]; beside it stands the [`Compression`] itself. All in all,
/// where pointers have 32 bits, with a window of the same length each way:
///
/// | `CompressionBuffers` | [`Effort`] | bytes in all |
/// | --- | --- | ---: |
/// | `<256, 256, 0, 0, 512>` | `SMALL` | 3044 |
/// | `<512, 512, 0, 0, 736>` | `SMALL` | 3780 |
/// | `<512, 512, 128, 512, 1024>` | `QUICK` | 5348 |
/// | `<1024, 1024, 256, 1024, 1024>` | `QUICK` | 7652 |
/// | `<4096, 4096, 1024, 4096, 4096>` | `QUICK` | 24548 |
/// | `<32768, 32768, 4096, 32768, 16384>` | `NORMAL` | 157668 |
pub struct CompressionBuffers<
    const INFLATE: usize,
    const WINDOW: usize,
    const HEADS: usize,
    const LINKS: usize,
    const TOKENS: usize,
> {
    tables: Small,
    deflate: Buffers<WINDOW, HEADS, LINKS, TOKENS>,
    window: [u8; INFLATE],
}

impl<const INFLATE: usize, const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize>
    CompressionBuffers<INFLATE, WINDOW, HEADS, LINKS, TOKENS>
{
    const FIT: () = assert!(INFLATE >= WINDOW_MIN, "the window to inflate in has less than 256 bytes");

    /// All zero, so that a `static` of it takes no flash.
    pub const fn new() -> Self {
        const { Self::FIT };
        Self { tables: Small::new(), deflate: Buffers::new(), window: [0; INFLATE] }
    }

    /// What works in it.
    pub fn compression(&mut self, effort: Effort) -> Compression<'_, Small> {
        let Self { tables, deflate, window } = self;
        Compression::new(Inflater::over(window, tables), deflate.deflater(effort))
    }
}

impl<const INFLATE: usize, const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize>
    Default for CompressionBuffers<INFLATE, WINDOW, HEADS, LINKS, TOKENS>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const INFLATE: usize, const WINDOW: usize, const HEADS: usize, const LINKS: usize, const TOKENS: usize>
    fmt::Debug for CompressionBuffers<INFLATE, WINDOW, HEADS, LINKS, TOKENS>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompressionBuffers<{INFLATE}, {WINDOW}, {HEADS}, {LINKS}, {TOKENS}>")
    }
}
