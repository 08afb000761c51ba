//! What nothing that unmasks in place can be faster than: an XOR of whole words, as plain as it can be written, and with eight
//! words a turn.

#[inline(never)]
pub fn plain(words: &mut [u32], key: u32) {
    for word in words {
        *word ^= key;
    }
}

#[inline(never)]
pub fn eight_a_turn(words: &mut [u32], key: u32) {
    let (turns, rest) = words.as_chunks_mut::<8>();
    for [a, b, c, d, e, f, g, h] in turns {
        (*a, *b, *c, *d) = (*a ^ key, *b ^ key, *c ^ key, *d ^ key);
        (*e, *f, *g, *h) = (*e ^ key, *f ^ key, *g ^ key, *h ^ key);
    }
    for word in rest {
        *word ^= key;
    }
}
