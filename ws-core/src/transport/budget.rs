//! Which connections a small server keeps: [`Budget`]. It counts sockets and time, and knows nothing of what goes over them.
//!
//! A device has a handful of sockets, and nobody waits in line for one: while none listens, whoever comes next is turned away. So a
//! connection that is not at work gives way when none listens, and what holds a socket for long is let in only as far as others
//! still find room.

use crate::time::{Duration, Instant};

/// What a socket is used for, in the order in which they give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Use {
    /// It waits for a client.
    Listening,
    /// A request was answered, and no other has come: browsers keep connections for later, and open others as well.
    Idle,
    /// Nothing has come at all: browsers open connections ahead of need.
    Silent,
    /// All is said, and the client has not ended its side.
    Closing,
    /// A request comes in.
    Reading,
    /// A poll that waits: it is answered at once, and comes back.
    Poll,
    /// A request is answered, which takes no longer than the client does.
    Answering,
    /// A stream. It never gives way.
    Stream,
    /// A WebSocket. It never gives way.
    WebSocket,
}

impl Use {
    /// How long it may be so before it gives way. `None`: it never has to.
    const fn patience(self) -> Option<Duration> {
        match self {
            Self::Idle => Some(Duration::ZERO),
            Self::Silent | Self::Closing | Self::Reading | Self::Poll => Some(Budget::<0>::PATIENCE),
            Self::Listening | Self::Answering | Self::Stream | Self::WebSocket => None,
        }
    }

    const fn is_long(self) -> bool {
        matches!(self, Self::Poll | Self::Stream | Self::WebSocket)
    }
}

/// The uses of `N` sockets.
///
/// Some always stay for pages, for messages that come by POST, and to tell further clients that it is full: two at least should. Of those
/// that may be held for long, one is left for a WebSocket, whatever streams and polls hold.
///
/// # Memory
///
/// 2 words a socket, and 2.
///
/// ```
/// use ws_core::transport::{Budget, Use};
/// use ws_core::Instant;
/// let mut budget = Budget::<6>::new(4);
/// let now = Instant::from_millis(0);
/// for place in 0..3 {
///     assert!(budget.enter(place, Use::Stream, now));
/// }
/// assert!(!budget.enter(3, Use::Stream, now), "answer 503");
/// assert!(budget.enter(3, Use::WebSocket, now));
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Budget<const N: usize> {
    places: [(Use, Instant); N],
    held: usize,
    /// The latest moment that was heard of.
    now: Instant,
}

impl<const N: usize> Budget<N> {
    /// How long a client that does nothing is waited for, when others cannot come in.
    pub const PATIENCE: Duration = Duration::from_secs(1);

    /// No socket is used yet, and none listens. `held`: how many may be held for long at once, by WebSockets, streams and
    /// polls that wait; the last one by a WebSocket alone.
    pub const fn new(held: usize) -> Self {
        let now = Instant::from_millis(0);
        Self { places: [(Use::Answering, now); N], held, now }
    }

    /// Socket `place`, from 0 on, is used like this from `now` on. `false`: there is no room for one that is held for so long, so
    /// nothing has changed; answer 503.
    pub fn enter(&mut self, place: usize, r#use: Use, now: Instant) -> bool {
        self.now = now;
        let others = |is: fn(Use) -> bool| {
            count((0..N).zip(&self.places).filter(|(other, (r#use, _))| *other != place && is(*r#use)))
        };
        let held = others(Use::is_long);
        let is_full = match r#use {
            Use::WebSocket => held >= self.held,
            Use::Poll | Use::Stream => {
                let listening = others(|r#use| matches!(r#use, Use::Poll | Use::Stream));
                held >= self.held || listening.saturating_add(1) >= self.held
            }
            _ => false,
        };
        if let Some(entry) = self.places.get_mut(place)
            && !is_full
        {
            *entry = (r#use, now);
            return true;
        }
        false
    }

    /// When socket `place` has to give way, if nothing changes until then: no socket listens, and of all that may have to it is the first.
    /// `None`: it does not have to. Ask again when anything has changed.
    pub fn leaves(&self, place: usize) -> Option<Instant> {
        if self.places.iter().any(|(r#use, _)| *r#use == Use::Listening) {
            return None;
        }
        let overdue = |(r#use, since): (Use, Instant)| {
            // How long ago its end is, as long as the tick goes: two moments of which one is long gone cannot be compared
            // otherwise. No end lies further ahead than the patience.
            let end = since.after(r#use.patience()?);
            Some((self.now.after(Self::PATIENCE).millis().wrapping_sub(end.millis()), r#use, end))
        };
        let (late, r#use, end) = overdue(*self.places.get(place)?)?;
        let is_first = (0..N).zip(&self.places).all(|(other, theirs)| {
            let Some((their_late, theirs, _)) = overdue(*theirs) else { return true };
            // What gives way sooner goes first; of two that do so together, the one that is worth less; then the later socket.
            other == place || (their_late, r#use, other) < (late, theirs, place)
        });
        // Behind half of the tick, what is long gone would seem to come yet.
        let end = if late > Duration::MAX.millis() { self.now } else { end };
        is_first.then_some(end)
    }

    /// What socket `place` is used for; `None`: there is no such one.
    pub fn use_of(&self, place: usize) -> Option<Use> {
        self.places.get(place).map(|(r#use, _)| *r#use)
    }

    /// How many sockets are used like this.
    pub fn count(&self, r#use: Use) -> usize {
        count(self.places.iter().filter(|(theirs, _)| *theirs == r#use))
    }
}

/// How many items there are. The iterators' own `count` can panic, by what the compiler sees.
fn count(items: impl Iterator) -> usize {
    items.fold(0, |n, _| n.saturating_add(1))
}
