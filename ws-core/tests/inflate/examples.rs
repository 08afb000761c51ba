//! The examples of RFC 7692 7.2.3, and what else a message may look like.

use super::{Inflated, Pieces, Whole, inflate, inflate_alone};
use ws_core::deflate::{Fast, InflateError, Inflater, Layout, Small};

/// 7.2.3.1: one compressed block.
const ONE_BLOCK: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// 7.2.3.2: the same with the history of the first.
const SHARED_WINDOW: &[u8] = &[0xf2, 0x00, 0x11, 0x00, 0x00];
/// 7.2.3.3: a block without compression.
const STORED: &[u8] = &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
/// 7.2.3.4: a final block.
const FINAL: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
/// 7.2.3.5: two blocks.
const TWO_BLOCKS: &[u8] = &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
/// The final block without the empty one that the document puts behind it.
const FINAL_ALONE: &[u8] = &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// A flush whose tail was not removed.
const WITH_TAIL: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff];

fn hello() -> Inflated {
    (b"Hello".to_vec(), Ok(()))
}

fn for_both(run: impl Fn(&mut dyn FnMut(&[u8]) -> Inflated, &mut dyn FnMut())) {
    fn each<L: Layout>(tables: &mut L, run: &impl Fn(&mut dyn FnMut(&[u8]) -> Inflated, &mut dyn FnMut())) {
        let mut window = vec![0; 256 + L::SLACK];
        let inflater = Inflater::new(&mut window, tables).expect("a window");
        let inflater = std::cell::RefCell::new(inflater);
        run(&mut |message| inflate(&mut inflater.borrow_mut(), message, &mut Whole), &mut || {
            inflater.borrow_mut().reset();
        });
    }
    each(&mut Small::new(), &run);
    each(&mut Fast::new(), &run);
}

#[test]
fn section_7_2_3_1_one_compressed_block() {
    assert_eq!(inflate_alone(ONE_BLOCK, || Whole), hello());
}

#[test]
fn section_7_2_3_1_in_two_fragments() {
    assert_eq!(inflate_alone(ONE_BLOCK, || Pieces(3, 1)), hello());
}

#[test]
fn section_7_2_3_2_sharing_the_window() {
    for_both(|message, _| {
        assert_eq!(message(ONE_BLOCK), hello());
        assert_eq!(message(SHARED_WINDOW), hello());
        assert_eq!(message(SHARED_WINDOW), hello());
    });
    // Its window is not there for one who has not seen the first, or has forgotten it.
    assert_eq!(inflate_alone(SHARED_WINDOW, || Whole), (b"H".to_vec(), Err(InflateError::Distance)));
    for_both(|message, reset| {
        assert_eq!(message(ONE_BLOCK), hello());
        reset();
        assert_eq!(message(SHARED_WINDOW), (b"H".to_vec(), Err(InflateError::Distance)));
        reset();
        assert_eq!(message(ONE_BLOCK), hello(), "a reset ends errors too");
    });
}

#[test]
fn section_7_2_3_3_a_block_without_compression() {
    assert_eq!(inflate_alone(STORED, || Whole), hello());
}

#[test]
fn section_7_2_3_4_a_final_block() {
    assert_eq!(inflate_alone(FINAL, || Whole), hello());
    assert_eq!(inflate_alone(FINAL_ALONE, || Whole), hello());
}

#[test]
fn section_7_2_3_5_two_blocks() {
    assert_eq!(inflate_alone(TWO_BLOCKS, || Whole), hello());
}

#[test]
fn section_7_2_3_6_the_empty_message() {
    assert_eq!(inflate_alone(&[0x00], || Whole), (vec![], Ok(())));
}

/// Nothing says that an empty message is sent just so.
#[test]
fn other_empty_messages_are_empty_too() {
    for message in [&[][..], &[0x02, 0x00], &[0x03, 0x00], &[0x00, 0x00, 0x00, 0xff, 0xff]] {
        assert_eq!(inflate_alone(message, || Whole), (vec![], Ok(())), "{message:02x?}");
    }
}

/// Whatever ends a message, the next one begins with a new block and has the history.
#[test]
fn each_end_of_a_message_can_be_followed_by_each_message() {
    let all = [ONE_BLOCK, SHARED_WINDOW, STORED, FINAL, FINAL_ALONE, TWO_BLOCKS, WITH_TAIL];
    for_both(|message, _| {
        assert_eq!(message(ONE_BLOCK), hello());
        for first in all {
            for second in all {
                assert_eq!(message(first), hello(), "{first:02x?}");
                assert_eq!(message(second), hello(), "{second:02x?} behind {first:02x?}");
                assert_eq!(message(&[]), (vec![], Ok(())));
            }
        }
    });
}

#[test]
fn messages_that_end_inside_a_block_are_truncated() {
    let truncated = |message: &[u8], out: &[u8]| {
        assert_eq!(
            inflate_alone(message, || Whole),
            (out.to_vec(), Err(InflateError::Truncated)),
            "{message:02x?}"
        );
    };
    truncated(&ONE_BLOCK[..1], b"H"); // of zeros of the tail
    truncated(&STORED[..5], b"\0\0\xff\xff"); // the tail is taken for the text
}

#[test]
fn a_window_must_have_room() {
    assert!(Inflater::new(&mut [], &mut Small::new()).is_none());
    assert!(Inflater::new(&mut [0; Fast::SLACK], &mut Fast::new()).is_none());
    assert!(Inflater::new(&mut [0; 1], &mut Small::new()).is_some());
    assert!(Inflater::new(&mut [0; 1 + Fast::SLACK], &mut Fast::new()).is_some());
}
