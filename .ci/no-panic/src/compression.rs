//! Compressed messages over a connection: [`ws_core::connection::Compression`] with both layouts, in both roles.

use ws_core::connection::{Compression, CompressionBuffers, DeflatingSender, InflatingReceiver, Role};
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Buffers, Effort, Fast, Inflater, Layout, Small};
use ws_core::{Connection, Event, Input, Output};

use crate::connection::{config, kind, now};
use crate::{Random, any, keep, maybe, read, say, show, write};

pub fn probe() {
    let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
    let mut small = buffers.compression(Effort::QUICK).with_threshold(any()).with_takeover();
    drive(&mut Connection::server(config(), now()), &mut small);
    apart();
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

/// Each direction alone, and both without a choice of how much to inflate.
fn apart() {
    let (mut window, mut tables, mut buffers) = ([0; 1024], Small::new(), Buffers::<512, 0, 0, 736>::new());
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let mut out = Output::new(&mut tx);
    let mut input = Input::new(read(&mut rx));
    let mut rest: &[u8] = &[1; 64];
    let mut ws = Connection::server(config(), now());
    let Some(agreement) = agreement(&Terms::new(any() as u8, any() as u8)) else { return };
    if let Some(inflater) = Inflater::new(read(&mut window), &mut tables) {
        let mut receiver = InflatingReceiver::new(inflater);
        keep((receiver.begin(&agreement), receiver.window_bits(), receiver.wants_receive()));
        keep(receiver.receive(&mut ws, &mut input).is_ok());
        keep(receiver.receive_up_to(&mut ws, &mut input, any()).is_ok());
        show(&receiver);
    }
    let mut sender = DeflatingSender::new(buffers.deflater(Effort::SMALL)).with_threshold(any());
    sender.begin(&agreement);
    keep((sender.window_bits(), sender.sends_plain(&ws, any())));
    keep(sender.send(&mut ws, kind(), &mut rest, maybe(), &mut out));
    show(&sender);
    if let Some(inflater) = Inflater::new(read(&mut window), &mut tables) {
        let mut both = Compression::new(inflater, buffers.deflater(Effort::SMALL));
        keep(both.receive(&mut ws, &mut input).is_ok());
        keep(both.send(&mut ws, kind(), &mut rest, maybe(), &mut out));
        show(&both);
    }
}

fn agreement(terms: &Terms) -> Option<Agreement> {
    let bits = Some(Some(any() as u32));
    let offer = [("client_max_window_bits", bits), ("server_max_window_bits", bits)];
    terms.offer().iter().for_each(keep);
    match if maybe() { terms.confirm(offer.into_iter()) } else { terms.accept(offer.into_iter()) } {
        Ok(agreement) => {
            keep(agreement.inflate.window());
            Some(agreement)
        }
        Err(declined) => {
            say(declined);
            None
        }
    }
}
