//! What time it is, in the core's words.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Counts milliseconds from its making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The clock of all connections that share something: sessions live longer than these.
    pub(crate) fn shared() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        Self(*START.get_or_init(Instant::now))
    }

    pub(crate) fn now(&self) -> ws_core::Instant {
        let millis = self.0.elapsed().as_millis();
        ws_core::Instant::from_millis(u64::try_from(millis).unwrap_or_default())
    }

    /// How long to wait for `moment`: at least a millisecond, so that a timeout of a socket is never "none", and one
    /// more, so that the moment has come when it ends.
    pub(crate) fn until(&self, moment: ws_core::Instant) -> Duration {
        Duration::from_millis(u64::from(moment.since(self.now()).millis()).saturating_add(1))
    }
}

/// One moment by which all of something has to be done, or never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

/// The deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

impl Deadline {
    /// `time` from now. Never, if `time` is zero or longer than the clock counts.
    pub(crate) fn within(time: Duration) -> Self {
        Self(if time.is_zero() { None } else { Instant::now().checked_add(time) })
    }

    /// What is left; `None`: there is no end to it.
    pub(crate) fn left(&self) -> Result<Option<Duration>, Late> {
        match self.0 {
            Some(moment) => {
                let left = moment.checked_duration_since(Instant::now());
                left.filter(|left| !left.is_zero()).map(Some).ok_or(Late)
            }
            None => Ok(None),
        }
    }

    /// The earlier of this one and `time` from now.
    pub(crate) fn or_within(self, time: Duration) -> Self {
        Self([self.0, Self::within(time).0].into_iter().flatten().min())
    }
}

#[cfg(all(test, target_os = "linux"))] // elsewhere a moment before the start of the machine may not exist
mod tests {
    use super::*;

    /// The core's tick has 32 bits.
    #[test]
    fn a_moment_across_the_wrap_of_the_tick_is_as_far_away_as_any_other() {
        let ten = Duration::from_secs(10);
        let start = Instant::now().checked_sub(Duration::from_millis(1 << 32) - ten).expect("a moment");
        let clock = Clock(start);
        let before = clock.now();
        let moment = before.after(ws_core::Duration::from_secs(3600));
        assert!(moment.millis() < before.millis(), "it lies across");
        let wait = clock.until(moment);
        assert!(wait > ten && wait <= Duration::from_secs(3601), "{wait:?}");
    }
}
