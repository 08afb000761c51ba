//! What a client does with compression: [`run_client`]. Each message has to come back as it was; how it looked on the wire is
//! judged by `.ci/interop/compression.py`, which sees the bytes.

use crate::{CLIENT_CLOSE, Client, Payload, UNICODE, ask, equal, pattern};

/// Messages that are sent one after the other before any is read.
pub const SERIES: usize = 32;

/// Does the scenario once for each pair of an extension to offer and a URL, and prints `ok N` or `FAILED N: why` for the Nth.
pub fn run_client<C: Client>(cases: &[&str]) {
    for (n, case) in cases.chunks(2).enumerate() {
        let [extension, url] = *case else { panic!("an extension without a URL") };
        match run_one::<C>(url, extension) {
            Ok(()) => println!("ok {n}"),
            Err(why) => println!("FAILED {n}: {why}"),
        }
    }
}

fn run_one<C: Client>(url: &str, extension: &str) -> Result<(), String> {
    let mut ws = C::connect(url, extension)?;
    for message in messages() {
        ws.send(&message)?;
        equal(&ws.read()?, &message)?;
    }
    let large = telemetry(1 << 20).into_bytes();
    ws.send_fragments(&large)?;
    equal(&ws.read()?, &Payload::Binary(large))?;
    equal(&ask(&mut ws, "fragment")?, &Payload::Binary(pattern()))?;
    let series: Vec<_> = (0..SERIES).map(|n| Payload::Text(line(n))).collect();
    for message in &series {
        ws.send(message)?;
    }
    for message in &series {
        equal(&ws.read()?, message)?;
    }
    let (code, reason) = CLIENT_CLOSE;
    equal(&ws.close(code, reason)?.0, &code)
}

/// Empty ones, the shortest, those around what our side compresses from, such as are worth compressing and such as are not.
fn messages() -> Vec<Payload> {
    let text = |text: &str, times| Payload::Text(text.repeat(times));
    vec![
        text("", 1),
        Payload::Binary(Vec::new()),
        text("x", 1),
        text("a", 63),
        text("a", 64),
        Payload::Text(telemetry(10_000)),
        text(UNICODE, 50),
        Payload::Binary(noise(64 << 10)),
        Payload::Binary(noise(12_000).repeat(2)),
        Payload::Text(telemetry(1 << 20)),
    ]
}

/// So many bytes of such JSON as a device sends.
fn telemetry(bytes: usize) -> String {
    let mut text = String::new();
    let mut lines = (0..).map(line);
    while text.len() < bytes {
        text += &lines.next().unwrap();
        text.push('\n');
    }
    text.truncate(bytes);
    text
}

fn line(n: usize) -> String {
    let (degrees, tenth, humidity) = (20 + n % 7, n % 10, 40 + n % 23);
    format!(
        r#"{{"sensor":"kitchen","seq":{n},"temperature":{degrees}.{tenth},"humidity":{humidity},"battery":"ok"}}"#
    )
}

/// Bytes without a pattern; always the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
