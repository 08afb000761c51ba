//! What the application asks of a board: the LED, which the radio chip switches, and the temperature of the RP2040's own
//! sensor.

use device::Board;
use embassy_rp::adc::{Adc, Async, Channel};

/// Samples in one reading: a step of the converter is half a degree, and its noise makes the average finer.
const SAMPLES: u32 = 64;

pub(crate) struct PicoW {
    adc: Adc<'static, Async>,
    sensor: Channel<'static>,
    last: i32,
}

impl PicoW {
    pub(crate) fn new(adc: Adc<'static, Async>, sensor: Channel<'static>) -> Self {
        Self { adc, sensor, last: 0 }
    }
}

impl Board for PicoW {
    async fn set_led(&mut self, on: bool) {
        crate::wifi::LED.signal(on);
    }

    async fn temperature(&mut self) -> i32 {
        let mut sum = 0;
        let mut good = 0;
        for _ in 0..SAMPLES {
            // The converter may fail to decide a bit; such a sample says nothing.
            if let Ok(sample) = self.adc.read(&mut self.sensor).await {
                sum += u32::from(sample);
                good += 1;
            }
        }
        if good > 0 {
            self.last = celsius(sum, good);
        }
        self.last
    }
}

/// RP2040 datasheet 4.9.5: 27 degrees at 0.706 V, 1.721 mV less for each degree more; 4096 steps of 3.3 V. In hundredths
/// of a degree.
fn celsius(sum: u32, samples: u32) -> i32 {
    let microvolts = u64::from(sum) * 3_300_000 / (4096 * u64::from(samples));
    // At most 3,300,000: it fits.
    2700 - (microvolts as i32 - 706_000) * 100 / 1721
}
