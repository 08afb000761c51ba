//! The ring and its numbers, beside a list of all that was ever published.

use crate::cases::thin;
use proptest::prelude::*;
use ws_core::transport::{Cursor, Event, EventRing, Lookup, RECORD_HEAD, Seq};
use ws_core::{CapacityError, Kind, Message};

/// What a plain list says that is under `seq`, if it holds the latest `count` of all.
fn model<'a>(all: &'a [(Kind, Vec<u8>)], first: Seq, count: u32, seq: Seq) -> Lookup<'a> {
    let at = seq.steps_from(first) as usize;
    if at == all.len() {
        return Lookup::NotYet;
    }
    match all.get(at) {
        Some((kind, bytes)) if at + count as usize >= all.len() => {
            Lookup::Found(Event { kind: *kind, bytes })
        }
        _ => Lookup::Gone,
    }
}

fn message(kind: Kind, bytes: &[u8]) -> Message<'_> {
    match kind {
        Kind::Text => Message::Text(std::str::from_utf8(bytes).expect("ASCII")),
        Kind::Binary => Message::Binary(bytes),
    }
}

/// Publishes events of the lengths `lengths` and looks each of them up behind each.
fn holds_the_latest(size: usize, start: u32, lengths: &[usize]) {
    let mut memory = vec![0xaa; size];
    let mut ring = EventRing::new(&mut memory, Seq::new(start));
    let first = Seq::new(start).next();
    let mut all: Vec<(Kind, Vec<u8>)> = Vec::new();
    let longest = lengths.iter().copied().filter(|len| len + RECORD_HEAD <= size).max().unwrap_or(0);
    for (i, len) in lengths.iter().enumerate() {
        let kind = if i % 3 == 0 { Kind::Binary } else { Kind::Text };
        let bytes: Vec<u8> = (0..*len).map(|at| (i * 7 + at) as u8 & 0x7f).collect();
        let before = ring.view().before_oldest();
        let fits: Vec<bool> = (0..=all.len())
            .map(|taken| {
                let taken = Seq::new(start.wrapping_add(taken as u32));
                ring.view().has_room_behind(*len, taken)
            })
            .collect();
        let published = ring.publish(message(kind, &bytes));
        if len + RECORD_HEAD > size {
            assert_eq!(published, Err(CapacityError));
            assert_eq!(ring.view().before_oldest(), before, "nothing was done");
            assert!(!fits.contains(&true));
            continue;
        }
        for (taken, fits) in fits.iter().enumerate() {
            let dropped = ring.view().before_oldest().steps_from(Seq::new(start)) as usize;
            assert_eq!(*fits, dropped <= taken, "event {i}, {taken} taken");
        }
        all.push((kind, bytes));
        let newest = Seq::new(start.wrapping_add(all.len() as u32));
        assert_eq!(published, Ok(newest));
        let view = ring.view();
        assert_eq!(view.newest(), newest);
        let count = view.len();
        assert!(count >= 1 && !view.is_empty());
        for at in 0..=all.len() as u32 + 2 {
            let seq = Seq::new(start.wrapping_add(at));
            assert_eq!(view.get(seq), model(&all, first, count, seq), "number {seq} behind {newest}");
        }
        // No more leave than have to: with one more, the memory would be full, but for the gap at its end.
        let kept = count as usize;
        if kept < all.len() {
            let records: usize = all[all.len() - kept - 1..].iter().map(|(_, b)| b.len() + RECORD_HEAD).sum();
            assert!(records + longest + RECORD_HEAD > size, "{records} of {size} bytes");
        }
    }
}

#[test]
fn each_size_of_memory_and_of_event() {
    for size in thin(0..60, 11) {
        for len in 0..12 {
            holds_the_latest(size, 5, &[len; 9]);
        }
    }
    holds_the_latest(64, u32::MAX - 3, &[5, 0, 17, 56, 1, 1, 1, 1, 1, 1, 57, 30, 0, 0]);
}

#[test]
fn an_empty_ring_has_nothing_and_expects_the_first() {
    let mut memory = [0; 32];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    assert_eq!(ring.view().get(Seq::new(1)), Lookup::NotYet);
    assert_eq!(ring.view().get(Seq::new(0)), Lookup::Gone);
    assert_eq!(ring.view().get(Seq::new(2)), Lookup::Gone, "of an earlier life of the server");
    assert_eq!(ring.publish(Message::Text("")), Ok(Seq::new(1)));
    ring.clear(Seq::new(70));
    assert!(ring.view().is_empty());
    assert_eq!(ring.view().get(Seq::new(71)), Lookup::NotYet);
    assert_eq!(ring.view().get(Seq::new(1)), Lookup::Gone);
    assert_eq!(ring.view().longest(), Some(24));
}

/// A length has 24 bits, whatever the memory.
#[test]
#[cfg_attr(miri, ignore = "an event of 16 MiB")]
fn no_event_is_longer_than_16_mib() {
    const LEN_MAX: usize = (1 << 24) - 1;
    let bytes = vec![7; LEN_MAX + 1];
    let mut memory = vec![0; LEN_MAX + RECORD_HEAD + 9];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    assert_eq!(ring.view().longest(), Some(LEN_MAX));
    assert_eq!(ring.publish(Message::Binary(&bytes)), Err(CapacityError));
    let seq = ring.publish(Message::Binary(&bytes[1..])).expect("it fits");
    assert_eq!(ring.view().get(seq), Lookup::Found(Event { kind: Kind::Binary, bytes: &bytes[1..] }));
}

#[test]
fn a_message_comes_out_as_it_went_in() {
    let mut memory = [0; 64];
    let mut ring = EventRing::new(&mut memory, Seq::new(0));
    for message in [Message::Text("é"), Message::Binary(b"\xff\0")] {
        let seq = ring.publish(message).expect("it fits");
        let Lookup::Found(event) = ring.view().get(seq) else { panic!("gone") };
        assert_eq!(event.message(), message);
        assert_eq!(Event::from(message), event);
    }
}

#[test]
fn numbers_are_compared_across_the_wrap() {
    let (last, first) = (Seq::new(u32::MAX), Seq::new(0));
    assert_eq!((last.next(), first.previous()), (first, last));
    assert!(first.is_after(last) && !last.is_after(first) && !first.is_after(first));
    assert_eq!(first.steps_from(last), 1);
    assert!(Seq::new(0x7fff_ffff).is_after(first) && !Seq::new(0x8000_0000).is_after(first));
}

#[test]
fn a_cursor_is_one_number_or_two() {
    let of = |shared, own| Cursor { shared: Seq::new(shared), own: Seq::new(own) };
    for (text, cursor) in [
        ("0", of(0, 0)),
        ("17", of(17, 0)),
        ("17.4", of(17, 4)),
        ("4294967295.4294967295", of(u32::MAX, u32::MAX)),
    ] {
        assert_eq!(Cursor::parse(text), Some(cursor));
        assert_eq!(cursor.to_string(), text);
    }
    let bad = "|.|1.|.1|1.2.3|-1|+1|1 | 1|1.x|x|4294967296|1.4294967296|00000000001|1\n|1\0|١|1,2|0x1|1e3";
    for bad in bad.split('|') {
        assert_eq!(Cursor::parse(bad), None, "{bad:?}");
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn any_lengths(size in 0..400usize, start: u32, lengths in prop::collection::vec(0..80usize, 0..60)) {
        holds_the_latest(size, start, &lengths);
    }

    #[test]
    fn any_cursor_comes_back(shared: u32, own: u32) {
        let cursor = Cursor { shared: Seq::new(shared), own: Seq::new(own) };
        prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
    }
}
