//! embassy-time's clock, as `ws-core` wants to be told it.

use embassy_time::{Instant, Timer};

/// Now.
pub(crate) fn now() -> ws_core::Instant {
    ws_core::Instant::from_millis(Instant::now().as_millis())
}

/// A length of time, in the other crate's type.
pub(crate) const fn duration(time: ws_core::Duration) -> embassy_time::Duration {
    embassy_time::Duration::from_millis(time.millis() as u64)
}

/// Waits until `moment`; for ever if there is none.
pub(crate) fn until(moment: Option<ws_core::Instant>) -> Timer {
    match moment {
        Some(moment) => Timer::after(duration(moment.since(now()))),
        None => Timer::at(Instant::MAX),
    }
}
