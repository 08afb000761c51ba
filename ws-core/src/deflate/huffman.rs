//! What RFC 1951 says of its alphabets, for both directions: sizes, order, and what a symbol stands for. The codes
//! themselves are built where they are used.

/// Symbols of literals and lengths; the last two never occur, but have a place in the fixed code (RFC 1951 3.2.6).
pub(super) const LITERALS: usize = 288;

/// Symbols of distances; the last two never occur, but have a place in the fixed code (RFC 1951 3.2.6).
pub(super) const DISTANCES: usize = 32;

/// Symbols of the code in which code lengths are sent (RFC 1951 3.2.7).
pub(super) const CODE_LENGTHS: usize = 19;

/// Ends a block (RFC 1951 3.2.5).
pub(super) const END_OF_BLOCK: u16 = 256;

/// The longest code of a literal, length or distance, in bits (RFC 1951 3.2.7).
pub(super) const CODE_MAX: usize = 15;

/// The order in which the lengths of the code-length code are sent (RFC 1951 3.2.7).
pub(super) const ORDER: [u8; CODE_LENGTHS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The numbers that one symbol stands for: from `base` on, one for each value of `extra` bits behind the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub(super) base: u16,
    pub(super) extra: u8,
}

/// The lengths of the symbol 257 + `nth`; `None` for those that never occur (RFC 1951 3.2.5).
#[inline]
pub(super) const fn length(nth: u16) -> Option<Range> {
    Some(match nth {
        0..8 => Range { base: nth.wrapping_add(3), extra: 0 },
        8..28 => {
            let extra = (nth >> 2).wrapping_sub(1);
            Range { base: ((nth & 3) | 4).wrapping_shl(extra as u32).wrapping_add(3), extra: extra as u8 }
        }
        28 => Range { base: 258, extra: 0 },
        _ => return None,
    })
}

/// The distances of the symbol `nth`; `None` for those that never occur (RFC 1951 3.2.5).
#[inline]
pub(super) const fn distance(nth: u16) -> Option<Range> {
    Some(match nth {
        0..4 => Range { base: nth.wrapping_add(1), extra: 0 },
        4..30 => {
            let extra = (nth >> 1).wrapping_sub(1);
            Range { base: ((nth & 1) | 2).wrapping_shl(extra as u32).wrapping_add(1), extra: extra as u8 }
        }
        _ => return None,
    })
}

/// The length of the fixed code of a literal or length (RFC 1951 3.2.6); a distance's is 5.
#[inline]
pub(super) const fn fixed_length(symbol: u16) -> u8 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_table() {
        // RFC 1951 3.2.5: symbol, extra bits, first length.
        let table = [
            (257, 0, 3),
            (264, 0, 10),
            (265, 1, 11),
            (269, 2, 19),
            (276, 3, 59),
            (284, 5, 227),
            (285, 0, 258),
        ];
        for (symbol, extra, base) in table {
            assert_eq!(length(symbol - 257), Some(Range { base, extra }), "{symbol}");
        }
        assert_eq!((length(29), length(30)), (None, None));
    }

    #[test]
    fn distances_are_those_of_the_table() {
        let table =
            [(0, 0, 1), (3, 0, 4), (4, 1, 5), (9, 3, 25), (18, 8, 513), (28, 13, 16385), (29, 13, 24577)];
        for (symbol, extra, base) in table {
            assert_eq!(distance(symbol), Some(Range { base, extra }), "{symbol}");
        }
        assert_eq!((distance(30), distance(31)), (None, None));
    }

    #[test]
    fn each_number_belongs_to_one_symbol() {
        let mut next = 3;
        for Range { base, extra } in (0..28).filter_map(length) {
            assert_eq!(base, next);
            next += 1 << extra;
        }
        assert_eq!(next, 259, "258 has two symbols");
        let mut next = 1;
        for Range { base, extra } in (0..30).filter_map(distance) {
            assert_eq!(u32::from(base), next);
            next += 1 << extra;
        }
        assert_eq!(next, 32_769);
    }
}
