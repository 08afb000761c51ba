//! Connections that are cut anywhere: numbered messages both ways, none lost, none twice, whichever technique.

use super::host::Host;
use super::listener::{ALL, Listener, Place, Technique};
use super::raw::{Raw, length};
use std::io::Write;

const ROUNDS: usize = 60;

/// The same numbers each time.
struct Dice(u32);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % n
    }
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_is_cut() {
    for technique in ALL {
        let host = Host::start();
        let mut dice = Dice(technique as u32);
        let mut place = Place { n: 1, ..Place::default() };
        let mut first = Listener::begin(&host, technique, &place);
        first.next(&mut place).unwrap();
        drop(first);
        let (mut told, mut heard, mut said) = (0, Vec::new(), 0u32);
        for round in 0..=ROUNDS {
            for _ in 0..dice.below(5) {
                told += 1;
                host.publish(&format!("news {told}"));
            }
            let mut listener = Listener::begin(&host, technique, &place);
            said += dice.below(4) as u32;
            if technique == Technique::WebSocket {
                for n in place.n..=said {
                    listener.say(&format!("say {n}"));
                }
            } else {
                post(&host, &mut place, said, &mut dice, round == ROUNDS);
            }
            if round < ROUNDS {
                // At times in the middle of an event.
                listener.cut_behind(dice.below(900));
                while let Some(event) = listener.next(&mut place) {
                    keep(&event, &mut place, &mut heard);
                }
                continue;
            }
            while heard.iter().filter(|data: &&String| data.starts_with("news")).count() < told
                || heard.iter().filter(|data| data.starts_with("echo")).count() < said as usize
            {
                let event = listener.next(&mut place).expect("it goes on");
                keep(&event, &mut place, &mut heard);
            }
        }
        let of =
            |begin: &str| heard.iter().filter(|data| data.starts_with(begin)).cloned().collect::<Vec<_>>();
        let news: Vec<_> = (1..=told).map(|n| format!("news {n}")).collect();
        assert_eq!(of("news"), news, "{technique:?}");
        let says: Vec<_> = (1..=said).map(|n| format!("say {n}")).collect();
        assert_eq!(host.texts(), says, "{technique:?}");
        let echoes: Vec<_> = says.iter().map(|say| format!("echo:{say}")).collect();
        assert_eq!(of("echo"), echoes, "{technique:?}");
    }
}

fn keep(event: &str, place: &mut Place, heard: &mut Vec<String>) {
    assert!(!event.contains("\"reset\""), "{event}");
    if let Some(data) = super::listener::value(event, "data") {
        heard.push(data);
    }
    if let Some(ack) = event.strip_prefix("{\"ack\":") {
        place.n = ack.trim_end_matches('}').parse::<u32>().unwrap() + 1;
    }
}

/// Sends what got no ack, up to message `last`; some of it is cut off, or its answer is.
fn post(host: &Host, place: &mut Place, last: u32, dice: &mut Dice, is_whole: bool) {
    if place.n > last {
        return;
    }
    let record = |n| {
        let text = format!("say {n}");
        format!("t{}:{text}", text.len())
    };
    let body: String = (place.n..=last).map(record).collect();
    let (sid, n, len) = (&place.sid, place.n, body.len());
    let request = format!(
        "POST /events?s={sid}&n={n} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len}\r\n\r\n{body}"
    );
    let mut raw = Raw::connect(host);
    if !is_whole && dice.below(2) == 0 {
        let cut = dice.below(request.len());
        raw.stream.write_all(&request.as_bytes()[..cut]).unwrap();
        return;
    }
    raw.write(request.as_bytes());
    if !is_whole && dice.below(3) == 0 {
        return;
    }
    let (head, body) = raw.response();
    if head.starts_with("HTTP/1.1 409 ") {
        // One that was cut off was read later, and took the place of this one.
        return post(host, place, last, dice, is_whole);
    }
    assert!(head.starts_with("HTTP/1.1 200 ") && length(&head).is_some(), "{head}");
    place.n = body.trim_start_matches("{\"ack\":").trim_end_matches('}').parse::<u32>().unwrap() + 1;
}
