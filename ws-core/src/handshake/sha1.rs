//! SHA-1 of the one text that the opening handshake hashes, in a rolled loop (FIPS 180-4 6.1): what the `small` feature
//! takes in place of `sha1_smol`, which is faster, and longer by more than 2 KB. It hashes no secret.

/// Bytes of the text: a key and the GUID.
const LEN: usize = 60;
/// Its bits.
const BITS: u32 = 480;

/// The digest of `text`.
pub(super) fn digest(text: &[u8; LEN]) -> [u8; 20] {
    // The text fills a block but for the bit behind it; the second block has zeros and the length in bits.
    let mut first = [0x8000_0000; 16];
    for (word, bytes) in first.iter_mut().zip(text.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut second = [0; 16];
    let [.., len] = &mut second;
    *len = BITS;
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in [first, second] {
        compress(&mut state, block);
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

fn compress(state: &mut [u32; 5], mut schedule: [u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for round in 0..80usize {
        let (f, k) = match round {
            0..20 => ((b & c) | (!b & d), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6u32),
        };
        // The schedule is a ring: this round's word makes room for the one of 16 rounds on.
        let word = |n: usize| schedule.get(round.wrapping_add(n) & 15).copied().unwrap_or_default();
        let (now, next) = (word(0), (word(0) ^ word(2) ^ word(8) ^ word(13)).rotate_left(1));
        if let Some(place) = schedule.get_mut(round & 15) {
            *place = next;
        }
        let mixed = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(now);
        (a, b, c, d, e) = (mixed, a, b.rotate_left(30), c, d);
    }
    for (word, mixed) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(mixed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same digest as `sha1_smol`'s, for texts in which each bit matters once.
    #[test]
    fn agrees_with_the_other_implementation() {
        let agrees =
            |text: &[u8; LEN]| assert_eq!(digest(text), sha1_smol::Sha1::from(text).digest().bytes());
        agrees(&[0; LEN]);
        for bit in 0..8 * LEN {
            let mut text = *b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
            text[bit / 8] ^= 1 << (bit % 8);
            agrees(&text);
        }
    }
}
