//! Payloads of all interesting sizes through rings that are smaller, as large, and larger; frames that lie across the end of
//! a ring; fragments and control frames between them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use embassy_net::tcp::{Error as TcpError, TcpSocket};

use crate::common::frames::{BINARY, CONTINUATION, Frame, PING, PONG, TEXT};
use crate::common::{Net, Peer};
use crate::{
    Messages, PORT, QUIET, echo, exchange, leave, messages, messages_are, opcode, payload, resets, serve_one,
};
use ws_embassy::transport::{ROOM_MIN, WriteHalf};
use ws_embassy::{Kind, Options, OriginPolicy, Plain, accept, tcp};

const SIZES: [usize; 11] = [0, 1, 125, 126, 127, 1459, 1460, 1461, 4096, 65_535, 65_536];

/// Bytes of a ring: less than a control frame, less than a segment, one, two.
const RINGS: [usize; 4] = [64, 100, 1460, 2920];

#[test]
fn every_size_comes_back_through_rings_of_every_size() {
    for ring in RINGS {
        let net = Net::new(1);
        let (client, server) = (net.host(), net.host());
        let served = serve_one(&net, &server, (ring, ring), QUIET, async |ws| echo(ws, 512).await);
        let ended = net.run(async {
            let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
            for size in SIZES {
                for opcode in [TEXT, BINARY] {
                    let payload = payload(size, ring);
                    let frame = Frame::new(opcode, payload.clone()).masked().encode();
                    let frames = exchange(&mut peer, &frame, messages_are(1)).await;
                    assert!(messages(&frames) == [(opcode, payload)], "{size} octets, ring of {ring}");
                }
            }
            leave(peer, served).await
        });
        assert_eq!(ended, Ok(()));
        assert_eq!(resets(&net, [&client, &server]), 0);
    }
}

/// The rings in turn: a small one to send from behind a large one to receive into, and the reverse.
#[test]
fn messages_pass_rings_of_unlike_size() {
    for (receive, send) in [(64, 2920), (2920, 64), (64, 16), (17, 2920)] {
        let net = Net::new(2);
        let (client, server) = (net.host(), net.host());
        let served =
            serve_one(&net, &server, (receive, send), Options::DEFAULT, async |ws| echo(ws, 50).await);
        let ended = net.run(async {
            let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
            for size in [0, 1, 15, 16, 17, 125, 126, 5000] {
                let payload = payload(size, 0);
                let frame = Frame::binary(payload.clone()).masked().encode();
                let frames = exchange(&mut peer, &frame, messages_are(1)).await;
                assert!(
                    messages(&frames) == [(BINARY, payload)],
                    "{size} octets, rings of {receive} and {send}"
                );
            }
            leave(peer, served).await
        });
        assert_eq!(ended, Ok(()));
    }
}

/// What a writing half was lent.
struct Watched<W> {
    inner: W,
    rooms: Rc<RefCell<BTreeSet<usize>>>,
}

impl<W: WriteHalf> WriteHalf for Watched<W> {
    type Error = W::Error;

    async fn write_with<O>(&mut self, f: impl FnOnce(&mut [u8]) -> (usize, O)) -> Result<O, W::Error> {
        let rooms = &self.rooms;
        self.inner
            .write_with(|room| {
                rooms.borrow_mut().insert(room.len());
                f(room)
            })
            .await
    }

    async fn flush(&mut self) -> Result<(), W::Error> {
        self.inner.flush().await
    }

    async fn drain(&mut self) -> Result<bool, W::Error> {
        self.inner.drain().await
    }

    fn has_taken(&mut self) -> bool {
        self.inner.has_taken()
    }
}

/// Messages of all small sizes, the next one sent before the last is back: the ring is never empty, and so goes round.
#[test]
fn frames_lie_across_the_end_of_the_ring_at_every_position() {
    for ring in RINGS {
        let net = Net::new(3);
        let (client, server) = (net.host(), net.host());
        let rooms = Rc::<RefCell<BTreeSet<usize>>>::default();
        let served = net.spawn({
            let (stack, rooms) = (server.stack, rooms.clone());
            async move {
                let (mut receive, mut send, mut head) = (vec![0; ring], vec![0; ring], [0; 512]);
                let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
                socket.accept(PORT).await.expect("a new socket listens");
                let (reader, inner) = tcp::split(&mut socket);
                let writer = Watched { inner, rooms };
                let mut ws = accept(reader, writer, &Options::DEFAULT, OriginPolicy::Any, &mut head, Plain)
                    .await
                    .expect("a request");
                let mut buf = [0; 33];
                while let Some(chunk) = ws.read(&mut buf).await? {
                    ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
                }
                drop(ws);
                tcp::close(&mut socket, embassy_time::Duration::from_secs(2)).await;
                Ok::<_, ws_embassy::Error<TcpError>>(())
            }
        });
        let sent: Vec<_> =
            (0..6 * ring.max(200)).map(|number| (BINARY, payload(number * 7 % 160, number))).collect();
        let octets: Vec<u8> =
            sent.iter().flat_map(|(_, payload)| Frame::binary(payload.clone()).masked().encode()).collect();
        let ended = net.run(async {
            let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
            let frames = exchange(&mut peer, &octets, messages_are(sent.len())).await;
            assert!(messages(&frames) == sent, "ring of {ring}");
            leave(peer, served).await
        });
        assert_eq!(ended, Ok(()));
        let rooms = rooms.borrow();
        assert!(rooms.iter().all(|room| *room >= ROOM_MIN), "{rooms:?}");
        // Beside the ring, where less than the least was left; and at nearly every place in it.
        assert!(rooms.contains(&ROOM_MIN), "{rooms:?}");
        assert!(
            rooms.len() * 10 >= (ring - ROOM_MIN) * 9,
            "{} different rooms in a ring of {ring}",
            rooms.len()
        );
    }
}

#[test]
fn fragments_come_back_with_the_pings_between_them_answered() {
    for ring in RINGS {
        let net = Net::new(4);
        let (client, server) = (net.host(), net.host());
        let served = serve_one(&net, &server, (ring, ring), Options::DEFAULT, async |ws| echo(ws, 128).await);
        let ended = net.run(async {
            let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
            for size in [0, 1, 30, 125, 126, 1500] {
                let (octets, answers) = fragments(size);
                let frames = exchange(&mut peer, &octets, |frames| {
                    messages_are(1)(frames) && frames.iter().filter(|frame| frame.opcode == PONG).count() == 4
                })
                .await;
                let came = messages(&frames);
                // The Pongs in order; the message may be complete before the last one.
                let (pongs, rest): (Vec<_>, Vec<_>) =
                    came.into_iter().partition(|(opcode, _)| *opcode == PONG);
                assert_eq!(
                    pongs.iter().chain(&rest).cloned().collect::<Vec<_>>(),
                    answers,
                    "{size}, ring of {ring}"
                );
            }
            leave(peer, served).await
        });
        assert_eq!(ended, Ok(()));
    }
}

/// Four fragments with a Ping behind each, and what is expected: the Pongs, then the message.
fn fragments(size: usize) -> (Vec<u8>, Messages) {
    let (mut octets, mut text, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..4 {
        let opcode = if number == 0 { TEXT } else { CONTINUATION };
        let frame = Frame::new(opcode, payload(size, number)).masked();
        text.extend_from_slice(&frame.payload);
        octets.extend(if number == 3 { frame } else { frame.more() }.encode());
        let ping = Frame::new(PING, payload([0, 1, 124, 125][number], number)).masked();
        answers.push((PONG, ping.payload.clone()));
        octets.extend(ping.encode());
    }
    answers.push((TEXT, text));
    (octets, answers)
}

#[test]
fn a_message_is_lent_where_it_was_received_in_pieces_of_up_to_the_ring() {
    let net = Net::new(5);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| {
        let (mut sum, mut most) = (0, 0);
        while let Some((kind, length, last)) =
            ws.receive(|data| (data.kind, data.payload.len(), data.last)).await.expect("an open connection")
        {
            assert_eq!(opcode(kind), BINARY);
            (sum, most) = (sum + length, most.max(length));
            if last {
                ws.send_text(&format!("{sum} {}", most > 512 && most <= 1460))
                    .await
                    .expect("an open connection");
                sum = 0;
            }
        }
    });
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        for size in [5000, 65_536, 200_000] {
            let frame = Frame::binary(payload(size, 0)).masked().encode();
            let frames = exchange(&mut peer, &frame, messages_are(1)).await;
            assert_eq!(messages(&frames), [(TEXT, format!("{size} true").into_bytes())]);
        }
        leave(peer, served).await;
    });
}

#[test]
fn whole_messages_of_the_server_arrive_whole() {
    for ring in RINGS {
        let net = Net::new(6);
        let (client, server) = (net.host(), net.host());
        let served = serve_one(&net, &server, (ring, ring), QUIET, async |ws| {
            ws.receive(|_| ()).await?;
            for size in SIZES {
                ws.send_binary(&payload(size, 1)).await?;
                let text = String::from_utf8(payload(size, 2)).expect("text");
                ws.send_text(&text).await?;
                // In pieces, the last one empty.
                let whole = payload(size, 3);
                for piece in whole.chunks(700) {
                    ws.send(Kind::Binary, &mut &*piece, false).await?;
                }
                ws.send(Kind::Binary, &mut &[][..], true).await?;
            }
            ws.flush().await?;
            while ws.receive(|_| ()).await?.is_some() {}
            Ok::<_, tcp::Error>(())
        });
        let ended = net.run(async {
            let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
            let frames =
                exchange(&mut peer, &Frame::text("go").masked().encode(), messages_are(3 * SIZES.len()))
                    .await;
            let expected =
                |size| [(BINARY, payload(size, 1)), (TEXT, payload(size, 2)), (BINARY, payload(size, 3))];
            assert!(
                messages(&frames) == SIZES.into_iter().flat_map(expected).collect::<Vec<_>>(),
                "ring of {ring}"
            );
            leave(peer, served).await
        });
        assert_eq!(ended, Ok(()));
    }
}
