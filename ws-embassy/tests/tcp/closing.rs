//! The closing handshake over TCP: codes each way, reasons that hardly fit the ring, limits, and ends without a Close.

use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer};

use crate::common::frames::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};
use crate::common::peer::Ended;
use crate::common::{Host, Net, Peer};
use crate::{PORT, echo, payload, resets, serve_one};
use ws_embassy::{CloseCode, Error, Kind, Limits, MessageBuffer, Options, PeerError, UsageError, tcp};

/// What a server that echoes makes of `frames`: the frames behind them, and how that ended.
fn answer(frames: &[Frame]) -> (Vec<Frame>, Result<(), tcp::Error>) {
    let net = Net::new(1);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| echo(ws, 512).await);
    let answer = net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        for frame in frames {
            peer.send(frame).await.unwrap();
        }
        let frames = rest(&mut peer).await;
        peer.close().await.expect("an orderly end");
        (frames, served.await)
    });
    assert_eq!(resets(&net, [&client, &server]), 0, "{frames:?}");
    answer
}

/// All frames until the other end sends no more.
async fn rest(peer: &mut Peer) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        match peer.receive().await {
            Ok(frame) => frames.push(frame),
            Err(Ended::Closed) => return frames,
            Err(Ended::Reset) => panic!("reset behind {frames:?}"),
        }
    }
}

#[test]
fn every_code_that_may_be_sent_is_answered_in_kind() {
    for code in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    {
        let (frames, ended) = answer(&[Frame::close(code, "a reason").masked()]);
        assert_eq!(frames.iter().map(Frame::close_code).collect::<Vec<_>>(), [Some(code)]);
        assert_eq!(ended, Ok(()), "{code}");
    }
    let (frames, ended) = answer(&[Frame::new(CLOSE, []).masked()]);
    assert_eq!((frames, ended), (vec![Frame::new(CLOSE, [])], Ok(())));
    let longest = answer(&[Frame::close(1000, &"r".repeat(123)).masked()]);
    assert_eq!((longest.0[0].close_code(), longest.1), (Some(1000), Ok(())));
}

#[test]
fn what_may_not_be_sent_is_answered_with_1002_or_1007() {
    let bad = |opcode: u8, payload: &[u8]| Frame::new(opcode, payload).masked();
    let mut cases: Vec<_> = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]
        .map(|code| (Frame::close(code, "").masked(), 1002))
        .into();
    cases.push((bad(CLOSE, &[3]), 1002));
    cases.push((bad(CLOSE, &[0x03, 0xe8, 0xff]), 1007));
    cases.push((bad(TEXT, b"\xc3\x28"), 1007));
    cases.push((Frame::binary("unmasked"), 1002));
    cases.push((Frame::new(PING, "x").masked().more(), 1002));
    cases.push((bad(PING, &[0; 126]), 1002));
    cases.push((bad(0, b"of nothing"), 1002));
    cases.push((bad(3, b"reserved"), 1002));
    for (frame, code) in cases {
        let (frames, ended) = answer(std::slice::from_ref(&frame));
        assert_eq!(frames.last().and_then(Frame::close_code), Some(code), "{frame:?}");
        assert!(matches!(ended, Err(Error::Peer(_))), "{frame:?}: {ended:?}");
    }
}

#[test]
fn what_came_before_a_mistake_is_answered_before_the_close() {
    let (frames, ended) = answer(&[Frame::text("before").masked(), Frame::new(3, "reserved").masked()]);
    assert_eq!(frames[0], Frame::text("before"));
    assert_eq!(frames[1].close_code(), Some(1002));
    assert!(frames.len() == 2 && matches!(ended, Err(Error::Peer(_))));
}

/// A server that says so much, then closes with `code` and `reason`; and what its client, which reads late, gets.
fn close_behind(
    talk: usize,
    ring: usize,
    code: CloseCode,
    reason: &'static str,
) -> (Vec<Frame>, Result<(), tcp::Error>) {
    let net = Net::new(2);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (ring, ring), Options::DEFAULT, async move |ws| {
        ws.send(Kind::Binary, &mut &payload(talk, 0)[..], true).await?;
        ws.close(code, reason).await
    });
    let result = net.run(async {
        // So little room that the server's ring stays full until this end reads.
        let mut peer = Peer::new(&client, 140, 1024);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        peer.open("/").await.unwrap();
        Timer::after_secs(3).await;
        let (mut frames, mut closed) = (Vec::new(), false);
        while !closed {
            let frame = peer.receive().await.unwrap_or_else(|end| panic!("{end} behind {frames:?}"));
            closed = frame.opcode == CLOSE;
            frames.push(frame);
        }
        let code = frames.last().and_then(Frame::close_code).unwrap();
        peer.send(&Frame::close(code, "").masked()).await.unwrap();
        peer.close().await.unwrap();
        (frames, served.await)
    });
    assert_eq!(resets(&net, [&client, &server]), 0);
    result
}

#[test]
fn the_longest_reason_goes_out_however_full_the_ring_is() {
    const REASON: &str = concat!(
        "0123456789012345678901234567890123456789012345678901234567890123456789",
        "01234567890123456789012345678901234567890123456789012"
    );
    assert_eq!(REASON.len(), 123);
    // 140 octets are taken by the client at once; what is beyond fills the ring to every degree.
    for ring in [127, 160, 400] {
        for talk in (100..140 + 2 * ring).step_by(3) {
            let (frames, ended) = close_behind(talk, ring, CloseCode::NORMAL, REASON);
            assert_eq!(
                frames.last(),
                Some(&Frame::close(1000, REASON)),
                "{talk} octets before, ring of {ring}"
            );
            let said: Vec<u8> =
                frames[..frames.len() - 1].iter().flat_map(|frame| frame.payload.clone()).collect();
            assert!(said == payload(talk, 0), "{talk} octets before, ring of {ring}");
            assert_eq!(ended, Ok(()));
        }
    }
}

#[test]
fn a_reason_longer_than_the_ring_is_told_to_be_so() {
    let net = Net::new(3);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (64, 64), Options::DEFAULT, async move |ws| {
        let refused = ws.close(CloseCode::NORMAL, &"r".repeat(100)).await;
        ws.close(CloseCode::NORMAL, "short").await?;
        Ok::<_, tcp::Error>(refused)
    });
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        assert_eq!(peer.receive().await, Ok(Frame::close(1000, "short")));
        peer.send(&Frame::close(1000, "").masked()).await.unwrap();
        peer.close().await.unwrap();
        assert_eq!(served.await, Ok(Err(Error::Usage(UsageError::OutputTooSmall))));
    });
}

#[test]
fn codes_of_the_server_s_own_arrive() {
    for code in [1000, 1001, 1003, 1008, 1011, 3000, 4999] {
        let (frames, ended) = close_behind(0, 1460, CloseCode::new(code).unwrap(), "so it goes");
        assert_eq!(frames.last(), Some(&Frame::close(code, "so it goes")));
        assert_eq!(ended, Ok(()));
    }
}

#[test]
fn the_answer_to_a_close_is_not_held_up_by_an_echo_that_nobody_reads_yet() {
    let net = Net::new(4);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (2920, 200), Options::DEFAULT, async |ws| echo(ws, 100).await);
    net.run(async {
        let mut peer = Peer::new(&client, 140, 4096);
        peer.socket.connect((server.address, PORT)).await.unwrap();
        peer.open("/").await.unwrap();
        peer.send(&Frame::binary(payload(1500, 0)).masked()).await.unwrap();
        peer.send(&Frame::new(PING, payload(125, 0)).masked()).await.unwrap();
        peer.send(&Frame::close(1001, "leaving").masked()).await.unwrap();
        Timer::after_secs(5).await;
        let frames = rest(&mut peer).await;
        let echoed: Vec<u8> =
            frames.iter().filter(|frame| frame.opcode < 8).flat_map(|frame| frame.payload.clone()).collect();
        assert!(echoed == payload(1500, 0), "{} octets", echoed.len());
        let control: Vec<_> = frames.iter().filter(|frame| frame.opcode >= 8).cloned().collect();
        assert_eq!(control, [Frame::new(PONG, payload(125, 0)), Frame::close(1001, "")]);
        peer.close().await.unwrap();
        assert_eq!(served.await, Ok(()));
    });
    assert_eq!(resets(&net, [&client, &server]), 0);
}

/// A server that reads whole messages of at most `limit` bytes into a buffer of `size`.
fn whole(frames: &[Frame], limit: usize, size: usize) -> (Vec<Frame>, Result<(), tcp::Error>) {
    let net = Net::new(5);
    let (client, server) = (net.host(), net.host());
    let options = Options::DEFAULT.with_message_limit(limit);
    let served = serve_one(&net, &server, (1460, 1460), options, async move |ws| {
        let mut buf = vec![0; size];
        let mut buffer = MessageBuffer::new(&mut buf);
        while let Some(message) = ws.read_message(&mut buffer).await? {
            let length = match message {
                ws_embassy::Message::Text(text) => text.len(),
                ws_embassy::Message::Binary(bytes) => bytes.len(),
            };
            ws.send_text(&format!("{length}")).await?;
        }
        Ok(())
    });
    let result = net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        for frame in frames {
            // The server may have closed before all of it has come.
            if peer.send(frame).await.is_err() {
                break;
            }
        }
        let frames = rest(&mut peer).await;
        peer.close().await.unwrap();
        (frames, served.await)
    });
    assert_eq!(resets(&net, [&client, &server]), 0, "the Close may be lost behind a reset");
    result
}

#[test]
fn a_message_over_the_limit_is_answered_with_1009() {
    let fits = Frame::binary(payload(1000, 0)).masked();
    let over = Frame::binary(payload(1001, 0)).masked();
    let huge = Frame::text(&"x".repeat(70_000)).masked();
    let parts = [Frame::binary(payload(600, 0)).more().masked(), Frame::new(0, payload(401, 0)).masked()];
    for frames in [vec![over], vec![huge], parts.to_vec()] {
        for (limit, size) in [(1000, 1000), (1000, 4000), (4000, 1000)] {
            let (came, ended) = whole(&[std::slice::from_ref(&fits), &frames[..]].concat(), limit, size);
            assert_eq!(came.first(), Some(&Frame::text("1000")));
            assert_eq!(came.last().and_then(Frame::close_code), Some(1009), "{limit} {size}");
            assert_eq!(came.len(), 2);
            assert_eq!(ended, Err(Error::Peer(PeerError::MessageTooBig)));
        }
    }
}

/// The limits on fragments reach the decoder too, whether messages are read whole or in pieces.
#[test]
fn too_many_fragments_are_answered_with_1008() {
    let mut options = Options::DEFAULT;
    options.config.limits = Limits { message: u32::MAX, fragments: 5, empty_fragments: 2 };
    let part = |payload: &[u8]| Frame::new(CONTINUATION, payload).more().masked();
    let begun = Frame::binary([1]).more().masked();
    let fragments = [vec![begun.clone()], vec![part(b"x"); 4]].concat();
    let empty = [vec![begun], vec![part(b""); 2]].concat();
    for (frames, last) in [(fragments, part(b"x")), (empty, part(b""))] {
        for size in [0, 512] {
            // As many as there may be are waited for, and one more is refused.
            let (came, ended) = with_options(&frames, options, size);
            assert!(came.iter().all(|frame| frame.opcode != CLOSE), "{came:?}");
            assert_eq!(ended, Err(Error::Lost));
            let (came, ended) =
                with_options(&[&frames[..], std::slice::from_ref(&last)].concat(), options, size);
            assert_eq!(came.last().and_then(Frame::close_code), Some(1008), "{size}");
            assert_eq!(ended, Err(Error::Peer(PeerError::TooManyFragments)));
        }
    }
}

/// What a server with these `options` makes of `frames`, which then end: it echoes what it gets, or, with memory for them, it
/// reads whole messages.
fn with_options(frames: &[Frame], options: Options, size: usize) -> (Vec<Frame>, Result<(), tcp::Error>) {
    let net = Net::new(8);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), options, async move |ws| {
        if size == 0 {
            return echo(ws, 512).await;
        }
        let mut buf = vec![0; size];
        let mut buffer = MessageBuffer::new(&mut buf);
        while ws.read_message(&mut buffer).await?.is_some() {}
        Ok(())
    });
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        for frame in frames {
            if peer.send(frame).await.is_err() {
                break;
            }
        }
        peer.socket.close();
        let frames = rest(&mut peer).await;
        (frames, served.await)
    })
}

#[test]
fn a_message_of_any_length_streams_through_without_a_limit() {
    let net = Net::new(6);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| echo(ws, 512).await);
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        let frame = Frame::binary(payload(1_000_000, 0)).masked().encode();
        let frames = crate::exchange(&mut peer, &frame, crate::messages_are(1)).await;
        assert!(crate::messages(&frames) == [(BINARY, payload(1_000_000, 0))]);
        assert_eq!(crate::leave(peer, served).await, Ok(()));
    });
}

/// A client that ends TCP in `manner` behind a message, and how the server sees that.
fn ended_by(manner: impl AsyncFnOnce(&Net, &Host, Peer)) -> Result<(), tcp::Error> {
    let net = Net::new(7);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| echo(ws, 512).await);
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        peer.send(&Frame::text("last words").masked()).await.unwrap();
        assert_eq!(peer.receive().await, Ok(Frame::text("last words")));
        manner(&net, &server, peer).await;
        served.await
    })
}

#[test]
fn an_end_without_a_close_is_no_clean_one() {
    let fin = ended_by(async |_, _, mut peer: Peer| peer.close().await.unwrap());
    assert_eq!(fin, Err(Error::Lost));
    let reset = ended_by(async |_, _, mut peer: Peer| peer.abort().await);
    assert!(matches!(reset, Err(Error::Io(_))), "{reset:?}");
    let forged = ended_by(async |net: &Net, server: &Host, peer: Peer| {
        net.inject_reset(server, PORT);
        Timer::after_secs(1).await;
        drop(peer);
    });
    assert!(matches!(forged, Err(Error::Io(_))), "{forged:?}");
}

#[test]
fn a_reset_behind_the_server_s_close_is_an_end_without_the_peer_s() {
    let net = Net::new(8);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| {
        (ws.close(CloseCode::NORMAL, "").await, ws.was_clean())
    });
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        peer.receive().await.unwrap();
        peer.abort().await;
        assert_eq!(served.await, (Err(Error::Lost), false));
    });
}

#[test]
fn the_peer_s_code_and_reason_are_told() {
    let net = Net::new(9);
    let (client, server) = (net.host(), net.host());
    let served = serve_one(&net, &server, (1460, 1460), Options::DEFAULT, async |ws| {
        echo(ws, 512).await?;
        let code = ws.close_received().flatten().map(|code| code.get());
        Ok::<_, tcp::Error>((code, ws.close_reason(|reason| reason.to_owned()), ws.was_clean()))
    });
    net.run(async {
        let mut peer = Peer::websocket(&client, &server, PORT, "/").await;
        peer.send(&Frame::close(4001, "grüße").masked()).await.unwrap();
        rest(&mut peer).await;
        peer.close().await.unwrap();
        assert_eq!(served.await, Ok((Some(4001), String::from("grüße"), true)));
    });
}

#[test]
fn the_end_of_tcp_may_take_as_long_as_there_is() {
    let net = Net::new(11);
    let (client, server) = (net.host(), net.host());
    let closed = net.spawn({
        let stack = server.stack;
        async move {
            let (mut receive, mut send) = ([0; 1460], [0; 1460]);
            let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
            socket.accept(PORT).await.expect("a new socket listens");
            tcp::close(&mut socket, Duration::MAX).await;
        }
    });
    net.run(async {
        let mut peer = Peer::connect(&client, &server, PORT).await.unwrap();
        Timer::after_secs(1000).await;
        assert!(!closed.is_finished(), "it waits on");
        peer.close().await.unwrap();
        closed.await;
    });
    assert_eq!(resets(&net, [&client, &server]), 0);
}

#[test]
fn a_socket_is_used_again_at_once_behind_any_end() {
    let net = Net::new(10);
    let (client, server) = (net.host(), net.host());
    let accepted = net.spawn({
        let stack = server.stack;
        async move {
            let (mut receive, mut send) = ([0; 1460], [0; 1460]);
            let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
            let mut ends = 0;
            for _ in 0..6 {
                socket.accept(PORT).await.expect("it is closed");
                tcp::close(&mut socket, Duration::from_secs(1)).await;
                ends += 1;
            }
            ends
        }
    });
    net.run(async {
        for number in 0..6 {
            let mut peer = loop {
                match Peer::connect(&client, &server, PORT).await {
                    Ok(peer) => break peer,
                    Err(_) => Timer::after_millis(10).await,
                }
            };
            match number % 3 {
                0 => peer.close().await.unwrap(),
                1 => peer.abort().await,
                _ => Timer::after_millis(1500).await, // the server has to reset it
            }
        }
        assert_eq!(accepted.await, 6);
    });
}
