//! Any bytes as an event stream, cut anywhere, ended and opened again, read by a device and by the rules of WHATWG HTML 9.2.6 said
//! straight: the same events, the same id and the same time to wait.
//!
//! What is different from a browser, and meant to be:
//!
//! | | ours | a browser |
//! | --- | --- | --- |
//! | an event that does not fit into the memory, or whose id or type is too long | is passed over, and said to be | has memory |
//! | a type or data that is no UTF-8 | is passed over, and said to be | puts U+FFFD in |
//! | an id that is no UTF-8, or too long | does not count | counts |
//! | a time of more than a `Duration` | is the longest that there is | counts |

use ws_core::transport::{EventStream, EventStreamError, ID_MAX, TYPE_MAX};
use ws_core::{Duration, Input};

use crate::common::event_source::{Dispatched, EventSource};
use crate::common::{Cuts, Guarded, Rng};

/// An event: its type, its data and the id; or why there is none.
type Seen = Result<(String, String, String), EventStreamError>;

/// The bytes are what a server sends.
pub fn check(data: &[u8]) {
    let mut rng = Rng::of(data);
    let size = [0, 1, 10, 30, 200, 200, 200, 200][rng.below(8)];
    // Where the connection breaks.
    let end = if rng.below(4) == 0 { rng.below(data.len() + 1) } else { data.len() };
    let (first, second) = data.split_at(end);

    let mut memory = Guarded::new(size, 0xca_u8);
    let mut stream = EventStream::new(memory.lend(size, 0xab));
    let mut source = EventSource::default();
    let mut cuts = Cuts::of(data);
    receive(&mut stream, &mut source, first, &mut cuts, size);
    if !second.is_empty() {
        stream.restart();
        receive(&mut stream, &mut source, second, &mut cuts, size);
    }
    memory.assert_intact();
}

/// Reads one connection.
fn receive(
    stream: &mut EventStream<'_>,
    source: &mut EventSource,
    bytes: &[u8],
    cuts: &mut Cuts,
    size: usize,
) {
    let mut seen = Vec::new();
    let (mut rest, mut calls) = (bytes, 0);
    while !rest.is_empty() {
        let piece = cuts.next(&mut rest);
        let mut copy = piece.to_vec();
        let mut input = Input::new(&mut copy);
        loop {
            let before = input.consumed();
            calls += 1;
            let event = match stream.receive(&mut input) {
                Ok(None) => break assert!(input.is_empty(), "asks for more while there is some"),
                Ok(Some(event)) => {
                    let [kind, data, id] = [event.event, event.data, event.id].map(str::to_owned);
                    Ok((kind, data, id))
                }
                Err(error) => Err(error),
            };
            assert!(input.consumed() > before, "an event takes a byte");
            seen.push(event);
        }
        assert!(copy == piece, "the bytes lent were changed");
    }
    assert!(calls <= 2 * bytes.len(), "{calls} calls");
    let expected: Vec<_> = source.read(bytes, ID_MAX).into_iter().map(|event| judged(event, size)).collect();
    assert_eq!(seen, expected);
    assert_eq!(stream.last_event_id().as_bytes(), source.id);
    assert_eq!(stream.retry(), source.retry_millis().map(Duration::from_millis));
}

fn judged(event: Dispatched, size: usize) -> Seen {
    let Dispatched { kind, data, id, has_long_id } = event;
    if data.len() + 1 > size || kind.len() > TYPE_MAX || has_long_id {
        return Err(EventStreamError::TooLong);
    }
    let text = |bytes| String::from_utf8(bytes).map_err(|_| EventStreamError::InvalidUtf8);
    Ok((text(kind)?, text(data)?, String::from_utf8(id).unwrap()))
}
