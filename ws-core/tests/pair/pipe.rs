//! One direction of a transport, in virtual time: [`Pipe`]. It keeps order, and otherwise does what a network may do:
//! delays, stalls, takes and gives short pieces, fills up, ends, resets, falls silent. What the ends make of that is in
//! `pair.rs`.

use std::collections::VecDeque;

use super::common::Rng;

/// How one direction behaves.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    /// A byte takes this many milliseconds, and up to as many again as the second number says.
    pub(crate) delay: (u64, u64),
    /// Bytes that are under way or unread, at most: then the writer has to wait.
    pub(crate) window: usize,
    /// Bytes that one read or one write moves, at most.
    pub(crate) piece: usize,
    /// Nothing arrives between these moments.
    pub(crate) stall: Option<(u64, u64)>,
    /// What happens once that many bytes were written.
    pub(crate) fault: Option<(u64, Fault)>,
}

impl Weather {
    pub(crate) const FINE: Self =
        Self { delay: (1, 0), window: 1 << 16, piece: 1 << 16, stall: None, fault: None };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This direction ends (FIN); the other stays.
    End,
    /// Both directions end at once, and what was under way is lost.
    Reset,
    /// What is written from here on never arrives, and nobody is told.
    Silence,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    weather: Weather,
    under_way: VecDeque<(u64, u8)>,
    /// When the end arrives.
    end: Option<u64>,
    last_arrival: u64,
    written: u64,
    /// Bytes that fill the window for ever.
    lost: usize,
    silent: bool,
    /// Nobody reads any more: what is written goes nowhere.
    unread: bool,
}

/// What a read gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    End,
    Nothing,
}

impl Pipe {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            weather,
            under_way: VecDeque::new(),
            end: None,
            last_arrival: 0,
            written: 0,
            lost: 0,
            silent: false,
            unread: false,
        }
    }

    /// Takes some of `bytes` and says how many. `Err`: the whole transport was reset.
    pub(crate) fn write(&mut self, bytes: &[u8], now: u64, rng: &mut Rng) -> Result<usize, ()> {
        if self.end.is_some() || self.unread {
            return Ok(bytes.len());
        }
        let space = self.weather.window.saturating_sub(self.under_way.len() + self.lost);
        let most = bytes.len().min(space).min(self.weather.piece);
        if most == 0 {
            return Ok(0);
        }
        let n = 1 + rng.below(most);
        let mut arrival = self.arrival(now, rng);
        for (at, byte) in bytes[..n].iter().enumerate() {
            if let Some((limit, fault)) = self.weather.fault
                && self.written >= limit
            {
                match fault {
                    Fault::End => self.end = Some(arrival),
                    Fault::Reset => return Err(()),
                    Fault::Silence => {
                        self.silent = true;
                        self.lost += n - at;
                    }
                }
                break;
            }
            self.written += 1;
            self.under_way.push_back((arrival, *byte));
            if rng.one_in(32) {
                arrival = self.arrival(now, rng);
            }
        }
        Ok(n)
    }

    /// Never before what was written before.
    fn arrival(&mut self, now: u64, rng: &mut Rng) -> u64 {
        let (least, more) = self.weather.delay;
        let mut at = now + least + if more == 0 { 0 } else { rng.below(more as usize + 1) as u64 };
        if let Some((from, to)) = self.weather.stall
            && (from..to).contains(&at)
        {
            at = to;
        }
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    /// Reads up to `most` bytes of what has arrived.
    pub(crate) fn read(&mut self, most: usize, now: u64, rng: &mut Rng) -> Read {
        let most = most.min(self.weather.piece);
        let arrived = self.under_way.iter().take(most).take_while(|(at, _)| *at <= now).count();
        if arrived != 0 {
            let n = 1 + rng.below(arrived);
            return Read::Bytes(self.under_way.drain(..n).map(|(_, byte)| byte).collect());
        }
        if self.under_way.is_empty() && self.end.is_some_and(|at| at <= now) {
            Read::End
        } else {
            Read::Nothing
        }
    }

    /// The writer has ended this direction.
    pub(crate) fn shut_down(&mut self, now: u64, rng: &mut Rng) {
        let at = self.arrival(now, rng);
        if !self.silent && self.end.is_none() {
            self.end = Some(at);
        }
    }

    /// The transport is gone: the reader sees the end now, and nothing before it.
    pub(crate) fn reset(&mut self, now: u64) {
        if !self.silent {
            self.under_way.clear();
            self.end = Some(now);
        }
    }

    /// The reader is gone.
    pub(crate) fn abandon(&mut self) {
        self.unread = true;
        self.under_way.clear();
    }

    /// From now on nothing arrives, and nobody is told.
    pub(crate) fn fall_silent(&mut self) {
        self.weather.fault = Some((0, Fault::Silence));
    }

    /// How many bytes were taken, those lost not counted.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// When there will be something to read that is not there now.
    pub(crate) fn next_arrival(&self, now: u64) -> Option<u64> {
        let arrived = self.under_way.partition_point(|(at, _)| *at <= now);
        let bytes = self.under_way.get(arrived).map(|(at, _)| *at);
        bytes.or(self.end.filter(|at| *at > now))
    }
}
