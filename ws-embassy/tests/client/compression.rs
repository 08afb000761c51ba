//! Compression: offered on each connection anew, in the same memory, whatever the server and the one before it said. Our own
//! messages refer to those before them, so that a trace of another connection would be seen in their length.

use std::cell::RefCell;
use std::rc::Rc;

use embassy_futures::join::join;
use embassy_net::tcp::TcpSocket;
use embassy_time::Duration;
use ws_core::connection::{Compression, CompressionBuffers};
use ws_core::deflate::negotiate::Declined;
use ws_core::deflate::{Effort, Small};
use ws_embassy::client::{Error, Event, Session};
use ws_embassy::ws_core::handshake::client as handshake;
use ws_embassy::{CloseCode, Kind, PeerError, tcp};

use crate::common::deflate::{Inflater, bomb, deflated, reference};
use crate::common::frames::{BINARY, CLOSE, Frame, TEXT, header};
use crate::common::{Host, Net, Peer};
use crate::{Diary, Dice, URL, accepting, answer_with, client, hosts, start_with};

/// What is offered, each time.
const OFFER: &str = "permessage-deflate; server_max_window_bits=9; client_max_window_bits";

/// What a server says that agrees.
const AGREED: &str = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";

/// Long enough to be compressed.
const SAID: &str =
    "peter piper picked a peck of pickled peppers, a peck of pickled peppers peter piper picked";

fn compression() -> Compression<'static, Small> {
    let buffers = Box::leak(Box::new(CompressionBuffers::<512, 512, 128, 512, 1024>::new()));
    buffers.compression(Effort::QUICK).with_takeover()
}

/// A client whose sessions say the same twice, begin it a third time, and listen.
struct Bench {
    net: Net,
    server: Host,
    diary: Diary,
    /// The bytes that its sessions heard, one after the other.
    heard: Rc<RefCell<Vec<u8>>>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let net = Net::new(seed);
        let (host, server) = hosts(&net);
        let (diary, heard) = (Diary::default(), Rc::<RefCell<Vec<u8>>>::default());
        let ears = heard.clone();
        let codec = Box::leak(Box::new(compression()));
        let talk = async move |session: &mut Session<'_, Dice>| {
            session.ws.send_text(SAID).await?;
            session.ws.send_text(SAID).await?;
            session.ws.send(Kind::Text, &mut SAID.as_bytes(), false).await?;
            session.ws.flush().await?;
            // In pieces, so that a message is lent while the connection ends.
            while let Some(chunk) = session.ws.read(&mut session.buf[..100]).await? {
                ears.borrow_mut().extend_from_slice(chunk.payload);
            }
            Ok(())
        };
        start_with(&net, &host, client(URL), 1, &diary, codec, talk);
        Self { net, server, diary, heard }
    }

    /// The next connection, answered with these fields.
    async fn accept(&self, fields: &str) -> Peer {
        let (peer, head) = answer_with(&self.server, accepting(fields)).await;
        assert_eq!(header(&head, "Sec-WebSocket-Extensions"), Some(OFFER), "{head}");
        peer
    }

    /// One that agrees: what its two messages were compressed to.
    async fn agree(&self) -> (Peer, [Vec<u8>; 2]) {
        let mut peer = self.accept(AGREED).await;
        let mut inflater = Inflater::new(true);
        let mut said = [const { Vec::new() }; 2];
        for payload in &mut said {
            let message = peer.receive_message().await.unwrap();
            assert!(message.rsv1 && message.opcode == TEXT);
            assert_eq!(inflater.inflate(&message.payload), SAID.as_bytes());
            *payload = message.payload;
        }
        (peer, said)
    }

    /// One that declines.
    async fn decline(&self) -> Peer {
        let mut peer = self.accept("").await;
        for _ in 0..2 {
            // Without RSV1, as each frame that is received so.
            assert_eq!(peer.receive().await.unwrap().payload, SAID.as_bytes());
        }
        peer
    }

    async fn ended(&self, count: usize) -> Event {
        self.diary.until(count, |event| matches!(event, Event::Ended(_))).await;
        let events = self.diary.events();
        *events.iter().rfind(|event| matches!(event, Event::Ended(_))).expect("one that ended")
    }
}

/// The code of the client's Close, behind what it has begun to say.
async fn close_code(peer: &mut Peer) -> Option<u16> {
    loop {
        let frame = peer.receive_any().await.unwrap();
        if frame.opcode == CLOSE {
            return frame.close_code();
        }
        assert!(!frame.fin && frame.opcode == TEXT, "{frame:?}");
    }
}

/// The server's end, in order.
async fn close(mut peer: Peer) {
    peer.send(&Frame::close(1001, "away")).await.unwrap();
    assert_eq!(close_code(&mut peer).await, Some(1001));
    peer.close().await.unwrap();
}

#[test]
fn it_is_offered_on_each_connection_anew_whatever_became_of_the_one_before() {
    let bench = Bench::new(1);
    bench.net.run(async {
        let (mut peer, first) = bench.agree().await;
        assert!(first[1].len() < first[0].len() / 2, "{first:?}: no trace of history");
        // In the middle of a message each way, of which more is to be lent.
        peer.send(&Frame::new(TEXT, deflated(SAID)).compressed()).await.unwrap();
        peer.send(&Frame::new(BINARY, bomb(20)).more().compressed()).await.unwrap();
        peer.flush().await.unwrap();
        peer.abort().await;
        bench.ended(1).await;
        assert!(bench.heard.take().starts_with(SAID.as_bytes()));

        // A server that declines.
        let mut peer = bench.decline().await;
        peer.send(&Frame::text("plain")).await.unwrap();
        close(peer).await;
        assert_eq!(bench.ended(2).await, Event::Ended(Ok(())));
        assert_eq!(bench.heard.take(), b"plain");

        // One that agrees, and takes it that it may refer to what another said.
        let (mut peer, said) = bench.agree().await;
        assert_eq!(said, first);
        peer.send(&Frame::new(BINARY, reference(1)).compressed()).await.unwrap();
        assert_eq!(close_code(&mut peer).await, Some(1007));
        peer.close().await.unwrap();
        assert_eq!(bench.ended(3).await, Event::Ended(Err(tcp::Error::Peer(PeerError::BadCompression))));
        assert!(bench.heard.take().is_empty());

        // One that agrees, in the middle of a message when the network is gone.
        let (mut peer, said) = bench.agree().await;
        assert_eq!(said, first);
        peer.send(&Frame::new(BINARY, bomb(9)).more().compressed()).await.unwrap();
        bench.diary.until(4, |event| *event == Event::Opened).await;
        bench.server.cut();
        assert!(matches!(bench.ended(4).await, Event::Ended(Err(tcp::Error::TimedOut(_)))));
        bench.server.mend();
        drop(peer);
        bench.heard.take();

        // And one that agrees to the end.
        let (mut peer, said) = bench.agree().await;
        assert_eq!(said, first);
        for message in
            [&Frame::new(TEXT, deflated(SAID)).compressed(), &Frame::new(BINARY, bomb(20)).compressed()]
        {
            peer.send(message).await.unwrap();
        }
        close(peer).await;
        assert_eq!(bench.ended(5).await, Event::Ended(Ok(())));
        let heard = bench.heard.take();
        assert!(heard == [SAID.as_bytes(), &[b'a'; 1 + 258 * 20]].concat(), "{} bytes", heard.len());
    });
}

#[test]
fn a_server_that_does_not_keep_to_the_offer_is_left_and_the_next_one_may() {
    let bench = Bench::new(2);
    bench.net.run(async {
        for (n, fields) in [
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n",
        ]
        .into_iter()
        .enumerate()
        {
            let mut peer = bench.accept(fields).await;
            let error = handshake::Error::Compression(Declined::Window);
            let failed = Event::Failed(Error::Open(tcp::Error::Handshake(error)));
            bench.diary.until(n + 1, |event| *event == failed).await;
            peer.close().await.unwrap();
        }
        let (mut peer, _) = bench.agree().await;
        peer.send(&Frame::new(TEXT, deflated(SAID)).compressed()).await.unwrap();
        close(peer).await;
        assert_eq!(bench.ended(1).await, Event::Ended(Ok(())));
        assert_eq!(bench.heard.take(), SAID.as_bytes());
    });
    assert_eq!(bench.diary.opened(), 1);
}

#[test]
fn one_connection_is_opened_with_it() {
    let net = Net::new(3);
    let (host, server) = hosts(&net);
    let mut codec = compression();
    net.run(async {
        for fields in [AGREED, "", AGREED] {
            let mut head = [0; 512];
            let [receive, send] = [1024, 1024].map(|size| Box::leak(vec![0; size].into_boxed_slice()));
            let mut socket = TcpSocket::new(host.stack, receive, send);
            let client = client(URL);
            let open = client.open(host.stack, &mut socket, Dice::new(1), &mut head, &mut codec);
            let (opened, (mut peer, request)) = join(open, answer_with(&server, accepting(fields))).await;
            assert_eq!(header(&request, "Sec-WebSocket-Extensions"), Some(OFFER));
            let (mut ws, _) = opened.unwrap();
            let is_compressed = !fields.is_empty();
            ws.send_text(SAID).await.unwrap();
            let said = peer.receive_message().await.unwrap();
            assert_eq!(said.rsv1, is_compressed);
            let said = if is_compressed { Inflater::new(true).inflate(&said.payload) } else { said.payload };
            assert_eq!(said, SAID.as_bytes());
            let frame =
                if is_compressed { Frame::new(TEXT, deflated(SAID)).compressed() } else { Frame::text(SAID) };
            peer.send(&frame).await.unwrap();
            let (mut buf, mut heard) = ([0; 16], Vec::new());
            while heard.len() < SAID.len() {
                heard.extend_from_slice(ws.read(&mut buf).await.unwrap().unwrap().payload);
            }
            assert_eq!(heard, SAID.as_bytes());
            let (closed, ()) = join(ws.close(CloseCode::NORMAL, ""), async {
                assert_eq!(peer.receive().await.unwrap().close_code(), Some(1000));
                peer.send(&Frame::close(1000, "")).await.unwrap();
            })
            .await;
            closed.unwrap();
            drop(ws);
            join(tcp::close(&mut socket, Duration::from_secs(1)), peer.close()).await.1.unwrap();
        }
    });
}
