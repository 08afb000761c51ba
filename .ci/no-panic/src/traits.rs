//! What the library has written by hand for the traits of `core`, where no other module comes by it: defaults, conversions of
//! errors and messages, and what `Debug` shows.

use ws_core::bytes::percent::PercentDecoder;
use ws_core::connection::CompressionBuffers;
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Small, Work};
use ws_core::handshake::{client, server};
use ws_core::http::exchange::Settings;
use ws_core::http::head::{HeadReader, Wanted};
use ws_core::http::{HeadError, HeadLimits};
use ws_core::transport::{Callback, Event, EventRing, Lost, Seq, WebSocketError};
use ws_core::{Config, Limits, Message, MessageBuffer, Timeouts, UsageError};

use crate::{any, keep, maybe, read, show, text};

pub fn probe() {
    defaults();
    conversions(if maybe() { HeadError::BadLine } else { HeadError::BadName });
    shown();
}

fn defaults() {
    keep((Config::default(), Limits::default(), Timeouts::default()));
    keep((HeadLimits::default(), Settings::default(), Effort::default(), PercentDecoder::default()));
    keep((Fast::default(), Small::default(), Work::default()));
    keep(Buffers::<512, 128, 512, 1024>::default());
    keep(CompressionBuffers::<512, 512, 128, 512, 1024>::default());
}

fn conversions(head: HeadError) {
    let mut buf = [0; 64];
    keep((client::Error::from(head), server::Refusal::from(head)));
    keep((WebSocketError::from(UsageError::Closing), WebSocketError::from(Lost)));
    keep(Event::from(Message::Binary(read(&mut buf))));
}

fn shown() {
    let (mut a, mut b) = ([0; 1024], [0; 1024]);
    show(MessageBuffer::new(read(&mut a)));
    show(EventRing::new(read(&mut a), Seq::new(any() as u32)));
    show(Callback::parse(text(&mut a)));
    let wanted = Wanted { single: &[], repeated: &[], further: &[] };
    show(HeadReader::request(&mut a, wanted, HeadLimits::default()));
    show(Inflater::new(read(&mut b), &mut Small::new()));
    let mut buffers = Buffers::<512, 128, 512, 1024>::new();
    show(buffers.deflater(Effort::SMALL));
    show(&buffers);
    show(CompressionBuffers::<512, 512, 128, 512, 1024>::new());
}
