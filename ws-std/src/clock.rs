//! What time it is, in the core's words.

use std::time::{Duration, Instant};

/// Counts milliseconds from its making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
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

/// One moment by which all of something has to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn within(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now))
    }

    /// What is left; `None`: nothing.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// The earlier of this one and `time` from now.
    pub(crate) fn or_within(self, time: Duration) -> Self {
        Self(self.0.min(Self::within(time).0))
    }
}
