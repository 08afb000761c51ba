//! How far a listener has come: [`Cursor`], made of the numbers of events, [`Seq`].

use crate::bytes::ascii::split_text_once;
use core::fmt;

/// The number of an event or of a message. It counts up by one and wraps; two of them are compared by
/// [`is_after`](Self::is_after), which holds as long as they lie less than 2³¹ apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Seq(u32);

impl Seq {
    /// The number `number`.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The number in front of this one.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// How many steps lead from `earlier` to this one, around the wrap if need be.
    pub const fn steps_from(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// This number comes later than `other`.
    pub const fn is_after(self, other: Self) -> bool {
        matches!(self.steps_from(other), 1..=0x7fff_ffff)
    }

    /// Reads a number in decimal digits; `None`: something else, or one of 2³² and above.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 10 {
            return None;
        }
        let number = text.bytes().try_fold(0u32, |number, digit| {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
            number.checked_mul(10)?.checked_add(digit.into())
        });
        number.map(Self)
    }
}

/// The last events that a listener was given: of those for all, and of those for its session alone.
///
/// It is what `id:` and `"id"` say behind each event, and what a client says back, in `Last-Event-ID` or `since=`, to go on
/// behind it. Its text is `17`, or `17.4` when events of the session came too.
///
/// ```
/// use ws_core::transport::{Cursor, Seq};
/// let cursor = Cursor::parse("17.4").expect("one");
/// assert_eq!((cursor.shared, cursor.own), (Seq::new(17), Seq::new(4)));
/// assert_eq!(cursor.to_string(), "17.4");
/// assert_eq!(Cursor::parse("17.4\r\n"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    /// The last event of those for all.
    pub shared: Seq,
    /// The last event of the session's own; 0 where there was none.
    pub own: Seq,
}

impl Cursor {
    /// Reads `17` or `17.4`; `None`: it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (shared, own) = match split_text_once(text, b'.') {
            Some((shared, own)) => (shared, Seq::parse(own)?),
            None => (text, Seq::default()),
        };
        Some(Self { shared: Seq::parse(shared)?, own })
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)?;
        if self.own == Seq::default() { Ok(()) } else { write!(f, ".{}", self.own) }
    }
}
