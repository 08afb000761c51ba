//! How long to wait before connecting again: [`Backoff`]. Nothing waits here.

use embassy_time::Duration;
use ws_core::Entropy;

/// Waits that double, up to a longest one, and of which a random part is taken (full jitter): so that many devices which lost
/// the same server do not come back all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Backoff {
    /// The first wait is anything up to this.
    pub first: Duration,
    /// No wait is longer, unless the server asks for it.
    pub max: Duration,
    /// Behind a connection that lasted for this long, the waits begin anew.
    pub steady: Duration,
}

impl Backoff {
    /// 1 s, doubled up to 60 s; begun anew behind a connection of a minute.
    pub const DEFAULT: Self =
        Self { first: Duration::from_secs(1), max: Duration::from_secs(60), steady: Duration::from_secs(60) };

    /// How long to wait behind so many `failures`.
    pub(super) fn delay(&self, failures: u32, entropy: &mut impl Entropy) -> Duration {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes);
        // The part of the span that the random number is of 2^32; a span has fewer milliseconds than that.
        let span = self.span(failures).as_millis().min(u32::MAX.into());
        Duration::from_millis(span.saturating_mul(u32::from_le_bytes(bytes).into()) >> 32)
    }

    /// What the wait is a random part of.
    fn span(&self, failures: u32) -> Duration {
        let doubled = self.first.as_millis().saturating_mul(1u64.checked_shl(failures).unwrap_or(u64::MAX));
        Duration::from_millis(doubled.min(self.max.as_millis()))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u32);

    impl Entropy for Fixed {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.to_le_bytes());
        }
    }

    #[test]
    fn spans_double_up_to_the_longest() {
        let spans = |failures| Backoff::DEFAULT.span(failures).as_millis();
        assert_eq!(
            [0, 1, 2, 5, 6, 7, 63, 64, u32::MAX].map(spans),
            [1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000, 60_000, 60_000]
        );
        let none = Backoff { first: Duration::MIN, ..Backoff::DEFAULT };
        assert_eq!(none.delay(9, &mut Fixed(u32::MAX)), Duration::MIN);
        let long = Backoff { first: Duration::MAX, max: Duration::MAX, ..Backoff::DEFAULT };
        assert_eq!(long.delay(9, &mut Fixed(u32::MAX)).as_millis(), u64::from(u32::MAX) - 1, "49 days");
    }

    #[test]
    fn a_delay_is_any_part_of_its_span() {
        let delay = |random| Backoff::DEFAULT.delay(2, &mut Fixed(random)).as_millis();
        assert_eq!([0, 1 << 30, 1 << 31, u32::MAX].map(delay), [0, 1000, 2000, 3999]);
    }
}
