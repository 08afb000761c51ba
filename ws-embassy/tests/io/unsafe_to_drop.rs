//! What says that it is not cancel-safe, dropped at every await point: no frame is torn all the same. A message can be
//! finished, or the connection closed; of a handshake, the other end has a beginning.

use ws_core::handshake::client::Request;
use ws_embassy::{CloseCode, Error, Kind, Options, OriginPolicy, Plain, accept, connect, io};

use crate::cancel::buffers;
use crate::common::frames::{self, BINARY, Frame, TEXT};
use crate::cut::{Cut, When};
use crate::pipe::{Pace, Pipe};
use crate::side::{Line, Seeded, Side, Ws, both_sides, encode, frames, messages, run};

both_sides! { a_message_is_finished a_connection_is_closed }

const TEXT_SENT: &str = "a text of more than one frame, where the buffer is small";

/// Each way to drop it; `false`: it was not dropped.
fn each<S: Side>(input: &[u8], session: impl AsyncFn(&mut Ws<'_, S>, &Cut), check: impl Fn(bool, &[Frame])) {
    for sizes in [(8, 16), (8, 23), (8, 131)] {
        for n in 1.. {
            let cut = Cut::new(When::At(n));
            let line = Line::new(usize::MAX);
            line.to_us.put(input);
            let (mut read, mut write) = buffers(sizes);
            run(async {
                let mut ws =
                    line.open::<S>((Pace::Byte, Pace::Byte), (&mut read, &mut write), &Options::DEFAULT);
                session(&mut ws, &cut).await;
            });
            check(cut.drops() > 0, &frames::<S>(&line.to_peer.log()));
            if cut.drops() == 0 {
                assert!(n > 20, "{n} await points are no test");
                break;
            }
        }
    }
}

fn a_message_is_finished<S: Side>() {
    let text = async |ws: &mut Ws<'_, S>, cut: &Cut| {
        if cut.run(ws.send_text(TEXT_SENT)).await.is_none() {
            ws.send(Kind::Text, &mut &b""[..], true).await.expect("no error");
        }
        ws.send_text("next").await.expect("no error");
    };
    each::<S>(&[], text, |dropped, written| is_finished(dropped, TEXT, written));
    let binary = async |ws: &mut Ws<'_, S>, cut: &Cut| {
        if cut.run(ws.send_binary(TEXT_SENT.as_bytes())).await.is_none() {
            ws.send(Kind::Binary, &mut &b""[..], true).await.expect("no error");
        }
        ws.send_text("next").await.expect("no error");
    };
    each::<S>(&[], binary, |dropped, written| is_finished(dropped, BINARY, written));
}

fn is_finished(dropped: bool, opcode: u8, written: &[Frame]) {
    let mut messages = messages(written);
    assert_eq!(messages.pop(), Some((TEXT, b"next".into())));
    let (first, sent) = (messages.remove(0), TEXT_SENT.as_bytes());
    assert_eq!(first.0, opcode);
    assert!(sent.starts_with(&first.1));
    if !dropped || !messages.is_empty() {
        assert_eq!(first.1, sent);
    }
    // Where all of it was sent already, what was to finish it is a message of its own.
    assert!(messages.is_empty() || (dropped && messages == [(opcode, Vec::new())]));
}

fn a_connection_is_closed<S: Side>() {
    let input = encode(Frame::close(1001, ""), !S::IS_CLIENT);
    let session = async |ws: &mut Ws<'_, S>, cut: &Cut| {
        let _ = cut.run(ws.send_text(TEXT_SENT)).await;
        ws.close(CloseCode::GOING_AWAY, "").await.expect("no error");
        assert!(ws.was_clean());
    };
    each::<S>(&input, session, |_, written| {
        let Some((close, data)) = written.split_last() else { panic!("no Close") };
        assert_eq!(*close, Frame::close(1001, ""));
        let payload: Vec<_> = data.iter().flat_map(|frame| frame.payload.clone()).collect();
        assert!(TEXT_SENT.as_bytes().starts_with(&payload));
        assert!(data.iter().enumerate().all(|(i, frame)| frame.opcode == if i == 0 { TEXT } else { 0 }));
    });
}

#[test]
fn a_dropped_accept_has_written_a_beginning_of_the_response() {
    let request = frames::request("host", "/", "");
    let mut last = Vec::new();
    for n in 1.. {
        let (cut, rx, tx) = (Cut::new(When::At(n)), Pipe::holding(request.as_bytes()), Pipe::new(usize::MAX));
        let (mut read, mut write, mut store) = (vec![0; 9], vec![0; 20], vec![0; 400]);
        let (mut source, mut sink) = (rx.source(Pace::Byte), tx.sink(Pace::Byte));
        let opened: Option<Result<_, Error<_>>> = run(async {
            let reader = io::Reader::new(&mut source, &mut read);
            let writer = io::Writer::new(&mut sink, &mut write);
            cut.run(accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut store, Plain))
                .await
                .map(|ws| ws.map(|_| ()))
        });
        assert!(tx.log().starts_with(&last), "no byte of it was another one, earlier");
        last = tx.log();
        if opened.is_some() {
            assert_eq!(opened, Some(Ok(())));
            break;
        }
    }
    assert_eq!(
        frames::header(std::str::from_utf8(&last).unwrap(), "Sec-WebSocket-Accept"),
        Some(frames::ACCEPT)
    );
    assert!(last.ends_with(b"\r\n\r\n"));
}

#[test]
fn a_dropped_connect_has_written_a_beginning_of_the_request() {
    let whole = {
        let tx = Pipe::new(usize::MAX);
        assert_eq!(
            try_to_connect(&Cut::new(When::Never), &Pipe::holding(b"HTTP/1.1 404 -\r\n\r\n"), &tx),
            Some(404)
        );
        tx.log()
    };
    let response = frames::response(std::str::from_utf8(&whole).unwrap(), "");
    for n in 1.. {
        let (cut, tx) = (Cut::new(When::At(n)), Pipe::new(usize::MAX));
        let status = try_to_connect(&cut, &Pipe::holding(response.as_bytes()), &tx);
        assert!(whole.starts_with(&tx.log()));
        if cut.drops() == 0 {
            assert!(n > 200, "{n} await points are no test");
            assert_eq!(status, Some(101));
            break;
        }
    }
}

/// The status that was answered; `None` if it was dropped.
fn try_to_connect(cut: &Cut, rx: &Pipe, tx: &Pipe) -> Option<u16> {
    let (mut read, mut write, mut store) = (vec![0; 9], vec![0; 20], vec![0; 400]);
    let (mut source, mut sink) = (rx.source(Pace::Byte), tx.sink(Pace::Byte));
    let request = Request::new("host", "/");
    run(async {
        let reader = io::Reader::new(&mut source, &mut read);
        let writer = io::Writer::new(&mut sink, &mut write);
        let connect = connect(reader, writer, &Options::DEFAULT, request, Seeded::new(), &mut store, Plain);
        Some(match cut.run(connect).await? {
            Ok(_) => 101,
            Err(Error::Handshake(ws_core::handshake::client::Error::Refused { status })) => status,
            Err(error) => panic!("{error}"),
        })
    })
}
