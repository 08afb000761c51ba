//! Huffman codes of a block (RFC 1951 3.2.2), made in place: each symbol has one cell of 16 bits, which holds first its
//! frequency, then frequency and length, then length and code. And what symbol a length or a distance has.

use crate::deflate::huffman::CODE_MAX;

/// Bits of a cell for the frequency, below four for the length.
const FREQUENCY_BITS: u32 = 12;

/// The highest frequency there is a code for.
pub(super) const FREQUENCY_MAX: u16 = (1 << FREQUENCY_BITS) - 1;

/// A number as RFC 1951 3.2.5 writes it: a symbol, and extra bits behind its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) symbol: u16,
    pub(super) extra: u8,
    pub(super) value: u16,
}

/// A length, 3 to 258; the symbol is counted from 257.
#[inline]
pub(super) fn length(length: u16) -> Coded {
    if length >= 258 {
        return Coded { symbol: 28, extra: 0, value: 0 };
    }
    split(length.wrapping_sub(3), 2)
}

/// A distance, 1 to 32,768.
#[inline]
pub(super) fn distance(distance: u16) -> Coded {
    split(distance.wrapping_sub(1), 1)
}

/// The highest bit of `number` and `detail` bits behind it are in the symbol; the rest is extra.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
fn split(number: u16, detail: u8) -> Coded {
    let extra = log2(number).saturating_sub(detail);
    let symbol = u16::from(extra).wrapping_shl(detail.into()).wrapping_add(number.wrapping_shr(extra.into()));
    let value = number & 1u16.wrapping_shl(extra.into()).wrapping_sub(1);
    Coded { symbol, extra, value }
}

/// The place of the highest bit; of 0 it is 0.
#[cfg(target_pointer_width = "64")]
#[inline]
pub(super) const fn log2(number: u16) -> u8 {
    15u8.wrapping_sub((number | 1).leading_zeros() as u8)
}

/// The same for cores that cannot count zeros: most numbers are short.
#[cfg(not(target_pointer_width = "64"))]
#[inline(never)]
pub(super) const fn log2(mut number: u16) -> u8 {
    let mut place = 0u8;
    while number > 1 {
        number >>= 1;
        place = place.wrapping_add(1);
    }
    place
}

/// Puts a length above each frequency; nothing above [`FREQUENCY_MAX`] must be there.
///
/// No length is more than `limit`, and the code is complete: of fewer than two symbols it is made by adding some, since not
/// everybody takes an incomplete one.
///
/// The ideal length of a symbol is the logarithm of its share. Rounded up, these lengths make a code, which leaves room:
/// it is given to those symbols that gain most by a bit less, in four falling steps. There is neither sorting nor memory
/// for it, and what is lost against Huffman's is about a thousandth.
#[inline(never)]
pub(super) fn assign_lengths(cells: &mut [u16], limit: u8) {
    let mut missing = 2u8;
    each_used(cells, |_| missing = missing.saturating_sub(1));
    cells.iter_mut().filter(|cell| **cell == 0).take(missing.into()).for_each(|cell| *cell = 1);
    let total = lift(cells, limit);
    let mut room = 1u32.wrapping_shl(limit.into());
    each_used(cells, |cell| {
        let mut length = log2(total).wrapping_sub(log2(*cell)).max(1);
        if u32::from(*cell).wrapping_shl(length.into()) < total.into() {
            length = length.wrapping_add(1);
        }
        room = room.wrapping_sub(1u32.wrapping_shl(limit.wrapping_sub(length).into()));
        *cell |= u16::from(length).wrapping_shl(FREQUENCY_BITS);
    });
    // `frequency << length` is from `total` to twice of it; where it is most, the length fits least. From the fifth round on
    // who comes first gets it, and there are few of those: each makes the longest codes shorter, or uses up the room, which
    // is a multiple of what one of them takes.
    let mut step = 8u32;
    while room != 0 {
        step = step.saturating_sub(1);
        let worth = if step < 4 { 0 } else { u32::from(total).wrapping_mul(step) >> 2 };
        shorten(cells, limit, worth, &mut room);
    }
}

/// Visits the cells that are not 0. A host sees with one look that there is none among eight, as is the rule in short
/// messages.
#[inline]
fn each_used(cells: &mut [u16], mut visit: impl FnMut(&mut u16)) {
    let host = cfg!(target_pointer_width = "64");
    let (groups, rest) = if host { cells.as_chunks_mut::<8>() } else { (Default::default(), cells) };
    for group in groups.iter_mut().filter(|group| group.iter().any(|cell| *cell != 0)) {
        group.iter_mut().filter(|cell| **cell != 0).for_each(&mut visit);
    }
    rest.iter_mut().filter(|cell| **cell != 0).for_each(visit);
}

/// Lifts the lowest frequencies until no symbol needs more than `limit` bits; tells the sum.
fn lift(cells: &mut [u16], limit: u8) -> u16 {
    let mut floor = 1u16;
    loop {
        let mut total = 0u16;
        each_used(cells, |cell| {
            *cell = floor.max(*cell);
            total = total.saturating_add(*cell);
        });
        if u32::from(total) <= u32::from(floor).wrapping_shl(limit.into()) {
            return total;
        }
        floor = floor.saturating_add(1);
    }
}

/// Takes a bit off each code whose `frequency << length` is at least `worth`, while there is room.
fn shorten(cells: &mut [u16], limit: u8, worth: u32, room: &mut u32) {
    each_used(cells, |cell| {
        let length = length_of(*cell);
        let more = 1u32.wrapping_shl(limit.wrapping_sub(length).into());
        let gain = u32::from(*cell & FREQUENCY_MAX).wrapping_shl(length.into());
        if length > 1 && more <= *room && gain >= worth {
            *cell = cell.wrapping_sub(1 << FREQUENCY_BITS);
            *room = room.wrapping_sub(more);
        }
    });
}

/// The length in a cell, before there is a code.
#[inline]
pub(super) const fn length_of(cell: u16) -> u8 {
    (cell >> FREQUENCY_BITS) as u8
}

/// A cell with a length alone.
#[inline]
pub(super) const fn cell_of(length: u8) -> u16 {
    (length as u16).wrapping_shl(FREQUENCY_BITS)
}

/// The bits of all symbols, by their frequencies and lengths.
pub(super) fn cost(cells: &[u16]) -> u32 {
    cells.iter().fold(0, |bits: u32, cell| {
        bits.wrapping_add(u32::from(*cell & FREQUENCY_MAX).wrapping_mul(length_of(*cell).into()))
    })
}

/// Replaces frequency and length by the canonical code (RFC 1951 3.2.2), its bits in the order in which they are sent, below
/// a bit that marks the length: 1 at `1 << length`. 0 stays 0.
#[inline(never)]
pub(super) fn assign_codes(cells: &mut [u16]) {
    let mut next = [0u16; CODE_MAX + 1];
    each_used(cells, |cell| {
        if let Some(count) = next.get_mut(usize::from(length_of(*cell))) {
            *count = count.wrapping_add(1);
        }
    });
    let mut code = 0u16;
    for next in next.iter_mut().skip(1) {
        (*next, code) = (code, code.wrapping_add(*next).wrapping_shl(1));
    }
    each_used(cells, |cell| {
        let length = length_of(*cell);
        if let Some(next) = next.get_mut(usize::from(length)) {
            let reversed = next.reverse_bits().wrapping_shr(16u32.wrapping_sub(length.into()));
            *next = next.wrapping_add(1);
            *cell = 1u16.wrapping_shl(length.into()) | reversed;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::thin;
    use crate::deflate::huffman;

    #[test]
    fn each_length_and_distance_has_the_symbol_it_is_read_by() {
        for number in 3..=258 {
            let Coded { symbol, extra, value } = length(number);
            let range = huffman::length(symbol).unwrap();
            assert_eq!((range.extra, range.base + value), (extra, number));
        }
        for number in thin(1..=32_768, 97) {
            let Coded { symbol, extra, value } = distance(number);
            let range = huffman::distance(symbol).unwrap();
            assert_eq!((range.extra, range.base + value), (extra, number));
        }
        assert_eq!(length(258).symbol, 28, "the shorter of the two");
    }

    /// Frequencies from all alike to those that would make the longest codes, and how many symbols there are.
    fn alphabets() -> Vec<(Vec<u16>, u8)> {
        let mut made = Vec::new();
        for (size, limit) in [(19, 7), (32, 15), (288, 15)] {
            for used in thin(0..=size, 50) {
                made.push(((0..size).map(|nth| u16::from(nth < used)).collect(), limit));
                made.push((
                    (0..size).map(|nth| if nth < used { 1 + (nth * nth) as u16 % 97 } else { 0 }).collect(),
                    limit,
                ));
            }
            // The highest sums.
            made.push(((0..size).map(|nth| if nth < 14 { FREQUENCY_MAX } else { 1 }).collect(), limit));
            for base in [1.1f64, 1.3, 1.6, 2.0, 4.0] {
                let steep = |nth: usize| base.powi(nth as i32).min(f64::from(FREQUENCY_MAX)) as u16;
                let most = if size == 19 { 19 } else { 16 };
                made.push(((0..size).map(|nth| if nth < most { steep(nth) } else { 0 }).collect(), limit));
            }
        }
        made
    }

    #[test]
    fn codes_are_complete_and_within_their_limit() {
        for (frequencies, limit) in alphabets() {
            let mut cells = frequencies.clone();
            assign_lengths(&mut cells, limit);
            let lengths: Vec<u8> = cells.iter().map(|cell| length_of(*cell)).collect();
            let used = lengths.iter().filter(|length| **length != 0);
            assert!(lengths.iter().all(|length| *length <= limit), "{frequencies:?}: {lengths:?}");
            let sum: u32 = used.map(|length| 1 << (15 - length)).sum();
            assert_eq!(sum, 1 << 15, "{frequencies:?}: {lengths:?}");
            for (frequency, length) in frequencies.iter().zip(&lengths) {
                assert!(*frequency == 0 || *length != 0, "each symbol that is used has a code");
            }
        }
    }

    #[test]
    fn codes_are_those_of_the_example() {
        // RFC 1951 3.2.2, symbols A to H.
        let mut cells = [3, 3, 3, 3, 3, 2, 4, 4].map(cell_of);
        assign_codes(&mut cells);
        let bits = |cell: u16| {
            let length = log2(cell);
            (0..length).fold(String::new(), |bits, nth| bits + if cell >> nth & 1 == 0 { "0" } else { "1" })
        };
        assert_eq!(cells.map(bits), ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
    }

    /// What the optimum would be, by the merging of the rarest (Huffman 1952).
    fn optimum(frequencies: &[u16]) -> u32 {
        let mut heap: std::collections::BinaryHeap<_> =
            frequencies.iter().filter(|f| **f != 0).map(|f| std::cmp::Reverse(u32::from(*f))).collect();
        let mut bits = 0;
        while let (Some(std::cmp::Reverse(a)), Some(std::cmp::Reverse(b))) = (heap.pop(), heap.pop()) {
            bits += a + b;
            heap.push(std::cmp::Reverse(a + b));
        }
        bits
    }

    #[test]
    fn lengths_cost_little_more_than_the_best_there_are() {
        let (mut ours, mut best) = (0, 0);
        for (frequencies, limit) in alphabets().into_iter().filter(|(_, limit)| *limit == 15) {
            let mut cells = frequencies.clone();
            assign_lengths(&mut cells, limit);
            ours += cost(&cells);
            best += optimum(&frequencies);
        }
        assert!(ours >= best && (ours - best) * 200 <= best, "{ours} bits, {best} would do");
    }
}
