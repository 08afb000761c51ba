//! Connections that are cut at random moments: the client goes on by the same technique, and gets each event once and in order, as the
//! server gets its messages.

use embassy_futures::join::join3;
use embassy_time::{Duration, Instant, Timer, with_deadline};

use crate::client::{ALL, As, Event, Listener, post};
use crate::common::frames::Frame;
use crate::common::random::Random;
use crate::common::{Conditions, Peer};
use crate::{Bench, Ended, status};

const EVENTS: usize = 120;
const MESSAGES: u64 = 25;

/// What came to a client: events for all, and what it said and was sent back.
#[derive(Default)]
struct Heard {
    events: Vec<String>,
    echoes: Vec<String>,
    cuts: usize,
}

impl Heard {
    fn is_done(&self) -> bool {
        self.events.len() >= EVENTS && self.echoes.len() >= MESSAGES as usize
    }

    fn take(&mut self, message: Vec<u8>) {
        let text = String::from_utf8(message).expect("text");
        if text.starts_with('e') { self.events.push(text) } else { self.echoes.push(text) }
    }
}

/// Ends a connection as connections end: by a reset, without a word, or in good order.
async fn cut(peer: Option<Peer>, random: &mut Random) {
    let Some(mut peer) = peer else { return };
    match random.below(3) {
        0 => peer.abort().await,
        1 => {} // it has vanished
        _ => {
            let _ = peer.close().await;
        }
    }
}

async fn listen(bench: &Bench, listener: &mut Listener, seed: u64) -> Heard {
    let (mut random, mut heard) = (Random::new(seed), Heard::default());
    while !heard.is_done() {
        let by = Instant::now() + Duration::from_millis(100 + random.below(2500));
        let talk = async {
            loop {
                match listener.message(bench).await {
                    Ok(message) => {
                        heard.take(message);
                        if heard.is_done() {
                            return;
                        }
                    }
                    Err(_) => return, // the network, or a stream at its end
                }
            }
        };
        let _ = with_deadline(by, talk).await;
        heard.cuts += 1;
        assert!(
            heard.cuts < 500,
            "it goes on for ever: {:?}, {:?}",
            heard.events.last(),
            heard.echoes.last()
        );
        cut(listener.peer.take(), &mut random).await;
    }
    heard
}

/// Sends by POST, each until it is told that it came.
async fn say(bench: &Bench, sid: &str, seed: u64) {
    let (mut random, mut n) = (Random::new(seed), 1);
    while n <= MESSAGES {
        let text = format!("m{n}");
        let mut peer = bench.connect().await;
        let by = Instant::now() + Duration::from_millis(5 + random.below(600));
        let ask = async {
            let request = post(sid, n, &format!("t{}:{text}", text.len()), "");
            // In two pieces, and something may happen between.
            let (begin, rest) = request.split_at(random.below(request.len() as u64) as usize);
            peer.write_all(begin).await?;
            Timer::after_millis(random.below(40)).await;
            peer.write_all(rest).await?;
            let answer = String::from_utf8(peer.read_to_end().await?).expect("text");
            Ok::<_, Ended>(answer)
        };
        if let Ok(Ok(answer)) = with_deadline(by, ask).await
            && answer.contains("\r\n\r\n")
        {
            match status(&answer) {
                200 => {
                    assert!(answer.ends_with(&format!("{{\"ack\":{n}}}")), "{answer}");
                    n += 1;
                }
                408 | 409 => {} // it was slow, or an earlier one was
                _ => panic!("{answer}"),
            }
        }
        if random.chance(300) {
            peer.abort().await
        } else {
            drop(peer)
        }
        Timer::after_millis(random.below(300)).await;
    }
}

fn is_lossless(by: As, seed: u64, conditions: Conditions) {
    let bench = Bench::new(seed);
    eprintln!("{by:?} {seed}");
    bench.net.set_conditions(conditions);
    let heard = bench.net.run(async {
        let mut listener = Listener::new(by, Some(""));
        while !matches!(listener.next(&bench).await, Ok(Event::Open(Some(_)))) {
            listener.peer = None;
        }
        let sid = listener.sid.clone().expect("a session");
        let publish = async {
            let mut random = Random::new(seed + 7);
            for number in 0..EVENTS {
                Timer::after_millis(random.below(200)).await;
                bench.publish(&format!("e{number}"));
            }
        };
        let heard;
        if by == As::WebSocket {
            (heard, (), ()) = join3(converse(&bench, &mut listener, seed), publish, async {}).await;
        } else {
            (heard, (), ()) =
                join3(listen(&bench, &mut listener, seed), publish, say(&bench, &sid, seed + 1)).await;
        }
        assert_eq!(listener.sid.as_deref(), Some(sid.as_str()), "it is the same session all the time");
        heard
    });
    let events: Vec<_> = (0..EVENTS).map(|number| format!("e{number}")).collect();
    let messages: Vec<_> = (1..=MESSAGES).map(|number| format!("m{number}")).collect();
    assert_eq!(heard.events, events, "{by:?}");
    assert_eq!(heard.echoes, messages, "{by:?}");
    let got: Vec<_> =
        bench.got.borrow().iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(got, messages, "{by:?}");
    assert!(heard.cuts > 3, "{by:?} was cut {} times", heard.cuts);
    bench.net.calm();
    bench.net.run(async {
        Timer::after_secs(60).await;
        assert_eq!(bench.sessions(), (1, 0), "{by:?}");
        bench.assert_recovered().await;
    });
}

/// Both directions over one WebSocket after the other; what got no ack is sent again over the next.
async fn converse(bench: &Bench, listener: &mut Listener, seed: u64) -> Heard {
    let (mut random, mut heard, mut acked) = (Random::new(seed), Heard::default(), 0);
    while !heard.is_done() {
        let by = Instant::now() + Duration::from_millis(100 + random.below(2500));
        listener.n = acked + 1;
        let talk = async {
            if listener.peer.is_none() {
                listener.connect(bench).await?;
            }
            let mut n = listener.n;
            loop {
                // A few ahead of their acks.
                while n <= MESSAGES.min(acked + 3) {
                    let frame = Frame::text(&format!("m{n}")).masked();
                    listener.peer.as_mut().expect("a connection").send(&frame).await?;
                    n += 1;
                }
                match listener.next(bench).await? {
                    Event::Message(message) => heard.take(message),
                    Event::Ack(number) => acked = acked.max(number),
                    Event::Open(_) | Event::Ping => {}
                    other => panic!("{other:?}"),
                }
                if heard.is_done() {
                    return Ok::<_, Ended>(());
                }
            }
        };
        let _ = with_deadline(by, talk).await;
        heard.cuts += 1;
        cut(listener.peer.take(), &mut random).await;
    }
    heard
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    for (seed, by) in (100..).zip(ALL) {
        for round in 0..4 {
            is_lossless(by, seed + 20 * round, Conditions::default());
        }
    }
}

#[test]
fn nor_where_frames_get_lost() {
    let conditions = Conditions { loss: 30, duplication: 10, reordering: 20, ..Conditions::default() };
    for (seed, by) in (200..).zip(ALL) {
        for round in 0..3 {
            is_lossless(by, seed + 20 * round, conditions);
        }
    }
}

#[test]
fn who_was_away_for_too_long_is_told_so() {
    let bench = Bench::new(300);
    bench.net.run(async {
        for by in ALL {
            let mut listener = Listener::new(by, None);
            assert_eq!(listener.next(&bench).await, Ok(Event::Open(None)), "{by:?}");
            cut(listener.peer.take(), &mut Random::new(0)).await;
            let text = "x".repeat(1000);
            for _ in 0..6 {
                bench.publish(&text); // more than the ring keeps
            }
            let mut resets = 0;
            let mut messages = 0;
            while messages < 3 {
                match listener.next(&bench).await.unwrap() {
                    Event::Reset => resets += 1,
                    Event::Message(_) => messages += 1,
                    Event::Open(_) => {}
                    other => panic!("{by:?}: {other:?}"),
                }
            }
            assert_eq!(resets, 1, "{by:?}");
            cut(listener.peer.take(), &mut Random::new(0)).await;
        }
    });
}
