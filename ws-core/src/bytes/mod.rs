//! Bytes without a protocol: what was read ([`Input`]), what is to be written ([`Output`]), UTF-8 checked while
//! it is unmasked, the ASCII grammar that fields of HTTP are made of ([`ascii`]), and the codings that text goes through
//! where it is carried in other text: [`json`], [`base64`], [`percent`].

pub mod ascii;
pub mod base64;
mod input;
pub mod json;
mod output;
pub mod percent;
pub(crate) mod utf8;

pub use input::Input;
pub use output::Output;

/// Copies as much of `src` as fits and says how much.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))] // less code, where that counts
pub(crate) fn copy(dst: &mut [u8], src: &[u8]) -> usize {
    let n = dst.len().min(src.len());
    if let (Some(dst), Some(src)) = (dst.get_mut(..n), src.get(..n)) {
        copy_all(dst, src);
    }
    n
}

/// The same for a few bytes: there is no call in it, and the stack may be deep already.
#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
#[inline(never)]
pub(crate) fn copy_short(dst: &mut [u8], src: &[u8]) -> usize {
    for (to, from) in dst.iter_mut().zip(src) {
        *to = *from;
    }
    dst.len().min(src.len())
}

#[cfg(not(all(not(target_pointer_width = "64"), feature = "words")))]
pub(crate) use copy as copy_short;

/// Both are of the same length. The compiler makes one block copy of this, and asks nothing; what `core` has for it asks for the
/// lengths once more, and where size counts first, x86-64 keeps that question, and its panic.
#[cfg(not(all(not(target_pointer_width = "64"), feature = "words")))]
#[inline]
fn copy_all(dst: &mut [u8], src: &[u8]) {
    for (to, from) in dst.iter_mut().zip(src) {
        *to = *from;
    }
}

/// The same for cores that cannot load an unaligned word. The compiler's block copy is not made for them: it takes a third
/// longer, and half as long again where the two do not lie alike.
#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
#[inline]
fn copy_all(dst: &mut [u8], src: &[u8]) {
    if dst.len() < SHORT { copy_bytes(dst, src) } else { copy_words(dst, src) }
}

/// Below, looking for words takes longer than they save.
#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
const SHORT: usize = 32;

#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
type Turn = [u32; 4];

#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
#[inline]
fn copy_words(dst: &mut [u8], src: &[u8]) {
    let (head, turns, tail) = bytemuck::pod_align_to_mut::<u8, Turn>(dst);
    let (src_head, rest) = src.split_at_checked(head.len()).unwrap_or_default();
    let (middle, src_tail) = rest.split_at_checked(size_of_val(turns)).unwrap_or_default();
    let Ok(src_turns) = bytemuck::try_cast_slice::<u8, Turn>(middle) else { return copy_bytes(dst, src) };
    if !head.is_empty() {
        copy_bytes(head, src_head);
    }
    // One by one: for all at once there are too few registers.
    for ([a, b, c, d], [p, q, r, s]) in turns.iter_mut().zip(src_turns) {
        *a = *p;
        *b = *q;
        *c = *r;
        *d = *s;
    }
    if !tail.is_empty() {
        copy_bytes(tail, src_tail);
    }
}

#[cfg(all(not(target_pointer_width = "64"), feature = "words"))]
#[inline(never)]
fn copy_bytes(dst: &mut [u8], src: &[u8]) {
    let (turns, rest) = dst.as_chunks_mut::<8>();
    let (src_turns, src_rest) = src.as_chunks::<8>();
    for ([a, b, c, d, e, f, g, h], [p, q, r, s, t, u, v, w]) in turns.iter_mut().zip(src_turns) {
        *a = *p;
        *b = *q;
        *c = *r;
        *d = *s;
        *e = *t;
        *f = *u;
        *g = *v;
        *h = *w;
    }
    let (pairs, last) = rest.as_chunks_mut::<2>();
    let (src_pairs, src_last) = src_rest.as_chunks::<2>();
    for ([a, b], [p, q]) in pairs.iter_mut().zip(src_pairs) {
        *a = *p;
        *b = *q;
    }
    if let ([a], [p]) = (last, src_last) {
        *a = *p;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_position_is_copied_and_nothing_else() {
        let src: Vec<u8> = (1..=150).collect();
        for len in crate::cases::thin(0..140, 17) {
            for from in 0..5 {
                for to in 0..5 {
                    let mut dst = vec![0; to + len + 4];
                    assert_eq!(copy(&mut dst[to..to + len], &src[from..]), len);
                    assert_eq!(copy(&mut dst[to..], &src[from..from + len]), len, "what is shorter counts");
                    let expected = [vec![0; to], src[from..from + len].to_vec(), vec![0; 4]].concat();
                    assert_eq!(dst, expected, "{len} bytes from {from} to {to}");
                }
            }
        }
    }
}
