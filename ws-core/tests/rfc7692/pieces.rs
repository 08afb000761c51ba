//! What who receives and who sends can ask: whether there is more to lend, and what is sent as it is.

use super::{CONFIG, Room, START, agree, frame};
use ws_core::deflate::negotiate::Terms;
use ws_core::deflate::{Buffers, Effort};
use ws_core::{Connection, Event, Input, Kind, Output, Server};

const TERMS: Terms = Terms::new(15, 15);

/// The input is empty long before all that it stands for was lent.
#[test]
fn there_is_more_until_all_was_lent() {
    let (text, mut payload) = ([b'a'; 300], [0; 64]);
    let mut buffers = Box::new(Buffers::<512, 0, 0, 736>::new());
    let progress = buffers.deflater(Effort::SMALL).deflate(&mut &text[..], &mut payload, true);
    assert!(progress.done);
    let (most, last) = payload[..progress.written].split_at(progress.written - 1);
    let (mut ws, mut room) = (Connection::<Server>::server(CONFIG, START), Room::new());
    let mut compression = room.small(&agree(TERMS, TERMS).0);
    let mut lent = Vec::new();
    for (mut bytes, least) in [(frame(0x41, most), 200), (frame(0x80, last), 300)] {
        let mut input = Input::new(&mut bytes);
        while !input.is_empty() || compression.wants_receive() {
            assert_eq!(compression.wants_receive(), compression.split().0.wants_receive());
            match compression.receive_up_to(&mut ws, &mut input, 7).unwrap() {
                Some(Event::Data(data)) => lent.extend_from_slice(data.payload),
                other => assert_eq!(other, None),
            }
        }
        assert!(lent.len() >= least, "{} of {least}", lent.len());
    }
    assert_eq!(lent, text);
}

#[test]
fn what_is_shorter_than_the_threshold_is_sent_as_it_is() {
    let (mut ws, mut room) = (Connection::<Server>::server(CONFIG, START), Room::new());
    let mut compression = room.small(&agree(TERMS, TERMS).0).with_threshold(5);
    for (len, is_plain) in [(0, true), (4, true), (5, false), (6, false)] {
        assert_eq!(compression.split().1.sends_plain(&ws, len), is_plain, "{len}");
        let (text, mut buf) = (vec![b'a'; len], [0; 64]);
        let mut out = Output::new(&mut buf);
        assert_eq!(compression.send(&mut ws, Kind::Text, &mut &text[..], true, &mut out), Ok(true));
        assert_eq!(out.filled()[0], if is_plain { 0x81 } else { 0xc1 }, "{len}");
    }
}
