//! Any bytes that an end gets where permessage-deflate was agreed on mean the same however they are cut, and however little is asked for at
//! once: the same events, the same error behind them, the same bytes owed. Nothing comes behind an error or a Close, and nothing is left for
//! later that was taken. What a message inflates to is `inflate`'s matter.

use std::cell::RefCell;

use ws_core::connection::InflatingReceiver;
use ws_core::deflate::negotiate::{Agreement, Terms};
use ws_core::deflate::{Fast, Inflater, Layout, Small};
use ws_core::{CloseCode, Connection, Event, Input, Instant, Limits, Output, PeerError, ReadyState, Role};

use crate::common::{Cuts, FREE, Guarded, Keys, Log, Rng, What};

const NOW: Instant = Instant::from_millis(0);
const GUARD: u8 = 0xca;

struct Memory {
    window: Guarded<u8>,
    small: Small,
    fast: Box<Fast>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::new(Memory {
        window: Guarded::new(32_768 + Fast::SLACK, GUARD),
        small: Small::new(),
        fast: Box::new(Fast::new()),
    });
}

/// One byte: who reads, by which layout, in how large a window. The others are what the peer has sent, or has not.
pub fn check(data: &[u8]) {
    let Some((setup, data)) = data.split_first() else { return };
    let setup = Setup {
        bits: 8 + setup % 8,
        is_fast: setup & 8 != 0,
        is_client: setup & 16 != 0,
        takeover: setup & 32 != 0,
        message: [3000, 300, 10, 70_000][usize::from(setup >> 6)],
    };
    let limit = [usize::MAX, usize::MAX, 300, 7][Rng::of(data).below(4)];
    MEMORY.with_borrow_mut(|memory| {
        let one = setup.read(data, Cuts::Bytes, usize::MAX, memory);
        let other = setup.read(data, Cuts::of(data), limit, memory);
        assert_eq!(one, other, "{setup:?}, at most {limit} bytes at once, {:?}", Cuts::of(data));
    });
}

#[derive(Debug)]
struct Setup {
    bits: u8,
    is_fast: bool,
    is_client: bool,
    takeover: bool,
    /// The longest message.
    message: u32,
}

/// What an end was told and has sent.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    log: Log,
    error: Option<PeerError>,
    sent: Vec<u8>,
    state: (ReadyState, Option<Option<CloseCode>>, bool),
}

impl Setup {
    fn agreement(&self) -> Agreement {
        let (terms, bits) = (Terms::new(self.bits, 15), Some(Some(self.bits.into())));
        let terms = if self.takeover { terms.with_takeover() } else { terms };
        let agreed = if self.is_client {
            let no_takeover = (!self.takeover).then_some(("server_no_context_takeover", None));
            terms.confirm([("server_max_window_bits", bits)].into_iter().chain(no_takeover))
        } else {
            terms.accept([("client_max_window_bits", bits)].into_iter())
        };
        agreed.expect("as it was asked")
    }

    fn read(&self, data: &[u8], cuts: Cuts, limit: usize, memory: &mut Memory) -> Seen {
        let Memory { window, small, fast } = memory;
        let seen = if self.is_fast {
            **fast = Fast::new();
            self.read_with(&mut **fast, window, data, cuts, limit)
        } else {
            *small = Small::new();
            self.read_with(small, window, data, cuts, limit)
        };
        memory.window.assert_intact();
        seen
    }

    fn read_with<L: Layout>(
        &self,
        tables: &mut L,
        window: &mut Guarded<u8>,
        data: &[u8],
        cuts: Cuts,
        limit: usize,
    ) -> Seen {
        let inflater = Inflater::new(window.lend((1 << self.bits) + L::SLACK, 0xaa), tables);
        let mut receiver = InflatingReceiver::new(inflater.expect("a window"));
        receiver.begin(&self.agreement()).expect("a window just large enough");
        let config = FREE.with_limits(Limits { message: self.message, ..FREE.limits });
        if self.is_client {
            read(Connection::client(config, Keys(0), NOW), receiver, data, cuts, limit)
        } else {
            read(Connection::server(config, NOW), receiver, data, cuts, limit)
        }
    }
}

fn read<R: Role, L: Layout>(
    mut ws: Connection<R>,
    mut receiver: InflatingReceiver<'_, L>,
    mut rest: &[u8],
    mut cuts: Cuts,
    limit: usize,
) -> Seen {
    let (mut log, mut sent) = (Log::with_capacity(rest.len()), Vec::new());
    let (mut error, mut is_closed) = (None, false);
    while !rest.is_empty() {
        let mut piece = cuts.next(&mut rest).to_vec();
        let mut input = Input::new(&mut piece);
        loop {
            let result = receiver.receive_up_to(&mut ws, &mut input, limit);
            assert!(error.is_none() || result == Err(error.unwrap()), "{result:?} behind {error:?}");
            assert!(!is_closed || result == Ok(None), "{result:?} behind a Close");
            match result {
                Ok(Some(Event::Data(data))) => {
                    log.piece(data.kind, data.payload, data.first, data.last, 0);
                }
                Ok(Some(event)) => {
                    let what = match event {
                        Event::Ping => What::Ping,
                        Event::Pong => What::Pong,
                        _ => What::Close,
                    };
                    is_closed = what == What::Close;
                    log.control(what, ws.control(), 0);
                }
                Ok(None) if input.is_empty() => {
                    assert!(!receiver.wants_receive(), "it says that there is more, and lends none");
                    break;
                }
                Ok(None) => assert!(transmit(&mut ws, &mut sent), "stuck, and nothing to transmit"),
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        while transmit(&mut ws, &mut sent) {}
    }
    let state = (ws.ready_state(), ws.close_sent(), ws.was_clean());
    Seen { log, error, sent, state }
}

/// Writes what is owed; `false`: nothing was.
fn transmit<R: Role>(ws: &mut Connection<R>, sent: &mut Vec<u8>) -> bool {
    let mut buf = [0; 160];
    let mut out = Output::new(&mut buf);
    ws.transmit(&mut out);
    sent.extend_from_slice(out.filled());
    !out.filled().is_empty()
}
