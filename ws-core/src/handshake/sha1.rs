//! SHA-1 of the one text that the opening handshake hashes, in a rolled loop (FIPS 180-4 6.1): what the `small` feature
//! takes in place of `sha1_smol`, which is faster, and longer by more than 2 KB. It hashes no secret.

/// Bits of the text: 60 bytes.
const BITS: u32 = 480;

/// The digest of a key and the GUID behind it.
pub(super) fn digest(key: &[u8; 24], guid: &[u8; 36]) -> [u8; 20] {
    // The text fills a block but for the bit behind it; the second block has zeros and the length in bits. One after the
    // other they lie in the same place: stacks are small.
    let mut block = [0x8000_0000; 16];
    let (key, guid) = (key.as_chunks::<4>().0, guid.as_chunks::<4>().0);
    let mut words = block.iter_mut();
    for (bytes, word) in key.iter().zip(words.by_ref()) {
        *word = u32::from_be_bytes(*bytes);
    }
    for (bytes, word) in guid.iter().zip(words) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for n in 0..2 {
        if n == 1 {
            block.fill(0);
            let [.., len] = &mut block;
            *len = BITS;
        }
        compress(&mut state, &mut block);
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// The block is used up: its place is that of the schedule. What it needs on the stack is not below the Base64 that follows.
#[inline(never)]
fn compress(state: &mut [u32; 5], schedule: &mut [u32; 16]) {
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
    use crate::cases::thin;

    /// The same digest as `sha1_smol`'s, for texts in which each bit matters once.
    #[test]
    fn agrees_with_the_other_implementation() {
        let agrees = |key: &[u8; 24], guid: &[u8; 36]| {
            let text = [&key[..], guid].concat();
            assert_eq!(digest(key, guid), sha1_smol::Sha1::from(text).digest().bytes());
        };
        agrees(&[0; 24], &[0; 36]);
        let (key, guid) = (b"dGhlIHNhbXBsZSBub25jZQ==", b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        for bit in thin(0..8 * key.len(), 31) {
            let mut key = *key;
            key[bit / 8] ^= 1 << (bit % 8);
            agrees(&key, guid);
        }
        for bit in thin(0..8 * guid.len(), 61) {
            let mut guid = *guid;
            guid[bit / 8] ^= 1 << (bit % 8);
            agrees(key, &guid);
        }
    }
}
