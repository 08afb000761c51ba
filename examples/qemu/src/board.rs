//! What the emulated machines have not got: an LED, which is a line in the log, and a thermometer, which is made up.

use crate::log::log;
use embassy_time::Instant;

/// A board with an LED and a thermometer.
pub(crate) struct Board {
    led: bool,
}

impl Board {
    pub(crate) const fn new() -> Self {
        Self { led: false }
    }
}

impl device::Board for Board {
    async fn set_led(&mut self, on: bool) {
        if self.led != on {
            self.led = on;
            log!("LED {}", if on { "on" } else { "off" });
        }
    }

    /// Up from 20.00 to 26.00 °C in a minute, and down again in another.
    async fn temperature(&mut self) -> i32 {
        let phase = (Instant::now().as_millis() / 100 % 1200) as i32;
        2000 + phase.min(1200 - phase)
    }
}
