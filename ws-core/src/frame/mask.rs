//! Masking (RFC 6455 5.3), and the same pass with a check for ASCII in it: what makes text as cheap as binary.
//!
//! [`unmask`] has three bodies: words of eight bytes where unaligned loads are free; aligned words on other cores,
//! if the `words` feature lets them be had; else single bytes. A key is a `u32` whose low byte belongs to the next
//! byte of payload; [`advance`] turns it.

use crate::bytes::utf8::Utf8;

/// How much is unmasked before its UTF-8 is looked at: a multiple of 4, so that the key need not be turned; small
/// enough for a first-level cache, large enough to make the call around it cheap.
const BLOCK: usize = 4096;

/// The key for the byte `n` bytes further on.
#[inline]
pub(crate) const fn advance(key: u32, n: usize) -> u32 {
    key.rotate_right((n as u32 & 3) << 3)
}

/// Unmasks `data` and feeds it to `utf8`; `Some` is the index of the first byte that no valid text could have there.
#[inline]
pub(crate) fn unmask_text(utf8: &mut Utf8, data: &mut [u8], key: u32) -> Option<usize> {
    let mut at = 0usize;
    for block in data.chunks_mut(BLOCK) {
        let ascii = unmask::<true>(block, key);
        if !(ascii && utf8.is_complete())
            && let Some(i) = utf8.check(block)
        {
            return Some(at.saturating_add(i));
        }
        at = at.saturating_add(BLOCK);
    }
    None
}

/// XORs `data` with `key`, whose low byte is the first byte's. With `TEST`, tells if the result
/// is ASCII; without it, `true`, for free.
#[cfg(target_pointer_width = "64")]
#[inline]
pub(crate) fn unmask<const TEST: bool>(data: &mut [u8], key: u32) -> bool {
    const W: usize = 8;
    let key = u64::from(key) | u64::from(key) << 32;
    // The last word is read before the loop and written after it. It overlaps what the loop did,
    // with the same result, and so spares a loop over up to seven single bytes.
    let Some(last) = data.last_chunk::<W>() else {
        unmask_less_than_a_word(data, key);
        return !TEST || data.is_ascii();
    };
    let phase = (data.len() as u32 & 3) << 3; // `len - 8` modulo 4 is `len` modulo 4
    let last = u64::from_le_bytes(*last) ^ key.rotate_right(phase);
    let mut all = last;
    // Eight words a turn cost less than the loop's own instructions do with fewer. With the test it is the other way
    // round: the compiler keeps the OR of a loop in one register only if it unrolls that itself.
    let (turns, rest) =
        if TEST { (Default::default(), &mut *data) } else { data.as_chunks_mut::<{ 8 * W }>() };
    for turn in turns {
        for word in turn.as_chunks_mut::<W>().0 {
            *word = (u64::from_le_bytes(*word) ^ key).to_le_bytes();
        }
    }
    for word in rest.as_chunks_mut::<W>().0 {
        let clear = u64::from_le_bytes(*word) ^ key;
        *word = clear.to_le_bytes();
        all |= clear;
    }
    if let Some(word) = data.last_chunk_mut::<W>() {
        *word = last.to_le_bytes();
    }
    !TEST || all & 0x8080_8080_8080_8080 == 0
}

#[cfg(target_pointer_width = "64")]
#[inline(never)] // else what it needs is made ready in front of the loop for words
fn unmask_less_than_a_word(data: &mut [u8], key: u64) {
    for (b, k) in data.iter_mut().zip(key.to_le_bytes()) {
        *b ^= k;
    }
}

#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
const HIGH: u32 = 0x8080_8080;

#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
pub(crate) fn unmask<const TEST: bool>(data: &mut [u8], key: u32) -> bool {
    let (head, words, tail) = bytemuck::pod_align_to_mut::<u8, u32>(data);
    let (mut all, mut k) = (0, key);
    let mut single = |bytes: &mut [u8]| {
        for b in bytes {
            *b ^= k as u8;
            k = k.rotate_right(8);
            all |= u32::from(*b);
        }
        k
    };
    let key = u32::from_ne_bytes(single(head).to_le_bytes());
    single(tail); // a multiple of 4 lies between: the phase is the same
    // Eight or four words a turn, because the loop's own instructions cost as much as one word does, and
    // a branch instead of an OR over all turns, because Thumb-1 has eight registers.
    if !TEST {
        let (turns, words) = words.as_chunks_mut::<8>();
        for [a, b, c, d, e, f, g, h] in turns {
            (*a, *b, *c, *d) = (*a ^ key, *b ^ key, *c ^ key, *d ^ key);
            (*e, *f, *g, *h) = (*e ^ key, *f ^ key, *g ^ key, *h ^ key);
        }
        for w in words {
            *w ^= key;
        }
        return true;
    }
    let (turns, words) = words.as_chunks_mut::<4>();
    for w in words {
        *w ^= key;
        all |= *w;
    }
    let mut ascii = all & HIGH == 0;
    let mut turns = turns.iter_mut();
    for [a, b, c, d] in turns.by_ref() {
        (*a, *b, *c, *d) = (*a ^ key, *b ^ key, *c ^ key, *d ^ key);
        if (*a | *b | *c | *d) & HIGH != 0 {
            ascii = false;
            break;
        }
    }
    for [a, b, c, d] in turns {
        (*a, *b, *c, *d) = (*a ^ key, *b ^ key, *c ^ key, *d ^ key);
    }
    ascii
}

/// Single bytes. The core library's ASCII test reads words: a second pass is cheaper than an OR.
#[cfg(all(not(target_pointer_width = "64"), not(feature = "words")))]
#[inline]
pub(crate) fn unmask<const TEST: bool>(data: &mut [u8], key: u32) -> bool {
    unmask_bytes(data, key);
    !TEST || data.is_ascii()
}

#[cfg(all(not(target_pointer_width = "64"), not(feature = "words")))]
#[inline(never)] // once, for text and binary
fn unmask_bytes(data: &mut [u8], key: u32) {
    let [p, q, r, s] = key.to_le_bytes();
    let (turns, tail) = data.as_chunks_mut::<8>();
    for [a, b, c, d, e, f, g, h] in turns {
        *a ^= p;
        *b ^= q;
        *c ^= r;
        *d ^= s;
        *e ^= p;
        *f ^= q;
        *g ^= r;
        *h ^= s;
    }
    for (b, k) in tail.iter_mut().zip([p, q, r, s, p, q, r]) {
        *b ^= k;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::thin;

    #[test]
    fn every_length_offset_and_phase_is_as_by_single_bytes() {
        let key: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
        for len in thin(0..200usize, 13) {
            for offset in 0..9 {
                for phase in 0..4 {
                    let mut data: Vec<u8> = (0..offset + len).map(|i| (i * 7) as u8).collect();
                    let expected: Vec<u8> =
                        data[offset..].iter().enumerate().map(|(i, b)| b ^ key[(i + phase) & 3]).collect();
                    let turned = advance(u32::from_le_bytes(key), phase);
                    assert!(unmask::<false>(&mut data[offset..], turned));
                    assert_eq!(data[offset..], expected);
                }
            }
        }
    }

    /// Also where two stand in the same place of two words.
    #[test]
    fn bytes_that_are_not_ascii_are_noticed_anywhere() {
        const KEY: u32 = 0xf2_80_7f_01;
        for len in thin(0..200, 31) {
            for (bad, behind) in thin((0..=len).flat_map(|bad| [0, 4, 8, 12].map(|behind| (bad, behind))), 13)
            {
                let mut data: Vec<u8> = (0..len).map(|i| i as u8 & 0x7f).collect();
                let expected = data.clone();
                for at in [bad, bad + behind] {
                    if let Some(b) = data.get_mut(at) {
                        *b |= 0x80;
                    }
                }
                unmask::<false>(&mut data, KEY);
                assert_eq!(unmask::<true>(&mut data, KEY), bad == len, "{len} {bad} {behind}");
                data.iter_mut().for_each(|b| *b &= 0x7f);
                assert_eq!(data, expected);
            }
        }
    }
}
