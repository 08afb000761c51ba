//! Streams that zlib has made, of messages of all kinds, at all its levels and with blocks that end anywhere, one in ten of them with a bit
//! changed, through the inflater and through zlib: the same bytes and the same verdict. What else holds, and what is different and meant
//! to be, is in `common::inflating`.

use std::cell::RefCell;

use arbitrary::{Arbitrary, Unstructured};
use flate2::FlushCompress;

use crate::common::inflating::compare;
use crate::common::zlib::Deflaters;
use crate::common::{Part, Rng};

/// Bytes that are deflated.
const MOST: usize = 3000;

/// What a stream is made of.
#[derive(Arbitrary, Debug)]
struct Case<'a> {
    level: u8,
    /// With what ends the blocks behind each.
    pieces: Vec<(u8, Vec<Part<'a>>)>,
}

thread_local! {
    static DEFLATERS: RefCell<Deflaters> = RefCell::new(Deflaters::new());
}

/// The bytes are messages, and how they are deflated.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut stream = DEFLATERS.with_borrow_mut(|deflaters| case.stream(deflaters));
    let mut rng = Rng::of(data);
    if rng.below(10) == 0 && !stream.is_empty() {
        let at = rng.below(stream.len());
        stream[at] ^= 1 << rng.below(8);
    }
    compare(&stream);
}

impl Case<'_> {
    fn stream(&self, deflaters: &mut Deflaters) -> Vec<u8> {
        let mut most = MOST;
        let pieces = self.pieces.iter().take(8).map(|(flush, parts)| {
            let plain = Part::message(parts, most);
            most -= plain.len();
            let ends =
                [FlushCompress::Sync, FlushCompress::Full, FlushCompress::None, FlushCompress::Partial];
            (plain, ends[usize::from(flush % 4)])
        });
        deflaters.deflate(self.level, pieces)
    }
}
