//! One direction of a transport, in virtual time: [`Pipe`]. It keeps order, and otherwise does what a network may do:
//! delays, stalls, takes and gives short pieces, fills up, ends, resets, falls silent. What the ends make of that is in
//! `pair.rs`.

use std::collections::VecDeque;

use super::Chance;

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

    /// All arrives, sooner or later.
    pub(crate) fn fair(chance: &mut Chance) -> Self {
        Self {
            delay: (chance.below(3) as u64, chance.below(3) as u64),
            window: chance.pick(&[1 << 16, 1000, 64]),
            piece: chance.pick(&[1 << 16, 100, 9, 1]),
            stall: None,
            fault: None,
        }
    }

    /// It is slow, it stalls, and it may end in any way.
    pub(crate) fn foul(chance: &mut Chance, start: u64) -> Self {
        let stall = chance.one_in(3).then(|| {
            let from = start + chance.below(20_000) as u64;
            (from, from + chance.below(60_000) as u64)
        });
        let fault = chance.one_in(2).then(|| {
            let after = chance.below_one_of(&[20, 300, 4000]) as u64;
            (after, chance.pick(&[Fault::End, Fault::Reset, Fault::Silence]))
        });
        let delay = (chance.below(200) as u64, chance.below(500) as u64);
        Self { delay, stall, fault, ..Self::fair(chance) }
    }
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
    /// What is under way: bytes, and how many of them arrive when.
    bytes: VecDeque<u8>,
    packets: VecDeque<(u64, usize)>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes,
    End,
    Nothing,
}

impl Pipe {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            weather,
            bytes: VecDeque::new(),
            packets: VecDeque::new(),
            end: None,
            last_arrival: 0,
            written: 0,
            lost: 0,
            silent: false,
            unread: false,
        }
    }

    /// Takes some of `bytes` and says how many. `Err`: the whole transport was reset.
    pub(crate) fn write(&mut self, bytes: &[u8], now: u64, chance: &mut Chance) -> Result<usize, ()> {
        if self.end.is_some() || self.unread {
            return Ok(bytes.len());
        }
        let space = self.weather.window.saturating_sub(self.bytes.len() + self.lost);
        let most = bytes.len().min(space).min(self.weather.piece);
        if most == 0 {
            return Ok(0);
        }
        let n = 1 + chance.below(most);
        let (arrives, fault) = match self.weather.fault {
            Some((limit, fault)) if self.written + n as u64 > limit => {
                (limit.saturating_sub(self.written) as usize, Some(fault))
            }
            _ => (n, None),
        };
        // It may come in two packets.
        let first = 1 + chance.below(n);
        let (first, second) = bytes[..arrives].split_at(first.min(arrives));
        for packet in [first, second] {
            if !packet.is_empty() {
                let arrival = self.arrival(now, chance);
                match self.packets.back_mut() {
                    Some((at, len)) if *at == arrival => *len += packet.len(),
                    _ => self.packets.push_back((arrival, packet.len())),
                }
                self.bytes.extend(packet);
            }
        }
        self.written += arrives as u64;
        match fault {
            None => {}
            Some(Fault::End) => self.end = Some(self.arrival(now, chance)),
            Some(Fault::Reset) => return Err(()),
            Some(Fault::Silence) => {
                self.silent = true;
                self.lost += n - arrives;
            }
        }
        Ok(n)
    }

    /// Never before what was written before.
    fn arrival(&mut self, now: u64, chance: &mut Chance) -> u64 {
        let (least, more) = self.weather.delay;
        let mut at = now + least + if more == 0 { 0 } else { chance.below(more as usize + 1) as u64 };
        if let Some((from, to)) = self.weather.stall
            && (from..to).contains(&at)
        {
            at = to;
        }
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    /// Reads up to `most` bytes of what has arrived, behind what is in `to`.
    pub(crate) fn read(&mut self, to: &mut Vec<u8>, most: usize, now: u64, chance: &mut Chance) -> Read {
        let (most, mut arrived) = (most.min(self.weather.piece), 0);
        for (at, n) in &self.packets {
            if *at > now || arrived >= most {
                break;
            }
            arrived += n;
        }
        let arrived = arrived.min(most);
        if arrived != 0 {
            let n = 1 + chance.below(arrived);
            to.extend(self.bytes.drain(..n));
            let mut rest = n;
            while rest != 0 {
                let packet = self.packets.front_mut().expect("as many as there are bytes");
                let taken = rest.min(packet.1);
                packet.1 -= taken;
                rest -= taken;
                if packet.1 == 0 {
                    self.packets.pop_front();
                }
            }
            return Read::Bytes;
        }
        if self.bytes.is_empty() && self.end.is_some_and(|at| at <= now) { Read::End } else { Read::Nothing }
    }

    /// The writer has ended this direction.
    pub(crate) fn shut_down(&mut self, now: u64, chance: &mut Chance) {
        let at = self.arrival(now, chance);
        if !self.silent && self.end.is_none() {
            self.end = Some(at);
        }
    }

    /// The transport is gone: the reader sees the end now, and nothing before it.
    pub(crate) fn reset(&mut self, now: u64) {
        if !self.silent {
            self.clear();
            self.end = Some(now);
        }
    }

    /// The reader is gone.
    pub(crate) fn abandon(&mut self) {
        self.unread = true;
        self.clear();
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
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
        let arrived = self.packets.partition_point(|(at, _)| *at <= now);
        let packet = self.packets.get(arrived).map(|(at, _)| *at);
        packet.or(self.end.filter(|at| *at > now))
    }
}
