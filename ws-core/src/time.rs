//! Time as an argument: [`Instant`], a millisecond tick that may wrap, and [`Duration`].
//!
//! The core has no clock. Whoever drives it says what time it is, in milliseconds since any fixed moment, and
//! never backwards. 32 bits are kept, so a microcontroller's tick serves as it is; comparisons survive the
//! wrap after 49.7 days, as long as the two moments compared lie less than 24.8 days apart.

/// A moment: milliseconds since any fixed moment, modulo 2³².
///
/// Moments are compared with [`has_reached`](Self::has_reached), which survives the wrap; there is no `Ord`, because
/// a tick that wraps has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Hash))]
pub struct Instant(u32);

impl Instant {
    /// The moment `millis` milliseconds after the fixed moment. A 32-bit tick can be handed over as it is.
    pub const fn from_millis(millis: u64) -> Self {
        Self((millis & 0xffff_ffff) as u32)
    }

    /// The tick: milliseconds, modulo 2³².
    pub const fn millis(self) -> u32 {
        self.0
    }

    /// This moment and `delay`.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        Self(self.0.wrapping_add(delay.0))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        let ticks = self.0.wrapping_sub(earlier.0);
        Duration(if ticks > Duration::MAX.0 { 0 } else { ticks })
    }

    /// This moment is `moment` or after it.
    pub const fn has_reached(self, moment: Self) -> bool {
        self.0.wrapping_sub(moment.0) <= Duration::MAX.0
    }
}

/// A length of time in milliseconds, at most 24.8 days; longer ones are cut to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(test, derive(Hash))]
pub struct Duration(u32);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// 2³¹ - 1 milliseconds.
    pub const MAX: Self = Self(0x7fff_ffff);

    /// `millis` milliseconds.
    pub const fn from_millis(millis: u32) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// `secs` seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// Milliseconds.
    pub const fn millis(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_wraps_without_notice() {
        let before = Instant::from_millis(u64::from(u32::MAX) - 9);
        let after = before.after(Duration::from_millis(25));
        assert_eq!(after.millis(), 15);
        assert!(after.has_reached(before));
        assert!(!before.has_reached(after));
        assert_eq!(after.since(before), Duration::from_millis(25));
        assert_eq!(before.since(after), Duration::ZERO);
        assert_eq!(before.after(Duration::MAX).since(before), Duration::MAX);
    }

    #[test]
    fn durations_are_cut() {
        assert_eq!(Duration::from_secs(u32::MAX), Duration::MAX);
    }
}
