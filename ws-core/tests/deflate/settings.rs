//! The memory of a deflater: what fits, and how much it is. What it is good for is `table`'s.

use super::{Lent, Whole, deflate};
use ws_core::deflate::{Buffers, Deflater, Effort, Memory, SizeError, Work};

/// The deflater itself where pointers have 32 bits.
pub(crate) const HANDLE: usize = 112;

const _: () =
    assert!(size_of::<Deflater<'_>>() == if cfg!(target_pointer_width = "32") { HANDLE } else { 184 });
const _: () = assert!(size_of::<Work>() == 678);

/// Of 512 bytes of window.
type Smallest = Buffers<512, 0, 0, 736>;

#[test]
fn a_window_of_512_bytes_takes_2048_in_all() {
    let all = size_of::<Smallest>() + HANDLE;
    println!("{all} bytes in all");
    assert!(all <= 2048, "{all} bytes");
    assert_eq!(size_of::<Smallest>(), 512 + 736 + size_of::<Work>(), "there is nothing else in it");
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let fits = |window, heads, links, tokens| {
        let (mut window, mut tokens) = (vec![0; window], vec![0; tokens]);
        let (mut heads, mut links, mut work) = (vec![0; heads], vec![0; links], Work::new());
        let (window, tokens, heads, links) =
            (&mut window[..], &mut tokens[..], &mut heads[..], &mut links[..]);
        Deflater::new(Memory { window, heads, links, work: &mut work, tokens }, Effort::SMALL).map(|_| ())
    };
    for (window, heads, tokens) in [(256, 0, 64), (257, 16, 65_536), (32_768, 32_768, 1000)] {
        assert_eq!(fits(window, heads, if heads == 0 { 0 } else { window }, tokens), Ok(()));
    }
    for window in [0, 1, 255, 32_769, 65_536] {
        assert_eq!(fits(window, 0, 0, 64), Err(SizeError::Window), "{window}");
    }
    for heads in [1, 8, 15, 17, 100, 65_536] {
        assert_eq!(fits(512, heads, 512, 64), Err(SizeError::Heads), "{heads}");
    }
    for (heads, links) in [(0, 1), (0, 512), (16, 0), (16, 511), (16, 513)] {
        assert_eq!(fits(512, heads, links, 64), Err(SizeError::Links), "{links}");
    }
    for tokens in [0, 1, 63, 65_537] {
        assert_eq!(fits(512, 0, 0, tokens), Err(SizeError::Tokens), "{tokens}");
    }
    for error in [SizeError::Window, SizeError::Heads, SizeError::Links, SizeError::Tokens] {
        assert!(!error.to_string().is_empty());
    }
}

/// For another peer, who agreed on less than there is memory for.
#[test]
fn a_window_can_be_made_smaller() {
    let rng = &mut super::Rng(2);
    let plain: Vec<u8> = (0..600).map(|_| rng.next() as u8).collect();
    let twice = [&plain[..], &plain].concat();
    let mut lent = Lent::new(2048, 256, 4096);
    let mut deflater = lent.deflater(Effort::NORMAL).expect("sizes that fit");
    let sizes = [(15, true), (11, true), (10, true), (9, false), (8, false), (0, false), (255, true)];
    for (bits, is_match) in sizes.into_iter().take(super::few(7, 4)) {
        // A message that stays unfinished, and is not to be seen in the next.
        let progress = deflater.deflate(&mut &plain[..], &mut [0; 64], false);
        assert!(progress.written <= 64);
        deflater.restart(bits);
        let message = deflate(&mut deflater, &twice, &mut Whole);
        assert_eq!(message.len() < 700, is_match, "{bits} bits");
        let window = 1 << u32::from(bits).clamp(8, 11);
        super::peer::Windows::new(window).readers().check(&message, &twice, "twice");
    }
}
