//! Compressed messages over a connection: [`ws_core::connection::Compression`] with both layouts, in both roles.

use ws_core::connection::{Compression, CompressionBuffers, Role};
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Layout};
use ws_core::{Connection, Event, Input, Output};

use crate::connection::{config, kind, now};
use crate::{Random, any, keep, maybe, read, say, write};

pub fn probe() {
    let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut small = buffers.compression(Effort::QUICK).with_threshold(any()).with_takeover();
    drive(&mut Connection::server(config(), now()), &mut small);
    let (mut window, mut tables, mut buffers) = ([0; 1024], Fast::new(), Buffers::<512, 0, 0, 736>::new());
    if let Some(inflater) = Inflater::new(read(&mut window), &mut tables) {
        let mut fast = Compression::new(inflater, buffers.deflater(Effort::SMALL)).without_peer_takeover();
        drive(&mut Connection::client(config(), Random, now()), &mut fast);
    }
}

fn drive<R: Role, L: Layout>(ws: &mut Connection<R>, compression: &mut Compression<'_, L>) {
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    while maybe() {
        if let Some(agreement) = agreement(compression.terms())
            && let Err(error) = compression.begin(&agreement)
        {
            say(error);
        }
        let mut input = Input::new(read(&mut rx));
        loop {
            match compression.receive_up_to(ws, &mut input, any()) {
                Ok(Some(Event::Data(data))) => write(data.payload),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    say(error);
                    break;
                }
            }
        }
        keep(compression.wants_receive());
        let (receiver, sender) = compression.split();
        write(receiver.lent());
        let mut rest: &[u8] = read(&mut rx);
        match sender.send(ws, kind(), &mut rest, maybe(), &mut out) {
            Ok(done) => keep(done),
            Err(error) => say(error),
        }
        write(out.filled());
        out.clear();
    }
}

fn agreement(terms: &Terms) -> Option<Agreement> {
    let bits = Some(Some(any() as u32));
    let offer = [("client_max_window_bits", bits), ("server_max_window_bits", bits)];
    terms.accept(offer.into_iter()).ok()
}
