//! Conversations with a server over the real network stack, of which one packet does not arrive as it was sent: [`Fault`]. What TCP
//! makes good for changes nothing; whatever else happens, all sockets of the server are free again in their time.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::bench::Bench;
use crate::bench::Step::{self, Await, EndSession, Frame, Leave, Publish, Rest, Say, Skip};
use crate::common::Verdict;
use crate::common::peer::Ended;
use crate::in_threads;

/// A conversation.
struct Scene {
    name: &'static str,
    steps: &'static [Step],
    /// By when the server has given up a client that fell silent, in seconds.
    patience: u64,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    /// Whose packets are counted, from 1.
    by: By,
    number: usize,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Client,
    Server,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Lost,
    Twice,
    /// Behind others, by so many milliseconds.
    Late(u64),
    /// Half of it arrives.
    Cut,
    /// An octet of it is another, which its sum shows.
    Damaged(usize),
    /// The same, and no sum shows it.
    Altered(usize),
    /// It is the last that arrives, in either direction.
    Last,
    /// It is the first that does not.
    Silence,
    /// A reset follows.
    Reset,
}

impl How {
    /// TCP makes good for it.
    fn is_made_good(self) -> bool {
        matches!(self, Self::Lost | Self::Twice | Self::Late(_) | Self::Cut | Self::Damaged(_))
    }
}

/// What came of a run.
#[derive(Debug)]
struct Outcome {
    /// `None`: the client would wait still.
    result: Option<Result<(), Ended>>,
    heard: Vec<u8>,
    /// Packets that client and server have sent by then.
    sent: (usize, usize),
    has_struck: bool,
}

/// How long a client waits for what does not come.
const CLIENT: Duration = Duration::from_secs(100);

fn run(scene: &Scene, fault: Option<Fault>) -> Outcome {
    let (bench, mut heard) = (Bench::new(), Vec::new());
    let (struck, silent) = (Rc::<Cell<bool>>::default(), Rc::<Cell<Option<Instant>>>::default());
    if let Some(Fault { by, number, how }) = fault {
        let (struck, silent) = (struck.clone(), silent.clone());
        let (client, address) = (bench.clients.number, bench.clients.address);
        let from = if by == By::Client { client } else { bench.host.number };
        bench.net.script(move |frame| {
            let is_clients =
                frame.from == client || frame.segment.is_some_and(|segment| segment.destination.0 == address);
            if silent.get().is_some() && is_clients {
                return Verdict::Drop;
            }
            if (frame.from, frame.number) != (from, number) {
                return Verdict::Pass;
            }
            struck.set(true);
            match how {
                How::Lost => Verdict::Drop,
                How::Twice => Verdict::Duplicate,
                How::Late(millis) => Verdict::Delay(Duration::from_millis(millis)),
                How::Cut => Verdict::Cut(frame.length / 2),
                How::Damaged(at) => Verdict::Damage(at),
                How::Altered(at) => Verdict::Alter(at),
                How::Reset => Verdict::Reset,
                How::Last | How::Silence => {
                    silent.set(Some(Instant::now()));
                    if how == How::Last { Verdict::Pass } else { Verdict::Drop }
                }
            }
        });
    }
    let patience = Duration::from_secs(scene.patience);
    let (result, sent) = bench.net.run(async {
        let falls_silent = async {
            while silent.get().is_none_or(|since| since.elapsed() < patience) {
                Timer::after_secs(1).await;
            }
        };
        let play = with_timeout(CLIENT, bench.play(scene.steps, &mut heard));
        let result = match select(play, falls_silent).await {
            Either::First(Ok(result)) => Some(result),
            _ => None,
        };
        let sent = (bench.net.sent(&bench.clients).frames, bench.net.sent(&bench.host).frames);
        Timer::at(silent.get().unwrap_or(Instant::now()) + patience).await;
        bench.assert_recovered().await;
        (result, sent)
    });
    Outcome { result, heard, sent, has_struck: struck.get() }
}

macro_rules! get {
    ($path:literal) => {
        Say(concat!("GET ", $path, " HTTP/1.1\r\nHost: 10.0.0.3\r\nReferer: http://10.0.0.3/\r\n\r\n"))
    };
}

macro_rules! upgrade {
    ($path:literal, $fields:literal) => {
        Say(concat!(
            "GET ",
            $path,
            " HTTP/1.1\r\nHost: 10.0.0.3\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
            $fields,
            "\r\n"
        ))
    };
}

/// A stream that is told two events, whose session is over then, or whose client goes.
macro_rules! stream {
    ($query:literal, $($end:expr),+) => {
        &[
            get!($query),
            Await(b"\"ping\":"),
            Publish("one"),
            Await(b"one"),
            Publish("two"),
            Await(b"two"),
            $($end),+
        ]
    };
}

const HEAD: Step = Await(b"\r\n\r\n");
const CLOSE: Step = Frame(0x88, &[3, 232]);
const CLOSED: Step = Await(&[0x88, 2, 3, 232]);

/// "hello, hello, hello, and hello again", as zlib compresses it.
const MANY: &[u8] = &[
    0xca, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa1, 0x12, 0xf3, 0x52, 0x20, 0x4c, 0x85, 0xc4,
    0xf4, 0xc4, 0xcc, 0x3c, 0x00, 0x00,
];

const SCENES: &[Scene] = &[
    Scene {
        name: "pages",
        steps: &[
            get!("/"),
            Await(b"hello\n"),
            get!("/page"),
            Await(&[b'x'; 5000]),
            Say("GET / HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\nHEAD /page HTTP/1.1\r\nHost: 10.0.0.3\r\n\r\n"),
            Await(b"hello\n"),
            HEAD,
            Say("GET /none HTTP/1.1\r\nHost: 10.0.0.3\r\nConnection: close\r\n\r\n"),
            Rest,
        ],
        patience: 20,
    },
    Scene {
        name: "no request",
        steps: &[Say("GET / HTTP/1.1\r\nHost: 10.0.0.3\r\n"), Say("no field\r\n\r\n"), Rest],
        patience: 20,
    },
    Scene { name: "the policy of Flash", steps: &[Say("<policy-file-request/>\0"), Rest], patience: 20 },
    Scene {
        name: "echo",
        steps: &[
            upgrade!("/echo", ""),
            HEAD,
            Frame(0x81, b"hello"),
            Await(b"hello"),
            Frame(0x01, b"in "),
            Frame(0x89, b"there?"),
            Frame(0x80, b"pieces"),
            Await(b"there?"),
            Await(b"pieces"),
            Frame(0x82, &[7; 3000]),
            Skip(3000),
            CLOSE,
            CLOSED,
            Rest,
        ],
        patience: 50,
    },
    Scene {
        name: "compressed",
        steps: &[
            upgrade!("/echo", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
            HEAD,
            Frame(0xc1, MANY),
            Skip(10),
            Frame(0x41, MANY.split_at(9).0),
            Frame(0x80, MANY.split_at(9).1),
            Skip(10),
            CLOSE,
            CLOSED,
            Rest,
        ],
        patience: 50,
    },
    Scene {
        name: "the server closes",
        steps: &[upgrade!("/bye", ""), HEAD, Await(b"bye"), CLOSED, CLOSE, Rest],
        patience: 50,
    },
    Scene {
        name: "a broken rule",
        steps: &[upgrade!("/echo", ""), HEAD, Frame(0x83, b"reserved"), Await(&[0x88, 2, 3, 234]), Rest],
        patience: 50,
    },
    Scene {
        name: "a flood, and a client that goes",
        steps: &[upgrade!("/flood", ""), HEAD, Skip(5000), Leave],
        patience: 50,
    },
    Scene {
        name: "server-sent events",
        steps: stream!("/events?s=&as=sse", EndSession, Await(b"0\r\n\r\n"), get!("/"), Await(b"hello\n")),
        patience: 50,
    },
    Scene {
        name: "server-sent events to no session",
        steps: stream!("/events?as=sse&since=16", Leave),
        patience: 50,
    },
    Scene { name: "XHR stream", steps: stream!("/events?s=&as=xhr", Leave), patience: 50 },
    Scene {
        name: "polls",
        steps: &[
            get!("/events?s=&wait=20000"),
            Await(b"\"ping\":"),
            Await(b"}]}"),
            get!("/events?s=SID&since=NEXT&wait=20000"),
            Publish("one"),
            Await(b"one"),
            get!("/events?s=SID&since=NEXT&wait=3000&callback=fn"),
            HEAD,
        ],
        patience: 50,
    },
    Scene {
        name: "messages by POST",
        steps: &[
            get!("/events?s="),
            Await(b"\"ping\":"),
            Await(b"}]}"),
            Say(
                "POST /events?s=SID&n=1 HTTP/1.1\r\nHost: 10.0.0.3\r\nContent-Length: 14\r\n\r\nt5:hellob3:abc",
            ),
            Await(b"{\"ack\":2}"),
            Say(
                "POST /events?s=SID&n=3 HTTP/1.1\r\nHost: 10.0.0.3\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
            ),
            Await(b"HTTP/1.1 100 "),
            Say("6\r\nt7:go \r\n"),
            Say("4\r\nalon\r\n0\r\n\r\n"),
            Await(b"{\"ack\":3}"),
            get!("/events?s=SID&since=NEXT"),
            Await(b"go alon"),
        ],
        patience: 50,
    },
    Scene {
        name: "a WebSocket of events",
        steps: &[
            upgrade!("/events?s=&n=1", "Sec-WebSocket-Protocol: push.v1\r\n"),
            Await(b"\"ping\":"),
            Publish("one"),
            Await(b"one"),
            Frame(0x81, b"mine"),
            Await(b"{\"ack\":1}"),
            Await(b"mine"),
            CLOSE,
            CLOSED,
            Rest,
        ],
        patience: 50,
    },
];

#[test]
fn without_faults_each_client_gets_what_it_wants() {
    for scene in SCENES {
        let smooth = run(scene, None);
        println!("{}: {:?} packets", scene.name, smooth.sent);
        assert_eq!(smooth.result, Some(Ok(())), "{}: {}", scene.name, smooth.heard.escape_ascii());
    }
}

#[test]
fn whatever_becomes_of_a_packet_all_sockets_are_free_in_time() {
    // Of IP and TCP: numbers, length, flags, window; then of what is said the beginning and the end.
    let octets = [20, 38, 42, 46, 47, 48, 54, 70, 1513];
    let mut hows = vec![How::Lost, How::Twice, How::Late(300), How::Late(3000), How::Cut];
    hows.extend([How::Damaged(14), How::Damaged(54), How::Last, How::Silence, How::Reset]);
    hows.extend(octets.map(How::Altered));
    let smooth: Vec<_> = SCENES.iter().map(|scene| run(scene, None)).collect();
    let mut jobs = Vec::new();
    for (scene, smooth) in SCENES.iter().zip(&smooth) {
        for (by, count) in [(By::Client, smooth.sent.0), (By::Server, smooth.sent.1)] {
            let faults =
                (1..=count).flat_map(|number| hows.iter().map(move |&how| Fault { by, number, how }));
            jobs.extend(faults.map(|fault| (scene, fault, smooth)));
        }
    }
    let faults = AtomicUsize::new(0);
    in_threads(
        jobs,
        |(scene, fault, _)| format!("{} {fault:?}", scene.name),
        |&(scene, fault, smooth)| {
            let outcome = run(scene, Some(fault));
            assert!(outcome.has_struck, "there was no such packet");
            faults.fetch_add(1, Ordering::Relaxed);
            let heard = outcome.heard.escape_ascii();
            if fault.how.is_made_good() {
                assert_eq!(outcome.result, Some(Ok(())), "{heard}");
                assert!(outcome.heard == smooth.heard, "{heard}");
            } else if !matches!(fault.how, How::Altered(_)) {
                assert!(smooth.heard.starts_with(&outcome.heard), "{heard}");
            }
        },
    );
    println!("{} faults", faults.into_inner());
}
